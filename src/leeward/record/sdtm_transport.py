"""SAS transport files (XPT version 5), as SDTM is submitted: rewritten as Parquet, some rows at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq

from leeward.record import tables
from leeward.record.settings import Refused
from leeward.record.tables import Table, literal

SUFFIX = ".xpt"
_MARK = b"HEADER RECORD*******LIB"
_CARD_BYTES = 80
"""Everything in a transport file comes in records of this length; a file of any other length was cut short."""


def is_transport(file: Path) -> bool:
    """Whether a file begins as a transport file does."""
    with file.open("rb") as handle:
        return handle.read(len(_MARK)) == _MARK


def opened(
    con: duckdb.DuckDBPyConnection, name: str, file: Path, root: Path, folder: Path
) -> Iterator[Table | Refused]:
    """The table of a transport file, rewritten into `folder`, and what of the file could not be read."""
    copy = folder / f"{file.name}.parquet"
    rows, wrong = 0, None
    try:
        rows = _rewritten(file, copy)
    except (ValueError, OSError, EOFError, OverflowError) as error:
        wrong = str(error) or type(error).__name__
    if rows:
        table = tables.parquet(con, name, [copy])
        own = f"(select * replace ({literal(str(file))} as file_) from {table.scan})"
        yield msgspec.structs.replace(table, scan=own, files=(file,))
    size = file.stat().st_size
    if size == 0 or size % _CARD_BYTES:
        wrong = "Unexpected end of file"
    if wrong is not None:
        yield tables.broken(name, (file,), root, wrong)


def _rewritten(file: Path, copy: Path) -> int:
    """Writes the rows of a transport file as Parquet and gives back how many there were."""
    rows = 0
    writer: pq.ParquetWriter | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas warns of a length that is refused by the caller, with its place
            for part in pd.read_sas(file, format="xport", chunksize=tables.ROWS):
                table = _columns(part)
                writer = writer or pq.ParquetWriter(copy, table.schema, compression="lz4")
                writer.write_table(table)
                rows += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def _columns(part: Any) -> pa.Table:
    """Rows of a data frame: numbers as numbers, with nulls for SAS's missing values, everything else as text."""
    made = {}
    for name in part.columns:
        column = part[name]
        if column.dtype.kind == "f":
            made[name] = pa.array(column.to_numpy(), pa.float64(), from_pandas=True)
        else:
            made[name] = pa.array([_text(word) for word in column], pa.string())
    return pa.table(made)


def _text(word: object) -> str | None:
    """A word of a transport file, which does not say how it is encoded: UTF-8, or the Latin alphabet of older files."""
    if isinstance(word, bytes):
        try:
            return word.decode("utf-8")
        except UnicodeDecodeError:
            return word.decode("latin-1")
    return word if isinstance(word, str) else None
