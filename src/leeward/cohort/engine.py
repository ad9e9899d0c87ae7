"""Runs the plan on DuckDB: a cohort table by table, one patient as one prepared statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache

import duckdb
import ibis
import msgspec
import pyarrow as pa

from leeward.cohort.plan import COURSES, REASONS, steps
from leeward.record.schema import FINDING


class Question(msgspec.Struct, frozen=True):
    """What is asked: as of when, with which assumptions."""

    as_of: datetime | None = None
    assumed_trigger: datetime | None = None
    assumed_setting: str | None = None
    room_air: bool = False


@cache
def compiled(*, room_air: bool, dialect: str = "duckdb") -> tuple[tuple[str, str], ...]:
    """Every step as SQL, in order. Compiling takes a good part of a second, so it is done once."""
    ibis.options.sql.fuse_selects = False
    return tuple((name, str(ibis.to_sql(step, dialect=dialect))) for name, step in steps(room_air=room_air))


def connect(threads: int = 2) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that computes in UTC whatever the machine's zone."""
    con = duckdb.connect()
    con.execute(f"set threads = {threads}; set TimeZone = 'UTC'; set preserve_insertion_order = false")
    return con


def run(
    con: duckdb.DuckDBPyConnection, question: Question, *, reasons: bool = True, tell: Callable[[str, int, int], None] | None = None
) -> None:
    """Makes every step a table in `con`, where a table or view `findings` stands already; `tell` hears of each."""
    con.execute("create or replace temp table question as select ?::timestamptz as_of, ?::timestamptz assumed_trigger, "
                "?::varchar assumed_setting", [question.as_of, question.assumed_trigger, question.assumed_setting])  # fmt: skip
    steps = [(name, sql) for name, sql in compiled(room_air=question.room_air) if reasons or name not in REASONS]
    for done, (name, sql) in enumerate(steps):
        if tell is not None:
            tell(name, done, len(steps))
        con.execute(f"create or replace temp {'view' if name == 'known' else 'table'} {name} as {sql}")


def tables(con: duckdb.DuckDBPyConnection, names: Iterable[str] = (*COURSES, *REASONS)) -> dict[str, list[dict[str, object]]]:
    """The rows of answer steps, as dictionaries."""
    return {name: con.sql(f"select * from {name}").to_arrow_table().to_pylist() for name in names}


_COLUMNS = {
    "patient": "varchar", "quantity": "varchar", "measured_at": "bigint", "measured_until": "bigint", "reported_at": "bigint",
    "received_at": "bigint", "low": "double", "high": "double", "text": "varchar", "site": "varchar", "status": "varchar",
    "record": "varchar", "version": "varchar", "revised": "boolean", "source": "varchar", "place": "varchar",
}  # fmt: skip
_PARAMETERS = {**_COLUMNS, "as_of": "bigint", "assumed_trigger": "bigint", "assumed_setting": "varchar"}


class Bedside:
    """One patient at a time, warm: the whole plan is one statement, planned once and kept.

    DuckDB keeps a plan only when it reads no table, so findings and question arrive as its parameters.
    """

    def __init__(self, *, room_air: bool = False) -> None:
        self._con = connect(threads=1)
        lists = ", ".join(f"unnest(${place}::{kind}[]) as {name}" for place, (name, kind) in enumerate(_PARAMETERS.items(), 1))
        instants = ("measured_at", "measured_until", "reported_at", "received_at")
        typed = ", ".join(f"make_timestamptz({name}) as {name}" for name in instants)
        question = ("select make_timestamptz(max(as_of)) as as_of, make_timestamptz(max(assumed_trigger)) as assumed_trigger, "
                    "max(assumed_setting) as assumed_setting from arrived")  # fmt: skip
        findings = f"select * exclude (as_of, assumed_trigger, assumed_setting) replace ({typed}) from arrived"
        chain = [("arrived", f"select {lists}"), ("findings", findings), ("question", question)]
        chain += compiled(room_air=room_air)
        steps = ",\n".join(f"{name} as materialized ({sql})" for name, sql in chain)
        rows = ", ".join(f"(select list({name}) from {name}) as {name}" for name in (*COURSES, *REASONS))
        self._con.execute(f"prepare course as with {steps} select {rows}")

    def tables(self, findings: pa.Table, question: Question) -> dict[str, list[dict[str, object]]]:
        """The rows of the answer steps for these findings (FINDING), one patient or a few."""
        asked = [_microseconds(question.as_of), _microseconds(question.assumed_trigger), _quoted(question.assumed_setting)]
        values = [_literals(findings.column(name)) for name in _COLUMNS]
        values += [f"[{','.join([value] * findings.num_rows)}]" for value in asked]
        # Typed, because DuckDB plans again when a parameter's type is not the one it planned for.
        values = [f"{value}::{kind}[]" for value, kind in zip(values, _PARAMETERS.values(), strict=True)]
        row = self._con.execute(f"execute course({', '.join(values)})").fetchone()
        return {name: (row[place] if row else None) or [] for place, name in enumerate((*COURSES, *REASONS))}


def _literals(column: pa.ChunkedArray) -> str:
    """A column as a SQL list: instants as microseconds, words quoted, an open bound as infinity."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_string(column.type):
        return "[" + ",".join(map(_quoted, column.to_pylist())) + "]"
    return "[" + ",".join("null" if value is None else f"'{value}'" if value in _OPEN else str(value) for value in column.to_pylist()) + "]"


_OPEN = (float("inf"), float("-inf"))


def _quoted(word: str | None) -> str:
    """A word as a SQL literal; quotes doubled, so that no word can end it."""
    return "null" if word is None else "'" + word.replace("'", "''") + "'"


def _microseconds(moment: datetime | None) -> str:
    """A moment as a SQL literal of microseconds since 1970."""
    return "null" if moment is None else str(int(moment.timestamp() * 1_000_000))
