"""Doses that change by plan: where a patient stands in it, and when the next step comes.

A plan begins with the first dose of its first step's amount; a dose of that amount after the plan had gone down begins
it anew. Steps last by the clock, so a late dose does not lengthen them. Where as much as the first step gives in a day
was given by another schedule, the plan neither begins nor goes on: where it stands is not known.
"""

from __future__ import annotations

import math

import msgspec

from leeward.knowledge.guidelines import DoseRule, Step
from leeward.plan.amounts import dosing
from leeward.plan.limits import Dose, Hold, Reading, ago, seconds
from leeward.plan.words import moment, plain
from leeward.timeline.exposures import DAY_S

ELSEWHERE = "another schedule"


class Planned(msgspec.Struct, frozen=True):
    """One step with its dates; `until_s` None: it lasts until what `until` says."""

    amount: float
    interval_hours: float
    from_s: int
    until_s: int | None
    until: str | None


class Standing(msgspec.Struct, frozen=True):
    """Where a patient stands: the step (from 0) that holds when the next dose is due; None: the plan is over."""

    steps: tuple[Planned, ...]
    step: int | None
    due_s: int
    hold: Hold | None

    @property
    def planned(self) -> Planned | None:
        """The step that holds."""
        return None if self.step is None else self.steps[self.step]

    @property
    def planned_amount(self) -> float | None:
        """What that step gives."""
        return None if self.planned is None else self.planned.amount

    @property
    def arithmetic(self) -> str:
        """The step, its day and what follows it, in words."""
        if self.step is None:
            return ""
        now = self.steps[self.step]
        day = (self.due_s - now.from_s) // DAY_S + 1
        if now.until_s is None:
            lasts = f" until {now.until}" if now.until else ""
        else:
            lasts = f" of {plain((now.until_s - now.from_s) / DAY_S)}"
        said = f"step {self.step + 1} of {len(self.steps)}, day {day}{lasts}: {_doses(now)}"
        if self.step + 1 < len(self.steps):
            after = self.steps[self.step + 1]
            said += f"; from {moment(after.from_s)} {_doses(after)}"
        return said


def standing(rule: DoseRule, reading: Reading, not_before_s: int, speaks_as: str) -> Standing:
    """Where a patient stands when the next dose is due, at `not_before_s` or later, at one reading of what was given.

    The interval after a dose is that of the step it belonged to.
    """
    begun_s = _begun(rule.steps, reading)
    last = reading.doses[0] if reading.doses else None
    before = planned(rule.steps, not_before_s if begun_s is None else begun_s)
    place = 0 if last is None else _place(before, last.at_s)
    hours = rule.steps[-1 if place is None else place].interval_hours
    due_s = not_before_s if last is None else max(not_before_s, last.at_s + seconds(hours))
    steps = planned(rule.steps, due_s) if begun_s is None else before
    hold = None
    if last is not None and due_s > not_before_s:
        said = f"{speaks_as} gives {rule.drug} every {plain(hours)} h; the last dose was at"
        hold = Hold("apart", f"{said} {ago(last.at_s, not_before_s)}", due_s)
    elif last is not None and begun_s is not None:
        hold = _stopped(rule, last, hours, not_before_s, speaks_as)
    step = _place(steps, due_s)
    ended_s = steps[-1].until_s
    if step is None and ended_s is not None:
        hold = Hold("plan", f"the plan of {speaks_as} for {rule.drug} ended at {moment(ended_s)}", None)
    return Standing(steps, step, due_s, hold)


def planned(steps: tuple[Step, ...], begun_s: int) -> tuple[Planned, ...]:
    """The steps with their dates."""
    made: list[Planned] = []
    from_s = begun_s
    for step in steps:
        until_s = None if step.days is None else from_s + math.ceil(step.days * DAY_S)
        made.append(Planned(step.amount, step.interval_hours, from_s, until_s, step.until))
        from_s = from_s if until_s is None else until_s
    return tuple(made)


