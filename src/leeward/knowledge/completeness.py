"""Proves that a decision table is complete and free of overlap, over the product of its cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from leeward.knowledge.cells import Cell, inputs

OTHER = "any other"
"""A word that no cell of the table names."""
_STATES_MAX = 300_000
State = dict[str, float | str]


class Listed(Protocol):
    """What a row is here: a name and cells."""

    @property
    def id(self) -> str:
        """Its name."""

    def cells(self) -> tuple[Cell, ...]:
        """What must hold."""


def problems(rows: Sequence[Listed], *, one: bool) -> list[str]:
    """In words, every state in which no row fires, and where `one` is asked every state in which two do."""
    if not rows:
        return ["it has no rows"]
    cells = [(row.id, row.cells()) for row in rows]
    values = regions([cell for _, mine in cells for cell in mine])
    count = math.prod(len(points) for points in values.values())
    if count > _STATES_MAX:
        return [f"{count} states are too many to prove; split the table"]
    found = []
    for state in _states(values):
        fired = [name for name, mine in cells if all(cell.holds(state[cell.input]) for cell in mine)]
        if not fired:
            found.append(f"no row fires where {_said(state, values)}")
        elif one and len(fired) > 1:
            found.append(f"{' and '.join(fired)} fire together where {_said(state, values)}")
    return found


def regions(cells: Sequence[Cell]) -> dict[str, list[float | str]]:
    """For each input the values that stand for all others: the first of every stretch that no cell divides."""
    made: dict[str, list[float | str]] = {}
    for name in dict.fromkeys(cell.input for cell in cells):
        asked, mine = inputs()[name], [cell for cell in cells if cell.input == name]
        if asked.kind == "word":
            used = sorted({word for cell in mine for word in cell.words})
            open_ended = not asked.words or set(used) != set(asked.words)
            made[name] = [*used, *([OTHER] if open_ended else [])]
            continue
        ends = [cell.high for cell in mine if math.isfinite(cell.high)]
        starts = {asked.at_least, *(cell.low for cell in mine), *(asked.after(end) for end in ends)}
        made[name] = [
            start for start in sorted(starts) if asked.at_least <= start <= asked.at_most and math.isfinite(start)
        ]
    return made


def _states(values: dict[str, list[float | str]]) -> Iterator[State]:
    """Every combination of the values."""
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def _said(state: State, values: dict[str, list[float | str]]) -> str:
    """A state in words; a number stands for itself up to the next one."""
    parts = []
    for name, value in state.items():
        later = [
            point
            for point in values[name]
            if not isinstance(point, str) and not isinstance(value, str) and point > value
        ]
        end = f" to below {later[0]:.6g}" if later and not inputs()[name].whole else ""
        parts.append(f"{name} = {value if isinstance(value, str) else format(value, '.6g')}{end}")
    return ", ".join(parts) or "nothing is asked"
