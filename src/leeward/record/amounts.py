"""Amounts: numbers as spelled, into the quantity's own unit, exactly once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from leeward.knowledge.vocabulary import Quantity, quantities
from leeward.record import numbers, units
from leeward.record.codes import Meaning
from leeward.record.columns import Encoded, Flags, combine

Floats = npt.NDArray[np.float64]
Problems = dict[str, tuple[Flags, npt.NDArray[np.object_]]]


class _Use(NamedTuple):
    """What one meaning and one unit do to a number."""

    quantity: Quantity | None
    unit: str | None
    conversion: units.Conversion


_NO_USE = _Use(None, None, units.UNKNOWN)


class Amounts:
    """Reads amounts, remembering every pair of meaning and unit it has met."""

    def __init__(self) -> None:
        self._uses: dict[tuple[Meaning | None, str | None], _Use] = {}

    def read(
        self, amount: Flags, meaning: Encoded, value: Encoded, unit: Encoded, comparator: Encoded, text: Encoded
    ) -> tuple[Floats, Floats, Problems]:
        """Lower and upper bound of every row that holds an amount, and what is wrong with the others.

        Bounds are null (NaN) where a row holds no amount that can be read.
        """
        used = combine(meaning, unit)
        uses = Encoded(used.index, [self._use(*pair) for pair in used.words])
        spelt = numbers.read([word or "" for word in value.words])
        raw = spelt.value[value.index]
        fixed = meaning.each(lambda m: m is not None and m.value is not None, bool)
        written = amount & ~fixed & value.said
        bad = written & np.isnan(raw)
        good = written & ~bad
        unit_bad = good & uses.each(lambda u: u.conversion.outcome == "unknown", bool)
        weight = good & uses.each(lambda u: u.conversion.outcome == "weight", bool)
        nothing_runs = raw == 0  # zero is zero in any unit
        converted = self._convert(raw, good & ~unit_bad & ~weight, value, uses, spelt)
        rates = uses.each(lambda u: u.quantity is not None and u.quantity.kind in ("rate", "dose"), bool)
        converted[good & nothing_runs & rates] = 0.0
        problems = self._problems(amount & ~fixed, bad, unit_bad & ~(nothing_runs & rates), weight & ~nothing_runs,
                                  value, unit, text, rates)
        self._implausible(converted, value, uses, spelt, problems)
        low, high = self._bounds(converted, value, comparator, spelt)
        self._fixed(fixed & amount, meaning, low, high)
        return low, high, problems

    def _use(self, meaning: Meaning | None, unit: str | None) -> _Use:
        key = (meaning, unit)
        if key not in self._uses:
            quantity = quantities()[meaning.quantity] if meaning else None
            unit = unit or (meaning.unit if meaning else None)
            wordy = quantity is None or quantity.unit is None
            self._uses[key] = _NO_USE if wordy else _Use(quantity, unit, units.conversion(quantity, unit))
        return self._uses[key]

    def _convert(self, raw: Floats, rows: Flags, value: Encoded, uses: Encoded, spelt: numbers.Numbers) -> Floats:
        converted = np.where(rows, raw, np.nan)
        other = rows & uses.each(lambda u: not u.conversion.changes_nothing, bool)
        if other.any():
            at = np.flatnonzero(other)
            pairs = combine(Encoded(value.index[at], spelt.decimal), Encoded(uses.index[at], uses.words))
            exact = [u.conversion.of(d) if u is not None and d is not None else np.nan for d, u in pairs.words]
            converted[at] = np.array(exact, float)[pairs.index]
        return converted

    def _problems(self, amount: Flags, bad: Flags, unit_bad: Flags, weight: Flags, value: Encoded, unit: Encoded,
                  text: Encoded, rates: Flags) -> Problems:
        problems: Problems = {}
        absent = amount & ~value.said & ~rates
        if bad.any():
            problems["not-a-number"] = (bad, value.each(_shortened, object))
        if absent.any():
            worded = absent & text.said
            problems.setdefault("not-a-number", (worded, text.each(_shortened, object)))
            if bad.any():
                rows, detail = problems["not-a-number"]
                problems["not-a-number"] = (rows | worded, np.where(worded, text.each(_shortened, object), detail))
            problems["not-measured"] = (absent & ~worded, np.full(len(absent), "no value", object))
        if unit_bad.any():
            problems["unit-unknown"] = (unit_bad, unit.each(lambda u: u or "no unit", object))
        if weight.any():
            problems["rate-missing-weight"] = (weight, unit.each(lambda u: u, object))
        return problems

    def _implausible(self, converted: Floats, value: Encoded, uses: Encoded, spelt: numbers.Numbers,
                     problems: Problems) -> None:
        """Values no living patient has: named with the likely unit, refused, never converted on a guess."""
        least = uses.each(lambda u: u.quantity.low if u.quantity and u.quantity.low is not None else -np.inf, float)
        most = uses.each(lambda u: u.quantity.high if u.quantity and u.quantity.high is not None else np.inf, float)
        out = (converted < least) | (converted > most)
        if not out.any():
            return
        unit_rows, detail = np.zeros(len(out), bool), np.full(len(out), None, object)
        for row in np.flatnonzero(out):
            use: Any = uses.words[uses.index[row]]
            written = f"{value.words[value.index[row]]} {use.unit or ''}".strip()
            likely = units.likely(use.quantity, spelt.decimal[value.index[row]])
            unit_rows[row] = likely is not None
            detail[row] = f"{written}: likely {likely}" if likely else written
        problems["implausible-for-unit"] = (unit_rows, detail)
        problems["out-of-range"] = (out & ~unit_rows, detail)
        converted[out] = np.nan

    def _bounds(self, converted: Floats, value: Encoded, comparator: Encoded, spelt: numbers.Numbers
                ) -> tuple[Floats, Floats]:
        low, high = converted, converted.copy()
        said = Encoded(value.index, spelt.comparator).each(lambda c: c or "", object)
        if comparator.said.any():
            said = np.where(comparator.said, comparator.each(lambda c: c or "", object), said)
        if any(spelt.comparator) or comparator.said.any():
            known = ~np.isnan(converted)
            low = np.where(known & np.isin(said, ("<", "<=")), -np.inf, low)
            high = np.where(known & np.isin(said, (">", ">=")), np.inf, high)
        return low, high

    def _fixed(self, rows: Flags, meaning: Encoded, low: Floats, high: Floats) -> None:
        """Codes that are their own value, such as a grade, or a range of grades ("1..5")."""
        if rows.any():
            ends = [(m.value.split("..") if m is not None and m.value else ["nan"]) for m in meaning.words]
            low[rows] = np.array([float(e[0]) for e in ends])[meaning.index][rows]
            high[rows] = np.array([float(e[-1]) for e in ends])[meaning.index][rows]


def _shortened(word: str | None) -> str | None:
    return word if word is None or len(word) <= 40 else word[:40] + "…"
