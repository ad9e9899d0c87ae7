"""One range over another: its bounds, also where either is open or unknown."""

from __future__ import annotations

import duckdb
import ibis
import pytest

from leeward.timeline.columns import quotient

OPEN = float("inf")


@pytest.mark.parametrize(
    ("over", "under", "bounds"),
    [
        ((600, 600), (300, 300), (2, 2)),
        ((600, 800), (200, 400), (1.5, 4)),
        ((-OPEN, 5000), (301, OPEN), (0, 5000 / 301)),
        ((301, OPEN), (301, OPEN), (0, OPEN)),
        ((301, OPEN), (-OPEN, 5000), (301 / 5000, OPEN)),
        ((-OPEN, 5), (-OPEN, 5), (0, OPEN)),
        ((0, 0), (0, 0), (0, OPEN)),
        ((0, 0), (0, OPEN), (0, OPEN)),
        ((0, 0), (1, 2), (0, 0)),
        ((5, 5), (0, 0), (OPEN, OPEN)),
        ((None, None), (1, 2), (None, None)),
        ((1, 2), (None, None), (None, None)),
    ],
)
def test_bounds(over: tuple[float, float], under: tuple[float, float], bounds: tuple[float, float]) -> None:
    row = ibis.table({"row": "int64"}, name="rows")
    low, high = quotient(*(ibis.literal(one, "float64") for one in (*over, *under)))
    con = duckdb.connect()
    con.execute("create table rows as select 1::bigint as row")
    found = con.execute(ibis.to_sql(row.select(low=low, high=high), dialect="duckdb")).fetchone()
    assert found == pytest.approx(bounds)
