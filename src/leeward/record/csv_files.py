"""CSV files of a record, and their first line."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from leeward.record.settings import Refused

SUFFIXES = (".csv", ".csv.gz")
_HEAD_BYTES = 1 << 16
_SEPARATORS = (",", "\t", ";", "|")


def csv_files(path: Path) -> list[Path]:
    """The file itself, or the CSV files of a folder, sorted."""
    if path.is_file():
        return [path] if path.name.lower().endswith(SUFFIXES) else []
    if not path.is_dir():
        return []
    return sorted(f for f in path.iterdir() if f.is_file() and f.name.lower().endswith(SUFFIXES) and f.name[0] != ".")


def head(file: Path) -> str:
    """The beginning of a text file, plain or gzip; nothing where it cannot be read as text."""
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(file) if packed else file.open("rb") as handle:
            # A letter in another encoding refuses its own line later, not the whole file now.
            return handle.read(_HEAD_BYTES).decode("utf-8-sig", errors="replace")
    except (OSError, EOFError, zlib.error):
        return ""


def is_empty(file: Path) -> bool:
    """Whether a file holds nothing, packed or not."""
    if file.stat().st_size == 0:
        return True
    try:
        with gzip.open(file) as handle:
            return handle.read(1) == b""
    except (OSError, EOFError, zlib.error):
        return False


def once_a_line(said: Iterator[pa.RecordBatch | Refused]) -> Iterator[pa.RecordBatch | Refused]:
    """One refusal for a line, although the engine complains about each of its fields."""
    last: tuple[str | None, ...] = ()
    for part in said:
        if isinstance(part, Refused):
            place = (part.reason, part.source, part.place)
            if part.reason == "line-unreadable" and place == last:
                continue
            last = place
        yield part


def header(file: Path, between: str | None = ",") -> list[str]:
    """The names in the first line; none where the file is empty or not text. None: separated as the line shows."""
    lines = head(file).splitlines()
    return next(csv.reader(lines[:1], delimiter=between or separator(lines[0])), []) if lines else []


def separator(line: str) -> str:
    """The character that most likely stands between the columns of a first line."""
    return max(_SEPARATORS, key=line.count)
