"""Which rows of the guidelines hold: every cell of every row held against every state at once.

A row holds when all its cells do; it is conditional when none fails and some input is not known; it comes true by
waiting when only inputs that grow by themselves still fall short.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec
import pyarrow as pa

from leeward.knowledge.cells import Cell, inputs
from leeward.knowledge.guidelines import Guideline, InUse, Row, in_use
from leeward.plan.numbers import number
from leeward.plan.state import KEY
from leeward.timeline.columns import pick, true

HOLDS, UNKNOWN, FAILS = 2, 1, 0
CELLS = ibis.table(
    {
        "rule": "int64", "guideline": "int64", "of_scale": "string", "input": "int64", "low": "float64",
        "high": "float64", "words": "string", "by_word": "int64", "grows": "int64", "label": "string",
    },
    name="guideline_cells",
)  # fmt: skip
"""Every cell of every row, the cells of its file's scope with it; a row without cells has one that always holds.

Under rule _SCOPE stand the cells of each file's scope by themselves.
"""
_ALWAYS, _SCOPE = -1, -1


class Rule(msgspec.Struct, frozen=True):
    """A row with the file it stands in."""

    guideline: Guideline
    row: Row

    @property
    def name(self) -> str:
        """How cases and answers call it."""
        return f"{self.guideline.id}/{self.row.id}"


def rules(extra: tuple[Guideline, ...] = (), held: InUse | None = None) -> tuple[Rule, ...]:
    """Every row of every published file in use (`held`, else now), `extra` (a centre's own protocol) first."""
    published = (held or in_use()).published
    return tuple(Rule(guideline, row) for guideline in (*extra, *published) for row in guideline.rows)


def cells(every: Sequence[Rule], base_scale: str) -> pa.Table:
    """CELLS of some rules. What asks for no grade of CRS is held against the state on `base_scale`."""
    files = {id(rule.guideline): (number, rule.guideline) for number, rule in enumerate(every)}
    made = [row for number, one in files.values() for row in _rows(_SCOPE, number, one, one.scoped(), base_scale)]
    for place, rule in enumerate(every):
        number, one = files[id(rule.guideline)]
        made += _rows(place, number, one, (*one.scoped(), *rule.row.cells()), base_scale)
    return pa.Table.from_pylist(made, schema=_arrow())


def _rows(rule: int, number: int, of: Guideline, asked: Sequence[Cell], base_scale: str) -> list[dict[str, Any]]:
    """The rows of one rule, one per cell."""
    about = {"rule": rule, "guideline": number, "of_scale": of.scale or base_scale}
    if not asked:
        nothing = {"input": _ALWAYS, "low": 0.0, "high": 0.0, "words": "", "by_word": 0, "grows": 0, "label": ""}
        return [about | nothing]
    places = {name: place for place, name in enumerate(inputs())}
    return [
        about | {
            "input": places[cell.input], "low": cell.low, "high": cell.high,
            "words": "|" + "|".join(cell.words) + "|" if cell.words else "", "by_word": int(bool(cell.words)),
            "grows": int(inputs()[cell.input].grows), "label": str(places[cell.input]),
        }
        for cell in asked
    ]  # fmt: skip


def _arrow() -> pa.Schema:
    """CELLS as an Arrow schema."""
    kinds = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string()}
    return pa.schema([(name, kinds[str(kind)]) for name, kind in CELLS.schema().items()])


def fired(state: ir.Table, cells: ir.Table) -> ir.Table:
    """Each rule that holds, is conditional, or comes true soon: KEY, rule, holds, wait_hours, a bit per unknown input.

    `wait_hours` is 0 for what holds or is conditional now; a rule that waiting makes true has `holds` as it will be.
    `unknown` is the list of unknown inputs, by their place in guidelines-inputs.toml, put into one text.
    """
    rows = _held(_speaking(state, cells), cells.filter(cells.rule != _SCOPE))
    value, met = rows.value, rows.met
    # Hours since what never happened (below zero) do not grow.
    waits = (rows.grows == 1) & (value >= 0) & (value < rows.low)
    rows = rows.mutate(
        holds=pick([(met, HOLDS), (~met, FAILS)], UNKNOWN),
        later=pick([(waits, HOLDS), (met, HOLDS), (~met, FAILS)], UNKNOWN),
        wait=ibis.ifelse(waits, rows.low - value, 0.0),
        lasts=ibis.ifelse((rows.grows == 1) & (value >= 0), rows.high - value, float("inf")),
    )
    made = rows.group_by([*KEY, "rule"]).agg(
        holds=rows.holds.min(), later=rows.later.min(), wait=rows.wait.max(), lasts=rows.lasts.min(),
        unknown=ibis.ifelse(rows.holds == UNKNOWN, rows.label, None).group_concat(","),
    )  # fmt: skip
    now = made.holds > FAILS
    soon = (made.later > FAILS) & (made.wait > 0) & (made.wait <= number("soon")) & (made.lasts >= made.wait)
    made = made.filter(now | soon)
    return made.select(
        *KEY, "rule", "unknown",
        holds=ibis.ifelse(made.holds > FAILS, made.holds, made.later),
        wait_hours=ibis.ifelse(made.holds > FAILS, 0.0, made.wait),
    )  # fmt: skip


def _held(state: ir.Table, cells: ir.Table) -> ir.Table:
    """Every cell beside the state it is asked of: KEY, the cell's columns, value (a number), met (null: not known)."""
    asked = [state.scale == cells.of_scale]
    rows = state.join(cells, [*asked, state.guideline == cells.guideline] if "guideline" in state.columns else asked)
    value, word = _values(rows)
    rows = rows.select(*KEY, *CELLS.columns, value=value, word=word)
    by_word = rows.words.contains(ibis.literal("|") + rows.word + "|")
    within = (rows.value >= rows.low) & (rows.value <= rows.high)
    return rows.mutate(met=pick([(rows.by_word == 1, by_word), (rows.input == _ALWAYS, True)], within))


def _speaking(state: ir.Table, cells: ir.Table) -> ir.Table:
    """The state with each file whose scope does not surely leave the patient out, so that no cell of others is held."""
    scope = _held(state, cells.filter(cells.rule == _SCOPE))
    judged = scope.group_by([*KEY, "guideline"]).agg(fails=true(~scope.met).max())
    return judged.filter(judged.fails == 0).drop("fails").join(state, list(KEY))


def _values(rows: ir.Table) -> tuple[Any, Any]:
    """What the state says of each cell's input: as a number, and as a word."""
    numbers: list[tuple[Any, Any]] = []
    words: list[tuple[Any, Any]] = []
    for place, (name, asked) in enumerate(inputs().items()):
        (words if asked.kind == "word" else numbers).append((rows.input == place, rows[name]))
    return pick(numbers, ibis.null("float64")), pick(words, ibis.null("string"))


def unknown_inputs(listed: str | None) -> tuple[str, ...]:
    """The inputs behind `unknown`, in their order."""
    names = list(inputs())
    places = sorted({int(place) for place in listed.split(",")}) if listed else []
    return tuple(names[place] for place in places)
