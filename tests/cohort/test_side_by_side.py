"""Steps made two at a time: each after those it reads, whoever makes it, and none after one that failed."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from leeward.cohort.side_by_side import SideBySide

STEPS = [
    ("known", 'select * from "findings"'),
    ("first", 'select n + 1 as n from "known"'),
    *((f"side_{k}", f'select n + {k} as n from "first"') for k in range(20)),
    ("last", " union all ".join(f'select n from "side_{k}"' for k in range(20))),
]


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """A connection that alone sees the findings."""
    made = duckdb.connect()
    made.execute("set TimeZone = 'UTC'")
    made.register("findings", pa.table({"n": [1, 2]}))
    return made


def test_every_step_is_made_after_those_it_reads(con: duckdb.DuckDBPyConnection) -> None:
    """And made again where it was there already."""
    for _ in range(5):
        SideBySide(con, STEPS).make()
        assert con.sql("select count(*), sum(n) from last").fetchall() == [(40, 2 * 190 + 20 * 5)]


def test_most_steps_are_heard_of(con: duckdb.DuckDBPyConnection) -> None:
    """Those made here, with how many had been begun."""
    heard: list[tuple[str, int, int]] = []
    SideBySide(con, STEPS).make(lambda name, begun, all_: heard.append((name, begun, all_)))
    assert heard[:2] == [("known", 0, len(STEPS)), ("first", 1, len(STEPS))]
    assert [begun for _, begun, _ in heard] == sorted(begun for _, begun, _ in heard)


@pytest.mark.parametrize("place", [0, 1, 5, len(STEPS) - 1])
def test_a_step_that_fails_ends_the_run(con: duckdb.DuckDBPyConnection, place: int) -> None:
    """Its error is told, whoever made it."""
    steps = [(name, sql if k != place else "select nothing from nowhere") for k, (name, sql) in enumerate(STEPS)]
    with pytest.raises(duckdb.CatalogException, match="nowhere"):
        SideBySide(con, steps).make()


def test_both_compute_in_utc(con: duckdb.DuckDBPyConnection) -> None:
    """Whatever the machine's zone."""
    con.execute("set global TimeZone = 'Asia/Tokyo'; set session TimeZone = 'UTC'")
    zone = "select current_setting('TimeZone') as zone"
    SideBySide(con, [(f"step_{k}", zone) for k in range(10)]).make()
    found = {con.sql(f"select zone from step_{k}").fetchall()[0][0] for k in range(10)}
    assert found == {"UTC"}
