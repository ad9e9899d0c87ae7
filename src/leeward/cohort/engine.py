"""Runs the plan on DuckDB: a cohort table by table, one patient as one prepared statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any

import duckdb
import ibis
import msgspec
import pyarrow as pa

from leeward.cohort.plan import COURSES, REASONS, steps
from leeward.scales.older_crs import ASTCT, older


class Question(msgspec.Struct, frozen=True):
    """What is asked: as of when, with which assumptions."""

    as_of: datetime | None = None
    assumed_trigger: datetime | None = None
    assumed_setting: str | None = None
    room_air: bool = False
    scales: tuple[str, ...] = (ASTCT,)
    scores: bool = False


@cache
def compiled(
    *,
    room_air: bool,
    scales: tuple[str, ...] = (ASTCT,),
    scores: bool = False,
    dated: bool = True,
    revised: bool = True,
    dialect: str = "duckdb",
) -> tuple[tuple[str, str], ...]:
    """Every step as SQL, in order. Compiling takes a good part of a second, so it is done once."""
    ibis.options.sql.fuse_selects = False
    made = steps(room_air=room_air, scales=scales, scores=scores, dated=dated, revised=revised)
    return tuple((name, str(ibis.to_sql(step, dialect=dialect))) for name, step in made)


def plan_for(question: Question, *, revised: bool) -> tuple[tuple[str, str], ...]:
    """The compiled plan that answers a question; `revised`: something may have several versions."""
    return compiled(
        room_air=question.room_air,
        scales=question.scales,
        scores=question.scores,
        dated=question.as_of is not None,
        revised=revised,
    )


def connect(threads: int = 2) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that computes in UTC whatever the machine's zone."""
    con = duckdb.connect()
    con.execute(
        f"set threads = {threads}; set TimeZone = 'UTC'; set preserve_insertion_order = false; "
        "set enable_progress_bar = false"
    )
    return con


def run(
    con: duckdb.DuckDBPyConnection,
    question: Question,
    *,
    reasons: bool = True,
    tell: Callable[[str, int, int], None] | None = None,
) -> None:
    """Makes every step a table in `con`, where a table or view `findings` stands already; `tell` hears of each."""
    con.execute(
        "create or replace table question as "
        "select ?::timestamptz as_of, ?::timestamptz assumed_trigger, ?::varchar assumed_setting",
        [question.as_of, question.assumed_trigger, question.assumed_setting],
    )
    revised = any(
        con.sql(f"select 1 from findings where {one} limit 1").fetchall() for one in ("revised", "status = 'withdrawn'")
    )
    made = plan_for(question, revised=revised)
    steps = [(name, sql) for name, sql in made if reasons or name not in REASONS]
    for done, (name, sql) in enumerate(steps):
        if tell is not None:
            tell(name, done, len(steps))
        con.execute(f"create or replace {'temp view' if name == 'known' else 'table'} {name} as {sql}")


def tables(
    con: duckdb.DuckDBPyConnection, names: Iterable[str] = (*COURSES, *REASONS)
) -> dict[str, list[dict[str, Any]]]:
    """The rows of answer steps, as dictionaries."""
    return {name: con.sql(f"select * from {name}").to_arrow_table().to_pylist() for name in names}


def answered(question: Question) -> tuple[str, ...]:
    """The steps whose rows answer a question."""
    estimated = ("estimated",) if older(question.scales) else ()
    return (*COURSES, *REASONS, *estimated, *(("scores",) if question.scores else ()))


_COLUMNS = {
    "patient": "varchar", "quantity": "varchar", "measured_at": "bigint", "measured_until": "bigint",
    "reported_at": "bigint", "received_at": "bigint", "low": "double", "high": "double", "text": "varchar",
    "site": "varchar", "status": "varchar", "record": "varchar", "version": "varchar", "revised": "boolean",
    "source": "varchar", "place": "varchar",
}  # fmt: skip
_APART, _NOTHING = "\x1e", "\x1f"
"""Between two values of a column, and where there is none: control characters that no word may hold."""
_PARAMETERS = {**_COLUMNS, "as_of": "bigint", "assumed_trigger": "bigint", "assumed_setting": "varchar"}


class Bedside:
    """One patient at a time, warm: the whole plan is one statement, planned once and kept.

    DuckDB keeps a plan only when it reads no table, so findings and question arrive as its parameters.
    """

    def __init__(self, *, room_air: bool = False, scales: tuple[str, ...] = (ASTCT,), scores: bool = False) -> None:
        self._con = connect(threads=1)
        self._names = answered(Question(scales=scales, scores=scores))
        columns = ", ".join(
            f"unnest(string_split(${place}::varchar, '{_APART}')) as {name}"
            for place, name in enumerate(_PARAMETERS, 1)
        )
        typed = ", ".join(f"nullif({name}, '{_NOTHING}')::{kind} as {name}" for name, kind in _PARAMETERS.items())
        instants = ("measured_at", "measured_until", "reported_at", "received_at")
        moments = ", ".join(f"make_timestamptz({name}) as {name}" for name in instants)
        question = (
            "select make_timestamptz(max(as_of)) as as_of, "
            "make_timestamptz(max(assumed_trigger)) as assumed_trigger, "
            "max(assumed_setting) as assumed_setting from arrived"
        )
        findings = f"select * exclude (as_of, assumed_trigger, assumed_setting) replace ({moments}) from arrived"
        chain = [("arrived", f"select {typed} from (select {columns})"), ("findings", findings), ("question", question)]
        chain += compiled(room_air=room_air, scales=scales, scores=scores)
        steps = ",\n".join(f"{name} as materialized ({sql})" for name, sql in chain)
        rows = ", ".join(f"(select list({name}) from {name}) as {name}" for name in self._names)
        self._con.execute(f"prepare course as with {steps} select {rows}")

    def tables(self, findings: pa.Table, question: Question) -> dict[str, list[dict[str, Any]]]:
        """The rows of the answer steps for these findings (FINDING), one patient or a few."""
        if findings.num_rows == 0:
            return {name: [] for name in self._names}
        asked = [_microseconds(question.as_of), _microseconds(question.assumed_trigger), question.assumed_setting]
        values = [_joined(findings.column(name)) for name in _COLUMNS]
        values += [_APART.join([_NOTHING if value is None else str(value)] * findings.num_rows) for value in asked]
        values = ["'" + value.replace("'", "''") + "'" for value in values]
        row = self._con.execute(f"execute course({', '.join(values)})").fetchone()
        return {name: (row[place] if row else None) or [] for place, name in enumerate(self._names)}


def _joined(column: pa.ChunkedArray) -> str:
    """A column as one text: instants as microseconds, nulls marked, so that DuckDB need not parse a list."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_string(column.type):
        return _APART.join(
            [
                _NOTHING if word is None else word.replace(_APART, " ").replace(_NOTHING, " ")
                for word in column.to_pylist()
            ]
        )
    return _APART.join([_NOTHING if value is None else str(value) for value in column.to_pylist()])


def _microseconds(moment: datetime | None) -> int | None:
    """A moment as microseconds since 1970."""
    return None if moment is None else int(moment.timestamp() * 1_000_000)
