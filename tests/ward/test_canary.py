"""Canaries: a synthetic patient of every grade must be found, and a rule that stops firing is told."""

from __future__ import annotations

import pytest

from leeward.ward import canary
from leeward.ward.canary import Bird, Cage
from leeward.ward.world import World


def test_29_a_canary_of_every_grade_fires_end_to_end(world: World) -> None:
    """Every grade of CRS and ICANS is reached, and what is missing stays a range."""
    run = world.canary.once()
    assert [(one.name, one.expected, one.found) for one in run.sung if not one.ok] == []
    assert run.ok
    assert {one.crs for one in canary.cage().canary} - {None} == set(range(6))
    assert {one.icans for one in canary.cage().canary} - {None} == set(range(5))
    assert world.store.patients() == []
    assert [one.kind for one in world.store.events_after(0)] == ["canary"]


def test_29_a_canary_that_does_not_fire_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grade other than expected is a failed run, in the store's events for the operator."""
    bird = Bird("CRS 2", [("body-temperature", "39.0", "Cel")], crs=2)
    monkeypatch.setattr(canary, "cage", lambda: Cage(canary.Base("axicabtagene ciloleucel", 3), [bird]))
    assert not world.canary.once().ok
    assert [one.body["ok"] for one in world.store.events_after(0)] == [False]
