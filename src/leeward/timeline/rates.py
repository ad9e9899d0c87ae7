"""Infusion rates as stretches of time, and stretches in which something lasted for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import pick, true
from leeward.timeline.infusions import FOREVER_S, joined
from leeward.timeline.settings import HOUR_S, carry

PARTS = 10**6
"""Rates are added up as whole millionths of their unit: sums of whole numbers do not depend on their order."""
UNKNOWN = 10**12
"""Stands for a rate that was not charted, or not convertible: larger than any rate, in millionths."""


def rates(relevant: ir.Table, drugs: Sequence[str], *, surely: bool) -> ir.Table:
    """Stretches of one rate: who, drug, from_s, until_s, rate (millionths of the drug's unit, at its mildest or worst).

    Until it ends, an infusion runs at its charted rate or until the drug is charted again. `surely` asks for the
    mildest reading: the lowest rate, none where it is unknown, and an end after the age limit where none was charted.
    """
    rows = relevant.filter(relevant.quantity.isin(list(drugs)))
    known = rows.low.notnull()
    amount = pick([(known, rows.low)], 0.0) if surely else rows.high
    rate = pick(
        [(amount.notnull() & (amount < float("inf")), (ibis.greatest(amount, 0.0) * PARTS).round())], float(UNKNOWN)
    )
    limit_s = int(carry().limits_hours["infusion-without-end"].ward * HOUR_S)
    endless_s = rows.at_s + limit_s if surely else FOREVER_S
    ends_s = pick([(rows.endless, endless_s)], rows.until_s.fill_null(FOREVER_S))
    rows = rows.mutate(rate=rate.cast("int64"), ends_s=ends_s)
    # Of two rates charted at one moment the milder, or the worse, is meant.
    both = {name: rows[name].min() if surely else rows[name].max() for name in ("rate", "ends_s")}
    rows = rows.group_by(["who", "quantity", "at_s"]).agg(**both)
    order = ibis.window(group_by=[rows.who, rows.quantity], order_by=[rows.at_s])
    rows = rows.mutate(until_s=ibis.least(rows.at_s.lead().over(order).fill_null(FOREVER_S), rows.ends_s))
    return rows.filter(rows.until_s > rows.at_s).select("who", "rate", "until_s", drug=rows.quantity, from_s=rows.at_s)


def summed(stretches: ir.Table, sums: Mapping[str, Any]) -> ir.Table:
    """Several sums over all stretches that run at a time: who, from_s, until_s, and each sum, one row per change.

    `sums` maps a name to a column of `stretches`: what a stretch adds to that sum while it runs.
    """
    rows = stretches.mutate(**sums)
    begun = rows.select("who", *sums, at_s=rows.from_s)
    ended = rows.filter(rows.until_s < FOREVER_S)
    ended = ended.select("who", **{name: -ended[name] for name in sums}, at_s=ended.until_s)
    events = begun.union(ended.select(*begun.columns))
    moments = events.group_by(["who", "at_s"]).agg(**{name: events[name].sum() for name in sums})
    upto = ibis.window(group_by=[moments.who], order_by=[moments.at_s], rows=(None, 0))
    order = ibis.window(group_by=[moments.who], order_by=[moments.at_s])
    return moments.select(
        "who", from_s=moments.at_s, until_s=moments.at_s.lead().over(order).fill_null(FOREVER_S),
        **{name: moments[name].sum().over(upto) for name in sums},
    )  # fmt: skip


def lasting(stretches: ir.Table, flag: Any, at_least_s: int) -> ir.Table:
    """Stretches, from the moment the flag (1) has held for `at_least_s` until it ends: who, from_s, until_s."""
    flagged = stretches.mutate(flag_=true(flag == 1))
    runs = joined(flagged.filter(flagged.flag_ == 1).select("who", "from_s", "until_s"), ["who"])
    late = runs.mutate(from_s=runs.from_s + at_least_s)
    return late.filter(late.from_s < late.until_s)


def reached(stretches: ir.Table, doses: ir.Table, total_s: int) -> ir.Table:
    """When the time in stretches, added up since the dose before them, has reached `total_s`: who, from_s, until_s.

    From then on it has been reached, until the next dose. A stretch belongs to the dose it began after.
    """
    spans = joined(stretches.select("who", "from_s", "until_s"), ["who"])
    after = ibis.window(group_by=[doses.who], order_by=[doses.dose_s])
    doses = doses.mutate(next_s=doses.dose_s.lead().over(after).fill_null(FOREVER_S))
    rows = spans.join(doses, "who")
    rows = rows.filter((rows.until_s > rows.dose_s) & (rows.from_s < rows.next_s))
    rows = rows.mutate(from_s=ibis.greatest(rows.from_s, rows.dose_s))
    before = ibis.window(group_by=[rows.who, rows.dose_s], order_by=[rows.from_s], rows=(None, -1))
    rows = rows.mutate(
        before_s=(rows.until_s - rows.from_s).sum().over(before).fill_null(0).cast("float64").cast("int64")
    )
    rows = rows.filter((rows.before_s < total_s) & (rows.before_s + rows.until_s - rows.from_s >= total_s))
    return rows.select("who", from_s=rows.from_s + total_s - rows.before_s, until_s=rows.next_s)
