"""What the timeline says of one patient's findings: which were known, how oxygen was given. Asked, not said again."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import duckdb
import ibis
import pyarrow as pa

from leeward.cohort.duckdb_sql import spelt
from leeward.cohort.plan import FINDINGS, QUESTION
from leeward.record.schema import FINDING
from leeward.timeline.known import known, newest
from leeward.timeline.oxygen import DEVICES, states

_MICROSECONDS = 1_000_000


class State(NamedTuple):
    """Oxygen from a moment on: the device (None: it ended, and nothing was charted since), bounds of its flow."""

    at_s: int
    device: str | None
    flow: tuple[float, float] | None


class Stood(NamedTuple):
    """One patient's findings as known at a moment, and the states of oxygen among them, in order of time."""

    findings: pa.Table
    oxygen: list[State]


def stood(findings: pa.Table, as_of_s: int | None) -> Stood:
    """What was known at a moment, or (None) all that is on record. `findings`: one patient's rows of FINDING."""
    con = _connection().cursor()
    con.register("findings", findings)
    moment = None if as_of_s is None else (as_of_s + 1) * _MICROSECONDS - 1
    con.execute("create or replace temp table question as select make_timestamptz(?::bigint) as as_of", [moment])
    for name, sql in _steps():
        con.execute(f"create or replace temp table {name} as {sql}")
    held = con.sql(f"select {', '.join(FINDING.names)} from known").to_arrow_table()
    rows = con.execute("select at_s, device, flow_low, flow_high from states order by at_s").fetchall()
    charted = {
        row[0] for row in con.execute("select at_s from known where starts_with(quantity, 'oxygen-')").fetchall()
    }
    con.close()
    return Stood(held.cast(FINDING), [_state(*row, charted=row[0] in charted) for row in rows])


def _state(at_s: int, device: int | None, low: float | None, high: float | None, *, charted: bool) -> State:
    """One row of the timeline's; a device that nobody could name at the end of a stretch is none any more."""
    ended = device == DEVICES.index("unrecognised") and not charted
    unnamed = "oxygen-unspecified" if low is not None and low > 0 else None
    word = None if ended else unnamed if device is None else DEVICES[device]
    return State(at_s, word, None if low is None else (low, high if high is not None else low))


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """A database in memory, for one patient at a time."""
    con = duckdb.connect()
    con.execute("set threads = 1; set TimeZone = 'UTC'; set enable_progress_bar = false")
    return con


@cache
def _steps() -> tuple[tuple[str, str], ...]:
    """The timeline's own expressions as SQL, compiled once."""
    latest = newest(FINDINGS, QUESTION)
    named = ibis.table(latest.schema(), name="newest")
    current = known(FINDINGS, named, QUESTION)
    charted = ibis.table(current.schema(), name="known").mutate(who=ibis.literal(0))
    steps = (("newest", latest), ("known", current), ("states", states(charted)))
    return tuple((name, spelt(step)) for name, step in steps)
