"""Runs the plan on DuckDB, table by table, for a cohort of any size. For one patient at a time: cohort.bedside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any

import duckdb
import msgspec

from leeward.cohort.duckdb_sql import spelt
from leeward.cohort.plan import COURSES, REASONS, steps
from leeward.cohort.side_by_side import SideBySide
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
) -> tuple[tuple[str, str], ...]:
    """Every step as SQL, in order. Compiling takes a good part of a second, so it is done once."""
    made = steps(room_air=room_air, scales=scales, scores=scores, dated=dated, revised=revised)
    return tuple((name, spelt(step)) for name, step in made)


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


def ask(con: duckdb.DuckDBPyConnection, question: Question) -> None:
    """Puts what is asked into the table `question`, which the steps read."""
    con.execute(
        "create or replace table question as "
        "select ?::timestamptz as_of, ?::timestamptz assumed_trigger, ?::varchar assumed_setting",
        [question.as_of, question.assumed_trigger, question.assumed_setting],
    )


def run(
    con: duckdb.DuckDBPyConnection,
    question: Question,
    *,
    reasons: bool = True,
    tell: Callable[[str, int, int], None] | None = None,
) -> None:
    """Makes every step a table in `con`, where a table or view `findings` stands already; `tell` hears of most."""
    ask(con, question)
    revised = any(
        con.sql(f"select 1 from findings where {one} limit 1").fetchall() for one in ("revised", "status = 'withdrawn'")
    )
    made = plan_for(question, revised=revised)
    SideBySide(con, [(name, sql) for name, sql in made if reasons or name not in REASONS]).make(tell)


def tables(
    con: duckdb.DuckDBPyConnection, names: Iterable[str] = (*COURSES, *REASONS)
) -> dict[str, list[dict[str, Any]]]:
    """The rows of answer steps, as dictionaries."""
    return {name: con.sql(f"select * from {name}").to_arrow_table().to_pylist() for name in names}


def answered(question: Question) -> tuple[str, ...]:
    """The steps whose rows answer a question."""
    estimated = ("estimated",) if older(question.scales) else ()
    return (*COURSES, *REASONS, *estimated, *(("scores",) if question.scores else ()))
