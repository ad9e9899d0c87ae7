"""Rates and doses that need the patient's weight: set aside while reading, converted once every weight is known.

The weight taken is the latest charted at or before the drug was given: a later one was not known then. Where there
is none, the finding stays without an amount and is listed as `rate-missing-weight`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leeward.knowledge.vocabulary import quantities
from leeward.record import numbers, units
from leeward.record.columns import Flags, combine, encode
from leeward.record.pile import Pile
from leeward.record.schema import FINDING, REFUSAL

NEEDS_WEIGHT = "rate-missing-weight"
WEIGHT = "body-weight"
_WEIGHTS = pa.schema([("patient", pa.string()), ("at", pa.int64()), ("weight_kg", pa.float64())])
_BATCH_ROWS = 100_000
_EVER_US = 200 * 366 * 86_400 * 1_000_000  # a weight of any age: how stale it may be is not the door's to say

Floats = npt.NDArray[np.float64]
Folder = Callable[[], Path]


class Weights:
    """Collects the weights and what waits for one."""

    def __init__(self) -> None:
        self._waiting = Pile(FINDING, "waiting")
        self._weights = Pile(_WEIGHTS, "weights")

    def set_aside(self, findings: pa.Table, refusals: pa.Table, folder: Folder) -> tuple[pa.Table, pa.Table]:
        """What does not wait for a weight: findings, and refusals for other reasons."""
        stands = pc.and_(pc.equal(findings["quantity"], WEIGHT), pc.not_equal(findings["status"], "withdrawn"))
        weighed = findings.filter(pc.and_(stands, pc.equal(findings["low"], findings["high"])))
        if weighed.num_rows:
            # A weight of which only the day is known is known when the day is over.
            at = pc.cast(pc.coalesce(weighed["measured_until"], weighed["measured_at"]), pa.int64())
            self._weights.add(pa.Table.from_arrays([weighed["patient"], at, weighed["low"]], schema=_WEIGHTS), folder)
        without = pc.equal(refusals["reason"], NEEDS_WEIGHT)
        if not pc.any(without).as_py():
            return findings, refusals
        waits = pa.array(_waits(findings))
        self._waiting.add(findings.filter(waits), folder)
        return findings.filter(pc.invert(waits)), refusals.filter(pc.invert(without))

    def settle(self, folder: Folder) -> Iterator[tuple[pa.Table, pa.Table]]:
        """What waited, with its amount where a weight was known, and a refusal where none was."""
        if not self._waiting.rows:
            return
        self._waiting.close(folder)
        self._weights.close(folder)
        weight_kg = _latest(self._waiting.table(["patient", "measured_at"]), self._weights.table())
        start = 0
        for batch in self._waiting.batches(_BATCH_ROWS):
            yield _weighed(batch, weight_kg[start : start + batch.num_rows])
            start += batch.num_rows


def _waits(findings: pa.Table) -> Flags:
    """Which findings hold an amount that only a weight can convert."""
    quantity, text = (encode(findings[name].combine_chunks()) for name in ("quantity", "text"))
    pairs = combine(quantity, text)

    unread = np.asarray(findings["low"].is_null().to_numpy(), bool)
    needs: Flags = np.array([_by_weight(*pair) is not None for pair in pairs.words], bool)[pairs.index]
    return np.asarray(unread & needs)


def _by_weight(name: str | None, written: str | None) -> tuple[float, int] | None:
    """How an amount as written becomes one in the unit of its quantity, by a weight; None where it does not."""
    what = quantities().get(name or "")
    if what is None or what.unit is None or what.kind not in ("rate", "dose"):
        return None
    return units.by_weight((written or "").partition(" ")[2], what.unit)


def _latest(waiting: pa.Table, weights: pa.Table) -> Floats:
    """The weight in force for each waiting row, in kg; NaN where none was charted before."""
    at = pc.cast(waiting["measured_at"], pa.int64())
    order = pa.array(np.arange(waiting.num_rows))
    left = pa.table({"patient": waiting["patient"], "at": at, "row": order}).sort_by("at")
    joined = left.join_asof(weights.sort_by("at"), on="at", by="patient", tolerance=-_EVER_US)
    found = np.full(waiting.num_rows, np.nan)
    found[joined["row"].to_numpy()] = joined["weight_kg"].to_numpy(zero_copy_only=False)
    return found


def _weighed(batch: pa.Table, weight_kg: Floats) -> tuple[pa.Table, pa.Table]:
    amount, unit = _amounts(batch, weight_kg)
    limits = {name: quantities()[name] for name in batch["quantity"].unique().to_pylist()}
    names = encode(batch["quantity"].combine_chunks())
    most = names.each(lambda n: limits[n].high if n is not None and limits[n].high is not None else np.inf, float)
    too_much = amount > most
    amount[too_much] = np.nan
    bound = pa.array(amount, from_pandas=True)
    for name in ("low", "high"):
        batch = batch.set_column(FINDING.get_field_index(name), FINDING.field(name), bound)
    unread = batch.filter(pa.array(np.isnan(amount)))
    reason = np.where(too_much, "out-of-range", NEEDS_WEIGHT)[np.isnan(amount)]
    detail = np.array(unit, object)[np.isnan(amount)]
    columns = {"reason": pa.array(reason), "detail": pa.array(detail, pa.string())}
    listed = [columns[n] if n in columns else unread[n] for n in REFUSAL.names]
    return batch, pa.Table.from_arrays(listed, schema=REFUSAL)


def _amounts(batch: pa.Table, weight_kg: Floats) -> tuple[Floats, list[str]]:
    """The amount of each row in the quantity's unit, and the unit as written."""
    pairs = combine(*(encode(batch[name].combine_chunks()) for name in ("quantity", "text")))
    scale, power, written = [], [], []
    for name, text in pairs.words:
        value, _, unit = (text or "").partition(" ")
        by = _by_weight(name, text)
        scale.append(float(numbers.read([value]).value[0] * by[0]) if by else np.nan)
        power.append(by[1] if by else 0)
        written.append(unit)
    amount = np.array(scale)[pairs.index] * weight_kg ** np.array(power, float)[pairs.index]
    return amount, [written[i] for i in pairs.index]
