"""Step-up doses on dates: days are the calendar's, hours the clock's, and a gap is counted in days of the calendar.

A clock change moves no dose: the day after at the same time of day is 23 or 25 hours later. 48 hours are 48 hours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import msgspec

from leeward.knowledge.loader import Evidence
from leeward.knowledge.therapies import Dose, Schedule, Therapy, schedules
from leeward.plan.around import Gap, Unread, gaps

_WHEN = re.compile(r"(?:C(?P<cycle>\d+))?[dD](?P<day>\d+)(?:-(?P<last>\d+))?")


class Start(msgspec.Struct, frozen=True):
    """The day of a dose in one zone, and its time of day where one was named."""

    day: date
    zone: tzinfo
    at: time | None = None

    def after_days(self, days: int) -> tuple[date, datetime | None]:
        """The calendar day so much later, and the same time of day on it."""
        try:
            day = self.day + timedelta(days=days)
        except OverflowError:
            raise ValueError(f"{days} days after {self.day} is not on any calendar") from None
        return day, None if self.at is None else datetime.combine(day, self.at, self.zone)

    @property
    def moment(self) -> datetime | None:
        """The instant, where a time was named."""
        return self.after_days(0)[1]

    @property
    def until(self) -> datetime:
        """Up to when findings count as before it: the instant, or the end of the day where only that is known."""
        return self.moment or datetime.combine(self.after_days(1)[0], time(), self.zone)


def real(at: datetime) -> bool:
    """Whether a local time is on the clock at all: in the night of the change an hour is not."""
    return at.astimezone(UTC).astimezone(at.tzinfo).replace(tzinfo=None) == at.replace(tzinfo=None)


def twice(at: datetime) -> bool:
    """Whether a local time is on the clock twice."""
    return real(at) and at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One dose: the label's own day, and the date where there is one. `note` says why there is none."""

    number: int
    when: str
    amount: float
    unit: str
    day: date | None = None
    last_day: date | None = None
    at: datetime | None = None
    note: str | None = None


class StepUp(msgspec.Struct, frozen=True, kw_only=True):
    """One schedule of a label, with its doses on dates."""

    region: str
    for_: str | None = msgspec.field(name="for")
    says: str
    source: str
    evidence: Evidence
    steps: list[Step]


class Position(msgspec.Struct, frozen=True, kw_only=True, rename={"for_": "for"}):
    """Where in its schedule the next dose stands, and what the label says of the days since the last.

    `next`: continue, repeat, restart, back (to `back_to`); None where nothing on file says, or where the label's words
    fit no step. `first`: no dose before it. `for`: the schedule it speaks of, where a label has several.
    """

    given: int
    first: bool
    days_since_last: int | None = None
    next: str | None = None
    back_to: int | None = None
    then_days: int | None = None
    region: str | None = None
    for_: str | None = None
    says: str | None = None
    source: str | None = None
    evidence: Evidence | None = None

    @property
    def step(self) -> int | None:
        """The number of the dose that is next in the schedule, the first being 1; None where it cannot be told."""
        if self.first or self.next == "restart":
            return 1
        return {"continue": self.given + 1, "repeat": self.given, "back": self.back_to}.get(self.next or "")

    def speaks_of(self, line: Schedule) -> bool:
        """Whether it is about a schedule: of its region, and not of another of the label's."""
        return self.region in (None, line.region) and (None in (self.for_, line.for_) or self.for_ == line.for_)


def position(product: Therapy, given: Sequence[date], day: date | None, region: str | None) -> list[Position]:
    """Where the dose of a day stands, by each line that says something; `given`: the days of the doses before it.

    A rule about late doses comes first; where none speaks, the schedule itself does if this is its own day.
    """
    if not given or day is None:
        return [Position(given=len(given), first=not given)]
    days = (day - given[-1]).days
    by_rule = [_said(one, len(given), days) for one in rules(product, region, day) if one.holds(len(given), days)]
    silent = [
        line for line in schedules(product, day)
        if region in (None, line.region) or line.region == "any"
        if not any(one.speaks_of(line) for one in by_rule)
    ]  # fmt: skip
    cycle = _cycle(product)
    in_time = [_in_time(line, len(given), days) for line in silent if _apart(line.doses, len(given), cycle) == days]
    return by_rule + in_time or [Position(given=len(given), first=False, days_since_last=days, says=gaps().no_rule)]


def _said(one: Gap, given: int, days: int) -> Position:
    """What a rule says of the days since the last dose."""
    return Position(
        given=given, first=False, days_since_last=days, next=one.next, back_to=one.step, then_days=one.then_days,
        region=one.region, for_=one.for_, says=one.says, source=one.source, evidence=one.evidence,
    )  # fmt: skip


