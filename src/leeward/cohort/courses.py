"""Courses of a record: graded answers patient by patient, whole tables for studies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from leeward.cohort.answer import Answer, answer, units
from leeward.cohort.engine import Question, answered, connect, run
from leeward.knowledge import edition
from leeward.record.spool import Record

Tell = Callable[[str, int, int], None]
"""Hears of progress: the step's name, how many are done, how many there are."""


def graded(
    record: Record, question: Question, *, tell: Tell | None = None, reasons: bool = True
) -> duckdb.DuckDBPyConnection:
    """The plan run over a record: a connection that holds every step as a table."""
    con = connect()
    record.to_duckdb(con, "findings")
    run(con, question, reasons=reasons, tell=tell)
    return con


def answers(record: Record, question: Question, *, tell: Tell | None = None) -> Iterator[Answer]:
    """One answer per patient of the record, in order of their ids; memory does not grow with their number."""
    con = graded(record, question, tell=tell)
    refused = refused_by_patient(record.refusals)
    known = units()
    streams = {name: Stream(con, name) for name in answered(question)}
    for patient in _patients(con, refused):
        rows = {name: stream.of(patient) for name, stream in streams.items()}
        yield answer(patient, rows, question, refused.get(patient, {}), known)


def refused_by_patient(refusals: pa.Table) -> dict[str, dict[str, int]]:
    """How many statements of each patient were refused, by reason."""
    if refusals.num_rows == 0:
        return {}
    named = refusals.filter(pc.is_valid(refusals["patient"]))
    counted = named.group_by(["patient", "reason"]).aggregate([([], "count_all")])
    result: dict[str, dict[str, int]] = {}
    for row in sorted(counted.to_pylist(), key=lambda row: (row["patient"], row["reason"])):
        result.setdefault(row["patient"], {})[row["reason"]] = row["count_all"]
    return result


def _patients(con: duckdb.DuckDBPyConnection, refused: dict[str, dict[str, int]]) -> list[str]:
    """Every patient the record names, understood or not."""
    seen = con.sql("select distinct patient from findings").fetchall()
    return sorted({row[0] for row in seen} | set(refused))


class Stream:
    """A step's rows in order of patients, a batch at a time."""

    def __init__(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        # A cursor of its own: several results are read side by side.
        self._rows = _rows(con.cursor().sql(f"select * from {name} order by patient collate c"))
        self._next = next(self._rows, None)

    def of(self, patient: str) -> list[dict[str, Any]]:
        """The rows of one patient; patients must be asked for in order."""
        mine = []
        while self._next is not None and self._next["patient"] <= patient:
            if self._next["patient"] == patient:
                mine.append(self._next)
            self._next = next(self._rows, None)
        return mine


def _rows(relation: duckdb.DuckDBPyRelation) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries, without holding more than a batch."""
    for batch in relation.to_arrow_reader(10_000):
        yield from batch.to_pylist()


def to_parquet(record: Record, question: Question, folder: Path, *, tell: Tell | None = None) -> dict[str, Path]:
    """Courses of a cohort as Parquet files in `folder`; times are instants in UTC, every row bears the edition.

    patients (graded or not), exposed (their doses), course, episodes, now, unobserved.
    """
    con = graded(record, question, tell=tell, reasons=False)
    return write(con, folder)


def write(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Path]:
    """The course steps of `con` as Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    con.execute(
        "create or replace table patients as "
        "select patient, (p.patient is not null) as graded, p.as_of_s from watched left join people p using (patient)"
    )
    for name in ("patients", "exposed", "course", "episodes", "now", "unobserved"):
        columns = [
            _written(column) for column in con.sql(f"select * from {name} limit 0").columns if column not in _INNER
        ]
        columns.append(f"'{edition()}' as edition")
        written[name] = folder / f"{name}.parquet"
        path = str(written[name]).replace("'", "''")
        con.execute(f"copy (select {', '.join(columns)} from {name} order by all) to '{path}' (format parquet)")
    return written


_INNER = ("unknown", "observed", "masks_s", "died", "first_sign_s", "episode")
"""Columns that only the plan itself can read."""


def _written(column: str) -> str:
    """A column of a step as it is written: seconds become an instant, `at_s` becomes `at`, `onset_s` `onset_at`."""
    if not column.endswith("_s"):
        return column
    name = column.removesuffix("_s")
    return f"to_timestamp({column}) as {name if name == 'at' else f'{name}_at'}"


def findings_of(record: Record, patient: str) -> pa.Table:
    """One patient's findings."""
    con = connect()
    record.to_duckdb(con, "findings")
    mine = con.sql("select * from findings where patient = ? order by measured_at, quantity", params=[patient])
    return mine.to_arrow_table()


_FORMULA, _QUOTED = r"^([=+@\t\r-])", r"'\1"
"""How a cell begins that a spreadsheet would run, and how it begins instead."""


def harmless(cell: str) -> str:
    """A cell of an export that no spreadsheet runs as a formula."""
    return re.sub(_FORMULA, _QUOTED, cell)


def refusals_to_csv(record: Record, file: Path) -> None:
    """Every refusal with its reason and place, as CSV; a cell that a spreadsheet would run as a formula is quoted."""
    con = connect()
    con.register("refusals", record.refusals)
    path = str(file).replace("'", "''")
    quoted = _QUOTED.replace("'", "''")
    cells = ", ".join(
        f"regexp_replace({name}, '{_FORMULA}', '{quoted}') as {name}" for name in record.refusals.column_names
    )
    con.execute(f"copy (select {cells} from refusals) to '{path}' (format csv, header)")
