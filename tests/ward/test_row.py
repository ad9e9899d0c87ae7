"""A row of the board: what a glance is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leeward.ward.row import _stood, _way, row_of
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
