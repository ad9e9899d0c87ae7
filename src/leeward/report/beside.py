"""What a reader is told beside the answer: which part gave which grade, and what else it could be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import ibis
import msgspec

from leeward.cohort import lookalikes
from leeward.cohort.courses import graded
from leeward.cohort.engine import Question
from leeward.cohort.plan import steps
from leeward.record.spool import Record
from leeward.scales import astct_2019_crs, astct_2019_icans, parts


class Part(msgspec.Struct, frozen=True):
    """The grade that one part of a definition gives at the answer's moment, at its mildest and its worst.

    `known`: something of it is charted and not too old.
    """

    syndrome: str
    name: str
    known: bool
    at_least: int
    at_most: int


class Beside(msgspec.Struct, frozen=True):
    """All of it for one patient; `lookalikes` is the object of `leeward lookalikes --json`."""

    parts: tuple[Part, ...] = ()
    lookalikes: Mapping[str, Any] | None = None


NOTHING = Beside()


def beside(record: Record, question: Question) -> dict[str, Beside]:
    """By patient; the plan runs once more for it."""
    con = graded(record, question, reasons=False)
    made: dict[str, dict[str, list[Any]]] = {}
    for name, sql in _steps():
        for row in con.sql(sql).to_arrow_table().to_pylist():
            made.setdefault(row["patient"], {}).setdefault(name, []).append(row)
    return {patient: _one(made.get(patient, {}), told) for patient, told in lookalikes.answered(con, question)}


def _one(rows: Mapping[str, list[dict[str, Any]]], told: Mapping[str, Any]) -> Beside:
    """One patient's."""
    held = [row for name in ("crs", "icans") for row in sorted(rows.get(name, []), key=lambda row: row["place"])]
    return Beside(
        tuple(Part(row["syndrome"], row["part"], bool(row["known"]), row["at_least"], row["at_most"]) for row in held),
        told,
    )


@cache
def _steps() -> tuple[tuple[str, str], ...]:
    """The questions as SQL over the steps of the plan, compiled once."""
    ibis.options.sql.fuse_selects = False
    made = {name: ibis.table(step.schema(), name=name) for name, step in steps(room_air=False)}
    asked = (
        ("crs", parts.crs(made["crs_signs"], made["people"], astct_2019_crs.limits())),
        ("icans", parts.icans(made["icans_signs"], made["people"], astct_2019_icans.limits())),
    )
    return tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in asked)
