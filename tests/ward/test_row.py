"""A row of the board: what a glance is told."""

from __future__ import annotations

from datetime import timedelta

from leeward.ward.row import row_of
from leeward.ward.world import World

from .conftest import NOW
from .taken import said, take


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
