"""CDISC SDTM in: a folder of study datasets as CSV (plain or gzip), Parquet or SAS transport (XPT version 5).

A patient is a USUBJID. Dates without times stay stretches, so that a grade widens where their order matters.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from leeward.record import sdtm_transport, tables
from leeward.record.codes import Codes
from leeward.record.codings import Chooser, replaced
from leeward.record.csv_files import header
from leeward.record.schema import STATEMENT
from leeward.record.sdtm_tables import SAY, Said, prepare
from leeward.record.sdtm_terms import sdtm
from leeward.record.settings import Refused, Settings
from leeward.record.tables import Table

NAME = "SDTM"
_SUFFIXES = (*tables.SUFFIXES, sdtm_transport.SUFFIX)
_STEM = re.compile(rf"^({'|'.join(SAY)})[a-z0-9]{{0,2}}$")
"""A dataset is named after its domain; a large one is split into `lbch`, `lbhm`."""


def recognises(path: Path) -> str | None:
    """`SDTM (n datasets; ...)` for a folder with demographics and at least one other domain that is read."""
    found = _files(path)
    if "dm" not in found or len(found) == 1 or not any(_is_sdtm(file) for file in found["dm"]):
        return None
    many = sum(len(files) for files in found.values())
    return f"{NAME} ({many} datasets; times without a zone are read as {sdtm().clock.zone} unless a zone is named)"


def statements(path: Path, settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
    """Every row of every domain that is read; a row may say several things, or one thing of several days."""
    finish = partial(_finished, Chooser(Codes(settings.local)))
    con = tables.connect()
    with tempfile.TemporaryDirectory(prefix="leeward-sdtm-") as folder:
        try:
            held: dict[str, list[Table]] = {}
            for part in _opened(con, path, Path(folder)):
                if isinstance(part, Refused):
                    yield part
                else:
                    held.setdefault(part.name, []).append(part)
            prepare(con, held)
            for name, say in SAY.items():
                for table in held.get(name, ()):
                    said = Said(table, path, settings.zone is None)
                    yield from tables.stream(con, table, partial(_sql, say, said), path, finish)
        finally:
            con.close()


def _sql(say: Callable[[Said], str], said: Said, table: Table) -> str:
    """The statements of a dataset, or of the readable part of its file."""
    return say(said.of(table))


def _files(path: Path) -> dict[str, list[Path]]:
    """The files of each domain that is read, sorted."""
    found: dict[str, list[Path]] = {}
    for file in sorted(path.iterdir()) if path.is_dir() else []:
        suffix = next((end for end in _SUFFIXES if file.name.lower().endswith(end)), None)
        named = _STEM.match(file.name.lower().removesuffix(suffix)) if suffix and file.is_file() else None
        if named:
            found.setdefault(named[1], []).append(file)
    return found


def _is_sdtm(file: Path) -> bool:
    """Whether a file of demographics is SDTM's, by its columns, or by how it begins."""
    if file.name.lower().endswith(sdtm_transport.SUFFIX):
        return sdtm_transport.is_transport(file)
    if tables.suffix_of(file) in (".parquet", ".pq"):
        return True
    return {"studyid", "usubjid"} <= {name.strip().lower() for name in header(file)}


def _opened(con: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> Iterator[Table | Refused]:
    """The tables of a study; of one dataset in two forms the transport file is read and the other is named."""
    for name, files in _files(path).items():
        transport = {file.stem.lower() for file in files if file.name.lower().endswith(sdtm_transport.SUFFIX)}
        for file in files:
            if file.name.lower().endswith(sdtm_transport.SUFFIX):
                yield from sdtm_transport.opened(con, name, file, path, folder)
            elif file.name.lower().removesuffix(tables.suffix_of(file)) in transport:
                yield Refused("file-not-read", detail="the transport file of this dataset was read", source=file.name)
            else:
                yield from tables.opened(con, name, [file], path)


def _finished(chooser: Chooser, batch: pa.RecordBatch) -> pa.RecordBatch:
    """One coding for each row, and units as units.toml spells them."""
    batch = chooser(batch)
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns["unit"] = replaced(columns["unit"], lambda word: sdtm().unit.get(word, word))
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=STATEMENT)
