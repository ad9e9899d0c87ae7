"""The virtual ward as a Parquet file of findings, of any length, written block by block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from home import made
from leeward.record.schema import FINDING, INSTANT
from ward import VERSION, Charted, block, charted

REPEATED = ["patient", "quantity", "text", "site", "status", "source", "version"]
"""Columns whose values repeat, so Parquet writes them as a dictionary."""
CORRECTED_ONE_IN = 500


def findings_file(rows: int) -> Path:
    """A cached Parquet file of at least `rows` findings: whole blocks of patients, so a little more."""
    return made(f"ward-{VERSION}-{rows}.parquet", lambda path: _write(path, rows))


def shuffled(findings: Path) -> Path:
    """The same findings in an order that helps nobody, cached."""
    return made(f"{findings.stem}-shuffled.parquet", lambda path: _shuffle(findings, path))


def _shuffle(findings: Path, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * from '{findings}' order by hash(record)) to '{path}' (format parquet, compression zstd)"
        )


def _write(path: Path, rows: int) -> None:
    written = 0
    with pq.ParquetWriter(path, FINDING, compression="zstd", use_dictionary=REPEATED) as writer:
        ward = tables()
        while written < rows:
            several = pa.concat_tables(next(ward) for _ in range(min(5, 1 + (rows - written) // 150_000)))
            writer.write_table(several, row_group_size=500_000)
            written += several.num_rows


def tables() -> Iterator[pa.Table]:
    """The ward's findings, one table per block of patients, without end."""
    number = written = 0
    while True:
        parts = [_columns(each) for each in charted(block(number)) if len(each.patient)]
        table = pa.concat_tables(parts)
        yield _finished(table, written, np.random.default_rng(number))
        written += table.num_rows
        number += 1


def _columns(each: Charted) -> pa.Table:
    """One quantity's rows in the columns that differ from row to row."""
    count = len(each.patient)
    until = pa.nulls(count, INSTANT) if each.until_us is None else _instant(each.until_us)
    names = pa.array([f"patient-{name:07d}" for name in np.unique(each.patient)])
    place = np.searchsorted(np.unique(each.patient), each.patient)
    return pa.table(
        {
            "patient": names.take(pa.array(place)),
            "quantity": pa.repeat(each.quantity, count),
            "measured_at": _instant(each.at_us),
            "measured_until": until,
            "reported_at": _instant(each.at_us + each.reported_after_s * 1_000_000),
            "low": pa.nulls(count, pa.float64()) if each.low is None else pa.array(each.low, pa.float64()),
            "text": pa.nulls(count, pa.string())
            if each.word is None
            else pa.array(each.words).take(pa.array(each.word)),
        }
    )


def _instant(us: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    return pa.array(us, pa.int64()).view(pa.timestamp("us")).cast(INSTANT)


def _finished(table: pa.Table, before: int, rng: np.random.Generator) -> pa.Table:
    """The remaining columns: a record id on every row, and one row in five hundred a corrected version."""
    count = table.num_rows
    corrected = pa.array(rng.integers(0, CORRECTED_ONE_IN, count) == 0)
    line = pc.cast(pa.array(np.arange(before, before + count)), pa.string())
    everything = {
        **{name: table[name] for name in table.column_names},
        "received_at": pa.nulls(count, INSTANT),
        "high": table["low"],
        "site": pa.nulls(count, pa.string()),
        "status": pc.if_else(corrected, "corrected", "final"),
        "record": line,
        "version": pc.if_else(corrected, "2", pa.scalar(None, pa.string())),
        "revised": corrected,
        "source": pa.repeat("chart", count),
        "place": line,
    }
    return pa.table([everything[name] for name in FINDING.names], schema=FINDING)
