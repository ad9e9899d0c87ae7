"""What is due after a dose, for every patient of a record: plan.monitoring and early_signs over the plan's steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import msgspec

from leeward.cohort.courses import Stream, graded, refused_by_patient
from leeward.cohort.engine import Question
from leeward.cohort.plan import steps as plan
from leeward.plan import early_signs, monitoring
from leeward.plan.monitoring import Bedside, Given, Watched, watched
from leeward.record.spool import Record
from leeward.scales.older_crs import ASTCT

STEPS = (
    "watch_latest",
    "watch_seen",
    "watch_setting",
    "watch_own",
    "watch_compared",
    "watch_written",
    "now",
    "people",
    "watched",
)
"""The steps whose rows an answer is made of."""


def named(*, room_air: bool) -> list[tuple[str, ir.Table]]:
    """The steps by name, over the steps of the plan."""
    made = {name: ibis.table(step.schema(), name=name) for name, step in plan(room_air=room_air)}
    out: list[tuple[str, ir.Table]] = []

    def step(name: str, build: Callable[..., ir.Table], *inputs: ir.Table, **settings: Any) -> ir.Table:
        out.append((name, build(*inputs, **settings)))
        return ibis.table(out[-1][1].schema(), name=name)

    known, people = made["known"], made["people"]
    dosed = step("watch_dosed", monitoring.dosed, step("watch_latest", monitoring.latest, made["exposed"], people))
    step("watch_seen", monitoring.seen, known, people)
    step("watch_setting", monitoring.setting, known, people)
    early_signs.steps(step, known, dosed)
    return out


@cache
def compiled(*, room_air: bool) -> tuple[tuple[str, str], ...]:
    """The steps as DuckDB SQL, compiled once."""
    ibis.options.sql.fuse_selects = False
    return tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in named(room_air=room_air))


def answers(
    record: Record, question: Question, *, zone: tzinfo = UTC, region: str | None = None
) -> Iterator[Watched]:  # fmt: skip
    """Every patient of a record with what is due, in order of ids. `zone`: whose days and clock the rules run on."""
    con = graded(record, question, reasons=False)
    run(con, question)
    yield from answered(con, refused_by_patient(record.refusals), question, zone=zone, region=region)


def run(con: duckdb.DuckDBPyConnection, question: Question) -> None:
    """Adds these steps to a connection in which the plan has run."""
    for name, sql in compiled(room_air=question.room_air):
        con.execute(f"create or replace table {name} as {sql}")


def answered(
    con: duckdb.DuckDBPyConnection,
    refused: dict[str, dict[str, int]],
    question: Question,
    *,
    zone: tzinfo,
    region: str | None,
) -> Iterator[Watched]:
    """As `answers`, from a connection in which the steps have run."""
    streams = {name: Stream(con, name) for name in STEPS}
    seen = {patient for (patient,) in con.execute("select distinct patient from findings").fetchall()}
    for patient in sorted(seen | set(refused)):
        rows = {name: stream.of(patient) for name, stream in streams.items()}
        yield watched_of(patient, rows, question, zone=zone, region=region, refused=refused.get(patient, {}))


def watched_of(
    patient: str,
    rows: dict[str, list[dict[str, Any]]],
    question: Question,
    *,
    zone: tzinfo,
    region: str | None,
    refused: dict[str, int],
) -> Watched:
    """One patient's, from their rows of STEPS; `refused`: what was not understood, by reason."""
    made = watched(_bedside(patient, rows, question, zone, region))
    return msgspec.structs.replace(made, not_understood=refused)


def _bedside(
    patient: str, rows: dict[str, list[dict[str, Any]]], question: Question, zone: tzinfo, region: str | None
) -> Bedside:
    """One patient at the moment asked about, else at their last finding."""
    last = next((row["last"] for row in rows["watched"]), None)
    at = question.as_of or last or datetime.fromtimestamp(0, UTC)
    as_of_s = next((row["as_of_s"] for row in rows["people"]), int(at.timestamp()))
    now = next((row for row in rows["now"] if row["syndrome"] == "crs" and row["scale"] == ASTCT), None)
    return Bedside(
        patient=patient, as_of_s=as_of_s, zone=zone, region=region,
        doses=[Given(row["product"], row["dose_s"], row["dose_until_s"]) for row in rows["watch_latest"]],
        died_s=next((row["death_s"] for row in rows["people"]), None),
        setting=next((row["setting"] for row in rows["watch_setting"]), None),
        crs=None if now is None else (now["at_least"], now["at_most"]),
        seen={row["quantity"]: row["last_s"] for row in rows["watch_seen"]},
        signs=early_signs.told(rows["watch_own"], rows["watch_compared"], rows["watch_written"]),
    )  # fmt: skip
