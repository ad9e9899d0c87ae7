"""Amounts: numbers as spelled, into the quantity's own unit, exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leeward.knowledge.vocabulary import Quantity, quantities
from leeward.record import numbers, units
from leeward.record.codes import Meaning
from leeward.record.columns import Encoded, Flags, combine, strings

Floats = npt.NDArray[np.float64]
_SHOWN_CHARACTERS = 40
_REMEMBERED_MAX = 100_000
_COMPARATORS = (None, "", "=", "<", "<=", ">", ">=")


class Problem(NamedTuple):
    """Rows that cannot be read as amounts, why, and the words to show for given rows."""

    reason: str
    rows: Flags
    detail: Callable[[npt.NDArray[np.intp]], pa.Array]


class Read(NamedTuple):
    """Lower and upper bound of every row (NaN where there is no readable amount), and the problems."""

    low: Floats
    high: Floats
    problems: list[Problem]


class _Use(NamedTuple):
    """What one meaning and one unit do to a number; no quantity where the meaning is no amount."""

    quantity: Quantity | None = None
    unit: str | None = None
    conversion: units.Conversion = units.UNKNOWN
    fixed: tuple[float, float] | None = None

    @property
    def given(self) -> bool:
        """Whether this is something given, which stays known even where its amount is not."""
        return self.quantity is not None and self.quantity.kind in ("dose", "rate")

    @property
    def free(self) -> bool:
        """Whether the row's own number counts."""
        return self.quantity is not None and self.fixed is None


class Amounts:
    """Reads amounts, remembering every pair of meaning and unit it has met."""

    def __init__(self) -> None:
        self._uses: dict[tuple[Meaning | None, str | None], _Use] = {}
        self._converted: dict[tuple[str, int], float] = {}

    def read(self, meaning: Encoded, value: Encoded, unit: Encoded, comparator: Encoded, text: Encoded) -> Read:
        """Bounds of every row in the unit of its quantity, and what is wrong with the others."""
        uses = self._each_use(combine(meaning, unit))
        if not any(use.quantity for use in uses.words):
            nothing = np.full(len(value.index), np.nan)
            return Read(nothing, nothing, [])
        spelt = numbers.read([word or "" for word in value.words])
        raw = spelt.value[value.index]
        free, given = uses.each(lambda u: u.free, bool), uses.each(lambda u: u.given, bool)
        outcome = uses.each(lambda u: units.OUTCOMES.index(u.conversion.outcome), np.int8)
        written = free & value.said
        good = written & ~np.isnan(raw)
        nothing_runs = good & given & (raw == 0)  # zero is zero in any unit
        exact = good & (outcome == units.OUTCOMES.index("exact"))
        unknown = good & ~nothing_runs & (outcome == units.OUTCOMES.index("unknown"))
        weight = good & ~nothing_runs & (outcome == units.OUTCOMES.index("weight"))
        odd = good & np.array([c not in _COMPARATORS for c in comparator.words], bool)[comparator.index]
        exact &= ~odd  # "about", "sufficient to achieve": neither the value nor a bound
        converted = self._convert(raw, exact, value, uses, spelt)
        converted[nothing_runs] = 0.0
        problems = [
            Problem("not-a-number", written & np.isnan(raw), _words(value)),
            Problem("not-a-number", free & ~given & ~value.said & text.said, _words(text)),
            Problem("not-measured", free & ~given & ~value.said & ~text.said, lambda rows: _same("no value", rows)),
            Problem("comparator-unknown", odd, _words(comparator)),
            Problem("unit-unknown", unknown, _words(unit, "no unit")),
            Problem("rate-missing-weight", weight, _words(unit)),
            *_implausible(converted, value, uses, spelt),
        ]
        low, high = _bounds(converted, value, comparator, spelt)
        _fixed(uses, low, high)
        return Read(low, high, problems)

    def _each_use(self, used: Encoded) -> Encoded:
        if len(self._uses) > _REMEMBERED_MAX:
            self._uses.clear()
            self._converted.clear()
        for key in used.words:
            if key not in self._uses:
                self._uses[key] = _use(*key)
        return Encoded(used.index, [self._uses[key] for key in used.words])

    def _convert(self, raw: Floats, rows: Flags, value: Encoded, uses: Encoded, spelt: numbers.Numbers) -> Floats:
        """The rows' values in the unit of their quantity; each distinct value of a unit is worked out once."""
        converted = np.where(rows, raw, np.nan)
        other = rows & uses.each(lambda u: not u.conversion.changes_nothing, bool)
        if other.any():
            at = np.flatnonzero(other)
            pairs = combine(Encoded(value.index[at], spelt.decimal), Encoded(uses.index[at], uses.words))
            exact = [self._exact(decimal, use) for decimal, use in pairs.words]
            converted[at] = np.array(exact, float)[pairs.index]
        return converted

    def _exact(self, decimal: str | None, use: _Use | None) -> float:
        if decimal is None or use is None:
            return float("nan")
        if len(self._converted) > _REMEMBERED_MAX:
            self._converted.clear()
        key = decimal, id(use.conversion)  # conversions live as long as the uses that hold them
        found = self._converted.get(key)
        if found is None:
            found = self._converted[key] = use.conversion.of(decimal)
        return found


