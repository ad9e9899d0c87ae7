"""The watch over the feeds: how old the newest value is, of a patient, of an analyte, of a source, of the whole ward.

Of one patient an analyte is watched where it came regularly, as from a monitor; a source only where it is a feed.

A feed is as old as what it brings was measured, not when it came: a replay of old values makes nothing seen again. It
is silent after some times its usual gap, never sooner than a few minutes, never later than its setting allows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from threading import Lock

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from leeward.report.words import quantity as spelt
from leeward.ward.alerts.signs import ANALYTE, Basis, Held, Sign
from leeward.ward.alerts.words import Spelling
from leeward.ward.fhir.settings import fhir_settings
from leeward.ward.hl7.senders import listening
from leeward.ward.look import Look
from leeward.ward.settings import WardSettings

VITALS = ("body-temperature", "systolic-bp", "heart-rate", "respiratory-rate", "spo2")
"""What every patient's feed brings; laboratory values are watched as checks, by their own schedule."""
SOURCE = "what reached this ward; limits: knowledge/ward.toml, feed"
NO_FEEDS = ("bedside", "csv")
"""Doors at which somebody enters or uploads something now and then."""
Number = Callable[[str, str], float]


class Limits(msgspec.Struct, frozen=True):
    """When a feed is silent, in seconds (section `feed`). regular: gaps, how far one may stray, longest usual one."""

    least_s: float
    most_s: dict[str, float]
    times: float
    of: int
    regular: tuple[int, float, float]

    def after_s(self, measured: Sequence[datetime], setting: str | None) -> float:
        """Seconds of silence that are told, after measurements at these times."""
        most = self.most_s.get(setting or "ward", self.most_s["ward"])
        last = sorted(set(measured))[-self.of - 1 :]
        gaps = [(after - before).total_seconds() for before, after in pairwise(last)]
        usual = median(gaps) if len(gaps) > 1 else most
        return min(most, max(self.least_s, self.times * usual))

    def is_regular(self, measured: Sequence[datetime]) -> bool:
        """Whether the last values came at a steady short interval; one gap that strays ends it until so many are even.

        So an analyte that comes and goes is told once, and not at each gap.
        """
        count, stray, longest_s = self.regular
        last = sorted(set(measured))[-count - 1 :]
        gaps = [(after - before).total_seconds() for before, after in pairwise(last)]
        return len(gaps) >= count and median(gaps) <= longest_s and max(gaps) <= stray * median(gaps)


def limits(number: Number) -> Limits:
    """The limits in force."""
    most = {place: number("feed", f"most_{place}_minutes") for place in ("ward", "icu", "home")}
    minute = timedelta(minutes=1).total_seconds()
    return Limits(
        least_s=number("feed", "least_minutes") * minute, most_s={place: held * minute for place, held in most.items()},
        times=number("feed", "times_usual"), of=int(number("feed", "usual_of")),
        regular=(int(number("feed", "regular_gaps")), number("feed", "regular_stray"),
                 number("feed", "regular_most_minutes") * minute),
    )  # fmt: skip


def named(settings: WardSettings) -> frozenset[str]:
    """The sources that are feeds: named in the settings, or sent by HL7 or FHIR. A file that was taken in is none."""
    senders = {sender.source for sender in listening(settings.hl7).senders}
    fhir = fhir_settings(settings.fhir)
    return frozenset(settings.sources) | senders | {fhir.source(""), *fhir.clients.values()} - set(NO_FEEDS)


