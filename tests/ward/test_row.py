"""A row of the board: what a glance is told."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from leeward.plan.monitoring import Check
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.look import Looker
from leeward.ward.pages import board
from leeward.ward.row import Row, _due, _stood, _way, read, row_of
from leeward.ward.world import World

from .conftest import NOW
from .taken import said, take
from .test_pages import course, graded, placed


def test_a_check_that_is_only_recalled_is_not_said_to_be_due(world: World) -> None:
    """It stands on the patient's page, marked; a glance is told what somebody has read."""
    take(
        world, said("007", "trigger", NOW - timedelta(days=3), "axicabtagene ciloleucel"),
        said("007", "body-temperature", NOW, 38.6, "Cel"), said("007", "care-setting", NOW - timedelta(days=3), "ward"),
    )  # fmt: skip
    look = world.grader.look("007")
    recalled = {one.title for one in look.watched.checks if one.evidence == "recalled" and one.next_at is not None}
    due = {one["title"] for one in row_of(look, None)["due"]}
    assert recalled
    assert due
    assert not recalled & due


@pytest.mark.parametrize(
    ("was", "now", "way"),
    [
        ((1, 1), (2, 2), "up"), ((0, 4), (3, 3), "up"), ((1, 4), (2, 2), "up"), ((0, 2), (1, 4), "up"),
        ((3, 3), (1, 1), "down"), ((1, 4), (0, 0), "down"), ((2, 3), (1, 2), "down"),
        ((0, 4), (0, 0), "narrower"), ((0, 4), (0, 2), "narrower"),
        ((3, 3), (0, 4), "wider"), ((1, 1), (0, 1), "wider"), ((1, 1), (1, 4), "wider"), ((1, 1), (1, 1), None),
    ],
)  # fmt: skip
def test_a_way_is_told_of_what_is_sure(was: tuple[int, int], now: tuple[int, int], way: str | None) -> None:
    """Up: what is sure rose. Down: what was is no longer possible. Knowing less or more is neither."""
    assert _way(was, now) == way


@pytest.mark.parametrize(
    ("ranges", "stood"),
    [
        ([(3, 3), (0, 4)], 3), ([(3, 3), (2, 4), (0, 4)], 3), ([(3, 3), (0, 4), (0, 1)], 0), ([(3, 3), (1, 1)], 1),
        ([(1, 1), (0, 4), (2, 3)], 2), ([(0, 4)], 0),
    ],
)  # fmt: skip
def test_a_sure_grade_stands_until_it_is_ruled_out(ranges: list[tuple[int, int]], stood: int) -> None:
    """An answer that only widened takes nothing back."""
    assert _stood(ranges) == stood


def test_a_ventilated_patient_without_a_temperature_comes_before_one_of_whom_nothing_is_charted(world: World) -> None:
    """Both are 0 to 4; what is on record of one would be grade 4 with a fever, and the row says so; told once."""
    dosed = NOW - timedelta(days=3)
    take(world, said("a-bare", "trigger", dosed, "axicabtagene ciloleucel"),
         moves=[Move(kind="placed", patient="a-bare", unit="A", bed="1", at=NOW)])  # fmt: skip
    take(
        world, said("b-ill", "trigger", dosed, "axicabtagene ciloleucel"),
        said("b-ill", "systolic-bp", NOW, 96, "mm[Hg]"), said("b-ill", "oxygen-device", NOW, "ventilator"),
        said("b-ill", "noradrenaline", NOW, 0.2, "ug/kg/min"),
        moves=[Move(kind="placed", patient="b-ill", unit="A", bed="2", at=NOW)],
    )  # fmt: skip
    for minutes in (0, 20, 11, 2):
        world.clock.advance(timedelta(minutes=minutes))  # type: ignore[attr-defined]
        while world.grader.once():
            pass
    first, second = board.lines(world, world.present())
    assert (first.bed, second.bed) == ("2", "1")
    assert first.crs is not None
    assert (first.crs.at_least, first.crs.at_most) == (0, 4)
    assert "4 with a fever" in first.crs.small
    (told,) = [one for one in world.alerts.of("b-ill") if one.kind == "grade-open"]
    assert told.text.startswith("CRS 0 to 4, temperature never charted: grade 4 with a fever, ")
    assert told.kind_class == "technical"
    take(world, said("b-ill", "body-temperature", world.clock.now(), 36.8, "Cel"))
    while world.grader.once():
        pass
    assert world.grader.look("b-ill").answer.now["crs"].at_most == 0
    assert board.lines(world, world.present())[0].need[2] == 0
    many = Looker().many(world.store.known(["a-bare", "b-ill"]), ["a-bare", "b-ill"], world.clock.now())
    assert [one.parts for one in many] == [world.grader.look(one.patient).parts for one in many]


