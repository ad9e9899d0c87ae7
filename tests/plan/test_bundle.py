"""The clock of the bundle, and orders: what was ordered and not given is neither given nor forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.plan.bedside import ADULT, FEVER, GIVEN, HYPOTENSION, NORMAL, Charted, of, write

import leeward
from leeward.cohort import guidance
from leeward.cohort.engine import Question
from leeward.plan.bundle import Timed
from leeward.plan.plan import Plan

ASCO = "asco-2021"
SICK = (*ADULT, *HYPOTENSION)
"""Onset at hour 30, hypotension at hour 36."""
FIRST: Charted = (36.0, "ordered", "tocilizumab")
ORDER: Charted = (36.25, "ordered", "tocilizumab")
TOCILIZUMAB: Charted = (36.5, "tocilizumab", 560)
BEFORE: Charted = (36.2, "tocilizumab", 560)

Asked = tuple[tuple[Charted, ...], float]
"""What was charted, and the hour at which the plan is asked for."""
STEPS: dict[str, Asked] = {
    "all": (
        (
            *SICK, (30.5, "blood-culture", "taken"), (31, "urine-culture", "taken"), (31.5, "antibiotic", "cefepime"),
            ORDER, (37, "tocilizumab", 560),
        ),
        37,
    ),
    "none": (SICK, 36),
    "given before the order": ((*SICK, BEFORE, ORDER), 38.25),
    "order of another drug": ((*SICK, (36.25, "ordered", "dexamethasone"), (37, "tocilizumab", 560)), 37),
    "a day before the onset": (
        (
            *ADULT, *FEVER, (6, "blood-culture", "taken"), (5.99, "antibiotic", "meropenem"),
            (5.99, "ordered", "tocilizumab"), (30, "urine-culture", "taken"),
        ),
        33,
    ),
    "no fever": ((*ADULT, *NORMAL, (30, "body-temperature", 36.9)), 30),
}  # fmt: skip
ORDERS: dict[str, tuple[tuple[Charted, ...], float, bool]] = {
    "no order": ((), 36.5, True),
    "ordered": ((ORDER,), 36.5, False),
    "ordered this moment": ((ORDER,), 36.25, False),
    "given after it": ((ORDER, TOCILIZUMAB), 45.0, True),
    "given at its moment": ((ORDER, (36.25, "tocilizumab", 560)), 45.0, True),
    "given before it": ((BEFORE, ORDER), 45.0, False),
    "a dose of nothing after it": ((ORDER, (36.5, "tocilizumab", 0)), 45.0, False),
    "the second order is open": ((FIRST, BEFORE, (45, "ordered", "tocilizumab")), 45.5, False),
    "the second order was carried out": ((FIRST, ORDER, TOCILIZUMAB), 45.0, True),
    "another drug": (((36.25, "ordered", "siltuximab"),), 36.5, True),
    "just below a day old": ((ORDER,), 60.24, False),
    "a day old": ((ORDER,), 60.25, True),
}  # fmt: skip
"""What was charted, the hour, and whether a dose of tocilizumab is worked out."""


def signs(hour: float) -> tuple[Charted, ...]:
    """The pressure is low still."""
    return ((hour, "systolic-bp", 84), (hour, "oxygen-device", "room-air"))


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plan]:
    """The plan of each patient at their moment, in one run."""
    folder = tmp_path_factory.mktemp("bundle")
    asked = dict(STEPS) | {name: ((*SICK, *more, *signs(hour)), hour) for name, (more, hour, _) in ORDERS.items()}
    for name, (charted, _) in asked.items():
        write(folder, *charted, patient=name)
    moments = [(name, GIVEN + timedelta(hours=hour)) for name, (_, hour) in asked.items()]
    return {one.patient: one for one in guidance.plans_at(leeward.read(folder), Question(), moments)}


def hour(at: datetime | None) -> float | None:
    """A moment as hours after the therapy."""
    return None if at is None else (at - GIVEN).total_seconds() / 3600


def told(plan: Plan) -> dict[str, tuple[float | None, str, float | None, float | None]]:
    """The steps of the bundle: since when and by what, when done, hours."""

    def one(timed: Timed) -> tuple[float | None, str, float | None, float | None]:
        return hour(timed.since), timed.since_what, hour(timed.done), timed.hours

    return {timed.step: one(timed) for timed in plan.bundle}


def test_every_step_with_its_time(plans: dict[str, Plan]) -> None:
    """Cultures and antibiotics count from the onset, tocilizumab from its order to its giving."""
    assert told(plans["all"]) == {
        "blood cultures": (30, "onset", 30.5, 0.5),
        "urine culture": (30, "onset", 31, 1.0),
        "antibiotics": (30, "onset", 31.5, 1.5),
        "tocilizumab": (36.25, "order", 37, 0.75),
    }


def test_not_on_record_is_an_answer_of_its_own(plans: dict[str, Plan]) -> None:
    """Nothing charted: no moment of doing, and the hours so far."""
    steps = ("blood cultures", "urine culture", "antibiotics", "tocilizumab")
    assert told(plans["none"]) == dict.fromkeys(steps, (30, "onset", None, 6.0))


def test_an_order_runs_until_a_giving_after_it(plans: dict[str, Plan]) -> None:
    """Ordered and not given: hours since the order; a giving before the order is not what was ordered."""
    assert told(plans["given before the order"])["tocilizumab"] == (36.25, "order", None, 2.0)


def test_tocilizumab_without_an_order_counts_from_the_onset(plans: dict[str, Plan]) -> None:
    """And an order for another drug is none for it."""
    assert told(plans["order of another drug"])["tocilizumab"] == (30, "onset", 37, 7.0)


def test_what_was_done_within_a_day_before_the_onset_is_of_this_bundle(plans: dict[str, Plan]) -> None:
    """With negative hours; what is a little older says nothing of this fever."""
    assert told(plans["a day before the onset"]) == {
        "blood cultures": (30, "onset", 6, -24.0),
        "urine culture": (30, "onset", 30, 0.0),
        "antibiotics": (30, "onset", None, 3.0),
        "tocilizumab": (30, "onset", None, 3.0),
    }


def test_no_episode_no_clock(plans: dict[str, Plan]) -> None:
    """Without a fever there is nothing to count from."""
    assert plans["no fever"].bundle == []


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_nobody_can_match_to_a_giving(plans: dict[str, Plan], name: str) -> None:
    """A day long it may have been given uncharted: no source's dose of it, and the answer names what is not known."""
    doses = ORDERS[name][2]
    mine = [one for one in of(plans[name], ASCO, "tocilizumab") if one.unit is not None]
    assert mine
    assert {"earlier doses of tocilizumab" in str(one.blocked) for one in mine} == {not doses}
    assert {one.dose is not None for one in mine} == {doses}


def test_an_order_never_counts_as_given(plans: dict[str, Plan]) -> None:
    """An order that leaves nothing open changes neither grades nor what sources say."""
    with_order, without = plans["another drug"], plans["no order"]
    assert with_order.crs == without.crs
    assert [one for one in with_order.suggestions if one.drug != "siltuximab"] == [
        one for one in without.suggestions if one.drug != "siltuximab"
    ]
    assert {(one.row, one.drug) for one in with_order.warnings} == {(one.row, one.drug) for one in without.warnings}
    assert [one.row for one in plans["ordered"].suggestions] == [one.row for one in without.suggestions]
