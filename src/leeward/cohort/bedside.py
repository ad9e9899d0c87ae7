"""One patient at a time, warm: the plan of a cohort, compiled for SQLite, which starts a query in microseconds.

DuckDB needs more time to start the plan's many steps than to compute them for one patient.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any, NamedTuple
from weakref import finalize

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from leeward.cohort import guidance, watching
from leeward.cohort import lookalikes as beside
from leeward.cohort import parts as parts_
from leeward.cohort.bedside_functions import add_to
from leeward.cohort.bedside_sql import sql
from leeward.cohort.engine import Question, answered
from leeward.cohort.plan import FINDINGS, QUESTION, steps
from leeward.plan import fires, state
from leeward.recognition import lookalikes as room
from leeward.record.schema import FINDING
from leeward.scales.older_crs import ASTCT, older

SIGNS_SHOWN = "signs_shown"
"""The step whose rows say which signs were there when older scales differ."""
Rows = dict[str, list[dict[str, Any]]]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Step(NamedTuple):
    """One step: its name, its columns, how SQLite's values of some become Python's, its statement."""

    name: str
    columns: tuple[str, ...]
    read: tuple[tuple[str, Callable[[Any], Any]], ...]
    statement: str


@cache
def compiled(
    *, room_air: bool, scales: tuple[str, ...], scores: bool, lookalikes: bool, watched: bool = False,
    parts: bool = False, advice: bool = False,
) -> tuple[_Step, ...]:  # fmt: skip
    """The steps whose rows are asked for and those they read, in order. Compiling takes a second or more."""
    made = steps(room_air=room_air, scales=scales, scores=scores)
    if lookalikes:
        made += beside.named(room_air=room_air)
    if watched:
        made += watching.named(room_air=room_air)
    if parts:
        made += parts_.named()
    if advice:
        people = ibis.table(dict(made)["people"].schema(), name="people")
        made += [
            (guidance.ASKED.get_name(), state.asked_now(people)),
            *guidance.named(room_air=room_air, scales=scales),
        ]
    asked = {"scores": scores, "lookalikes": lookalikes, "watched": watched, "parts": parts, "advice": advice}
    read = set(names(scales=scales, **asked))
    wanted = []
    for name, step in reversed(made):
        if name in read:
            read |= {table.name for table in step.op().find(ops.UnboundTable)}
            wanted.append((name, step))
    return tuple(_step(name, step) for name, step in reversed(wanted))


def names(
    *, scales: tuple[str, ...], scores: bool, lookalikes: bool, watched: bool = False, parts: bool = False,
    advice: bool = False,
) -> tuple[str, ...]:  # fmt: skip
    """The steps whose rows answer. A plan is made without those of the course, unless look-alikes are asked for too."""
    if advice and not lookalikes:
        return guidance.STEPS
    asked = answered(Question(scales=scales, scores=scores)) + (room.STEPS if lookalikes else ())
    asked += tuple(name for name in watching.STEPS if name not in asked) if watched else ()
    asked += (*parts_.STEPS, *((SIGNS_SHOWN,) if older(scales) else ())) if parts else ()
    return asked + (guidance.STEPS if advice else ())


def _step(name: str, step: ir.Table) -> _Step:
    """A step, compiled."""
    schema = step.schema()
    read = [(column, _reader(kind)) for column, kind in schema.items() if kind.is_boolean() or kind.is_timestamp()]
    return _Step(name, tuple(schema), tuple(read), f'insert into "{name}" {sql(step)}')


def _reader(kind: Any) -> Callable[[Any], Any]:
    """How a column that SQLite keeps as a whole number is read."""
    return bool if kind.is_boolean() else _moment


class Bedside:
    """Answers for one patient, or a few, as the plan of a cohort answers; the statements are prepared once and kept.

    `parts`: which part of each definition gave which grade, and which signs were there when scales differ.
    `cells`: those of the guidelines (plan.fires.cells), where a plan is asked for in place of the course; with
    look-alikes, beside it.
    One answer is computed at a time, whichever thread asks. Nothing of a patient is kept after the answer.
    """

    def __init__(
        self,
        *,
        room_air: bool = False,
        scales: tuple[str, ...] = (ASTCT,),
        scores: bool = False,
        lookalikes: bool = False,
        watched: bool = False,
        parts: bool = False,
        cells: pa.Table | None = None,
    ) -> None:
        asked: dict[str, Any] = {"scales": scales, "scores": scores, "lookalikes": lookalikes, "watched": watched}
        asked |= {"parts": parts, "advice": cells is not None}
        self._steps = compiled(room_air=room_air, **asked)
        self._names = names(**asked)
        self._turn = Lock()
        kept = 2 * len(self._steps) + len(self._names) + 10  # statements: filling and emptying each step, reading some
        self._con = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=kept)
        finalize(self, self._con.close)
        add_to(self._con)
        arriving = (("findings", FINDINGS.columns), ("question", QUESTION.columns))
        for name, columns in (*arriving, *((step.name, step.columns) for step in self._steps)):
            listed = ", ".join(f'"{column}"' for column in columns)
            self._con.execute(f'create table "{name}" ({listed})')
        if cells is not None:
            self._keep(fires.CELLS.get_name(), cells)
        # Nobody yet: every statement is prepared, or refused, now; and no answer waits while compiling is cleared away.
        self._answered(FINDING.empty_table(), Question())
        gc.collect()

    def _keep(self, name: str, table: pa.Table) -> None:
        """A table that is the same for every patient."""
        self._con.execute(f'create table "{name}" ({", ".join(table.column_names)})')
        rows = zip(*(_values(column) for column in table.columns), strict=True)
        self._con.executemany(f'insert into "{name}" values ({_places(table.column_names)})', rows)

    def tables(self, findings: pa.Table, question: Question) -> Rows:
        """The rows of the answer steps for these findings (FINDING), one patient or a few."""
        if findings.num_rows == 0:
            return {name: [] for name in self._names}
        return self._answered(findings, question)

    def _answered(self, findings: pa.Table, question: Question) -> Rows:
        """Every step computed and read, and every table left empty."""
        with self._turn:
            self._con.execute("begin")
            try:
                self._fill(findings, question)
                return {step.name: self._rows(step) for step in self._steps if step.name in self._names}
            finally:
                for name in ("findings", "question", *(step.name for step in self._steps)):
                    self._con.execute(f'delete from "{name}"')
                self._con.execute("commit")

    def _fill(self, findings: pa.Table, question: Question) -> None:
        """Every table of the plan, from what arrives to what is asked for."""
        arrived = zip(*(_values(findings.column(name)) for name in FINDINGS.columns), strict=True)
        self._con.executemany(f"insert into findings values ({_places(FINDINGS.columns)})", arrived)
        asked = (question.as_of, question.assumed_trigger)
        moments = [None if moment is None else _microseconds(moment) for moment in asked]
        self._con.execute("insert into question values (?, ?, ?)", (*moments, question.assumed_setting))
        for step in self._steps:
            self._con.execute(step.statement)

    def _rows(self, step: _Step) -> list[dict[str, Any]]:
        """The rows of a step, as dictionaries."""
        found = self._con.execute(f'select * from "{step.name}"').fetchall()
        rows = [dict(zip(step.columns, row, strict=True)) for row in found]
        for name, read in step.read:
            for row in rows:
                row[name] = None if row[name] is None else read(row[name])
        return rows


def _places(columns: Iterable[str]) -> str:
    """A place for each column of an inserted row."""
    return ", ".join("?" for _ in columns)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """A column as Python's values; instants as microseconds."""
    values: list[Any] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return values


def _microseconds(moment: datetime) -> int:
    """A moment as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    """Microseconds since 1970 as a moment in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)