def test_a_check_that_lacks_one_quantity_names_it(world: World) -> None:
    """Vital signs charted just now are not "overdue 3 d": the respiratory rate was never charted."""
    moment = NOW - timedelta(minutes=4)
    take(
        world, said("007", "trigger", NOW - timedelta(days=3), "axicabtagene ciloleucel"),
        said("007", "care-setting", NOW - timedelta(days=3), "ward"), said("007", "spo2", moment, 97, "%"),
        said("007", "body-temperature", moment, 36.8, "Cel"), said("007", "systolic-bp", moment, 120, "mm[Hg]"),
        said("007", "diastolic-bp", moment, 70, "mm[Hg]"), said("007", "heart-rate", moment, 80, "/min"),
    )  # fmt: skip
    graded = world.grader.look("007")
    whole = {one.title for one in graded.watched.checks if one.lacking == ["respiratory-rate"]}
    assert whole
    while world.grader.once():
        pass
    (line,) = board.lines(world, world.present())
    told = [one.figure for one in line.due if one.title in whole]
    assert told
    assert all(one.endswith(": respiratory rate never charted") for one in told)


def test_a_check_that_only_may_apply_stands_behind_no_other() -> None:
    """Where its conditions are not worked out it is shown only if nothing else is on file."""

    def check(title: str, *, applies: bool | None) -> Check:
        return Check(id=title, product="p", title=title, state="overdue", applies=applies, why=[], last_at=None,
                     next_at=NOW, overdue_hours=1.0, lacking=[], says="", reason="", source="s",
                     evidence="read")  # fmt: skip

    sure, perhaps = check("sure", applies=True), check("perhaps", applies=None)
    assert [one.title for one in _due([perhaps, sure], frozenset())] == ["sure"]
    assert [one.title for one in _due([perhaps], frozenset())] == ["perhaps"]


def test_what_is_left_of_a_drug_is_forgotten_when_it_is_given(world: World, clock: SetClock) -> None:
    """Until it is worked out again: no row says that nothing holds back a dose that was given a minute ago."""
    take(world, *course("A", 39.2), moves=[placed("A", "12")], message="first")
    take(world, said("A", "body-weight", NOW - timedelta(days=3), 78, "kg"),
         said("A", "tocilizumab", NOW - timedelta(hours=9), 624, "mg"), message="weight")  # fmt: skip
    graded(world)
    before = read(world.store.board(["A"])["A"])
    assert before is not None
    assert "tocilizumab" in {one.drug for one in before.left}
    look = world.grader.look("A")
    same = msgspec.convert(row_of(look, msgspec.to_builtins(before, str_keys=True)), Row)
    assert (same.left, same.left_at) == (before.left, before.left_at)
    clock.advance(timedelta(minutes=1))
    take(world, said("A", "tocilizumab", clock.now(), 624, "mg"), message="dose")
    given = msgspec.convert(row_of(world.grader.look("A"), msgspec.to_builtins(before, str_keys=True)), Row)
    assert "tocilizumab" not in {one.drug for one in given.left}
    assert given.left_at is None
