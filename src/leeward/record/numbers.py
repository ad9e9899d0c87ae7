"""Numbers as a record spells them, read strictly: what is not plainly a decimal number is not a number."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leeward.record.columns import matches

_DECIMAL = r"^(<=|>=|<|>)?-?([0-9]{1,40}(\.[0-9]{1,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?$"
_SIGNS = "<=>"
_SINGLE_DIGITS = 9


class Numbers(NamedTuple):
    """Distinct spellings as numbers: the value (NaN where it is none), an inline comparator, the decimal digits."""

    value: npt.NDArray[np.float64]
    comparator: list[str]
    decimal: list[str]


def read(spellings: list[str]) -> Numbers:
    """Each spelling as a number.

    Decimal digits with a point and, if need be, an exponent; `<`, `<=`, `>`, `>=` may lead. "38,5", " 38 ", "NaN",
    "1e999", "true", and integers longer than 40 digits are no numbers.
    """
    text = pa.array(spellings, pa.string())
    bare = pc.if_else(pa.array(matches(text, _DECIMAL)), pc.utf8_ltrim(text, _SIGNS), None)
    decimal: list[str] = bare.to_pylist()
    value = pc.cast(bare, pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False).copy()
    value[~np.isfinite(value)] = np.nan
    _undisguise(value, decimal)
    comparator = [s[: len(s) - len(d)] if d is not None else "" for s, d in zip(spellings, decimal, strict=True)]
    return Numbers(value, comparator, decimal)


def _undisguise(value: npt.NDArray[np.float64], decimal: list[str]) -> None:
    """A float32 that was widened to float64 (100.4000015258789) becomes the decimal it stood for (100.4), in place."""
    with np.errstate(over="ignore", invalid="ignore"):
        single = value.astype(np.float32)
        suspects = np.flatnonzero(single.astype(np.float64) == value)
    for row in suspects:
        if len(decimal[row].strip("-0.")) > _SINGLE_DIGITS + 1 and "e" not in decimal[row].lower():
            decimal[row] = str(single[row])
            value[row] = float(decimal[row])
