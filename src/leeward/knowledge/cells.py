"""Cells of decision tables: `2`, `">= 8"`, `"2..3"`, `true`, a word, a list of words, and `"-"` for anything."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Literal

import msgspec

from leeward.knowledge.loader import Evidence, load

Written = bool | int | float | str | list[str]
"""A cell as a file holds it."""
Kind = Literal["grade", "count", "hours", "number", "yes-no", "word"]
_WHOLE = ("grade", "count", "yes-no")
ANY = "-"


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing a decision table can ask about a patient; `says` is how an answer names it when it is missing.

    `grows`: it rises by itself as hours pass, so that a row may come true by waiting. `mark`: a mark on record can tell
    it (the quantity `risk-mark`, whose words are the inputs' names with hyphens, or the same after `no-`).
    `judged`: only a clinician's own judgement on record tells it, so no dose is worked out for it before that is known.
    """

    title: str
    kind: Kind
    says: str
    unit: str | None = None
    at_least: float = 0.0
    at_most: float = math.inf
    words: tuple[str, ...] = ()
    grows: bool = False
    mark: bool = False
    judged: bool = False

    @property
    def whole(self) -> bool:
        """Whether it takes whole numbers only."""
        return self.kind in _WHOLE

    def after(self, number: float) -> float:
        """The next value above a number."""
        return math.floor(number) + 1.0 if self.whole and math.isfinite(number) else math.nextafter(number, math.inf)

    def before(self, number: float) -> float:
        """The next value below a number."""
        return math.ceil(number) - 1.0 if self.whole else math.nextafter(number, -math.inf)


class Inputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """guidelines/inputs.toml."""

    evidence: Evidence
    checked: date
    input: dict[str, Input]


def inputs() -> dict[str, Input]:
    """Every input by name."""
    file: Inputs = load("guidelines-inputs", Inputs)
    return file.input


class Cell(msgspec.Struct, frozen=True):
    """What one input must be: between two numbers, both counted in, or one of some words."""

    input: str
    low: float = -math.inf
    high: float = math.inf
    words: tuple[str, ...] = ()

    def holds(self, value: float | str) -> bool:
        """Whether a known value meets it."""
        if isinstance(value, str):
            return value in self.words
        return self.low <= value <= self.high


_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")
_BOUND = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)")


def cell(name: str, written: Written) -> Cell | None:
    """A cell as written; None where it asks for nothing.

    Raises ValueError for an input nobody knows, a spelling nobody knows, and a cell that can never match.
    """
    asked = inputs().get(name)
    if asked is None:
        raise ValueError(f"no input '{name}' (guidelines-inputs.toml)")
    if written == ANY:
        return None
    if asked.kind == "word":
        return Cell(name, words=_words(name, asked, written))
    low, high = _bounds(name, asked, written)
    low, high = max(low, asked.at_least), min(high, asked.at_most)
    if asked.whole:
        low, high = math.ceil(low), high if math.isinf(high) else math.floor(high)
    if low > high:
        raise ValueError(f"cell {name} = {written!r} can never match: it lies between {asked.at_least:g} and "
                         f"{asked.at_most:g}")  # fmt: skip
    return Cell(name, float(low), float(high))


def _words(name: str, asked: Input, written: Written) -> tuple[str, ...]:
    """The words of a cell, each in the input's vocabulary where it has one."""
    words = tuple(written) if isinstance(written, list) else (written,)
    for word in words:
        if not isinstance(word, str) or (asked.words and word not in asked.words):
            raise ValueError(
                f"cell {name} = {word!r} can never match: it is one of {', '.join(asked.words) or 'words'}"
            )
    if not words:
        raise ValueError(f"cell {name} = [] can never match")
    return tuple(str(word) for word in words)


def _bounds(name: str, asked: Input, written: Written) -> tuple[float, float]:
    """The bounds of a number's cell, both counted in."""
    if isinstance(written, bool) is not (asked.kind == "yes-no") or isinstance(written, list):
        raise ValueError(
            f"cell {name} = {written!r}: {'true or false' if asked.kind == 'yes-no' else 'a number'} is asked"
        )
    if not isinstance(written, str):
        return float(written), float(written)
    between, bound = _RANGE.fullmatch(written), _BOUND.fullmatch(written)
    if between:
        return float(between[1]), float(between[2])
    if bound is None:
        raise ValueError(f"cell {name} = {written!r} is none of: a number, '>= 8', '2..3', true, '-'")
    number = float(bound[2])
    return {
        ">=": (number, math.inf), "<=": (-math.inf, number),
        ">": (asked.after(number), math.inf), "<": (-math.inf, asked.before(number)),
    }[bound[1]]  # fmt: skip
