"""Readings from home answered for every patient of a record: plan.home over what was known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import duckdb
import ibis
import msgspec

from leeward.cohort.courses import Stream
from leeward.cohort.engine import Question, connect
from leeward.cohort.plan import steps as plan
from leeward.knowledge.therapies import Therapy
from leeward.plan.home import AtHome, Unread, answered
from leeward.record.spool import Record

_NEEDED = ("newest", "known")
"""The steps of the plan that are read; none of them grades."""


@cache
def compiled() -> tuple[tuple[str, str], ...]:
    """The steps as DuckDB SQL."""
    ibis.options.sql.fuse_selects = False
    return tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in plan(room_air=False)
                 if name in _NEEDED)  # fmt: skip


def answers(
    record: Record, question: Question, now: datetime, product: Therapy | None = None, beside: Record | None = None
) -> Iterator[AtHome]:
    """Every patient of a record with their readings answered, in order of ids. `now`: how old a reading is, is told.

    `beside`: the hospital's record of the same patients. What was given, where they were and the usual pressure are
    taken from it; its readings are not answered.
    """
    own, theirs = _known(record, question), None if beside is None else _known(beside, question)
    refused = _refused(record)
    seen = {patient for (patient,) in own.execute("select distinct patient from known").fetchall()}
    mine, other = Stream(own, "known"), None if theirs is None else Stream(theirs, "known")
    for patient in sorted(seen | set(refused)):
        rows = [{**row, "own": True} for row in mine.of(patient)]
        rows += [{**row, "own": False} for row in other.of(patient)] if other else []
        rows.sort(key=lambda row: (row["at_s"], row["quantity"], row["text"] or ""))
        yield answered(patient, rows, refused.get(patient, []), (question.as_of or now).astimezone(UTC), product)


def _known(record: Record, question: Question) -> duckdb.DuckDBPyConnection:
    """A connection in which what of a record was known stands as a table."""
    con = connect()
    record.to_duckdb(con, "findings")
    con.execute("create table question as select ?::timestamptz as_of", [question.as_of])
    for name, sql in compiled():
        con.execute(f"create or replace table {name} as {sql}")
    return con


def _refused(record: Record) -> dict[str, list[Unread]]:
    """What was not understood, by patient, in order; a time that nobody can read is told once for its line."""
    made: dict[str, dict[Any, Unread]] = {}
    for row in record.refusals.to_pylist():
        if row["patient"] is None:
            continue
        one = Unread(reason=row["reason"], quantity=row["quantity"], detail=row["detail"], place=row["place"])
        of_a_time = one.reason.endswith(("-time", "time-missing"))
        key = (one.place, one.reason, one.detail) if of_a_time else msgspec.structs.astuple(one)
        kept = made.setdefault(row["patient"], {})
        if key not in kept or kept[key].quantity == "care-setting":
            kept[key] = one
    return {patient: sorted(found.values(), key=_line) for patient, found in made.items()}


def _line(one: Unread) -> tuple[int, str, str]:
    """In the order of the diary's lines."""
    number = (one.place or "").removeprefix("row ")
    return (int(number) if number.isdigit() else 0, one.place or "", one.quantity or "")