def elsewhere(rule: DoseRule, reading: Reading) -> Hold | None:
    """The amount of the plan's first days came by another schedule, so that nobody can say which step is next.

    Before the plan's first dose: as much in a day as its first step gives. From then on: more than that.
    """
    first, given = rule.steps[0], reading.of_episode[::-1]
    day = first.amount * DAY_S / seconds(first.interval_hours)
    share = dosing().number["another-schedule"].value
    begun = next((place for place, dose in enumerate(given) if math.isclose(dose.amount, first.amount)), len(given))
    before, since = given[:begun], given[begun:]
    reached = any(_sum_from(dose, before, DAY_S) >= day * (1 - share) for dose in before)
    passed = any(_sum_from(dose, since, DAY_S * (1 - share)) > day * (1 + share) for dose in since)
    if not reached and not passed:
        return None
    return Hold(ELSEWHERE, f"{in_all(rule, given)}; where this plan stands is not known", None)


def in_all(rule: DoseRule, given: tuple[Dose, ...]) -> str:
    """How much of the drug some doses were together, earliest first, in words."""
    unknown = sum(math.isinf(dose.amount) for dose in given)
    total = plain(sum(dose.amount for dose in given if not math.isinf(dose.amount)))
    beside = f" ({unknown} of unknown amount beside)" if unknown else ""
    return f"{total} {rule.unit} of {rule.drug} given since {moment(given[0].at_s)}{beside}"


def _sum_from(first: Dose, doses: tuple[Dose, ...], span_s: float) -> float:
    """The amount given from one dose on, within a span."""
    return sum(dose.amount for dose in doses if first.at_s <= dose.at_s < first.at_s + span_s)


def strays(rule: DoseRule, reading: Reading, speaks_as: str) -> list[str]:
    """Doses since the plan began that are not what the plan has at their time."""
    begun_s = _begun(rule.steps, reading)
    if begun_s is None:
        return []
    steps = planned(rule.steps, begun_s)
    said = []
    for dose in reversed(reading.since(begun_s)):
        place = _place(steps, dose.at_s)
        wanted = None if place is None else steps[place].amount
        if wanted is None or not math.isclose(dose.amount, wanted):
            plan = "nothing any more" if wanted is None else f"{plain(wanted)} {rule.unit}"
            given = f"{plain(dose.amount)} {rule.unit} of {rule.drug} at {moment(dose.at_s)}"
            said.append(f"{given}; the plan of {speaks_as}, begun at {moment(begun_s)}, has {plan} there")
    return said


def _begun(steps: tuple[Step, ...], reading: Reading) -> int | None:
    """When the plan began that runs now."""
    begun_s: int | None = None
    lower_s: int | None = None
    for dose in reversed(reading.of_episode):
        if math.isclose(dose.amount, steps[0].amount):
            if begun_s is None or (lower_s is not None and lower_s < dose.at_s):
                begun_s, lower_s = dose.at_s, None
        elif any(math.isclose(dose.amount, step.amount) for step in steps[1:]):
            lower_s = dose.at_s if lower_s is None else lower_s
    return begun_s


def _place(steps: tuple[Planned, ...], at_s: int) -> int | None:
    """The step that holds at a moment; None after the last."""
    return next((place for place, step in enumerate(steps) if step.until_s is None or at_s < step.until_s), None)


def _stopped(rule: DoseRule, last: Dose, hours: float, as_of_s: int, speaks_as: str) -> Hold | None:
    """A plan whose doses ceased: whether it was stopped is not on record, and no source says how to go on."""
    if as_of_s - last.at_s <= seconds(hours * dosing().number["stopped-after"].value):
        return None
    said = f"{speaks_as} gives {rule.drug} every {plain(hours)} h; the last dose on record was at"
    return Hold("stopped", f"{said} {ago(last.at_s, as_of_s)}: whether the plan was stopped is not on record", None)


def _doses(step: Planned) -> str:
    """The amount and how often."""
    return f"{plain(step.amount)} every {plain(step.interval_hours)} h"