class Feeds:
    """When each analyte of each patient was last measured, and by which source: a memory that looks fill again."""

    def __init__(self, limits: Limits, sources: Iterable[str]) -> None:
        self._limits, self._sources = limits, frozenset(sources)
        self._measured: dict[str, dict[tuple[str, str], list[datetime]]] = {}
        self._setting: dict[str, str | None] = {}

    def note(self, look: Look) -> None:
        """Learn from one look; a patient's memory is made anew each time."""
        made: dict[tuple[str, str], list[datetime]] = {}
        rows = vitals(look.findings, look.at)
        columns = (rows[name].to_pylist() for name in ("quantity", "source", "measured_at"))
        for quantity, source, at in sorted(zip(*columns, strict=True), key=lambda row: row[2]):
            made.setdefault((quantity, source or ""), []).append(at)
        kept = self._limits.of + 1
        self._measured[look.patient] = {key: sorted(set(times))[-kept:] for key, times in made.items()}
        self._setting[look.patient] = look.watched.setting

    def forget(self, present: Iterable[str]) -> None:
        """Remember only who is present."""
        here = set(present)
        for gone in [patient for patient in self._measured if patient not in here]:
            self._measured.pop(gone)
            self._setting.pop(gone, None)

    def patient(self, name: str, now: datetime, held: Sequence[Held], words: Spelling) -> list[Sign]:
        """The feed of one patient as signs, where it is silent: all of it, or an analyte that came regularly."""
        said = ("No vital signs received", "the grade shown rests on older values")
        setting, times = self._setting.get(name), self._times(patient=name)
        made = self._silence("silent/patient", times, setting, now, said, VITALS, held, words)
        whole, told = bool(made), {one.about for one in held}
        for quantity in sorted({quantity for quantity, _ in self._measured.get(name, ())}):
            about, times = f"{ANALYTE}{quantity}", self._times(patient=name, quantity=quantity)
            if about in told or (not whole and self._limits.is_regular(times)):
                said = (f"No {spelt(quantity).name} received", "other vital signs still come")
                made += self._silence(about, times, setting, now, said, (quantity,), held, words)
        return made

    def ward(self, now: datetime, held: Sequence[Held], words: Spelling) -> list[Sign]:
        """The feeds of the ward as signs: everything, each source that is a feed, each analyte ever received."""
        keys = {key for by in self._measured.values() for key in by}
        asked: list[tuple[str, str, list[datetime], tuple[str, ...]]] = [
            ("silent/all", "Nothing received of any patient", self._times(), ("*",))
        ]
        for source in sorted({source for _, source in keys} & self._sources):
            head = f"Nothing received from source {source}"
            asked.append((f"silent/source/{source}", head, self._times(source=source), ()))
        for quantity in sorted({quantity for quantity, _ in keys}):
            head = f"No {spelt(quantity).name} received of any patient"
            asked.append((f"{ANALYTE}{quantity}", head, self._times(quantity=quantity), (quantity,)))
        rest = "grades rest on older values"
        made = [
            self._silence(about, times, None, now, (head, rest), covers, held, words)
            for about, head, times, covers in asked
        ]
        return [sign for some in made for sign in some]

    def _times(
        self, *, patient: str | None = None, quantity: str | None = None, source: str | None = None
    ) -> list[datetime]:
        """When what is asked for was measured."""
        return [
            at
            for who, by in self._measured.items()
            if patient in (None, who)
            for (what, whence), times in by.items()
            if quantity in (None, what) and source in (None, whence)
            for at in times
        ]

    def _silence(
        self, about: str, times: list[datetime], setting: str | None, now: datetime, said: tuple[str, str],
        covers: tuple[str, ...], held: Sequence[Held], words: Spelling,
    ) -> list[Sign]:  # fmt: skip
        """A feed that is silent now, or was told to be and has brought nothing newer since."""
        if not times:
            return []
        last = max(times)
        age_s = (now - last).total_seconds()
        told = [basis.at for one in held if one.about == about for basis in one.because]
        if age_s < self._limits.after_s(times, setting) and not (told and last <= max(told)):
            return []
        head = f"{said[0]} since {words.time(last)}"
        because = (Basis(quantity="newest value", at=last),)
        return [Sign(about=about, kind="feed-silent", at_least=1, at_most=1, since=last,
                     says=words.text(head, [said[1]]), because=because, missing=covers,
                     covers=frozenset(covers), source=SOURCE)]  # fmt: skip


def vitals(findings: pa.Table, at: datetime) -> pa.Table:
    """The vital signs of a record up to a moment; what was taken back still shows that somebody measured."""
    wanted = pc.is_in(findings["quantity"], pa.array(VITALS))
    measured = findings["measured_at"]
    return findings.filter(pc.and_(wanted, pc.less_equal(measured, pa.scalar(at, measured.type))))


class Arriving:
    """Tells a backlog from the stream: many values within a short time that are late when they come."""

    def __init__(self, number: Number) -> None:
        self._number = number
        self._late: deque[tuple[datetime, int]] = deque()
        self._turn = Lock()

    def is_backlog(self, findings: pa.Table, received_at: datetime) -> bool:
        """Whether an arrival belongs to a backlog: most of it is late, and so is much else of the last while."""
        before = received_at - timedelta(minutes=self._number("alerts", "catch_up_minutes"))
        measured = findings["measured_at"]
        late = pc.sum(pc.less(measured, pa.scalar(before, measured.type))).as_py() or 0
        if late * 2 <= findings.num_rows:
            return False
        since = received_at - timedelta(seconds=self._number("alerts", "catch_up_within_s"))
        with self._turn:
            self._late.append((received_at, late))
            while self._late[0][0] < since:
                self._late.popleft()
            return sum(count for _, count in self._late) >= self._number("alerts", "catch_up_values")


def backlog(looks: Sequence[Look], words: Spelling) -> list[Sign]:
    """The one notice of a backlog; none where nothing of it is among these looks."""
    silent = [look for look in looks if look.silent]
    times = [at for look in silent for at in vitals(look.findings, look.at)["measured_at"].to_pylist()]
    if not silent:
        return []
    patients = "1 patient" if len(silent) == 1 else f"{len(silent)} patients"
    head = f"Late values of {patients} received and graded silently"
    rest = [f"measured from {words.time(min(times))} to {words.time(max(times))}"] if times else []
    because = (Basis(quantity="newest value", at=max(times)),) if times else ()
    return [Sign(about="backlog", kind="backlog", at_least=1, at_most=1, says=words.text(head, rest), because=because,
                 missing=("what was known in time",), source="what reached this ward")]  # fmt: skip
