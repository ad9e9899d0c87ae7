"""Infusions as stretches of time: when each drug ran, and when several ran together."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import counted, pick, true
from leeward.timeline.moments import Kinds
from leeward.timeline.settings import HOUR_S, carry

FOREVER_S = 2**40
"""Stands for "as far as is known, still running"."""


def running(relevant: ir.Table, drugs: Sequence[str], *, surely: bool, pause_s: int = 0) -> ir.Table:
    """Stretches in which each of `drugs` ran: who, drug, from_s, until_s (FOREVER_S while it runs).

    A rate of zero is a stop. An infusion whose end was never charted surely ran for its age limit, and possibly
    until the drug was charted again: `surely` chooses which of the two is meant. Stretches of one drug that touch
    are one stretch: a changed rate or bag is no interruption. A rate that may be zero (an infusion of which only the
    day is known) ran possibly, and not surely.
    """
    rows = relevant.filter(relevant.quantity.isin(list(drugs)))
    # A start and a stop of one second: surely it stopped, possibly it started.
    rate = rows.high.desc() if surely else rows.high
    order = ibis.window(group_by=[rows.who, rows.quantity], order_by=[rows.at_s, rate, rows.until_s])
    rows = rows.mutate(again_s=rows.at_s.lead().over(order).fill_null(FOREVER_S))
    rows = rows.filter(rows.high.isnull() | (rows.high != 0))
    endless_s = rows.again_s
    if surely:
        rows = rows.filter(rows.low.isnull() | (rows.low > 0))
        endless_s = ibis.least(
            rows.again_s, rows.at_s + int(carry().limits_hours["infusion-without-end"].ward * HOUR_S)
        )
    until_s = pick([(rows.endless, endless_s)], rows.until_s.fill_null(FOREVER_S))
    rows = rows.select("who", drug=rows.quantity, from_s=rows.at_s, until_s=until_s)
    return joined(rows, ["who", "drug"], pause_s)


def joined(stretches: ir.Table, by: Sequence[str], pause_s: int = 0) -> ir.Table:
    """Stretches of one key that overlap, touch or lie up to `pause_s` apart, as one: `by` columns, from_s, until_s."""
    # Of stretches that begin together the longest counts: rows that tie could be told apart in two ways.
    longest = stretches.group_by([*by, "from_s"]).agg(until_s=stretches.until_s.max())
    keys = [longest[name] for name in by]
    ended_s = longest.until_s.max().over(ibis.window(group_by=keys, order_by=[longest.from_s], rows=(None, -1)))
    opened = longest.mutate(opens=true(longest.from_s > ended_s.fill_null(-FOREVER_S) + pause_s))
    upto = ibis.window(group_by=[opened[name] for name in by], order_by=[opened.from_s], rows=(None, 0))
    numbered = opened.mutate(island=counted(opened.opens).over(upto))
    return (
        numbered.group_by([*by, "island"])
        .agg(from_s=numbered.from_s.min(), until_s=numbered.until_s.max())
        .drop("island")
    )


def together(stretches: ir.Table, at_least_s: int) -> ir.Table:
    """Stretches in which two different drugs ran together for at least `at_least_s`: who, from_s, until_s."""
    other = stretches.view()
    pairs = stretches.join(other, [stretches.who == other.who, stretches.drug < other.drug], rname="{name}_other")
    from_s = ibis.greatest(pairs.from_s, pairs.from_s_other)
    until_s = ibis.least(pairs.until_s, pairs.until_s_other)
    overlaps = pairs.select("who", from_s=from_s, until_s=until_s)
    both = joined(overlaps.filter(overlaps.until_s > overlaps.from_s), ["who"])
    return both.filter(both.until_s - both.from_s >= at_least_s)


def together_by_now(stretches: ir.Table, people: ir.Table, at_least_s: int) -> ir.Table:
    """As `together`, the length counted only up to the moment asked about: what still runs has not run for longer."""
    both = together(stretches, at_least_s).join(people.select("who", "as_of_s"), "who")
    return both.filter(ibis.least(both.until_s, both.as_of_s) - both.from_s >= at_least_s).drop("as_of_s")


def switches(stretches: ir.Table, kinds: Kinds, kind: str) -> list[ir.Table]:
    """Stretches as events of a kind: +1 where one begins, -1 where one ends."""
    ended = stretches.filter(stretches.until_s < FOREVER_S)
    return [kinds.events(stretches, kind, stretches.from_s, 1), kinds.events(ended, kind, ended.until_s, -1)]
