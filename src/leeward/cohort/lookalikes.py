"""Look-alikes of every patient of a record: recognition.lookalikes run over the plan's steps on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import msgspec

from leeward.cohort.courses import graded
from leeward.cohort.engine import Question
from leeward.cohort.plan import QUESTION
from leeward.cohort.plan import steps as plan
from leeward.recognition import lookalikes as room
from leeward.recognition.in_words import in_words
from leeward.record.spool import Record

Answer = dict[str, Any]


def named(*, room_air: bool) -> list[tuple[str, ir.Table]]:
    """The steps of look-alikes by name, over the steps of the plan."""
    made = {name: ibis.table(step.schema(), name=name) for name, step in plan(room_air=room_air)}
    inputs = (made["known"], made["people"], made["exposed"], made["episodes"], made["now"], QUESTION)
    return room.steps(*inputs, room_air=room_air)


@cache
def compiled(*, room_air: bool) -> tuple[tuple[str, str], ...]:
    """The steps of look-alikes as DuckDB SQL, compiled once."""
    ibis.options.sql.fuse_selects = False
    return tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in named(room_air=room_air))


def run(con: duckdb.DuckDBPyConnection, question: Question) -> None:
    """Adds this room's steps to a connection in which the plan has run."""
    for name, sql in compiled(room_air=question.room_air):
        con.execute(f"create or replace table {name} as {sql}")


def answers(record: Record, question: Question) -> Iterator[tuple[str, Answer]]:
    """Every patient of a record with the object of recognition.lookalikes.as_json, in order of their ids."""
    con = graded(record, question, reasons=False)
    yield from answered(con, question)


def answered(con: duckdb.DuckDBPyConnection, question: Question) -> Iterator[tuple[str, Answer]]:
    """As `answers`, from a connection in which the plan has run."""
    run(con, question)
    patients = [
        row[0] for row in con.sql("select distinct patient from findings order by patient collate c").fetchall()
    ]
    rows = {name: con.sql(f"select * from {name}").to_arrow_table().to_pylist() for name in room.STEPS}
    for patient, mine in room.by_patient(rows, patients).items():
        yield patient, {"patient": patient, **room.as_json(mine)}


def lines(record: Record, question: Question, *, json: bool) -> Iterator[str]:
    """What `leeward lookalikes` prints: an object per patient and line, or words."""
    for patient, answer in answers(record, question):
        yield msgspec.json.encode(answer).decode() if json else f"Patient {patient}\n{in_words(answer)}\n"
