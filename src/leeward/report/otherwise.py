"""What else it could be and what was corrected, as a page shows them; sources speak, nothing here gives an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from leeward.recognition.features import titles
from leeward.report import words
from leeward.report.answer import Correction
from leeward.report.beside import Beside
from leeward.report.clock import Clock, seconds

_STATES = {"open": "an episode is open", "suspected": "an episode is suspected",
           "settling": "the episode has resolved lately",
           "none": "no episode is open, suspected or recent"}  # fmt: skip


class Look(NamedTuple):
    """One condition: findings for and against it, those that say nothing, and what is not known."""

    title: str
    summary: str
    speaks_for: list[str]
    against: list[str]
    nothing: list[str]
    unknown: list[str]


class Otherwise(NamedTuple):
    """The section; `state` says why it is asked for."""

    state: str
    alarms: list[str]
    looks: list[Look]
    owed: list[str]
    consult: list[str]


def otherwise(beside: Beside, wall: Clock) -> Otherwise | None:
    """The section on what looks like CRS or ICANS; None without an episode and without a state that no grade shows."""
    told = beside.lookalikes
    if told is None or told["state"] not in _STATES or (told["state"] == "none" and not told["alarms"]):
        return None
    return Otherwise(
        _STATES[told["state"]],
        [f"{alarm['title']}: {_finding(alarm['because'], wall)}. {alarm['advice']}" for alarm in told["alarms"]],
        [_look(one, wall) for one in told["lookalikes"]],
        [f"{test['title']} ({'; '.join(by['guideline'] for by in test['asked_by'])})" for test in told["work_up"]],
        list(told["consult"]),
    )


def _look(one: Mapping[str, Any], wall: Clock) -> Look:
    """One condition."""
    for_it, against, nothing = (
        [_finding(finding, wall) for finding in one[key]] for key in ("speaks_for", "speaks_against", "says_nothing")
    )
    unknown = [f"{test['title']}: {test['would_settle']} ({_source(test)})" for test in one["not_known"]]
    return Look(one["title"], one["summary"], for_it, against, nothing, unknown)


def _finding(finding: Mapping[str, Any], wall: Clock) -> str:
    """The reason, the finding behind it with its time, and who says so."""
    held = finding["value"]
    value = f"{held:g}" if isinstance(held, float) else held
    unit = words.unit(finding["unit"])
    named = [titles()[finding["quantity"]][0], value, unit]
    at = wall.moment(seconds(datetime.fromisoformat(finding["at"])))
    shown = " ".join(str(part) for part in named if part not in (None, ""))
    return f"{finding['reason']} ({shown}, {at}; {_source(finding)})"


def _source(said: Mapping[str, Any]) -> str:
    """Who says it, and how we know it."""
    known = words.words().evidence[said["evidence"]]
    return known if said["source"] == "decided here" else f"{said['source']}, {known}"


def corrected(corrections: Sequence[Correction], wall: Clock) -> list[str]:
    """Each corrected value: what stood before, what stands now, and when that was known."""
    return [_corrected(one, wall) for one in corrections]


def _corrected(one: Correction, wall: Clock) -> str:
    """One of them."""
    name = words.quantity(one.quantity).name
    unit = words.unit(one.unit)
    what = f"{name} of {wall.moment(seconds(one.at))}"
    known = f"known {wall.moment(seconds(one.known))}"
    if one.now is None:
        return f"{what}: {one.stood} {unit} was taken back ({known})".replace("  ", " ")
    moved = f", said to be of {wall.moment(seconds(one.was_at))} before" if one.was_at else ""
    return f"{what}: {one.stood} {unit} became {one.stands} {unit}{moved} ({known})".replace("  ", " ")
