"""Every cell of every decision table changed, one at a time: a case of its file, or the proof at load, must notice.

A bound is moved up, moved down and turned from "counted in" to "left out"; a word is left out; the cell is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from leeward.knowledge.cells import Cell, inputs
from leeward.knowledge.completeness import problems
from leeward.knowledge.guidelines import Guideline, Row, guidelines
from tests.cases.test_guidelines import Told, case_rows, expected, known

EXPLAINED: dict[str, str] = {}
"""Changes that nothing can notice, by "guideline/row input change", each with why."""
_MOVED_BY = {"1": 0.02}
_FINE, _COARSE, _LARGE = 0.15, 2.0, 1000.0


@dataclass(frozen=True)
class Changed:
    """A row with other cells, as the proof of completeness reads it."""

    id: str
    made: tuple[Cell, ...]

    def cells(self) -> tuple[Cell, ...]:
        """Its cells."""
        return self.made


def changes(cell: Cell) -> Iterator[tuple[str, Cell | None]]:
    """Every change of a cell, with its name; None: the cell is dropped."""
    yield "dropped", None
    for word in cell.words if len(cell.words) > 1 else ():
        yield f"without {word}", Cell(cell.input, words=tuple(one for one in cell.words if one != word))
    if cell.words:
        return
    asked = inputs()[cell.input]
    if cell.low > asked.at_least:
        step = _step(cell.input, cell.low)
        yield "low up", Cell(cell.input, cell.low + step, cell.high)
        yield "low down", Cell(cell.input, cell.low - step, cell.high)
        if not asked.whole:
            yield "low turned", Cell(cell.input, _turned(cell.low, asked.after(cell.low)), cell.high)
    if math.isfinite(cell.high) and cell.high < asked.at_most:
        step = _step(cell.input, cell.high)
        yield "high down", Cell(cell.input, cell.low, cell.high - step)
        yield "high up", Cell(cell.input, cell.low, cell.high + step)
        if not asked.whole:
            yield "high turned", Cell(cell.input, cell.low, _turned(cell.high, asked.before(cell.high)))


def _step(name: str, bound: float) -> float:
    """How far a bound is moved."""
    asked = inputs()[name]
    return 1.0 if asked.whole else _MOVED_BY.get(asked.unit or "", _COARSE if abs(bound) > _LARGE else _FINE)


def _turned(bound: float, beside: float) -> float:
    """A bound that is counted in left out, and the other way round: the printed number, or its neighbour."""
    printed = round(bound, 6)
    return beside if printed == bound else printed


def holds(cells: Sequence[Cell], case: Told) -> bool | None:
    """Whether cells hold in a case; None where nothing fails and something is not known."""
    values = [(cell, known(cell.input, case.row.get(cell.input, ""))) for cell in cells]
    if any(value is not None and not cell.holds(value) for cell, value in values):
        return False
    return None if any(value is None for _, value in values) else True


def noticed(one: Guideline, row: Row, made: tuple[Cell, ...], told: Sequence[Told]) -> bool:
    """Whether a case, or the proof at load, notices that a row asks for other cells."""
    for case in told:
        if case.table in (None, row.table):
            wanted = expected(case.row)
            said = True if row.id in wanted else None if f"({row.id})" in wanted else False
            if holds((*one.scoped(), *made), case) is not said:
                return True
    if any(cell.low > cell.high for cell in made):
        return True
    rows = [Changed(other.id, made if other.id == row.id else other.cells()) for other in one.table(row.table)]
    return bool(problems(rows, one=one.tables[row.table].hit == "one"))


@pytest.mark.parametrize("one", guidelines(), ids=lambda one: one.id)
def test_every_change_of_a_cell_is_noticed(one: Guideline) -> None:
    """No cell can be changed without a case or the proof of its table noticing."""
    told = [case for case in case_rows() if case.guideline == one.id]
    left = []
    for row in one.rows:
        cells = row.cells()
        for place, cell in enumerate(cells):
            for what, new in changes(cell):
                made = (*cells[:place], *([new] if new else []), *cells[place + 1 :])
                if not noticed(one, row, made, told):
                    left.append(f"{one.id}/{row.id} {cell.input} {what}")
    assert [change for change in left if change not in EXPLAINED] == []


def test_how_many_changes() -> None:
    """There is something to notice."""
    cells = [cell for one in guidelines() for row in one.rows for cell in row.cells()]
    assert sum(1 for cell in cells for _ in changes(cell)) > len(cells)
