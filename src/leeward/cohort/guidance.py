"""Guidelines asked about every patient of a record: the plan's own steps, then those of plan/, on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import msgspec

from leeward.cohort.answer import ROOM_AIR
from leeward.cohort.courses import Stream, graded
from leeward.cohort.engine import Question
from leeward.cohort.plan import steps as plan
from leeward.knowledge.guidelines import Guideline, InUse, in_use
from leeward.plan import fires, state
from leeward.plan.plan import NOTHING_LOST, Lost, Plan, Rows, lost
from leeward.plan.plan import plan as plan_of
from leeward.record.spool import Record
from leeward.scales.older_crs import ASTCT, SCALES

STEPS = ("plan_state", "plan_fired", "plan_graded", "plan_given")
"""The steps whose rows a plan is made of."""
ASKED = ibis.table({"patient": "string", "at_s": "int64"}, name="plan_asked")
"""The moments to answer for."""


def scales(extra: Iterable[Guideline] = (), held: InUse | None = None) -> tuple[str, ...]:
    """The scales that some guideline in use (`held`, else now) grades on, ASTCT first: those to grade a record on."""
    asked = {one.scale for one in (*(held or in_use()).published, *extra)} | {ASTCT}
    return tuple(name for name in SCALES if name in asked)


def named(*, room_air: bool, scales: tuple[str, ...]) -> list[tuple[str, ir.Table]]:
    """The steps from the moments in `plan_asked` to the rules that hold, by name, over the steps of the plan."""
    made = {name: ibis.table(step.schema(), name=name) for name, step in plan(room_air=room_air, scales=scales)}
    out: list[tuple[str, ir.Table]] = []

    def step(name: str, build: Callable[..., ir.Table], *inputs: ir.Table, **settings: Any) -> ir.Table:
        out.append((name, build(*inputs, **settings)))
        return ibis.table(out[-1][1].schema(), name=name)

    known, people, exposed, episodes, course, signs = (
        made[name] for name in ("known", "people", "exposed", "episodes", "course", "crs_signs")
    )
    state_ = state.steps(step, known, people, exposed, episodes, course, signs, ASKED)
    step("plan_fired", fires.fired, state_, fires.CELLS)
    return out


@cache
def compiled(*, room_air: bool, scales: tuple[str, ...], dialect: str = "duckdb") -> tuple[tuple[str, str], ...]:
    """The steps of `named` as SQL, compiled once."""
    ibis.options.sql.fuse_selects = False
    return tuple(
        (name, str(ibis.to_sql(step, dialect=dialect))) for name, step in named(room_air=room_air, scales=scales)
    )


def run(con: duckdb.DuckDBPyConnection, question: Question, rules: tuple[fires.Rule, ...]) -> None:
    """Adds the steps of plan/ to a connection in which the plan has run and `plan_asked` names the moments."""
    con.register("guideline_cells", fires.cells(rules, ASTCT))
    for name, sql in compiled(room_air=question.room_air, scales=question.scales):
        con.execute(f"create or replace table {name} as {sql}")


def asked_now(record: Record, question: Question, rules: tuple[fires.Rule, ...]) -> duckdb.DuckDBPyConnection:
    """A connection in which every patient's rules at the moment of the answer stand in `plan_fired`."""
    con = graded(record, question, reasons=False)
    con.execute("create or replace table plan_asked as select patient, as_of_s as at_s from people")
    run(con, question, rules)
    return con


def plans(record: Record, question: Question, *, protocol: Guideline | None = None) -> Iterator[Plan]:
    """One plan per patient of the record, in order of their ids. `protocol`: a centre's own file, read before all."""
    extra = (protocol,) if protocol else ()
    question = msgspec.structs.replace(question, scales=scales(extra))
    rules = fires.rules(extra)
    con = asked_now(record, question, rules)
    yield from planned(con, question, rules, lost(record.refusals.to_pylist()), protocol=protocol)


def plans_at(
    record: Record, question: Question, moments: Iterable[tuple[str, datetime]], *, protocol: Guideline | None = None
) -> Iterator[Plan]:
    """One plan per patient and moment asked, all in one run, in order of ids and times; none where nothing is graded.

    Each rests on what had been measured by its moment. What was reported late counts from when it was measured.
    """
    extra = (protocol,) if protocol else ()
    question = msgspec.structs.replace(question, scales=scales(extra))
    rules = fires.rules(extra)
    con = graded(record, question, reasons=False)
    con.execute("create or replace table plan_asked (patient varchar, at_s bigint)")
    asked = sorted({(patient, round(at.timestamp())) for patient, at in moments})
    con.executemany("insert into plan_asked values (?, ?)", asked)
    run(con, question, rules)
    streams = {name: Stream(con, name) for name in STEPS}
    for patient, several in groupby(asked, key=itemgetter(0)):
        rows = {name: stream.of(patient) for name, stream in streams.items()}
        for _, at_s in several:
            mine = {name: [row for row in held if row["at_s"] == at_s] for name, held in rows.items()}
            made = plan_of(patient, mine, rules, assumptions=_assumed(question), protocol=protocol)
            if made.not_graded is None:
                yield made


def planned(
    con: duckdb.DuckDBPyConnection,
    question: Question,
    rules: tuple[fires.Rule, ...],
    missing: dict[str, Lost],
    *,
    protocol: Guideline | None,
) -> Iterator[Plan]:
    """As `plans`, from a connection in which `run` has run."""
    streams = {name: Stream(con, name) for name in STEPS}
    patients = [row[0] for row in con.sql("select distinct patient from findings order by 1 collate c").fetchall()]
    for patient in patients:
        rows = {name: stream.of(patient) for name, stream in streams.items()}
        yield plan_of_rows(patient, rows, rules, question, missing.get(patient, NOTHING_LOST), protocol)


def plan_of_rows(
    patient: str, rows: Rows, rules: tuple[fires.Rule, ...], question: Question, missing: Lost,
    protocol: Guideline | None,
) -> Plan:  # fmt: skip
    """One patient's plan from their rows of STEPS; `missing`: what of their record was not understood."""
    return plan_of(patient, rows, rules, assumptions=_assumed(question), lost=missing, protocol=protocol)


def _assumed(question: Question) -> list[str]:
    """What the question takes for granted."""
    trigger = question.assumed_trigger or question.assumed_setting
    return [*([f"trigger assumed: {trigger}"] if trigger else []), *([ROOM_AIR] if question.room_air else [])]
