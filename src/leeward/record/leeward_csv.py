"""Leeward CSV in: the plain exchange form, `patient_id,start,end,quantity,value,unit,text`, one statement a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from leeward.record import tables
from leeward.record.csv_files import csv_files, header, once_a_line
from leeward.record.errors import Malformed
from leeward.record.settings import Refused, Settings

NAME = "Leeward CSV"
COLUMNS = ("patient_id", "start", "end", "quantity", "value", "unit", "text")
"""The columns of the form; `end` may be left out where nothing has an end."""

MORE = ("status", "reported", "received", "site", "record", "version")
"""Columns that may be added: a statement's state, clocks, place of measurement, and its identity in the source."""

_SURE = {"patient_id", "quantity"}


def recognises(path: Path) -> str | None:
    """`Leeward CSV`, with the number of files in a folder; None where no file has columns of that form."""
    found = [file for file in csv_files(path) if set(header(file)) >= _SURE]
    if not found:
        return None
    return NAME if path.is_file() else f"{NAME} ({len(found)} file{'s' if len(found) > 1 else ''})"


def statements(path: Path, settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
    """Every line of every file; identifiers stay text, so that 007 stays 007.

    Raises Malformed when a file lacks a column or has one that the form does not know.
    """
    del settings
    con = tables.connect()
    root = path if path.is_dir() else path.parent
    try:
        for file in csv_files(path):
            columns = header(file)
            if columns:
                _check(file, columns)
            for table in tables.opened(con, tables.relative(file, root), [file], root):
                if isinstance(table, Refused):
                    yield table
                else:
                    yield from once_a_line(tables.stream(con, table, lambda t: _say(t, root), root))
    finally:
        con.close()


def _check(file: Path, columns: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name != "end" and name not in columns]
    unknown = [name for name in columns if name not in (*COLUMNS, *MORE)]
    double = sorted({name for name in columns if columns.count(name) > 1})
    said = [
        f"has no column {', '.join(missing)}" if missing else "",
        f"has a column that the form does not know: {', '.join(unknown)}" if unknown else "",
        f"names a column twice: {', '.join(double)}" if double else "",
    ]
    if any(said):
        wrong = "; ".join(part for part in said if part)
        raise Malformed(
            f"{file.name} {wrong}. {NAME} has the columns {','.join(COLUMNS)} and may have {', '.join(MORE)}; "
            "any other CSV needs a mapping (docs/mapping.md)"
        )


def _say(table: tables.Table, root: Path) -> str:
    named = {"patient": "patient_id", **{name: name for name in (*COLUMNS[1:], *MORE)}}
    columns = {ours: table.raw(theirs) for ours, theirs in named.items()}
    return tables.statement(table, columns, root=root)
