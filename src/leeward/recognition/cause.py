"""Which of a patient's treatments could cause an episode, and whether its onset fits what was published of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Literal, Protocol

import msgspec

from leeward.knowledge import Evidence, load, weakest
from leeward.knowledge.definition import Decision, decided
from leeward.knowledge.loader import strongest
from leeward.knowledge.therapies import Note, Population, Spread, Therapy, catalogue, notes, of, populations

Timing = Literal["inside", "early", "late", "unknown"]
"""An onset against published onsets; unknown where none is published, or where there is no episode."""

ORDER: tuple[Timing, ...] = ("inside", "unknown", "late", "early")
LENGTH = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "wk": timedelta(weeks=1)}
WORDS = {"min": "min", "h": "h", "d": "d", "wk": "weeks"}


class Given(Protocol):
    """One dose on record."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102


class Begun(Protocol):
    """One episode on record."""

    @property
    def syndrome(self) -> str: ...  # noqa: D102
    @property
    def onset(self) -> datetime: ...  # noqa: D102


class Course(Protocol):
    """What is needed of a patient's course; a graded answer has it."""

    @property
    def triggers(self) -> Sequence[Given]: ...  # noqa: D102
    @property
    def episodes(self) -> Sequence[Begun]: ...  # noqa: D102


class Published(msgspec.Struct, frozen=True):
    """What one publication reports, and how the onset fits its population alone."""

    population: Population
    timing: Timing


