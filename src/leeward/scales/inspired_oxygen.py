"""Oxygen support by its inspired fraction: charted, else estimated (knowledge/inspired-oxygen.toml)."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Dated, Decision, Line, value
from leeward.timeline.columns import back, front, last_known, latest, packed, pick, true
from leeward.timeline.oxygen import CHARTED_TOGETHER_S, DEVICES
from leeward.timeline.settings import HOUR_S, carry

NONE, BELOW_LIMIT, FROM_LIMIT, PRESSURE_BY_MASK, VENTILATOR = range(5)
"""Classes of support, mildest first: none; oxygen below, and at or above, the fraction a scale asks for; CPAP or BiPAP;
an invasive ventilator."""


class _Cannula(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    base: Line
    per_litre: Line
    at_most: Line
    worst: Line


class _Air(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    at_most: Line


class _Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    least: Dated
    most: Dated


class Fractions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/inspired-oxygen.toml."""

    evidence: Evidence
    checked: date
    cannula: _Cannula
    air: _Air
    device: list[_Device]
    decisions: list[Decision]


def fractions() -> Fractions:
    """The estimates in force."""
    held: Fractions = load("inspired-oxygen", Fractions)
    return held


_DEVICE_BITS, _SHAPE_BITS, _FRACTION_BITS = 5, 9, 3


def _estimate(states: ir.Table, of: Fractions, limit: float) -> tuple[Any, Any]:
    """1 where device and flow surely, and possibly, give at least the fraction `limit`."""
    device = states.device
    cannula = device == DEVICES.index("nasal-cannula")
    base, slope, end = value(of.cannula.base), value(of.cannula.per_litre), value(of.cannula.at_most)
    within = true(states.flow_high <= end) == 1
    surely = [(device == DEVICES.index(one.name), int(one.least.value >= limit)) for one in of.device]
    possibly = [(device == DEVICES.index(one.name), int(one.most.value >= limit)) for one in of.device]
    surely.append((cannula & states.flow_low.notnull(), true(base + slope * ibis.least(states.flow_low, end) >= limit)))
    possibly += [
        (cannula & within, true(base + slope * states.flow_high >= limit)),
        (cannula, int(value(of.cannula.worst) >= limit)),
    ]
    return pick(surely, 0), pick(possibly, 1)


def supported(states: ir.Table, relevant: ir.Table, limit: float) -> ir.Table:
    """Support as its mildest and worst class at each moment device, flow or fraction was charted.

    `states`: timeline.oxygen.states. `limit`: the fraction that parts two classes. Columns: who, at_s, support_low,
    support_high, estimated (1: an estimate decided between those two, or could not).
    """
    rows = _beside(states, relevant, fractions(), limit)
    on_air = rows.device == DEVICES.index("room-air")
    unspecified = rows.device == DEVICES.index("oxygen-unspecified")
    unnamed = rows.device.isnull() | unspecified | (rows.device == DEVICES.index("unrecognised"))
    rich = rows.rich == 1
    known = [
        (rows.device.isin([DEVICES.index("cpap"), DEVICES.index("bipap")]), PRESSURE_BY_MASK),
        (rows.device.isin([DEVICES.index("ventilator"), DEVICES.index("ecmo")]), VENTILATOR),
        (rows.off == 1, NONE),
    ]
    low = pick([(rows.surely == 1, FROM_LIMIT)], BELOW_LIMIT)
    high = pick([(rows.possibly == 1, FROM_LIMIT)], BELOW_LIMIT)
    flowing = unspecified | (rows.flowing == 1)
    known.append((on_air, NONE))
    support_low = pick([*known, (unnamed & ~rich, pick([(flowing, BELOW_LIMIT)], NONE))], low)
    support_high = pick([*known, (unnamed, VENTILATOR)], high)
    rows = rows.mutate(support_low=support_low, support_high=support_high)
    parted = (rows.charted == 0) & (rows.support_low > NONE) & (rows.support_high < PRESSURE_BY_MASK)
    return rows.select("who", "at_s", "support_low", "support_high", estimated=true(parted))


def _beside(states: ir.Table, relevant: ir.Table, of: Fractions, limit: float) -> ir.Table:
    """Device and charted fraction together, at every moment one was charted.

    Columns: who, at_s, device, surely, possibly, off, flowing, rich (1: the charted fraction is above air), charted (1:
    `surely` and `possibly` are by a charted fraction).
    """
    rows = _gathered(states, relevant, of, limit)
    order = ibis.window(group_by=[rows.who], order_by=[rows.at_s])
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    rows = rows.mutate(
        shaped=latest(rows.shape, rows.at_s, _SHAPE_BITS, upto),
        told=latest(rows.fraction, rows.at_s, _FRACTION_BITS, upto),
    )
    rows = rows.mutate(shape=ibis.coalesce(back(rows.shaped, _SHAPE_BITS), 0))
    rows = rows.mutate(number=rows.shape >> (_SHAPE_BITS - _DEVICE_BITS))
    rows = rows.mutate(changed=~rows.number.identical_to(rows.number.lag().over(order)))
    rows = rows.mutate(since_s=last_known(ibis.ifelse(rows.changed, rows.at_s, None), upto))
    told_s, told = front(rows.told, _FRACTION_BITS), back(rows.told, _FRACTION_BITS)
    fresh_s = rows.at_s - int(carry().limits_hours["oxygen"].ward * HOUR_S)
    mine = true((told_s >= rows.since_s - CHARTED_TOGETHER_S) & (told_s >= fresh_s))
    surely, possibly, off, flowing = (back(rows.shape >> place, 1) for place in (3, 2, 1, 0))
    return rows.select(
        "who", "at_s", device=(rows.number - 1).nullif(-1), off=off, flowing=flowing, charted=mine,
        surely=pick([(mine == 1, back(told >> 2, 1))], surely),
        possibly=pick([(mine == 1, back(told >> 1, 1))], possibly),
        rich=pick([(mine == 1, back(told, 1))], 0),
    )  # fmt: skip


def _gathered(states: ir.Table, relevant: ir.Table, of: Fractions, limit: float) -> ir.Table:
    """One row per moment: `shape` (device and its estimate) and `fraction`, each packed, null where not charted."""
    surely, possibly = _estimate(states, of, limit)
    shape = ibis.coalesce(states.device + 1, 0)
    for flag in (
        surely,
        possibly,
        true(states.flow_high <= 0) * true(states.device == DEVICES.index("nasal-cannula")),
        true(states.flow_low > 0),
    ):
        shape = packed(shape, flag, 1)
    charted = relevant.filter(relevant.quantity == "fio2")
    rich = true(charted.low > value(of.air.at_most))
    fraction = packed(packed(true(charted.low >= limit), true(charted.high >= limit), 1), rich, 1)
    none = ibis.null("int64")
    rows = states.select("who", "at_s", shape=shape.cast("int64"), fraction=none)
    rows = rows.union(charted.select("who", "at_s", shape=none, fraction=fraction.cast("int64")))
    return rows.group_by(["who", "at_s"]).agg(shape=rows.shape.max(), fraction=rows.fraction.max())
