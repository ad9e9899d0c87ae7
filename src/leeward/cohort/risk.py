"""Risk scores of every patient of a record: risk.scores run over the plan's first steps on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import msgspec

from leeward.cohort.courses import Stream, refused_by_patient
from leeward.cohort.engine import Question, ask, connect
from leeward.cohort.plan import QUESTION
from leeward.cohort.plan import steps as plan
from leeward.cohort.risk_coefficients import scored
from leeward.record.spool import Record
from leeward.risk import answers as room
from leeward.risk import scores
from leeward.risk.coefficients import Coefficients
from leeward.risk.definitions import Moment, moments, rules

Answer = dict[str, Any]
_PERSON = (
    "product",
    "infusion_s",
    "lymphodepletion_s",
    "disease",
    "age_low",
    "age_high",
    "as_of_s",
    "from_s",
    "until_s",
)
"""What is null of a patient of whom nothing was understood."""
_NEEDED = ("newest", "known", "exposed")
"""The steps of the plan that risk reads; none of them grades."""


class Asked(msgspec.Struct, frozen=True):
    """What is asked of risk: the moment, and what the record may lack: product and disease; a user's coefficients."""

    at: str
    product: str | None = None
    disease: str | None = None
    coefficients: tuple[Coefficients, ...] = ()

    @property
    def moment(self) -> Moment:
        """The moment asked for."""
        return moments()[self.at]


@cache
def _first() -> tuple[tuple[str, ir.Table], ...]:
    """The steps of the plan that risk reads, by name."""
    return tuple((name, step) for name, step in plan(room_air=False) if name in _NEEDED)


@cache
def named(at: str) -> tuple[tuple[str, ir.Table], ...]:
    """The steps of risk at a moment by name, after those of the plan that they read."""
    made = {name: ibis.table(step.schema(), name=name) for name, step in _first()}
    return (*_first(), *scores.steps(made["known"], made["exposed"], QUESTION, moments()[at]))


@cache
def compiled(at: str) -> tuple[tuple[str, str], ...]:
    """The steps of risk at a moment as DuckDB SQL, compiled once."""
    ibis.options.sql.fuse_selects = False
    return tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in named(at))


def run(record: Record, question: Question, asked: Asked) -> duckdb.DuckDBPyConnection:
    """A connection in which the steps of risk stand as tables."""
    con = connect()
    record.to_duckdb(con, "findings")
    ask(con, question)
    for name, sql in compiled(asked.at):
        con.execute(f"create or replace table {name} as {sql}")
    return con


def values(con: duckdb.DuckDBPyConnection) -> dict[str, list[float]]:
    """By score that is a number or points the values of all patients, sorted: what a percentile is taken in."""
    made: dict[str, list[float]] = {name: [] for name, rule in rules().items() if rule.kind != "sign"}
    for score, value in con.execute("select score, value from risk where value is not null order by value").fetchall():
        known = room.rounded(value)
        if score in made and known is not None:
            made[score].append(known)
    return made


def answers(
    record: Record, question: Question, asked: Asked, *, cohort: Mapping[str, Sequence[float]] | None = None
) -> Iterator[tuple[str, Answer]]:
    """Every patient of a record with their object, in order of ids; `cohort`: in whose values percentiles are taken."""
    con = run(record, question, asked)
    own = scored(con, asked.coefficients, asked.moment, dict(named(asked.at))[scores.ALL].schema())
    held = dict(cohort) if cohort is not None else {**values(con), **own.values}
    streams = {name: Stream(con, name) for name in scores.STEPS}
    refused = refused_by_patient(record.refusals)
    seen = {patient for (patient,) in con.execute("select patient from risk_people").fetchall()}
    for patient in sorted(seen | set(refused)):
        rows = {name: stream.of(patient) for name, stream in streams.items()}
        [person] = rows["risk_people"] or [{**dict.fromkeys(_PERSON), "patient": patient}]
        person = {**person, "product": _product(person, asked), "disease": person["disease"] or asked.disease}
        rows["own"] = own.of(patient, person)
        yield patient, room.answer(person, rows, asked.moment, held, refused.get(patient, {}))


def _product(person: Mapping[str, Any], asked: Asked) -> str | None:
    """The product on record; where none or only an assumed therapy is, the one that was named with the question."""
    on_record: str | None = person["product"]
    return asked.product if on_record in (None, "assumed") and asked.product else on_record


def values_of(record: Record, question: Question, asked: Asked) -> dict[str, list[float]]:
    """By score the values of another record's patients, sorted: whose percentiles are asked for."""
    con = run(record, question, asked)
    own = scored(con, asked.coefficients, asked.moment, dict(named(asked.at))[scores.ALL].schema())
    return {**values(con), **own.values}