class Window(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """When, after this dose, onsets were published: from the earliest to the latest."""

    since: datetime
    until: datetime


class Cause(msgspec.Struct, frozen=True):
    """One possible cause of one episode (`onset`; null where the record holds none).

    `timing` compares the onset with what was published of this therapy, `why` says it in words, `evidence` is how the
    onset it rests on is known. A `condition` is a cause that nobody gave.
    """

    onset: datetime | None
    name: str
    kind: str
    klass: str | None = msgspec.field(name="class")
    dose: datetime | None
    since_hours: float | None
    timing: Timing
    why: str
    evidence: Evidence | None
    window: Window | None
    published: list[Published]
    notes: list[Note]


class _Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """recognition/timing.toml."""

    id: str
    title: str
    evidence: Evidence
    decisions: list[Decision]


@cache
def _longest_unit() -> timedelta:
    """How far outside a printed bound an onset may lie at most and still be what was printed."""
    file: _Timing = load("recognition/timing", _Timing)
    return decided(file.decisions, "whole-units") * LENGTH["d"]


def causes(course: Course) -> list[Cause]:
    """For each CRS episode, or for the record where there is none: every treatment on record, then what nobody gave.

    Treatments come in order of timing (inside, unknown, late, early) and then the most recent dose first.
    """
    onsets = sorted({episode.onset for episode in course.episodes if episode.syndrome == "crs"})
    return [cause for onset in onsets or (None,) for cause in _of_one(onset, course.triggers)]


def _of_one(onset: datetime | None, given: Sequence[Given]) -> list[Cause]:
    """The possible causes of one episode."""
    doses: dict[str, list[datetime]] = {}
    for one in given:
        doses.setdefault(one.name, []).append(one.at)
    found = [_treatment(onset, name, sorted(times)) for name, times in doses.items()]
    found.sort(key=lambda cause: (ORDER.index(cause.timing), _age(cause), cause.name))
    return [*found, *_conditions(onset)]


def _age(cause: Cause) -> float:
    """Orders the most recent dose first."""
    return -cause.dose.timestamp() if cause.dose else 0.0


def _treatment(onset: datetime | None, name: str, doses: list[datetime]) -> Cause:
    """One treatment on record as the cause of an episode."""
    item = of(name)
    dose = _counted_from(item, onset, doses)
    rows = populations(item) if item else []
    since = None if onset is None else onset - dose
    published = [Published(row, "unknown" if since is None else fit(since, row.onset)) for row in rows]
    timing, why, evidence = _verdict(since, item, published)
    return Cause(
        onset=onset, name=name, kind="treatment", klass=item.klass if item else None, dose=dose,
        since_hours=None if since is None else round(since / LENGTH["h"], 2), timing=timing, why=why, evidence=evidence,
        window=_window(dose, rows), published=published, notes=notes(item) if item else [],
    )  # fmt: skip


def _counted_from(item: Therapy | None, onset: datetime | None, doses: list[datetime]) -> datetime:
    """The dose an onset is counted from: the latest before it or, by the file, the first; else the next after it."""
    before = [dose for dose in doses if onset is None or dose <= onset]
    if not before:
        return doses[0]
    return before[0] if item is not None and item.onset_counted_from == "first dose" else before[-1]


def _conditions(onset: datetime | None) -> Iterator[Cause]:
    """Causes that nobody gives; they stay open at any time."""
    for item in catalogue().values():
        if item.kind == "condition":
            published = [Published(row, "unknown") for row in populations(item)]
            yield Cause(onset, item.inn, "condition", item.klass, None, None, "unknown", "to be considered at any time",
                        item.evidence, None, published, notes(item))  # fmt: skip


def fit(since: timedelta, onset: Spread | None) -> Timing:
    """The time from dose to onset against one published spread; outside the middle half nothing is known."""
    if onset is None or onset.unit is None:
        return "unknown"
    low, high = _bound(onset, "early"), _bound(onset, "late")
    if low is None and high is None:
        return "unknown"
    reach = min(LENGTH[onset.unit], _longest_unit())
    early = low is not None and since < low - reach
    late = high is not None and since >= high + reach
    if onset.spread == "iqr" and (early or late):
        return "unknown"
    return "early" if early else "late" if late else "inside"


def _verdict(
    since: timedelta | None, item: Therapy | None, published: list[Published]
) -> tuple[Timing, str, Evidence | None]:
    """Timing over all populations of a therapy, in words, and how the onsets it rests on are known."""
    if since is None:
        return "unknown", "no CRS episode on record", None
    after = f"onset {length(abs(since))} {'after' if since >= timedelta(0) else 'before'} the dose"
    if item is None:
        return "unknown", f"{after}; the product is not known, so no published onset", None
    for timing in ("inside", "early", "late"):
        rows = [one.population for one in published if one.timing == timing]
        others = [one for one in published if one.timing not in (timing, "unknown")]
        if rows and (timing == "inside" or not others):
            return _said(after, timing, rows)
    if since < timedelta(0):
        return "early", f"{after}: it was given later", None
    return "unknown", f"{after}; {_lacking(published)}", None


def _said(after: str, timing: Timing, rows: list[Population]) -> tuple[Timing, str, Evidence | None]:
    """A verdict that rests on these rows: inside on the best known of them, early or late on all of them."""
    tags = [row.known(row.onset) for row in rows]
    if timing == "inside":
        tag = strongest(tags)
        row = rows[tags.index(tag)]
        return timing, f"{after}, inside the published {spread(row.onset)} ({row.indication})", tag
    sign = 1 if timing == "late" else -1
    row = max(rows, key=lambda row: sign * (_bound(row.onset, timing) or timedelta(0)))
    bound = "latest" if timing == "late" else "earliest"
    side = "after" if timing == "late" else "before"
    return timing, f"{after}, {side} the {bound} published: {spread(row.onset)} ({row.indication})", weakest(tags)


def _bound(onset: Spread | None, side: Timing) -> timedelta | None:
    """The bound that an early or late onset lies beyond."""
    if onset is None or onset.unit is None:
        return None
    number = onset.high if side == "late" else onset.low
    return None if number is None else number * LENGTH[onset.unit]


def _lacking(published: list[Published]) -> str:
    """Why nothing can be said of the timing."""
    spreads = [one.population.onset for one in published if one.population.onset is not None]
    if any(one.timing != "unknown" for one in published):
        return "some published ranges end before it and others begin after it"
    if any(one.spread == "iqr" for one in spreads):
        return f"outside the published middle half, {'; '.join(spread(one) for one in spreads if one.spread == 'iqr')}"
    if any(one.median is not None for one in spreads):
        return f"no range published, only {'; '.join(spread(one) for one in spreads if one.median is not None)}"
    said = [one.text for one in spreads if one.text]
    return f"no range published, only words: {'; '.join(said)}" if said else "no onset published"


def _window(dose: datetime, rows: list[Population]) -> Window | None:
    """When after a dose onsets were published; null where no range was."""
    ranges = [row.onset for row in rows if row.onset is not None and row.onset.spread == "range"]
    lows = [low for one in ranges if (low := _bound(one, "early")) is not None]
    highs = [high for one in ranges if (high := _bound(one, "late")) is not None]
    return Window(dose + min(lows), dose + max(highs)) if lows and highs else None


def spread(onset: Spread | None) -> str:
    """A published onset in words, as printed: `1 to 12 d, median 2 d`."""
    if onset is None:
        return "onset not published"
    unit = WORDS[onset.unit] if onset.unit else ""
    parts = []
    if onset.low is not None and onset.high is not None:
        parts.append(f"{'quartiles ' if onset.spread == 'iqr' else ''}{onset.low:g} to {onset.high:g} {unit}")
    if onset.median is not None:
        parts.append(f"median {onset.median:g} {unit}")
    return ", ".join(parts) or onset.text or "onset not published"


def length(since: timedelta) -> str:
    """A length of time as a ward says it: hours below two days, else days."""
    if since < 2 * LENGTH["h"]:
        return f"{since / LENGTH['min']:.0f} min"
    return f"{since / LENGTH['h']:.0f} h" if since < 2 * LENGTH["d"] else f"{since / LENGTH['d']:.1f} d"
