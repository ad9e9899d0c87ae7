"""Which files of a folder hold which table, however a site spells and splits them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from leeward.record import tables

_BOUNDARY = "_-. "


class Found(msgspec.Struct, frozen=True):
    """The files of each table, and files that name a table but were left out because a better one was there."""

    files: Mapping[str, tuple[Path, ...]]
    left_out: tuple[Path, ...]


def find(root: Path, names: Iterable[str], *, prefix: str = "") -> Found:
    """The files under `root` that hold each of `names`.

    A file is a table's by its own name in any case (`PERSON.csv.gz`), by a longer name (`measurement_part2.csv`), or
    by the name of the folder it lies in (`measurement/0001.parquet`). Of one table, Parquet is taken before CSV and
    an exact name before a longer one; what is left out is said.
    """
    longest_first = sorted((prefix + name for name in names), key=len, reverse=True)
    grouped: dict[str, dict[tuple[bool, bool], list[Path]]] = {}
    for path in _files(root):
        table = _table(path, root, longest_first)
        if table is not None:
            rank = ("csv" in tables.suffix_of(path), path.parent == root and _stem(path) != table)
            grouped.setdefault(table.removeprefix(prefix), {}).setdefault(rank, []).append(path)
    kept = {name: tuple(ranks.pop(min(ranks))) for name, ranks in grouped.items()}
    left_out = [path for ranks in grouped.values() for paths in ranks.values() for path in paths]
    return Found(kept, tuple(sorted(left_out)))


def _files(root: Path) -> list[Path]:
    """Readable files of the folder and of the folders in it, sorted."""
    if not root.is_dir():
        return []
    near = [
        path for entry in sorted(root.iterdir()) for path in (sorted(entry.iterdir()) if entry.is_dir() else [entry])
    ]
    return [path for path in near if path.is_file() and path.name[0] not in "._" and tables.suffix_of(path)]


def _stem(path: Path) -> str:
    return path.name.lower().removesuffix(tables.suffix_of(path))


def _table(path: Path, root: Path, names: list[str]) -> str | None:
    """The table a file belongs to, by the longest name that fits."""
    if path.parent != root:
        folder = path.parent.name.lower()
        return folder if folder in names else None
    stem = _stem(path)
    return next(
        (name for name in names if stem == name or (stem.startswith(name) and stem[len(name)] in _BOUNDARY)), None
    )
