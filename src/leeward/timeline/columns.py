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


def seconds(moment: Any) -> ir.IntegerColumn:
    """A timestamp as whole seconds since 1970 UTC."""
    return moment.epoch_seconds().cast("int64")


def nothing(kind: str = "int64") -> Any:
    """A typed null column."""
    return ibis.null(kind)


def latest(value: Any, at_s: Any, width: int, window: Any) -> Any:
    """The newest non-null `value` (an integer 0 <= value < width) up to each row, packed with its time.

    One running maximum carries both: `unpack` takes them apart. Of two values at one second the larger wins.
    """
    return (at_s * width + value).max().over(window)


def packed_value(packed: Any, width: int) -> Any:
    """The value inside a `latest` column."""
    return packed % width


def packed_at_s(packed: Any, width: int) -> Any:
    """The time inside a `latest` column."""
    return (packed - packed % width) // width
