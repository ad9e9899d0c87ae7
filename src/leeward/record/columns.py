"""Columns of a batch with each distinct word once: what is done per word is done once per word, not once per row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
_FEW = 500
"""Texts for which Arrow, which compiles a pattern at every use, is slower than Python, which keeps it."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Per row the number of its word; the words, and last of all None, which stands for "nothing said"."""

    index: Rows
    words: list[Any]

    def each(self, what: Callable[[Any], Any], kind: Any) -> npt.NDArray[Any]:
        """`what` of every row's word, worked out once per distinct word."""
        return np.array([what(word) for word in self.words], dtype=kind)[self.index]

    def where(self, rows: Flags) -> Encoded:
        """The same column, with nothing said in the other rows."""
        return Encoded(np.where(rows, self.index, len(self.words) - 1), self.words)

    @property
    def said(self) -> Flags:
        """Which rows say anything."""
        return np.asarray(self.index != len(self.words) - 1)


def encode(column: pa.Array) -> Encoded:
    """A column of strings; empty strings count as nothing said."""
    if column.null_count == len(column):
        return Encoded(np.zeros(len(column), np.intp), [None])
    encoded = column.dictionary_encode()
    words = [*encoded.dictionary.to_pylist(), None]
    index = encoded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False).astype(np.intp)
    if "" in words:
        index[index == words.index("")] = len(words) - 1
    return Encoded(index, words)


def combine(*columns: Encoded) -> Encoded:
    """Several columns as one whose words are the tuples that occur."""
    key = np.zeros(len(columns[0].index), np.int64)
    for column in columns:
        key = key * len(column.words) + column.index
    encoded = pa.array(key).dictionary_encode()
    words: list[Any] = []
    for packed in encoded.dictionary.to_pylist():
        parts = []
        for column in reversed(columns):
            packed, position = divmod(packed, len(column.words))  # noqa: PLW2901 - taken apart digit by digit
            parts.append(column.words[position])
        words.append(tuple(reversed(parts)))
    words.append((None,) * len(columns))
    return Encoded(encoded.indices.to_numpy().astype(np.intp), words)


def numbered(index: Rows, words: Sequence[Any]) -> Encoded:
    """Rows that already point into a list of words (-1: nothing)."""
    return Encoded(np.where(index < 0, len(words), index).astype(np.intp), [*words, None])


def strings(words: Sequence[str | None], index: Rows) -> pa.Array:
    """The words back as a column of strings."""
    return pc.take(pa.array(words, pa.string()), pa.array(index))


def matches(column: pa.Array, pattern: str) -> Flags:
    """Which texts match a pattern from their first to their last character; nothing said does not."""
    if len(column) > _FEW:
        found = pc.fill_null(pc.match_substring_regex(column, pattern), False)
        return np.asarray(found.to_numpy(zero_copy_only=False), bool)
    whole = re.compile(pattern).fullmatch
    return np.array([text is not None and whole(text) is not None for text in column.to_pylist()], bool)
