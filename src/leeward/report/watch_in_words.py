"""What is due after a dose, in words: overdue first, then due, next, and what may apply; early signs; rules' dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from leeward.plan.early_signs import Told
from leeward.plan.monitoring import Check, Watched
from leeward.report import words
from leeward.report.prepare_in_words import CLOSING, ends, not_understood, said_by, spelt

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
    yield f"Patient {one.patient}, {one.product} {at(one.dose_at, zone)}, as of {at(one.as_of, zone)}"
    yield f"  {where(one)}"
    yield from (f"  {note}" for note in one.notes)
    yield from not_understood(one.not_understood)
    yield "Schedule"
    for check in ordered(one):
        yield from (f"  {line}" for line in _check(check, zone, several=several))
    yield "Staying near, watching, driving, by the rules of the day of the dose"
    yield from (f"  {f'{each.product}: ' if several else ''}{ends(each)}" for each in one.stay)
    if not one.stay:
        yield "  nothing is on file for this product on that day"
    yield "Early signs (none of them grades)"
    yield from (f"  {line}" for each in one.early_signs for line in sign(each, zone))


def where(one: Watched) -> str:
    """Setting and grade, on which lines of a schedule hang."""
    grade = "not known" if one.crs_at_least is None else f"{one.crs_at_least} to {one.crs_at_most}"
    return f"setting {one.setting or 'not on record'}; CRS {grade} (ASTCT 2019)"


def ordered(one: Watched) -> list[Check]:
    """The checks that apply or may, what surely applies first, then overdue, due, next and the rest."""
    mine = [check for check in one.checks if check.applies is not False]
    return sorted(mine, key=lambda check: (_rank(check.applies), _ORDER.index(check.state)))


def _rank(applies: bool | None) -> int:
    """What surely applies before what may."""
    return {True: 0, None: 1, False: 2}[applies]


def _check(one: Check, zone: tzinfo, *, several: bool) -> Iterator[str]:
    """One line of the schedule."""
    perhaps = "may apply: " if one.applies is None else ""
    after = f" after {one.product}" if several else ""
    yield f"{perhaps}{one.title}{after}: {state(one, zone)}; {last(one, zone)}"
    if one.why:
        yield f"    {'; '.join(one.why)}"
    if one.lacking:
        yield f"    not on record since the dose: {', '.join(one.lacking)}"
    yield f"    {asked_by(one)}"


def state(one: Check, zone: tzinfo) -> str:
    """Where a check stands, with the moment at which it is next."""
    named = _NAMED.get(one.state) or f"{one.state} {at(one.next_at, zone)}"
    return f"{named}, {one.overdue_hours:g} h ago" if one.overdue_hours is not None else named


def last(one: Check, zone: tzinfo) -> str:
    """When a check was last made whole."""
    return f"last {at(one.last_at, zone)}" if one.last_at else "never made whole since the dose"


def asked_by(one: Check) -> str:
    """Who asks for a check, what they say, and why."""
    return said_by(one.source, f"{one.says}: {one.reason}", one.evidence)


def sign(one: Told, zone: tzinfo) -> Iterator[str]:
    """One early sign."""
    own = "own and unvalidated" if one.own else one.evidence
    since = f", {at(one.at, zone)}" if one.at else ""
    yield f"{one.title}: {one.shown}{since} [{own}]"
    measured = words.unit(one.unit)
    numbers = [
        f"{name} {words.measure(f'{value:g}', measured)}"
        for name, value in (("baseline", one.baseline), ("before", one.before), ("now", one.value))
        if value is not None
    ]
    if one.slope_per_day is not None:
        numbers.append(f"{words.measure(f'{one.slope_per_day:+g}', measured)} a day")
    for said in (", ".join(numbers), "; ".join(one.because), f"{one.source}. {'; '.join(one.notes)}"):
        if said:
            yield f"    {said}"


def at(moment: datetime | None, zone: tzinfo) -> str:
    """A moment in the zone."""
    return "" if moment is None else spelt(moment.astimezone(zone))
