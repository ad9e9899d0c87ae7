"""CSV files of a record, and their first line."""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path

SUFFIXES = (".csv", ".csv.gz")
_HEAD_CHARACTERS = 1 << 16


def csv_files(path: Path) -> list[Path]:
    """The file itself, or the CSV files of a folder, sorted."""
    if path.is_file():
        return [path] if path.name.lower().endswith(SUFFIXES) else []
    if not path.is_dir():
        return []
    return sorted(f for f in path.iterdir() if f.is_file() and f.name.lower().endswith(SUFFIXES) and f.name[0] != ".")


def head(file: Path) -> str:
    """The first characters of a text file, plain or gzip; nothing where it cannot be read as text."""
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(file, "rt", encoding="utf-8-sig") if packed else file.open(encoding="utf-8-sig") as handle:
            return handle.read(_HEAD_CHARACTERS)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error):
        return ""


def header(file: Path) -> list[str]:
    """The names in the first line; none where the file is empty or not text."""
    lines = head(file).splitlines()
    return next(csv.reader(lines[:1]), []) if lines else []
