"""What a query cannot look up: several codings of one row, codes as values, units said twice.

Candidates travel through the query in one column, joined by separators; for each batch the few distinct combinations
are then looked up once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from leeward.record.codes import Codes
from leeward.record.schema import STATEMENT

_BETWEEN = "\x1f"
_WITHIN = "\x1e"


def pair(system: str, code: str) -> str:
    """SQL for one coding out of SQL for its system and its code; null where either is null."""
    return f"{system} || chr({ord(_WITHIN)}) || {code}"


def joined(pairs: Sequence[str]) -> str:
    """SQL for the `code` of a statement with several codings, in order of preference."""
    return f"concat_ws(chr({ord(_BETWEEN)}), {', '.join(pairs)})"


def several(parts: Sequence[str]) -> str:
    """SQL for parts that belong together, told apart again by `parted`; a missing part stays an empty one."""
    return f" || chr({ord(_BETWEEN)}) || ".join(f"coalesce({part}, '')" for part in parts)


def parted(word: str) -> list[str]:
    """The parts of a joined text."""
    return word.split(_BETWEEN)


def replaced(column: pa.Array, becomes: Callable[[str], str | None]) -> pa.Array:
    """A column of text with each distinct word replaced."""
    words = column.dictionary_encode()
    return pa.array([becomes(word) for word in words.dictionary.to_pylist()], pa.string()).take(words.indices)


class Chooser:
    """Keeps one coding of each row, the best known; remembers each combination it has seen."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._chosen: dict[str, tuple[str, str]] = {}

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with `system` and `code` of the coding that was chosen."""
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        keys = columns["code"]
        columns["system"] = replaced(keys, lambda key: self._choose(key)[0] or None)
        columns["code"] = replaced(keys, lambda key: self._choose(key)[1] or None)
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=STATEMENT)

    def _choose(self, key: str) -> tuple[str, str]:
        if key not in self._chosen:
            system_and_code = [part.partition(_WITHIN) for part in parted(key)]
            pairs = [(system, code) for system, _, code in system_and_code]
            self._chosen[key] = pairs[self._codes.best(pairs) or 0]
        return self._chosen[key]
