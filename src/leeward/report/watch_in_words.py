"""What is due after a dose, in words: overdue first, then due, next, and what may apply; early signs; rules' dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from leeward.plan.early_signs import Told
from leeward.plan.monitoring import Check, Watched
from leeward.report.prepare_in_words import CLOSING, ends, not_understood, spelt

_ORDER = ("overdue", "due", "next", "continuous", "not-asked", "ended")
_NAMED = {
    "not-asked": "asked for without an interval",
    "continuous": "continuous",
    "ended": "the source says no longer",
}


def in_words(one: Watched, zone: tzinfo = UTC) -> str:
    """One patient's schedule as text, times in a zone."""
    if one.refused:
        return "\n".join([f"Patient {one.patient}: {one.refused}", *not_understood(one.not_understood), ""])
    return "\n".join([*_lines(one, zone), "", CLOSING, ""])


def _lines(one: Watched, zone: tzinfo) -> Iterator[str]:
    """Head, checks, rules, signs."""
    several = len({check.product for check in one.checks}) > 1
    yield f"Patient {one.patient}, {one.product} {_at(one.dose_at, zone)}, as of {_at(one.as_of, zone)}"
    grade = "not known" if one.crs_at_least is None else f"{one.crs_at_least} to {one.crs_at_most}"
    yield f"  setting {one.setting or 'not on record'}; CRS {grade} (ASTCT 2019)"
    yield from (f"  {note}" for note in one.notes)
    yield from not_understood(one.not_understood)
    yield "Schedule"
    for check in sorted(one.checks, key=lambda line: (_rank(line.applies), _ORDER.index(line.state))):
        if check.applies is not False:
            yield from (f"  {line}" for line in _check(check, zone, several=several))
    yield "Staying near, watching, driving, by the rules of the day of the dose"
    yield from (f"  {f'{each.product}: ' if several else ''}{ends(each)}" for each in one.stay)
    if not one.stay:
        yield "  nothing is on file for this product on that day"
    yield "Early signs (none of them grades)"
    yield from (f"  {line}" for sign in one.early_signs for line in _sign(sign, zone))


def _rank(applies: bool | None) -> int:
    """What surely applies before what may."""
    return {True: 0, None: 1, False: 2}[applies]


def _check(one: Check, zone: tzinfo, *, several: bool) -> Iterator[str]:
    """One line of the schedule."""
    state = _NAMED.get(one.state) or f"{one.state} {_at(one.next_at, zone)}"
    late = f", {one.overdue_hours:g} h ago" if one.overdue_hours is not None else ""
    perhaps = "may apply: " if one.applies is None else ""
    last = f"last {_at(one.last_at, zone)}" if one.last_at else "never made whole since the dose"
    after = f" after {one.product}" if several else ""
    yield f"{perhaps}{one.title}{after}: {state}{late}; {last}"
    if one.why:
        yield f"    {'; '.join(one.why)}"
    if one.lacking:
        yield f"    not on record since the dose: {', '.join(one.lacking)}"
    yield f"    {one.source} says: {one.says}: {one.reason} ({one.evidence})"


def _sign(one: Told, zone: tzinfo) -> Iterator[str]:
    """One early sign."""
    own = "own and unvalidated" if one.own else one.evidence
    at = f", {_at(one.at, zone)}" if one.at else ""
    yield f"{one.title}: {one.shown}{at} [{own}]"
    numbers = [
        f"{name} {value:g}"
        for name, value in (("baseline", one.baseline), ("before", one.before), ("now", one.value))
        if value is not None
    ]
    if one.slope_per_day is not None:
        numbers.append(f"{one.slope_per_day:+g} a day")
    for said in (", ".join(numbers), "; ".join(one.because), f"{one.source}. {'; '.join(one.notes)}"):
        if said:
            yield f"    {said}"


def _at(at: datetime | None, zone: tzinfo) -> str:
    """A moment in the zone."""
    return "" if at is None else spelt(at.astimezone(zone))
