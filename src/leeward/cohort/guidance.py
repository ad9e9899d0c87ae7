"""Guidelines asked about every patient of a record: the plan's own steps, then those of plan/, on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir

from leeward.cohort.courses import graded
from leeward.cohort.engine import Question
from leeward.cohort.plan import steps as plan
from leeward.knowledge.guidelines import Guideline, guidelines
from leeward.plan import fires, state
from leeward.record.spool import Record
from leeward.scales.older_crs import ASTCT, SCALES

STEPS = ("plan_state", "plan_fired")
"""The steps whose rows a plan is made of."""
ASKED = ibis.table({"patient": "string", "at_s": "int64"}, name="plan_asked")
"""The moments to answer for."""


def scales(extra: Iterable[Guideline] = ()) -> tuple[str, ...]:
    """The scales that some guideline grades on, ASTCT first: the scales that a record must be graded on."""
    asked = {one.scale for one in (*guidelines(), *extra)} | {ASTCT}
    return tuple(name for name in SCALES if name in asked)


@cache
def compiled(*, room_air: bool, scales: tuple[str, ...], dialect: str = "duckdb") -> tuple[tuple[str, str], ...]:
    """The steps from the moments in `plan_asked` to the rules that hold, as SQL, compiled once."""
    ibis.options.sql.fuse_selects = False
    made = {name: ibis.table(step.schema(), name=name) for name, step in plan(room_air=room_air, scales=scales)}
    out: list[tuple[str, ir.Table]] = []

    def step(name: str, build: Callable[..., ir.Table], *inputs: ir.Table, **settings: Any) -> ir.Table:
        out.append((name, build(*inputs, **settings)))
        return ibis.table(out[-1][1].schema(), name=name)

    inputs = (made[name] for name in ("known", "people", "exposed", "episodes", "course", "crs_signs"))
    state_ = state.steps(step, *inputs, ASKED)
    step("plan_fired", fires.fired, state_, fires.CELLS)
    return tuple((name, str(ibis.to_sql(made_, dialect=dialect))) for name, made_ in out)


def run(con: duckdb.DuckDBPyConnection, question: Question, rules: tuple[fires.Rule, ...]) -> None:
    """Adds the steps of plan/ to a connection in which the plan has run and `plan_asked` names the moments."""
    con.register("guideline_cells", fires.cells(rules, ASTCT))
    for name, sql in compiled(room_air=question.room_air, scales=question.scales):
        con.execute(f"create or replace table {name} as {sql}")


def asked_now(record: Record, question: Question, rules: tuple[fires.Rule, ...]) -> duckdb.DuckDBPyConnection:
    """A connection in which every patient's rules at the moment of the answer stand in `plan_fired`."""
    con = graded(record, question)
    con.execute("create or replace table plan_asked as select patient, as_of_s as at_s from people")
    run(con, question, rules)
    return con
