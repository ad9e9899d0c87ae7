"""No sequence of suggestions breaks a source's own limits: an independent count beside the dose code, step by step.

The rules are those of the case tables, drug by drug, and every dose that is shipped, at any age and weight.
The count knows the truth (when and how much); the dose code sees only the record, in which some doses are known only by
their day, or without their amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.cases.test_doses import START_S, rules

from leeward.knowledge.guidelines import DoseRule, guidelines
from leeward.plan.doses import Dosed, dosed
from leeward.plan.patient import Given, Patient

HOUR, DAY = 3600, 86_400
WEIGHTS = (2.0, 11.9, 29.9, 30.0, 30.1, 69.94, 70.0, 99.9, 100.0, 100.1, 250.0)
WAITS = [hours * HOUR + second for hours in (2, 4, 6, 8, 12, 24) for second in (-1, 0, 1)] + [1, 900, 2 * DAY, 5 * DAY]
AGES = (0.0, 1.99, 2.0, 11.99, 12.0, 17.99, 18.0, 64.9, 65.0, 90.0)
AMOUNTS = (60.0, 125.0, 250.0, 500.0, 650.0, 1000.0)


@dataclass(frozen=True)
class Happened:
    """What really happened: a dose, and what the record tells of it."""

    at: int
    amount: float
    record: Given


@cache
def of_drug(drug: str) -> tuple[tuple[str, DoseRule], ...]:
    """The rules of the case tables for a drug."""
    return tuple((name, made) for name, made in rules().items() if made.drug == drug)


@cache
def shipped(drug: str) -> tuple[tuple[str, DoseRule], ...]:
    """Every shipped dose of a drug."""
    named = [(f"{file.id} {name}", made) for file in guidelines() for name, made in file.doses.items()]
    return tuple((name, made) for name, made in named if made.drug == drug)


SHIPPED = sorted({made.drug for file in guidelines() for made in file.doses.values()})


def too_soon_to_tell(limits: DoseRule, day: list[tuple[int, float]]) -> bool:
    """A dose within the day, and a source that says neither how far apart, nor how many, nor at what rate."""
    silent = limits.apart_hours is None and limits.interval_hours is None and not limits.steps
    return bool(day) and silent and (limits.in_episode or 1) == 1 and not limits.unit.endswith("/min")


def other_schedule(limits: DoseRule, before: list[tuple[int, float]]) -> bool:
    """Before the plan's first dose at least four fifths of its day's amount within a day; from it on, more than 6/5."""
    first = limits.steps[0]
    daily = first.amount * 24 / first.interval_hours
    mine = [(then, much) for then, much in before if then >= START_S - DAY]
    begun = next((place for place, (_, much) in enumerate(mine) if much == first.amount), len(mine))

    def most(doses: list[tuple[int, float]], span: float) -> float:
        return max((sum(much for at, much in doses if then <= at < then + span) for then, _ in doses), default=0)

    return most(mine[:begun], DAY) >= 0.8 * daily or most(mine[begun:], 0.8 * DAY) > 1.2 * daily


def broken(limits: DoseRule, before: list[tuple[int, float]], at: int, amount: float) -> list[str]:
    """What a dose at a moment would break, counted naively from the true doses before it."""
    found = []
    in_record = 1000 if limits.unit == "g" else 1
    apart = limits.apart_hours if limits.apart_hours is not None else limits.interval_hours
    if apart is not None and any(at < then + apart * HOUR for then, _ in before):
        found.append("apart")
    day = [(then, much) for then, much in before if at - then < DAY]
    if too_soon_to_tell(limits, day):
        found.append("spacing")
    mine = [then for then, _ in before if then >= START_S - DAY]
    if limits.max_days is not None and mine and at >= min(mine) + limits.max_days * DAY:
        found.append("days")
    if limits.in_24_hours is not None and len(day) + 1 > limits.in_24_hours:
        found.append("in 24 hours")
    if limits.in_episode is not None and sum(then - START_S >= -DAY for then, _ in before) + 1 > limits.in_episode:
        found.append("in the episode")
    if limits.in_lifetime is not None and len(before) + 1 > limits.in_lifetime:
        found.append("in a lifetime")
    if limits.at_most_in_24_hours is not None:
        total = sum(much for _, much in day) + amount * in_record
        if total > limits.at_most_in_24_hours * in_record + 1e-6:
            found.append("amount in 24 hours")
    return found


def in_plan(limits: DoseRule, before: list[tuple[int, float]], at: int) -> tuple[float | None, bool]:
    """What a plan has at a moment (None: nothing any more), and whether the last dose is far enough away."""
    begun = None
    for place, (then, much) in enumerate(before):
        down = begun is not None and any(
            amount in [step.amount for step in limits.steps[1:]] and begun < since < then
            for since, amount in before[:place]
        )
        if much == limits.steps[0].amount and (begun is None or down):
            begun = then

    def step_at(moment: int) -> tuple[float | None, float]:
        left = moment - (at if begun is None else begun)
        for step in limits.steps:
            if step.days is None or left < step.days * DAY:
                return step.amount, step.interval_hours
            left -= int(step.days * DAY)
        return None, limits.steps[-1].interval_hours

    if not before:
        return step_at(at)[0], True
    last = before[-1][0]
    interval = limits.steps[0].interval_hours if begun is None or last < begun else step_at(last)[1]
    return step_at(at)[0], at >= last + interval * HOUR


class Bedside(RuleBasedStateMachine):
    """Asking, giving what is suggested, doses by others, and time; one drug, and every rule for it."""

    drug: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.now = START_S
        self.given: list[Happened] = []
        self.weight = 70.0
        self.ages = (17.0, 17.5)

    def named(self) -> tuple[tuple[str, DoseRule], ...]:
        """The rules that are asked, by name."""
        return of_drug(self.drug)

    @initialize(weight=st.one_of(st.sampled_from(WEIGHTS), st.floats(2, 250)))
    def arrive(self, weight: float) -> None:
        """A patient of any weight."""
        self.weight = weight

    @property
    def truth(self) -> list[tuple[int, float]]:
        """What was really given, in order."""
        return sorted((one.at, one.amount) for one in self.given)

    def patient(self, at: int) -> Patient:
        """What the record tells at a moment."""
        return Patient(
            as_of_s=at, dose_s=START_S, weight_kg=self.weight, weight_at_s=at, height_cm=170,
            age_low=self.ages[0], age_high=self.ages[1],
            given={self.drug: tuple(one.record for one in self.given)},
        )  # fmt: skip

    def answer(self, name: str, at: int) -> Dosed:
        """What a rule gives at a moment."""
        return dosed(dict(self.named())[name], self.patient(at), name)

    def of_age(self, limits: DoseRule) -> bool:
        """The rule has a dose for this age."""
        low, high = self.ages
        return high >= (limits.min_age_years or 0) and low < (limits.max_age_years or 999)

    @rule(seconds=st.one_of(st.sampled_from(WAITS), st.integers(1, 3 * DAY)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.now += seconds

    @rule(place=st.integers(0, 20), upper=st.booleans())
    def follow(self, place: int, upper: bool) -> None:
        """One source's suggestion is given, where nothing holds it back; it breaks none of that source's limits."""
        name, limits = self.named()[place % len(self.named())]
        told = self.answer(name, self.now)
        if told.blocked is not None:
            return
        assert told.amount is not None
        amount = told.amount_to if upper and told.amount_to is not None else told.amount
        assert broken(limits, self.truth, self.now, amount) == []
        if limits.steps:
            assert in_plan(limits, self.truth, self.now) == (amount, True)
            assert not other_schedule(limits, self.truth)
        much = amount * (1000 if limits.unit == "g" else 1)
        self.given.append(Happened(self.now, much, Given(self.now, None, much, much)))

    @rule(place=st.integers(0, 20))
    def wait_and_follow(self, place: int) -> None:
        """Once the earliest time has come, the dose is free, if nobody gave another."""
        name, _ = self.named()[place % len(self.named())]
        told = self.answer(name, self.now)
        if told.earliest is None or told.missing:
            return
        self.now = told.earliest
        then = self.answer(name, self.now)
        if all(one.record.exact for one in self.given):
            assert (then.blocked, then.amount) == (None, told.amount)
        self.follow(place, upper=False)

    @rule(amount=st.sampled_from(AMOUNTS))
    def other_hands(self, amount: float) -> None:
        """Somebody gives a dose, whatever the sources say."""
        self.given.append(Happened(self.now, amount, Given(self.now, None, amount, amount)))

    @precondition(lambda self: len(self.given) < 12)
    @rule(
        amount=st.sampled_from(AMOUNTS), before=st.integers(0, DAY), after=st.integers(0, DAY), measured=st.booleans()
    )
    def roughly(self, amount: float, before: int, after: int, measured: bool) -> None:
        """A dose of which the record knows only about when, or not how much."""
        known = amount if measured else None
        record = Given(self.now - before, self.now + after, known, known)
        self.given.append(Happened(self.now, amount, record))

    @invariant()
    def reasons_and_limits(self) -> None:
        """A withheld dose names its reason; amounts stay under the cap; nothing left is never less than nothing."""
        for name, limits in self.named():
            told = self.answer(name, self.now)
            if not self.of_age(limits):
                assert told.amount is None, told
                assert told.earliest is None, told
                assert "no dose for this age was read in" in (told.blocked or ""), told
            assert (told.blocked is None) == (told.amount is not None and told.earliest == self.now), told
            assert told.blocked is None or told.blocked.strip(), told
            assert told.earliest is None or told.earliest >= self.now, told
            if told.amount is not None:
                assert 0 < told.amount <= (limits.at_most or 1e9), told
                assert told.amount < (told.amount_to or 1e9), told
                assert (told.amount_to or 0) <= (limits.at_most or 1e9), told
            assert told.remaining_doses is None or told.remaining_doses >= 0, told
            assert told.remaining_in_24_hours is None or told.remaining_in_24_hours >= 0, told

    @invariant()
    def withheld_rightly(self) -> None:
        """Where every dose is exactly known, a source is held back only by what it would break, and no longer."""
        if not all(one.record.exact and one.record.measured for one in self.given):
            return
        for name, limits in self.named():
            told = self.answer(name, self.now)
            amount = 0.0 if told.amount is None else told.amount
            if limits.steps or name == "Too much" or not self.of_age(limits):
                continue
            now = broken(limits, self.truth, self.now, amount)
            assert bool(now) == (told.blocked is not None), (told, now)
            if told.earliest is not None:
                assert broken(limits, self.truth, told.earliest, amount) == [], told
                assert told.earliest == self.now or broken(limits, self.truth, told.earliest - 1, amount) != [], told


class Sources(Bedside):
    """Every shipped dose of a drug that is drawn, at any age from birth to 90 years."""

    drug = SHIPPED[0]

    def named(self) -> tuple[tuple[str, DoseRule], ...]:
        """The doses of every source."""
        return shipped(self.drug)

    @initialize(drug=st.sampled_from(SHIPPED), age=st.one_of(st.sampled_from(AGES), st.floats(0, 90)))
    def of_drug_and_age(self, drug: str, age: float) -> None:
        """A drug, and a patient of any age."""
        self.drug = drug  # type: ignore[misc]
        self.ages = (age, age)


def machine(drug: str) -> Any:
    """The bedside of one drug as a test."""
    made: Any = type(f"Bedside{drug.title()}", (Bedside,), {"drug": drug}).TestCase  # type: ignore[attr-defined]
    made.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
    return made


TestTocilizumab = machine("tocilizumab")
TestSiltuximab = machine("siltuximab")
TestDexamethasone = machine("dexamethasone")
TestMethylprednisolone = machine("methylprednisolone")
TestParacetamol = machine("acetaminophen")


TestSources: Any = Sources.TestCase
TestSources.settings = settings(max_examples=150, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("drug", SHIPPED)
@given(
    weight=st.one_of(st.sampled_from(WEIGHTS), st.floats(2, 250)),
    age=st.one_of(st.sampled_from(AGES), st.floats(0, 90)),
)
@settings(max_examples=25)
def test_every_shipped_dose_at_any_age_and_weight(drug: str, weight: float, age: float) -> None:
    """Without any dose before, a source is silent only about an age that it does not have, and never passes its cap."""
    asked = Patient(as_of_s=START_S, dose_s=START_S, weight_kg=weight, weight_at_s=START_S, age_low=age, age_high=age,
                    height_cm=170, given={drug: ()})  # fmt: skip
    for name, limits in shipped(drug):
        told = dosed(limits, asked, name)
        fits = (limits.min_age_years or 0) <= age < (limits.max_age_years or 999)
        assert (told.blocked is None) is fits, (name, told)
        assert (told.amount is not None) is fits, (name, told)
        if told.amount is not None:
            assert 0 < told.amount <= (told.amount_to or told.amount) <= (limits.at_most or 1e9), (name, told)
