"""What a reader is told beside the answer: which part gave which grade, what was corrected, what else it could be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import duckdb
import ibis
import msgspec
import pyarrow as pa

from leeward.cohort import lookalikes
from leeward.cohort.courses import graded
from leeward.cohort.engine import Question
from leeward.cohort.plan import FINDINGS, QUESTION, steps
from leeward.knowledge.vocabulary import quantities
from leeward.record.spool import Record
from leeward.scales import astct_2019_crs, astct_2019_icans, parts
from leeward.timeline.corrections import corrections


class Part(msgspec.Struct, frozen=True):
    """The grade that one part of a definition gives at the answer's moment, at its mildest and its worst.

    `known`: something of it is charted and not too old.
    """

    syndrome: str
    name: str
    known: bool
    at_least: int
    at_most: int


class Correction(msgspec.Struct, frozen=True):
    """A value that was replaced, or (`now` None) taken back; each as a value in `unit`, or a word."""

    quantity: str
    unit: str | None
    at: datetime
    was: str
    now: str | None
    known: datetime
    moved: datetime | None = None  # when it was said to be measured before, if that was corrected too


class Beside(msgspec.Struct, frozen=True):
    """All of it for one patient; `lookalikes` is the object of `leeward lookalikes --json`."""

    parts: tuple[Part, ...] = ()
    corrections: tuple[Correction, ...] = ()
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
    listed = sorted(rows.get("corrections", []), key=lambda row: (row["at_s"], row["quantity"], row["known_s"]))
    return Beside(
        tuple(Part(row["syndrome"], row["part"], bool(row["known"]), row["at_least"], row["at_most"]) for row in held),
        tuple(_correction(row) for row in listed),
        told,
    )


def _correction(row: Mapping[str, Any]) -> Correction:
    """One correction, its values as they are read."""
    held = quantities().get(row["quantity"])
    now = None if row["withdrawn"] else _value(row["low"], row["high"], row["text"])
    moved = row["was_at_s"] if row["was_at_s"] != row["at_s"] else None
    return Correction(
        row["quantity"], held.unit if held else None, _when(row["at_s"]),
        _value(row["was_low"], row["was_high"], row["was_text"]), now, _when(row["known_s"]),
        None if moved is None else _when(moved),
    )  # fmt: skip


def _value(low: float | None, high: float | None, text: str | None) -> str:
    """A finding's value as one word."""
    if low is None or high is None:
        return text or "no value"
    if low == high:
        return f"{low:g}"
    return f"<{high:g}" if low == float("-inf") else f">{low:g}" if high == float("inf") else f"{low:g} to {high:g}"


def _when(seconds: int) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def corrections_of(findings: pa.Table, as_of: datetime) -> tuple[Correction, ...]:
    """What was corrected of one patient's findings, as known at a moment, without grading anything."""
    con = duckdb.connect()
    con.execute("set threads = 1; set TimeZone = 'UTC'; set enable_progress_bar = false")
    con.register("findings", findings)
    con.execute("create temp table question as select ?::timestamptz as as_of", [as_of])
    rows = con.sql(_corrected()).to_arrow_table().to_pylist()
    con.close()
    return tuple(_correction(row) for row in sorted(rows, key=lambda row: (row["at_s"], row["quantity"])))


@cache
def _corrected() -> str:
    """The question of corrections as SQL, compiled once."""
    return str(ibis.to_sql(corrections(FINDINGS, QUESTION), dialect="duckdb"))


@cache
def _steps() -> tuple[tuple[str, str], ...]:
    """The questions as SQL over the steps of the plan, compiled once."""
    ibis.options.sql.fuse_selects = False
    made = {name: ibis.table(step.schema(), name=name) for name, step in steps(room_air=False)}
    asked = (
        ("crs", parts.crs(made["crs_signs"], made["people"], astct_2019_crs.limits())),
        ("icans", parts.icans(made["icans_signs"], made["people"], astct_2019_icans.limits())),
        ("corrections", corrections(FINDINGS, QUESTION)),
    )
    return tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in asked)
