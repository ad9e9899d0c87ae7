"""The case tables of the scores: a base patient and rows that change it (cases/scores-bedside.md says how).

`scored` runs a table of findings through the steps of the scores alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from leeward.cohort.duckdb_sql import spelt
from leeward.cohort.engine import connect
from leeward.cohort.plan import FINDINGS, QUESTION
from leeward.record.schema import FINDING
from leeward.scales import scores
from leeward.timeline.exposures import exposures, repeated_products
from leeward.timeline.known import known, newest
from tests.cases.parse import Table, number_or_word, tables

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
"""The moment every score is asked at."""

_CHANGE = re.compile(
    r"(?P<how>no |also )?(?P<quantity>[a-z0-9-]+)(?: (?P<value>[^ ]+))?(?: at (?P<at>\S+))?"
    r"(?: from (?P<first>\S+) every (?P<step>\S+))?"
    r"(?: until (?P<until>\S+))?"
)
_STEM = {"h": 1, "d": 24}


@dataclass(frozen=True)
class Row:
    """One row of a case table: a patient and what must come out of which score."""

    patient: str
    place: str
    findings: tuple[dict[str, Any], ...]
    expects: dict[str, str]
    missing: tuple[str, ...]


def hours(text: str) -> float:
    """`-36h` or `-3d` before now, in hours."""
    return float(text[:-1]) * _STEM[text[-1]]


def _findings(change: re.Match[str]) -> Iterator[dict[str, Any]]:
    """What one change charts, once or over and over."""
    value = number_or_word(change["value"] or "")
    first = hours(change["first"] or change["at"] or "0h")
    last = hours(change["until"]) if change["until"] and change["first"] else first
    step = hours(change["step"]) if change["step"] else 1.0
    until = NOW + timedelta(hours=hours(change["until"])) if change["until"] and not change["first"] else None
    for place in range(int((last - first) / step) + 1):
        yield {
            "quantity": change["quantity"],
            "measured_at": NOW + timedelta(hours=first + place * step),
            "measured_until": until,
            "low": value if isinstance(value, float) else None,
            "high": value if isinstance(value, float) else None,
            "text": value if isinstance(value, str) else None,
        }


def _changed(base: dict[str, list[dict[str, Any]]], cell: str, place: str) -> tuple[dict[str, Any], ...]:
    """The base patient with a row's changes."""
    charted = dict(base)
    for text in [part.strip() for part in cell.split(",") if part.strip()]:
        change = _CHANGE.fullmatch(text)
        assert change is not None, f"{place}: cannot read {text!r}"
        quantity = change["quantity"]
        if change["how"] == "no ":
            assert quantity in charted, f"{place}: the base has no {quantity}"
            del charted[quantity]
        else:
            charted[quantity] = [*(charted.get(quantity, []) if change["how"] else []), *_findings(change)]
    return tuple(found for made in charted.values() for found in made)


def _base(table: Table) -> dict[str, list[dict[str, Any]]]:
    """The base patient of a section."""
    made: dict[str, list[dict[str, Any]]] = {}
    for _, row in table.rows:
        change = _CHANGE.fullmatch(f"{row['base']} {row['value']}")
        assert change is not None, row
        made[row["base"]] = list(_findings(change))
    return made


@cache
def rows(path: Path) -> tuple[Row, ...]:
    """Every row of a file of score cases."""
    base: dict[str, list[dict[str, Any]]] = {}
    made: list[Row] = []
    for table in tables(path):
        if table.columns[0] == "base":
            base = _base(table)
        elif "change" in table.columns:
            for line, row in table.rows:
                place = f"{path.name}:{line}"
                expects = {
                    name: row[name] for name in table.columns if name not in {"case", "change", "missing"} and row[name]
                }
                lacks = tuple(name.strip() for name in row.get("missing", "").split(",") if name.strip())
                made.append(Row(f"{line} {row['case']}", place, _changed(base, row["change"], place), expects, lacks))
    return tuple(made)


@cache
def compiled() -> tuple[tuple[str, str], ...]:
    """The steps of the scores as SQL."""
    made: list[tuple[str, str]] = []

    def step(name: str, build: Any, *inputs: ir.Table, **settings: Any) -> ir.Table:
        made_table = build(*inputs, **settings)
        made.append((name, spelt(made_table)))
        return ibis.table(made_table.schema(), name=name)

    newest_ = step("newest", newest, FINDINGS, QUESTION)
    known_ = step("known", known, FINDINGS, newest_, QUESTION)
    apart = {"repeated": repeated_products(), "same_dose_s": 36 * 3600, "same_course_s": 14 * 86_400}
    exposed = step("exposed", exposures, known_, QUESTION, **apart)
    scores.steps(step, known_, exposed, QUESTION)
    return tuple(made)


def scored(findings: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """The scores of each patient, as an answer holds them."""
    whole = [{"status": "final", "revised": False, **found} for found in findings]
    con = connect()
    con.register("findings", pa.Table.from_pylist(whole, schema=FINDING))
    con.execute(
        "create table question as select ?::timestamptz as_of, null::timestamptz assumed_trigger, "
        "null::varchar assumed_setting",
        [NOW],
    )
    for name, sql in compiled():
        con.execute(f"create or replace table {name} as {sql}")
    by_patient: dict[str, list[dict[str, Any]]] = {}
    for row in con.sql("select * from scores").to_arrow_table().to_pylist():
        by_patient.setdefault(row["patient"], []).append(row)
    return {patient: scores.as_json(mine) for patient, mine in by_patient.items()}
