"""The readers of whole formats, in the order in which they are asked, and what they look for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from leeward.record import clif, fhir, leeward_csv, mapped_csv, meds, omop, sdtm
from leeward.record.settings import Refused, Settings


class Reader(Protocol):
    """One format: what it looks like, and its statements in batches."""

    def recognises(self, path: Path) -> str | None:
        """A description if the path is of this format, else None; cheap."""

    def statements(self, path: Path, settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
        """Everything the path says, streaming, and what of it cannot be read."""


LOOKED_FOR = (
    "FHIR R4: a Bundle (.json), or a folder of bulk NDJSON (.ndjson, .ndjson.gz)",
    "OMOP CDM 5.3 or 5.4: a folder with person and event tables (.csv, .csv.gz, .parquet), or a DuckDB file",
    "MEDS: Parquet with the columns subject_id, time, code (a file, or a folder of shards)",
    "CLIF 2: a folder of clif_*.parquet",
    "SDTM: a folder with dm and other domains (.xpt, .csv, .csv.gz, .parquet)",
    "Leeward CSV: columns patient_id,start,end,quantity,value,unit,text (.csv, .csv.gz, or a folder of them)",
    "MIMIC-IV: a folder with hosp/ and icu/ (.csv, .csv.gz)",
    "home diary: a CSV with its columns (docs/home.md)",
    "any other CSV: with a mapping file (--mapping, docs/mapping.md)",
)


def all_readers() -> list[Reader]:
    """Every reader, in the order in which they are asked."""
    return [fhir, omop, meds, clif, sdtm, leeward_csv, *mapped_csv.shipped()]
