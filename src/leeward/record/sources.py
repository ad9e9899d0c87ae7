"""Local sources that give themselves away: by files beside the record, or by words at the head of its files."""

from __future__ import annotations

from functools import cache
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from leeward.knowledge.loader import names
from leeward.knowledge.vocabulary import Local, Recognition, local
from leeward.record.csv_files import csv_files, head, header

MAPPING_SUFFIX = "-csv"
_FILES = 12
_ROWS = 5_000


@cache
def known() -> tuple[str, ...]:
    """Names of the local code systems; the mappings beside them are not among them."""
    found = (name.removeprefix("local/") for name in names("local"))
    return tuple(name for name in found if not name.endswith(MAPPING_SUFFIX))


def found(path: Path) -> list[str]:
    """The local sources a record shows itself to come from."""
    candidates = [(name, local(name)) for name in known()]
    sample = _sample(path) if any(source.recognised_by.words for _, source in candidates) else ""
    return [name for name, source in candidates if _shows(source, path, sample)]


def _shows(source: Local, path: Path, sample: str) -> bool:
    return has_files(source.recognised_by, path) or any(word in sample for word in source.recognised_by.words)


def has_files(recognition: Recognition, path: Path) -> bool:
    """Whether all files of one of the sets lie under the path, with any suffix."""
    return path.is_dir() and any(all(any(path.glob(f"{stem}.*")) for stem in stems) for stems in recognition.files)


def has_columns(recognition: Recognition, path: Path) -> bool:
    """Whether every CSV file at a path has all of the columns by which a source is known."""
    files = csv_files(path)
    wanted = set(recognition.columns)
    return bool(wanted and files) and all(wanted <= set(header(file, None)) for file in files)


def _sample(path: Path) -> str:
    """What the first files of a record begin with."""
    files = [path] if path.is_file() else islice(sorted(f for f in path.rglob("*") if f.is_file()), _FILES)
    return "\n".join(_parquet_head(file) if file.suffix in (".parquet", ".pq") else head(file) for file in files)


def _parquet_head(file: Path) -> str:
    try:
        with pq.ParquetFile(file) as opened:
            texts = [f.name for f in opened.schema_arrow if str(f.type) in ("string", "large_string")]
            batch = next(opened.iter_batches(_ROWS, columns=texts), None)
    except (OSError, pa.ArrowException):
        return ""
    return "\n".join(str(word) for column in batch.columns for word in column.unique().to_pylist()) if batch else ""
