"""What a table row says beside its own statement: a laboratory's upper limit of normal, a prescription as an order."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from leeward.knowledge.vocabulary import ORDERED, quantities
from leeward.record.codes import Codes
from leeward.record.codings import replaced
from leeward.record.schema import STATEMENT

PRESCRIBED = "prescribed"
"""The state of a drug record that says that it was ordered, until `with_orders` has read it."""
_LIMIT = "-upper-limit"
_ORDER = "order"
_BETWEEN = "\x1e"
_Columns = dict[str, pa.Array]


def with_limits(codes: Codes, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Measurements, and after them the upper limits of normal, which travel here as their `end`."""
    own = _columns(batch)
    limited = batch.filter(own["end"].is_valid())
    own["end"] = pa.nulls(len(batch), pa.string())
    said = _columns(limited)
    name = _quantity(codes, limited, lambda quantity: f"{quantity}{_LIMIT}" if _has_limit(quantity) else None)
    record = pc.binary_join_element_wise(said["record"], "#upper-limit", "")
    return _after(own, said | _without(len(limited), "system", "code", "comparator", "text", "end")
                  | {"quantity": name, "value": said["end"], "record": record}, name)  # fmt: skip


def with_orders(codes: Codes, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Drugs, and after them the orders for those that a plan doses; none of these counts as given."""
    own = _columns(batch)
    orders = batch.filter(pc.equal(own["status"], PRESCRIBED).fill_null(False))
    own["status"] = replaced(own["status"], lambda word: _ORDER if word == PRESCRIBED else word)
    dosed = quantities()[ORDERED].words
    drug = _quantity(codes, orders, lambda quantity: quantity if quantity in dosed else None)
    record = pc.binary_join_element_wise(_columns(orders)["record"], drug, f"#{ORDERED}-")
    ordered = pa.array([ORDERED] * len(orders), pa.string())
    empty = _without(len(orders), "system", "code", "value", "comparator", "unit", "end", "status", "site")
    return _after(own, _columns(orders) | empty | {"quantity": ordered, "text": drug, "record": record}, drug)


def _columns(batch: pa.RecordBatch) -> _Columns:
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def _without(length: int, *names: str) -> _Columns:
    """Columns in which nothing is said."""
    return {name: pa.nulls(length, pa.string()) for name in names}


def _has_limit(quantity: str) -> bool:
    return f"{quantity}{_LIMIT}" in quantities()


def _quantity(codes: Codes, batch: pa.RecordBatch, becomes: Callable[[str], str | None]) -> pa.Array:
    """What becomes of the quantity that each row names or its coding means; null where nobody knows it."""
    said = _columns(batch)
    parts = (pc.fill_null(said[part], "") for part in ("quantity", "system", "code"))
    keys = pc.binary_join_element_wise(*parts, _BETWEEN)

    def named(key: str) -> str | None:
        quantity, system, code = key.split(_BETWEEN, 2)
        meaning = None if quantity else codes.meaning(system, code)
        known = quantity or (meaning.quantity if meaning else "")
        return becomes(known) if known else None

    return replaced(keys, named)


def _after(own: _Columns, more: _Columns, wanted: pa.Array) -> pa.RecordBatch:
    """Rows, and after them those further ones that are wanted."""
    further = pa.RecordBatch.from_arrays([more[name] for name in STATEMENT.names], schema=STATEMENT)
    kept = further.filter(wanted.is_valid())
    columns = [pa.concat_arrays([own[name], kept.column(name)]) for name in STATEMENT.names]
    return pa.RecordBatch.from_arrays(columns, schema=STATEMENT)