def _use(meaning: Meaning | None, unit: str | None) -> _Use:
    quantity = quantities()[meaning.quantity] if meaning else None
    if meaning is None or quantity is None or quantity.unit is None:
        return _Use()
    unit = unit or meaning.unit
    ends = [float(end) for end in meaning.value.split("..")] if meaning.value else []
    return _Use(quantity, unit, units.conversion(quantity, unit), (ends[0], ends[-1]) if ends else None)


def _implausible(converted: Floats, value: Encoded, uses: Encoded, spelt: numbers.Numbers) -> list[Problem]:
    """Values no living patient has: the likely unit is named, but nothing is converted on a guess."""
    least = uses.each(lambda u: -np.inf if u.quantity is None or u.quantity.low is None else u.quantity.low, float)
    most = uses.each(lambda u: np.inf if u.quantity is None or u.quantity.high is None else u.quantity.high, float)
    out = (converted < least) | (converted > most)
    if not out.any():
        return []
    converted[out] = np.nan
    at = np.flatnonzero(out)
    positions = Encoded(value.index[at], [*range(len(value.words) - 1), None])
    pairs = combine(positions, Encoded(uses.index[at], uses.words))
    told = [
        _suggestion(use, value.words[position], spelt.decimal[position]) if use is not None else (False, "")
        for position, use in pairs.words
    ]
    another = np.zeros(len(out), bool)
    another[at] = np.array([likely for likely, _ in told], bool)[pairs.index]
    place = np.zeros(len(out), np.intp)
    place[at] = pairs.index
    said = [words for _, words in told]
    return [
        Problem("implausible-for-unit", another, lambda rows: strings(said, place[rows])),
        Problem("out-of-range", out & ~another, lambda rows: strings(said, place[rows])),
    ]


def _suggestion(use: Any, word: str, decimal: str) -> tuple[bool, str]:
    written = f"{word} {use.unit or ''}".strip()
    likely = units.likely(use.quantity, decimal)
    return likely is not None, f"{written}: likely {likely}" if likely else written


def _bounds(converted: Floats, value: Encoded, comparator: Encoded, spelt: numbers.Numbers) -> tuple[Floats, Floats]:
    """Equal bounds, or open on one side where the record says less or more than."""
    low, high = converted, converted.copy()
    if any(spelt.comparator) or comparator.said.any():
        inline = Encoded(value.index, spelt.comparator)
        known = ~np.isnan(converted)
        for signs, bound, end in ((("<", "<="), low, -np.inf), ((">", ">="), high, np.inf)):
            own = np.array([c in signs for c in comparator.words], bool)[comparator.index]
            written = np.array([c in signs for c in inline.words], bool)[inline.index]
            bound[known & (own | (written & ~comparator.said))] = end
    return low, high


def _fixed(uses: Encoded, low: Floats, high: Floats) -> None:
    """Codes that are their own value, such as a grade, or a range of grades ("1..5")."""
    rows = uses.each(lambda u: u.fixed is not None, bool)
    if rows.any():
        low[rows] = uses.each(lambda u: u.fixed[0] if u.fixed else np.nan, float)[rows]
        high[rows] = uses.each(lambda u: u.fixed[1] if u.fixed else np.nan, float)[rows]


def _words(column: Encoded, otherwise: str | None = None) -> Callable[[npt.NDArray[np.intp]], pa.Array]:
    shown = [_shortened(word) if word is not None else otherwise for word in column.words]
    return lambda rows: strings(shown, column.index[rows])


def _same(word: str, rows: npt.NDArray[np.intp]) -> pa.Array:
    return strings([word], np.zeros(len(rows), np.intp))


def _shortened(word: str) -> str:
    return word if len(word) <= _SHOWN_CHARACTERS else word[:_SHOWN_CHARACTERS] + "…"
