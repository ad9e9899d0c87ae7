"""Ours: a record read into findings; with `out`, the findings are also kept as one Parquet file (not timed)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
from clock import report, task, timed

from leeward.record.read import read

TASK = task()
OPTIONS: dict[str, Any] = TASK.get("options", {})
if "now" in OPTIONS:
    OPTIONS["now"] = datetime.fromisoformat(OPTIONS["now"])
if TASK.get("warm"):
    read(TASK["warm"], **OPTIONS)
record, seconds = timed(lambda: read(TASK["path"], **OPTIONS), TASK["repeats"])
with duckdb.connect() as connection:
    record.to_duckdb(connection, "findings")
    if TASK.get("out"):
        connection.execute(f"copy findings to '{TASK['out']}' (format parquet, compression zstd)")
    counts = connection.execute(
        "select quantity, count(*), coalesce(sum(low) filter (isfinite(low)), 0) from findings group by 1 order by 1"
    ).fetchall()
answer = {quantity: [count, round(total, 3)] for quantity, count, total in counts}
report(TASK["rows"], seconds, answer, findings=sum(count for _, count, _ in counts), refused=dict(record.refused))
