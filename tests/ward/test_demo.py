"""The demo ward shows what it promises: a first fever, a rise, a plan, a correction, a silent feed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from leeward.ward.clock import ReplayClock
from leeward.ward.demo import Replay
from leeward.ward.demo.ward import demo_world
from leeward.ward.world import World

START = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[World, Replay]]:
    """The demo, standing still at minute 0 with everything before it taken in."""
    with demo_world(speed=0, port=0, start=START) as (world, replay):
        replay.start()
        yield world, replay


def at(played: tuple[World, Replay], minutes: float) -> World:
    """The ward at a minute of the script."""
    world, replay = played
    assert isinstance(world.clock, ReplayClock)
    world.clock.set(START + timedelta(minutes=minutes))
    replay.play()
    while world.grader.once():
        pass
    return world


def crs(world: World, patient: str) -> list[tuple[int | None, int | None]]:
    """The ranges of CRS that were decided on, in order."""
    return [(one.crs_low, one.crs_high) for one in world.store.decisions_of(patient)]


def test_the_demo_plays(played: tuple[World, Replay]) -> None:
    """Minute by minute, as a newcomer sees it."""
    world = at(played, 0)
    assert len(world.present()) == 10
    assert crs(world, "demo-12") == [(0, 0)]
    assert crs(world, "demo-07") == [(1, 4)]
    assert not world.store.known([held.patient for held in world.present()]).refusals.num_rows
    assert crs(at(played, 26), "demo-12")[-1] == (1, 1)
    assert crs(at(played, 61), "demo-03")[-1] == (1, 1)
    assert crs(at(played, 95), "demo-12")[-1] == (2, 2)
    assert crs(at(played, 110), "demo-03")[-1] == (0, 0)
    assert crs(at(played, 170), "demo-07")[-1][0] == 2
    assert crs(at(played, 185), "demo-12")[-1] == (3, 3)
    plan = world.grader.look("demo-12", plan=True).plan
    assert plan is not None
    assert {one.source for one in plan.suggestions}
    icans = [(one.icans_low, one.icans_high) for one in at(played, 230).store.decisions_of("demo-09")]
    assert icans[-1][0] == 2
    assert at(played, 400) is world
    assert played[1].ended
