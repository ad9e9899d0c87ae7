"""The store keeps what arrived, once, for good, and knows what was known when."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import inspect, update

from leeward.ward import tables
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.database import open_database
from leeward.ward.rows import Corrupt
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .conftest import NOW
from .postgresql import database
from .taken import said, take


@pytest.fixture
def settings(any_database: str) -> WardSettings:
    """A demo ward on either database: everything here holds on both."""
    return WardSettings(database=any_database, demo=True)


FEVER = said("007", "body-temperature", NOW, 38.6, "Cel")
CART = said("007", "trigger", NOW - timedelta(days=3), "axicabtagene ciloleucel")


def test_what_arrives_twice_is_kept_once(world: World) -> None:
    """Also when it comes in another message, from a sender that repeats itself."""
    first, again, other = take(world, CART, FEVER), take(world, CART, FEVER), take(world, FEVER, message="2")
    assert (first.new, again.new, other.new) == (2, 0, 0)
    assert again.duplicate
    assert world.store.findings_of("007").num_rows == 2
    assert [held.patient for held in world.store.patients()] == ["007"]


def test_what_was_known_then(world: World, clock: SetClock) -> None:
    """A finding counts from when it reached us; what arrived later was not known before."""
    take(world, CART, FEVER)
    clock.advance(timedelta(hours=2))
    take(world, said("007", "body-temperature", NOW + timedelta(minutes=5), 39.1, "Cel"))
    assert world.store.findings_of("007").num_rows == 3
    assert world.store.findings_of("007", known_at=NOW + timedelta(hours=1)).num_rows == 2


def test_a_refusal_is_kept_with_its_reason(world: World) -> None:
    """It grades nothing, and is counted."""
    receipt = take(world, CART, said("007", "body-temperature", NOW, 101.3, "Cel"))
    assert [row["reason"] for row in receipt.refusals] == ["implausible-for-unit"]
    assert world.store.known(["007"]).refusals.num_rows == 1


def test_a_rate_by_weight_finds_the_weight_of_another_message(world: World) -> None:
    """What needs a weight is worked out whenever a weight is known."""
    take(world, CART, said("007", "norepinephrine", NOW, 0.1, "ug/kg/min"))
    assert world.store.known(["007"]).refusals["reason"].to_pylist() == ["rate-missing-weight"]
    take(world, said("007", "body-weight", NOW - timedelta(days=1), 80, "kg"))
    known = world.store.known(["007"])
    assert known.refusals.num_rows == 0
    rate = [row for row in known.findings.to_pylist() if row["quantity"] == "norepinephrine"]
    assert rate[0]["low"] == pytest.approx(8.0)


def test_51_a_flipped_byte_is_noticed_and_nothing_is_answered(world: World) -> None:
    """A row that is not what was written is never graded."""
    take(world, CART, FEVER)
    with world.engine.execution_options(writes=True).begin() as connection:
        rows = tables.findings.c
        connection.execute(update(tables.findings).where(rows.quantity == "body-temperature").values(low=36.6))
    with pytest.raises(Corrupt):
        world.store.findings_of("007")


def test_26_merged_patients_read_as_one_and_part_again(world: World) -> None:
    """No finding moves; the merge is an event that can be undone."""
    take(world, CART)
    take(world, said("A-1", "body-temperature", NOW, 38.6, "Cel"))
    take(world, moves=[Move(kind="merged", patient="A-1", other="007", at=NOW)])
    assert world.store.findings_of("007")["quantity"].to_pylist().count("body-temperature") == 1
    assert set(world.store.findings_of("007")["patient"].to_pylist()) == {"007"}
    assert {held.patient: held.merged_into for held in world.store.patients()} == {"007": None, "A-1": "007"}
    take(world, moves=[Move(kind="unmerged", patient="A-1", at=NOW)])
    assert world.store.findings_of("007")["quantity"].to_pylist() == ["trigger"]


def test_the_grader_says_what_changed_and_keeps_it(world: World, clock: SetClock) -> None:
    """A first fever after a therapy: a decision, a row on the board, an event."""
    rest = (said("007", "systolic-bp", NOW, 120, "mm[Hg]"), said("007", "oxygen-device", NOW, "room-air"))
    placed = Move(kind="placed", patient="007", unit="7", bed="12", label="A. M., 61", at=NOW)
    take(world, CART, FEVER, *rest, moves=[placed])
    assert world.grader.once() == 1
    assert [(one.crs_low, one.crs_high) for one in world.store.decisions_of("007")] == [(1, 1)]
    assert list(world.store.board()) == ["007"]
    assert "graded" in [event.kind for event in world.store.events_after(0)]
    assert world.grader.once() == 0
    clock.advance(timedelta(hours=6))  # the pressure is too old to count by now: the answer widens by itself
    assert world.grader.once() == 1
    assert [(one.crs_low, one.crs_high) for one in world.store.decisions_of("007")] == [(1, 1), (1, 2)]


def test_several_workers_share_one_ward(postgresql: str) -> None:
    """Each change is graded once, by one of them, and every one of them sees it."""
    with database(postgresql) as address:
        clock = SetClock(NOW)
        workers = [World(WardSettings(database=address, demo=True), clock) for _ in range(3)]
        for number in range(30):
            take(workers[number % 3], *(row | {"patient": f"P{number}"} for row in (CART, FEVER)))
        with ThreadPoolExecutor() as pool:
            graded = list(pool.map(lambda world: world.grader.once(), workers))
        while more := sum(world.grader.once() for world in workers):
            graded.append(more)
        assert sum(graded) == 30
        for world in workers:
            assert [len(world.store.decisions_of(f"P{number}")) for number in range(30)] == [1] * 30
            assert len(world.store.board()) == 30
            opened = Counter((alert.patient, alert.about) for alert in world.alerts.open())
            assert {patient for patient, _ in opened} >= {f"P{number}" for number in range(30)}
            assert set(opened.values()) == {1}
            world.engine.dispose()


def test_workers_that_start_at_once_make_the_tables_once(postgresql: str) -> None:
    """One after another, whoever comes first."""
    with database(postgresql) as address, ThreadPoolExecutor() as pool:
        engines = list(pool.map(lambda _: open_database(address), range(4)))
        for engine in engines:
            assert "findings" in inspect(engine).get_table_names()
            engine.dispose()
