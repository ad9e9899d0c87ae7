"""What a record gave: findings and refusals, in memory while they are few, else in Parquet files of their own."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leeward.record.schema import FINDING, REFUSAL
from leeward.record.settings import Settings
from leeward.record.words import UNREADABLE

IN_MEMORY_ROWS = 500_000
"""Findings, or refusals, kept in memory before they are written out."""


class Pile:
    """One growing table, in memory at first, in a Parquet file once it is long."""

    def __init__(self, schema: pa.Schema, name: str) -> None:
        self._schema, self._name = schema, name
        self._parts: list[pa.Table] = []
        self._held = 0
        self.rows = 0
        self.file: Path | None = None
        self._writer: pq.ParquetWriter | None = None

    def add(self, part: pa.Table, folder: Any) -> None:
        """Append rows; `folder()` gives the folder to write to, when it comes to that."""
        self._parts.append(part)
        self._held += part.num_rows
        self.rows += part.num_rows
        if self._held >= IN_MEMORY_ROWS:
            self._write(folder)

    def _write(self, folder: Any) -> None:
        if self._writer is None:
            self.file = folder() / f"{self._name}.parquet"
            self._writer = pq.ParquetWriter(self.file, self._schema, compression="zstd")
        self._writer.write_table(pa.concat_tables(self._parts))
        self._parts, self._held = [], 0

    def close(self, folder: Any) -> None:
        """Write out the rest, if anything was written before."""
        if self._writer is not None:
            self._write(folder) if self._parts else None
            self._writer.close()
            self._writer = None

    def table(self) -> pa.Table:
        """All rows in memory."""
        if self.file is not None:
            return pq.read_table(self.file).cast(self._schema)
        return pa.concat_tables([self._schema.empty_table(), *self._parts])

    def replace(self, table: pa.Table) -> None:
        """Other rows instead, in memory."""
        self._parts, self.rows = [table], table.num_rows


class Spool:
    """Collects what the door lets through and what it refuses."""

    def __init__(self) -> None:
        self.findings, self.refusals = Pile(FINDING, "findings"), Pile(REFUSAL, "refusals")
        self.counts: Counter[str] = Counter()
        self._folder: Path | None = None

    def folder(self) -> Path:
        """The folder for what does not fit in memory; it goes with the record."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="leeward-record-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def add(self, findings: pa.Table, refusals: pa.Table) -> None:
        """One batch of both."""
        self.findings.add(findings, self.folder)
        if refusals.num_rows:
            self.refuse(refusals)

    def refuse(self, refusals: pa.Table) -> None:
        """Refusals, counted by reason."""
        counted = refusals.column("reason").value_counts().to_pylist()
        self.counts.update({item["values"]: item["counts"] for item in counted})
        self.refusals.add(refusals, self.folder)

    def record(self, recognised: str, declares: frozenset[str], settings: Settings) -> Record:
        """Everything read, with records that have several versions marked."""
        self.findings.close(self.folder)
        self.refusals.close(self.folder)
        _mark_revised(self)
        return Record(self, recognised, declares, settings)


class Record:
    """What was read: findings, refusals, and what the source declares.

    recognised: the format, in words. declares: what holds for the whole source ("no-device-means-room-air").
    refused: number of refusals by reason. settings: the zone and code systems it was read with.
    """

    def __init__(self, spool: Spool, recognised: str, declares: frozenset[str], settings: Settings) -> None:
        self._spool = spool
        self.recognised = recognised
        self.declares = declares
        self.settings = settings
        self.refused: dict[str, int] = dict(sorted(spool.counts.items()))

    @property
    def findings(self) -> pa.Table:
        """All findings in memory; for a large record prefer `to_duckdb`."""
        return self._spool.findings.table()

    @property
    def refusals(self) -> pa.Table:
        """All refusals in memory, with reason, detail and place."""
        return self._spool.refusals.table()

    @property
    def findings_file(self) -> Path | None:
        """The Parquet file of the findings, where they did not fit in memory; it goes with this object."""
        return self._spool.findings.file

    def __len__(self) -> int:
        """Number of findings."""
        return self._spool.findings.rows

    def to_duckdb(self, con: duckdb.DuckDBPyConnection, name: str = "findings") -> None:
        """Make the findings known to a DuckDB connection under a name, without copying them."""
        file = self.findings_file
        if file is None:
            con.register(name, self.findings)
        else:
            con.execute(f"create or replace temp view \"{name}\" as select * from read_parquet('{file}')")


def _mark_revised(spool: Spool) -> None:
    """Flag the findings whose record has several, and drop stand-ins for unreadable versions that replace nothing."""
    if spool.findings.file is None:
        table = spool.findings.table()
        if table.column("record").null_count < table.num_rows:
            spool.findings.replace(_marked(table))
    else:
        _mark_file(spool)


def _marked(table: pa.Table) -> pa.Table:
    counted = table.group_by(["patient", "record"]).aggregate([([], "count_all")])
    several = counted.filter(pc.and_(pc.greater(counted["count_all"], 1), pc.is_valid(counted["record"])))
    if several.num_rows == 0:
        revised = pa.array([False] * table.num_rows)
    else:
        key = pc.binary_join_element_wise(table["patient"], table["record"], "\x1f")
        wanted = pc.binary_join_element_wise(several["patient"], several["record"], "\x1f")
        revised = pc.fill_null(pc.is_in(key, value_set=wanted), False)
    at = FINDING.get_field_index("revised")
    table = table.set_column(at, FINDING.field(at), revised)
    return table.filter(pc.or_(table["revised"], pc.fill_null(pc.not_equal(table["text"], UNREADABLE), True)))


def _mark_file(spool: Spool) -> None:
    file = spool.findings.file
    con = duckdb.connect(config={"temp_directory": tempfile.gettempdir(), "memory_limit": "2GB"})
    scan = f"read_parquet('{file}')"
    con.execute(
        f"create temp table several as select patient, record from {scan} "
        "where record is not null group by all having count(*) > 1"
    )
    alone = f"text = '{UNREADABLE}'"
    needed = con.execute(f"select exists(from several) or exists(select 1 from {scan} where {alone})").fetchone()
    if file is not None and needed is not None and needed[0]:
        marked = file.with_name("findings-marked.parquet")
        con.execute(
            f"copy (select f.* replace (s.record is not null as revised) from {scan} f left join several s "
            f"using (patient, record) where s.record is not null or not coalesce({alone}, false)) "
            f"to '{marked}' (compression zstd)"
        )
        marked.replace(file)
        spool.findings.rows = pq.read_metadata(file).num_rows
    con.close()
