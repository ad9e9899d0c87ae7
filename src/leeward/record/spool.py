"""What a record gave: findings and refusals, in memory while they are few, else in Parquet files of their own."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from leeward.record.pile import Pile
from leeward.record.schema import FINDING, REFUSAL
from leeward.record.settings import Settings
from leeward.record.settle import settle
from leeward.record.weights import Weights

BIRTH, AMBIGUOUS = "birth-date", "ambiguous-patient"
_BATCH_ROWS = 200_000
_BIRTHS = pa.schema([("patient", pa.string()), ("born", pa.string())])


class Spool:
    """Collects what the door lets through and what it refuses."""

    def __init__(self) -> None:
        self.findings, self.refusals = Pile(FINDING, "findings"), Pile(REFUSAL, "refusals")
        self.counts: Counter[str] = Counter()
        self._weights = Weights()
        self._births: list[pa.Table] = []
        self._identified = False
        self._ambiguous: set[str] = set()
        self._folder: Path | None = None

    def folder(self) -> Path:
        """The folder for what does not fit in memory; it goes with the record."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="leeward-record-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def add(self, findings: pa.Table, refusals: pa.Table) -> None:
        """One batch of both; what needs a weight waits until all are read."""
        self._keep(*self._weights.set_aside(findings, refusals, self.folder))
        self._identified |= findings["record"].null_count < findings.num_rows
        births = findings.filter(pc.equal(findings["quantity"], BIRTH))
        if births.num_rows:
            self._births.append(pa.Table.from_arrays([births["patient"], births["text"]], schema=_BIRTHS))

    def _keep(self, findings: pa.Table, refusals: pa.Table) -> None:
        self.findings.add(findings, self.folder)
        if refusals.num_rows:
            self.refuse(refusals)

    def refuse(self, refusals: pa.Table) -> None:
        """Refusals, counted by reason."""
        counted = refusals.column("reason").value_counts().to_pylist()
        counted_reasons = {item["values"]: item["counts"] for item in counted}
        self.counts.update(counted_reasons)
        if AMBIGUOUS in counted_reasons:
            named = refusals.filter(pc.equal(refusals["reason"], AMBIGUOUS))["patient"]
            self._ambiguous.update(named.drop_null().to_pylist())
        self.refusals.add(refusals, self.folder)

    def record(self, recognised: str, declares: frozenset[str], settings: Settings) -> Record:
        """Everything read, with weights applied and records that have several versions marked."""
        for findings, refusals in self._weights.settle(self.folder):
            self._keep(findings, refusals)
        self.findings.close(self.folder)
        if self._ambiguous:
            self._forget(self._ambiguous)
        births = pa.concat_tables([_BIRTHS.empty_table(), *self._births])
        early = settle(self.findings, births, self._identified, self.folder)
        if early.num_rows:
            self.refuse(early)
        self.refusals.close(self.folder)
        return Record(self, recognised, declares, settings)

    def _forget(self, patients: set[str]) -> None:
        """Drop every finding of patients whose id stands for two people; some came in before that showed."""
        kept = Pile(FINDING, "findings-of-one")
        wanted = pa.array(sorted(patients), pa.string())
        for batch in self.findings.batches(_BATCH_ROWS):
            theirs = pc.is_in(batch["patient"], value_set=wanted)
            kept.add(batch.filter(pc.invert(theirs)), self.folder)
            lost = batch.filter(theirs)
            filled = {
                "reason": pa.array([AMBIGUOUS] * lost.num_rows, pa.string()),
                "detail": pa.nulls(lost.num_rows, pa.string()),
            }
            if lost.num_rows:
                self.refuse(
                    pa.table(
                        {name: filled[name] if name in filled else lost[name] for name in REFUSAL.names}, schema=REFUSAL
                    )
                )
        kept.close(self.folder)
        self.findings = kept


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
