"""Of the findings that open alerts rest on, those that were corrected or taken back since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from leeward.cohort.answer import cited, units
from leeward.cohort.engine import compiled
from leeward.knowledge.vocabulary import quantities
from leeward.ward.alerts.signs import Basis

TRIGGER = "trigger"


def gone(rest_on: Iterable[Basis], findings: pa.Table, triggers: Iterable[datetime], at: datetime) -> frozenset[Basis]:
    """Those of `rest_on` that the record as known at a moment no longer holds, or holds with another value.

    findings: FINDING, every version. What was worked out and never charted as such is not looked for.
    """
    asked = {basis for basis in rest_on if basis.quantity in quantities() and basis.quantity != TRIGGER}
    doses = set(triggers)
    lost = {basis for basis in rest_on if basis.quantity == TRIGGER and basis.at not in doses}
    rows = [row for basis in asked for row in _rows(findings, basis)]
    there = {(row["quantity"], row["measured_at"]) for row in rows}
    lost |= {basis for basis in asked if (basis.quantity, basis.at) not in there}
    if any(row["revised"] or row["status"] == "withdrawn" for row in rows):
        stand = standing(findings, at)
        lost |= {basis for basis in asked if not _stands(basis, stand)}
    return frozenset(lost)


def _rows(findings: pa.Table, basis: Basis) -> list[dict[str, Any]]:
    """Every version of what was measured then."""
    same = pc.and_(
        pc.equal(findings["quantity"], basis.quantity),
        pc.equal(findings["measured_at"], pa.scalar(basis.at, findings.schema.field("measured_at").type)),
    )
    rows: list[dict[str, Any]] = findings.filter(same).to_pylist()
    return rows


def _stands(basis: Basis, stand: list[Basis]) -> bool:
    """Whether some finding says so still; a sign that keeps no value rests on there being one."""
    return any(
        (one.quantity, one.at) == (basis.quantity, basis.at) and basis.value in (None, one.value) for one in stand
    )


def standing(findings: pa.Table, at: datetime) -> list[Basis]:
    """What is known at a moment, each record in its newest version, by the rule of timeline.known."""
    con = duckdb.connect()
    con.execute("set threads = 1; set TimeZone = 'UTC'")
    con.register("findings", findings)
    con.execute("create table question as select ?::timestamptz as_of", [at])
    for name, sql in _steps():
        con.execute(f"create table {name} as {sql}")
    rows = con.sql("select * from known").to_arrow_table().to_pylist()
    con.close()
    known = units()
    return [of(cited(row, known)) for row in rows]


@cache
def _steps() -> tuple[tuple[str, str], ...]:
    """The two steps of the plan that tell what is known, compiled once."""
    return tuple((name, sql) for name, sql in compiled(room_air=False) if name in ("newest", "known"))


def of(because: Any) -> Basis:
    """What an answer cites as a sign keeps it."""
    return Basis(quantity=because.quantity, at=because.at, value=because.value, unit=because.unit)
