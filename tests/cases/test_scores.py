"""Every row of the score case tables in cases/ on DuckDB."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from leeward.knowledge import BadKnowledge
from leeward.scales.bands import parsed
from leeward.scales.scores import scores
from tests.cases.score_cases import NOW, Row, rows, scored

FOLDER = Path(__file__).parents[2] / "cases"
FILES = ("scores-bedside.md", "scores-hlh.md", "scores-after-cells.md")


@cache
def answered(file: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Every patient of a file, scored in one run."""
    return scored([{**found, "patient": row.patient} for row in rows(FOLDER / file) for found in row.findings])


@pytest.mark.parametrize(
    ("file", "row"),
    [pytest.param(file, row, id=f"{file}:{row.patient}") for file in FILES for row in rows(FOLDER / file)],
)
def test_row(file: str, row: Row) -> None:
    """What a row says comes out, and the answer names what is missing."""
    found = answered(file)[row.patient]
    for column, said in row.expects.items():
        score, _, reading = column.partition(" ")
        if said == "not scored":
            assert score not in found, f"{row.place}: {found[score]}"
            continue
        got = found[score][reading] if reading else found[score]
        low, _, high = said.partition(" to ")
        assert (got["at_least"], got["at_most"]) == (float(low), float(high or low)), f"{row.place}: {found[score]}"
        spans = [part for part in (found[score], *found[score].values()) if isinstance(part, dict)]
        open_ = any(part["at_least"] != part["at_most"] for part in spans)
        assert open_ or not found[score]["missing"], f"{row.place}: {found[score]}"
        assert reading or got["at_least"] == got["at_most"] or found[score]["missing"], f"{row.place}: {found[score]}"
    first = next(iter(row.expects)).partition(" ")[0]
    wanting = set(row.missing) - set(found.get(first, {}).get("missing", []))
    assert not wanting, f"{row.place}: {wanting} not among {found[first]['missing']}"


def test_every_score_has_cases() -> None:
    """No score without a row that moves it."""
    told = {column.partition(" ")[0] for file in FILES for row in rows(FOLDER / file) for column in row.expects}
    assert set(scores()) - told == set()


@pytest.mark.parametrize(
    "cells", [{"< 1": 0, "> 1": 1}, {"<= 1": 0, ">= 1": 1}, {"<= 8": 3, "10..11": 1, ">= 12": 0}, {"about 3": 1}]
)
def test_tables_with_a_gap_or_an_overlap_are_refused(cells: dict[str, int]) -> None:
    """A value has exactly one cell."""
    with pytest.raises(BadKnowledge, match="here"):
        parsed("here", cells, 0 if "10..11" in cells else None)


@pytest.mark.parametrize(
    ("birth", "points"),
    [
        ("2020-03-11", 2),  # four years old tomorrow
        ("2020-03-10", 1),
        ("2020-03", (1, 2)),
        ("2020-02", 1),
        ("2019-04", 1),
        ("2020-04", 2),
        ("2020", (1, 2)),
        ("2019", 1),
        ("2021", 2),
    ],
)
def test_a_birth_of_which_only_month_or_year_is_known_leaves_a_span(birth: str, points: int | tuple[int, int]) -> None:
    """Bedside PEWS asked on 10 March 2024: a pulse of 70 gives 2 points until the fourth birthday, 1 from then on."""
    charted: dict[str, float | str] = {
        "heart-rate": 70.0, "systolic-bp": 95.0, "capillary-refill": 2.0, "respiratory-rate": 24.0, "spo2": 97.0,
        "respiratory-effort": "normal", "oxygen-device": "room-air", "birth-date": birth,
    }  # fmt: skip
    found = [
        {"patient": "A", "quantity": name, "measured_at": NOW, "text": said if isinstance(said, str) else None}
        | ({"low": said, "high": said} if isinstance(said, float) else {})
        for name, said in charted.items()
    ]
    made = scored(found)["A"]["bedside-pews"]
    assert (made["at_least"], made["at_most"]) == (points if isinstance(points, tuple) else (points, points))
