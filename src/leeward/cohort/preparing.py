"""What is known before a dose, for every patient of a record: plan.checklist run over the plan's first steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from functools import cache
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import msgspec

from leeward.cohort.courses import Stream, refused_by_patient
from leeward.cohort.engine import Question, ask, connect
from leeward.cohort.plan import steps as plan
from leeward.knowledge.vocabulary import quantities
from leeward.plan import checklist
from leeward.plan.prepare import Asked, Preparation, prepared
from leeward.record.spool import Record

_NEEDED = ("newest", "known", "exposed")
"""The steps of the plan that are read; none of them grades."""
ASKED = ibis.table({"patient": "string", "at_s": "int64"}, name="prepare_asked")
"""Up to when the findings of each patient count."""


@cache
def _first() -> tuple[tuple[str, ir.Table], ...]:
    """The steps of the plan that are read, by name."""
    return tuple((name, step) for name, step in plan(room_air=False) if name in _NEEDED)


def named() -> list[tuple[str, ir.Table]]:
    """The steps of preparation by name, over the steps of the plan."""
    made = {name: ibis.table(step.schema(), name=name) for name, step in _first()}
    return [("prepare_newest", checklist.newest(made["known"], ASKED))]


@cache
def compiled() -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """The plan's steps that are read, and those of preparation, as DuckDB SQL."""
    ibis.options.sql.fuse_selects = False
    first = tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in _first())
    return first, tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in named())


def run(record: Record, question: Question, asked: Asked) -> duckdb.DuckDBPyConnection:
    """A connection in which the steps stand as tables."""
    con = connect()
    record.to_duckdb(con, "findings")
    ask(con, question)
    first, after = compiled()
    for name, sql in first:
        con.execute(f"create or replace table {name} as {sql}")
    _moments(con, question, asked)
    for name, sql in after:
        con.execute(f"create or replace table {name} as {sql}")
    return con


def _moments(con: duckdb.DuckDBPyConnection, question: Question, asked: Asked) -> None:
    """Up to when each patient's findings count: the dose; where only its day is known and it is on record, as given.

    Where no day was named, the moment asked about, else the patient's last finding. `prepare_last` holds the latter.
    """
    timeless = [name for name, one in quantities().items() if one.timeless]
    con.execute(
        "create or replace table prepare_last as select patient, "
        "coalesce(?::bigint, max(at_s) filter (not list_contains(?, quantity))) as at_s from known group by patient",
        [None if question.as_of is None else int(question.as_of.timestamp()), timeless],
    )
    start = asked.start
    if start is None:
        con.execute("create or replace table prepare_asked as select patient, coalesce(at_s, 0) at_s from prepare_last")
        return
    day_s = int(datetime.combine(start.day, time(), start.zone).timestamp())
    until_s = int(start.until.timestamp())
    con.execute(
        "create or replace table prepare_asked as select l.patient, coalesce(min(e.from_s), ?::bigint) as at_s "
        "from prepare_last l left join exposed e on e.patient = l.patient and e.product = ? "
        "and e.from_s >= ? and e.from_s < ? group by l.patient",
        [until_s, asked.product.inn, day_s if start.at is None else until_s, until_s],
    )


def answers(record: Record, question: Question, asked: Asked) -> Iterator[Preparation]:
    """Every patient of a record with their preparation, in order of ids."""
    con = run(record, question, asked)
    streams = {name: Stream(con, name) for name in ("prepare_newest", "exposed", "prepare_last")}
    seen = {patient for (patient,) in con.execute("select patient from prepare_last").fetchall()}
    refused = refused_by_patient(record.refusals)
    for patient in sorted(seen | set(refused)):
        rows = {name: stream.of(patient) for name, stream in streams.items()}
        last_s = next((row["at_s"] for row in rows["prepare_last"]), None)
        as_of = question.as_of or (None if last_s is None else datetime.fromtimestamp(last_s, UTC))
        made = prepared(patient, asked, rows["prepare_newest"], _given(rows["exposed"], asked), as_of)
        yield msgspec.structs.replace(made, not_understood=refused.get(patient, {}))


def _given(exposed: list[Mapping[str, Any]] | list[dict[str, Any]], asked: Asked) -> list[datetime]:
    """When doses of the product were given on the days before this one, in order."""
    mine = sorted(row["from_s"] for row in exposed if row["product"] == asked.product.inn)
    at = [datetime.fromtimestamp(one, UTC) for one in mine]
    start = asked.start
    return at if start is None else [one for one in at if one.astimezone(start.zone).date() < start.day]
