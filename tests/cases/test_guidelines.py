"""cases/guidelines/: each row is a state, as inputs of decision tables; its column `fires` is what must come out.

Under a heading that is a decision table's name only that table is asked, else every table of the file is.

`yes` and `no`, words and numbers are known; a blank is not known. An id in brackets is conditional: nothing fails and
something is not known. Silent rows are listed as well.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pyarrow as pa
import pytest

from leeward.cohort.engine import connect
from leeward.knowledge.cells import inputs
from leeward.knowledge.guidelines import guidelines
from leeward.plan import fires
from leeward.plan.state import KEY
from leeward.scales.older_crs import ASTCT
from tests.cases.parse import Row, tables

FOLDER = Path(__file__).parents[2] / "cases" / "guidelines"
SEEDS = "rule-seeds"
FILES = sorted(path for path in FOLDER.glob("*.md") if path.stem != SEEDS)


class Told(NamedTuple):
    """One case: the guideline's id, the table its heading names (none: every table), the line, the cells."""

    guideline: str
    table: str | None
    line: int
    row: Row


@cache
def case_rows() -> tuple[Told, ...]:
    """Every case."""
    named = {one.id: set(one.tables) for one in guidelines()}
    return tuple(
        Told(path.stem, next((one for one in reversed(table.headings) if one in named[path.stem]), None), line, row)
        for path in FILES
        for table in tables(path)
        if "fires" in table.columns
        for line, row in table.rows
    )


def known(name: str, cell: str) -> float | str | None:
    """A cell as the value of an input."""
    if cell == "":
        return None
    kind = inputs()[name].kind
    if kind == "word":
        return cell
    return {"yes": 1.0, "no": 0.0}[cell] if kind == "yes-no" else float(cell)


def state(place: int, guideline: str, row: Row) -> dict[str, Any]:
    """A case as a row of plan_state."""
    scales = {one.id: one.scale or ASTCT for one in guidelines()}
    values = {name: known(name, row.get(name, "")) for name in inputs()}
    return {"patient": str(place), "at_s": 0, "scale": scales[guideline], "end": 0, **values}


def schema() -> pa.Schema:
    """The columns of plan_state that rules are held against."""
    kinds = {"patient": pa.string(), "at_s": pa.int64(), "scale": pa.string(), "end": pa.int64()}
    kinds |= {name: pa.string() if one.kind == "word" else pa.float64() for name, one in inputs().items()}
    return pa.schema(list(kinds.items()))


@cache
def fired() -> dict[int, set[str]]:
    """What fires in every case; a conditional id in brackets."""
    con = connect()
    states = [state(place, one.guideline, one.row) for place, one in enumerate(case_rows())]
    con.register("plan_state", pa.Table.from_pylist(states, schema=schema()))
    con.register("guideline_cells", fires.cells(fires.rules(), ASTCT))
    types = {name: "string" if pa.types.is_string(kind) else str(kind).replace("double", "float64")
             for name, kind in zip(schema().names, schema().types, strict=True)}  # fmt: skip
    sql = ibis.to_sql(fires.fired(ibis.table(types, name="plan_state"), fires.CELLS), dialect="duckdb")
    made: dict[int, set[str]] = {}
    for row in con.sql(str(sql)).to_arrow_table().to_pylist():
        if row["wait_hours"] > 0:
            continue
        rule = fires.rules()[row["rule"]]
        name = rule.row.id if row["holds"] == fires.HOLDS else f"({rule.row.id})"
        case = case_rows()[int(row["patient"])]
        if rule.guideline.id == case.guideline and rule.row.table == (case.table or rule.row.table):
            made.setdefault(int(row["patient"]), set()).add(name)
    return made


def expected(row: Row) -> set[str]:
    """The last column as ids."""
    return {name.strip() for name in row["fires"].split(",") if name.strip()}


CASES = [pytest.param(place, id=f"{one.guideline}:{one.line}") for place, one in enumerate(case_rows())]


@pytest.mark.parametrize("place", CASES)
def test_case(place: int) -> None:
    """What a case's column `fires` names fires, and nothing else does."""
    case = case_rows()[place]
    where = f"cases/guidelines/{case.guideline}.md line {case.line}: {case.row}"
    assert fired().get(place, set()) == expected(case.row), where


@pytest.mark.parametrize("name", [one.id for one in guidelines()])
def test_every_row_has_a_case(name: str) -> None:
    """Every row of every table of a file fires, surely, in at least one of its cases."""
    told = {id_ for case in case_rows() if case.guideline == name for id_ in expected(case.row)}
    ids = [rule.row.id for rule in fires.rules() if rule.guideline.id == name]
    assert [id_ for id_ in ids if id_ not in told] == []


def test_every_column_is_an_input() -> None:
    """A column that no decision table knows would be read by nobody."""
    for path in FILES:
        for table in (table for table in tables(path) if "fires" in table.columns):
            unknown = [name for name in table.columns if name not in (*inputs(), "case", "fires")]
            assert unknown == [], path.name


def test_keys_of_the_state() -> None:
    """A state is told apart by these columns; the harness fills them all."""
    assert [name for name in schema().names if name in KEY] == list(KEY)