def _in_time(line: Schedule, given: int, days: int) -> Position:
    """The dose stands on the very day that its schedule names."""
    return Position(
        given=given, first=False, days_since_last=days, next="continue", region=line.region, for_=line.for_,
        says=f"the schedule's own day, {line.doses[given].when}", source=line.source, evidence=line.evidence,
    )  # fmt: skip


def _apart(doses: Sequence[Dose], given: int, cycle_days: int | None) -> int | None:
    """How many days a schedule has between the last dose given and the next; None where it names no such days."""
    if given >= len(doses):
        return None
    before, after = (day_of(doses[place].when, cycle_days) for place in (given - 1, given))
    return None if before is None or after is None else after[0] - before[0]


def rules(product: Therapy, region: str | None, day: date) -> list[Gap]:
    """Every rule about late doses of a product that holds on a day."""
    return [one for one in gaps().gap if one.of(product.inn, region, day)]


def unread(product: Therapy, region: str | None, day: date) -> list[Unread]:
    """What a product's labels are known to say about late doses, unread."""
    return [one for one in gaps().unread if one.of(product.inn, region, day)]


def step_ups(
    product: Therapy, start: Start | None, at: Sequence[Position], region: str | None, today: date
) -> list[StepUp]:
    """The schedules in force, with dates from the step on that the day of `start` stands for; earlier steps have none.

    `today`: the day on which schedules must be in force where there is no `start`.
    """
    day = start.day if start else today
    made = []
    for line in schedules(product, day):
        if region is not None and line.region not in (region, "any"):
            continue
        number, then_days = step_of(line, at)
        steps = dated(line.doses, start, number, _cycle(product), then_days)
        made.append(
            StepUp(region=line.region, for_=line.for_, says=line.says, source=line.source, evidence=line.evidence,
                   steps=steps)
        )  # fmt: skip
    return made


def step_of(line: Schedule, at: Sequence[Position]) -> tuple[int | None, int | None]:
    """Which step of a schedule the day is, and the days to the step after where a rule says; None where two differ."""
    mine = {(one.step, one.then_days) for one in at if one.speaks_of(line)}
    return mine.pop() if len(mine) == 1 else (None, None)


def _cycle(product: Therapy) -> int | None:
    """How many days a cycle of a product has."""
    return next((one.days for one in gaps().cycle if one.product == product.inn), None)


def dated(
    doses: Sequence[Dose], start: Start | None, number: int | None, cycle_days: int | None,
    then_days: int | None = None,
) -> list[Step]:  # fmt: skip
    """Doses on dates, `start` being the day of dose `number`; `then_days`: to the dose after it, where a rule says."""
    days = [day_of(one.when, cycle_days) for one in doses]
    base = days[number - 1] if number is not None and number <= len(days) else None
    if then_days is not None and base is not None and number is not None:
        # The rule names one dose after this; where later ones then stand, nobody says.
        days = [*days[:number], (base[0] + then_days, base[0] + then_days), *[None] * len(doses)]
    return [_step(place, one, days[place], base, start, number) for place, one in enumerate(doses)]


def day_of(when: str, cycle_days: int | None) -> tuple[int, int] | None:
    """The first and last day of a label's `d4`, `C2D1` or `d8-28`, counted through; None where it cannot be counted."""
    found = _WHEN.fullmatch(when)
    if found is None:
        return None
    before = int(found["cycle"] or 1) - 1
    if before and cycle_days is None:
        return None
    first = before * (cycle_days or 0) + int(found["day"])
    return first, first + int(found["last"] or found["day"]) - int(found["day"])


def _step(
    place: int, dose: Dose, days: tuple[int, int] | None, base: tuple[int, int] | None, start: Start | None,
    number: int | None,
) -> Step:  # fmt: skip
    """One dose, with its date or why it has none."""
    step = Step(number=place + 1, when=dose.when, amount=dose.amount, unit=dose.unit)
    if start is None:
        return msgspec.structs.replace(step, note="no date: none was given")
    if number is None:
        return msgspec.structs.replace(step, note="no date: which step this day is cannot be told")
    if place + 1 < number:
        return msgspec.structs.replace(step, note="before this day")
    if base is None:
        return msgspec.structs.replace(step, note="no date: the label's words name no day that can be counted")
    if days is None:
        return msgspec.structs.replace(step, note="no date: the label's words name no day that can be counted")
    day, at = start.after_days(days[0] - base[0])
    last = start.after_days(days[1] - base[0])[0] if days[1] > days[0] else None
    note = None
    if at is not None and not real(at):
        at, note = None, "this time of day is not on the clock on that day: the clocks change"
    elif at is not None and twice(at):
        note = "this time of day comes twice on that day: the clocks change; the first is meant"
    return msgspec.structs.replace(step, day=day, last_day=last, at=at, note=note)
