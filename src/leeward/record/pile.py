"""One growing table, in memory while it is short, in a Parquet file once it is long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

IN_MEMORY_ROWS = 500_000
"""Rows kept in memory before they are written out."""
_OWN = ("record", "place")
"""Texts of which nearly every row has another: a dictionary of them, or their first and last, is of no use."""


class Pile:
    """One growing table, in memory at first, in a Parquet file once it is long."""

    def __init__(self, schema: pa.Schema, name: str) -> None:
        self._schema, self._name = schema, name
        self._parts: list[pa.Table] = []
        self._held = 0
        self.rows = 0
        self.file: Path | None = None
        self._writer: pq.ParquetWriter | None = None

    def add(self, part: pa.Table, folder: Callable[[], Path]) -> None:
        """Append rows; `folder()` gives the folder to write to, when it comes to that."""
        self._parts.append(part)
        self._held += part.num_rows
        self.rows += part.num_rows
        if self._held >= IN_MEMORY_ROWS:
            self._write(folder)

    def _write(self, folder: Callable[[], Path]) -> None:
        if self._writer is None:
            self.file = folder() / f"{self._name}.parquet"
            shared = [field for field in self._schema if field.name not in _OWN]
            self._writer = pq.ParquetWriter(
                self.file,
                self._schema,
                compression="lz4",
                use_dictionary=[field.name for field in shared if field.type == pa.string()],
                write_statistics=[field.name for field in shared],
            )
        self._writer.write_table(pa.concat_tables(self._parts))
        self._parts, self._held = [], 0

    def close(self, folder: Callable[[], Path]) -> None:
        """Write out the rest, if anything was written before."""
        if self._writer is not None:
            if self._parts:
                self._write(folder)
            self._writer.close()
            self._writer = None

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """All rows in memory, or some columns of them."""
        if self.file is None:
            whole = pa.concat_tables([self._schema.empty_table(), *self._parts])
            return whole.select(columns) if columns else whole
        schema = pa.schema([self._schema.field(name) for name in columns]) if columns else self._schema
        return pq.read_table(self.file, columns=columns).cast(schema)

    def batches(self, rows: int) -> Iterator[pa.Table]:
        """All rows, in order, some at a time."""
        if self.file is None:
            for batch in self.table().to_batches(max_chunksize=rows):
                yield pa.Table.from_batches([batch])
            return
        with pq.ParquetFile(self.file) as opened:
            for batch in opened.iter_batches(rows):
                yield pa.Table.from_batches([batch]).cast(self._schema)

    def replace(self, table: pa.Table) -> None:
        """Other rows instead, in memory."""
        self._parts, self.rows = [table], table.num_rows

    def replace_file(self, file: Path) -> None:
        """Another file instead of the one that was written."""
        if self.file is not None:
            self.file = file.replace(self.file)
            self.rows = pq.read_metadata(self.file).num_rows
