"""OMOP CDM 5.3 and 5.4 in: a folder of CSV or Parquet in any case of names, or a DuckDB file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from leeward.record import folder, omop_concepts, tables
from leeward.record.beside import with_limits, with_orders
from leeward.record.codes import Codes
from leeward.record.codings import Chooser, replaced
from leeward.record.omop_concepts import omop
from leeward.record.omop_tables import PLACES, SAY, Said, has_clock
from leeward.record.schema import STATEMENT
from leeward.record.settings import Refused, Settings
from leeward.record.tables import Table

NAME = "OMOP CDM"
_SIGN_AT, _SIGN = 8, b"DUCK"


def recognises(path: Path) -> str | None:
    """`OMOP CDM 5.3.1 (n tables)` for a folder or a DuckDB file with persons and something that happened to them."""
    by_name = folder.find(path, omop().tables).files
    if not _is_duckdb(path) and not _is_cdm(by_name):
        return None
    con = tables.connect()
    try:
        held = tables.stored(con, path) if _is_duckdb(path) else by_name
        if not _is_cdm(held):
            return None
        read = f"({len(set(held) & set(SAY))} tables)"
        return " ".join(word for word in (NAME, _version(con, path), read) if word)
    except duckdb.Error:
        return None
    finally:
        con.close()


def _is_cdm(held: Iterable[str]) -> bool:
    """Whether there are persons, and something that happened to them."""
    read = set(held) & set(SAY)
    return "person" in read and len(read) > 1


def statements(path: Path, settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
    """Every row of every table that is read, with the best known of its codings."""
    codes = Codes(settings.local)
    chooser = Chooser(codes)
    root = path if path.is_dir() else path.parent
    con = tables.connect()
    try:
        held: dict[str, list[Table]] = {}
        for table in _opened(con, path):
            if isinstance(table, Refused):
                yield table
            else:
                held.setdefault(table.name, []).append(table)
        omop_concepts.prepare(con, held, codes)
        _places(con, held.get("care_site", ()))
        for name, say in SAY.items():
            for table in held.get(name, ()):
                said = Said(table, root, has_clock(con, table))
                finish = partial(_finished, chooser, partial(_BESIDE.get(name, _nothing_more), codes))
                yield from tables.stream(con, table, partial(_sql, say, said), root, finish)
    finally:
        con.close()


def _sql(say: Callable[[Said], str], said: Said, table: Table) -> str:
    """The statements of a table, or of the readable part of its file."""
    return say(msgspec.structs.replace(said, table=table))


def _opened(con: duckdb.DuckDBPyConnection, path: Path) -> Iterator[Table | Refused]:
    """The tables of a record that are read or looked things up in."""
    wanted = (*SAY, "care_site", "concept", "concept_ancestor")
    if _is_duckdb(path):
        held = tables.stored(con, path)
        yield from (held[name] for name in wanted if name in held)
        return
    found = folder.find(path, omop().tables)
    for name in wanted:
        yield from tables.opened(con, name, found.files.get(name, ()), path)
    for file in found.left_out:
        yield Refused("file-not-read", detail="another file of this table was read", source=tables.relative(file, path))


def _places(con: duckdb.DuckDBPyConnection, care_sites: Sequence[Table]) -> None:
    """The name of each care site."""
    con.execute(f"create or replace table {PLACES} (care_site varchar primary key, place varchar)")
    for table in care_sites:
        key, name = table.word("care_site_id"), table.word("care_site_name")
        named = f"select {key}, any_value({name}) from {table.scan} where {key} is not null group by 1"
        con.execute(f"insert or ignore into {PLACES} {named}")


_BESIDE = {"measurement": with_limits, "drug_exposure": with_orders}


def _nothing_more(_codes: Codes, batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch


def _finished(
    chooser: Chooser, beside: Callable[[pa.RecordBatch], pa.RecordBatch], batch: pa.RecordBatch
) -> pa.RecordBatch:
    """One coding, one unit and one comparator for each row; then what a row says beside its statement."""
    batch = chooser(batch)
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns["unit"] = replaced(columns["unit"], lambda word: omop_concepts.unit(word) or None)
    columns["comparator"] = replaced(columns["comparator"], omop_concepts.comparator)
    return beside(pa.RecordBatch.from_arrays(list(columns.values()), schema=STATEMENT))


def _is_duckdb(path: Path) -> bool:
    """Whether a file is a DuckDB database, by its first bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(_SIGN_AT + len(_SIGN))[_SIGN_AT:] == _SIGN


def _version(con: duckdb.DuckDBPyConnection, path: Path) -> str:
    """The version that cdm_source names, if it does."""
    if _is_duckdb(path):
        parts = [con_table for name, con_table in tables.stored(con, path).items() if name == "cdm_source"]
    else:
        files = folder.find(path, omop().tables).files.get("cdm_source", ())
        parts = [table for table in tables.opened(con, "cdm_source", files, path) if isinstance(table, Table)]
    for table in parts:
        row = con.execute(f"select {table.word('cdm_version')} from {table.scan} limit 1").fetchall()
        if row and row[0][0]:
            return str(row[0][0])
    return ""
