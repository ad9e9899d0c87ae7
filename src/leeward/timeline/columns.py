"""Small expressions over columns that every timeline step is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir


def pick(cases: Sequence[tuple[Any, Any]], otherwise: Any) -> Any:
    """The value of the first case whose condition is true, else `otherwise`."""
    return ibis.cases(*cases, else_=otherwise)


def true(condition: Any) -> Any:
    """1 where the condition is known and true, else 0: unknown never counts as yes."""
    return ibis.ifelse(condition, ibis.literal(1, "int64"), ibis.literal(0, "int64"))


@ibis.udf.scalar.builtin(name="epoch_us", signature=(("timestamp('UTC')",), "int64"))
def _microseconds(moment):  # type: ignore[no-untyped-def]
    """DuckDB's own function: Ibis would go through the session's zone, at ten times the cost."""


def seconds(moment: Any) -> ir.IntegerColumn:
    """A timestamp as whole seconds since 1970 UTC."""
    return _microseconds(moment.cast("timestamp('UTC')")) // 1_000_000


@ibis.udf.agg.builtin(name="last_known", signature=(("int64",), "int64"))
def _last_known(rising):  # type: ignore[no-untyped-def]
    """Spelt by each engine as it is fast there: a running maximum costs DuckDB several times as much."""


def last_known(rising: Any, window: Any) -> Any:
    """The last of whole numbers that never fall in the window's order, those that are null left out."""
    return _last_known(rising).over(window)


def nothing(kind: str = "int64") -> Any:
    """A typed null column."""
    return ibis.null(kind)


def latest(value: Any, at_s: Any, bits: int, window: Any) -> Any:
    """The newest non-null `value` (an integer that fits in `bits`) up to each row, packed with its time.

    One number carries both; `front` (the time) and `back` (the value) take them apart. The window is in order of
    `at_s`, each second once.
    """
    return last_known(packed(at_s, value, bits), window)


def packed(front: Any, back: Any, bits: int) -> Any:
    """Two whole numbers in one, which sorts by the front, then by the back; the back fits in `bits`."""
    return front * 2**bits + back


def front(number: Any, bits: int) -> Any:
    """The front of a `packed` number."""
    return number >> bits


def back(number: Any, bits: int) -> Any:
    """The back of a `packed` number."""
    return number & (2**bits - 1)


def closed(low: Any, high: Any, least: Any, most: Any) -> tuple[Any, Any]:
    """A range with its open sides ("under 5") ended where its quantity ends; unknown stays unknown."""
    return ibis.ifelse(low < least, least, low), ibis.ifelse(high > most, most, high)


def quotient(low: Any, high: Any, over_low: Any, over_high: Any) -> tuple[Any, Any]:
    """Bounds of one range over another, neither below zero; unknown where one of them is.

    Either may be open ("over 300"): endless over endless is no number, which an engine may take for more than any.
    """
    known = low.notnull() & high.notnull() & over_low.notnull() & over_high.notnull()
    endless = float("inf")
    least = pick([(known & (low > 0) & (over_high < endless), low / over_high), (known, 0.0)], nothing("float64"))
    most = pick([(known & (over_low > 0) & (high < endless), high / over_low), (known, endless)], nothing("float64"))
    return least, most


def counted(flag: Any) -> Any:
    """How many rows have a flag of 1, as an aggregate or over a window."""
    return flag.nullif(0).count()
