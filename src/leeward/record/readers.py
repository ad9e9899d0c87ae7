"""The readers of whole formats, in the order in which they are asked, and what they look for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

_MODULES = ("fhir", "omop", "meds", "clif")

LOOKED_FOR = (
    "FHIR R4: a Bundle (.json), or a folder of bulk NDJSON (.ndjson, .ndjson.gz)",
    "OMOP CDM 5.3 or 5.4: a folder with person and event tables (.csv, .csv.gz, .parquet), or a DuckDB file",
    "MEDS: Parquet with the columns subject_id, time, code (a file, or a folder of shards)",
    "CLIF 2: a folder of clif_*.parquet",
    "Leeward CSV: columns patient_id,start,end,quantity,value,unit,text (.csv, .csv.gz, or a folder of them)",
    "MIMIC-IV: a folder with hosp/ and icu/ (.csv, .csv.gz)",
    "any other CSV: with a mapping file (--mapping, docs/mapping.md)",
)


def all_readers() -> list[ModuleType]:
    """The reader modules; each has `recognises` and `statements`."""
    names = [f"leeward.record.{name}" for name in _MODULES]
    found = [import_module(name) for name in names if find_spec(name) is not None]
    return [module for module in found if hasattr(module, "recognises")]
