"""Scores of points: CAR-HEMATOTOX (Rejeski 2021, doi:10.1182/blood.2020010543) and MEWS (Subbe 2001)."""

from __future__ import annotations

from typing import Any

import ibis

from leeward.risk.definitions import Rule
from leeward.risk.outcome import Found, counted
from leeward.scales.bands import Span
from leeward.scales.inspired_oxygen import fractions
from leeward.scales.outcome import met, part, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick
from leeward.timeline.oxygen import DEVICES

_WHOLE = 1.0


def car_hematotox(at: At, rule: Rule) -> Found:
    """Five items; high from two points."""
    whole = total(part(at, rule, item.id) for item in rule.items)
    return counted(whole, met(whole, rule.number("high_at_least")))


def mews(at: At, rule: Rule) -> Found:
    """Five items; the second reading is the saturation over the inspired fraction."""
    whole = total(part(at, rule, item.id) for item in rule.items)
    spo2, fraction = at.span("spo2"), inspired(at, rule)
    return counted(whole, (spo2.low / fraction.high, spo2.high / fraction.low))


def inspired(at: At, rule: Rule) -> Span:
    """The inspired oxygen fraction: as charted, of room air, by flow as printed, else by the device, else any."""
    air = rule.fraction[0].least.value
    device, charted = at.span("oxygen-device"), at.span("fio2")
    named = device.low.notnull()
    on_air = named & (device.high == DEVICES.index("room-air"))
    cannula = named & (device.low == DEVICES.index("nasal-cannula")) & (device.high == device.low)
    by_flow = cannula & at.span("oxygen-flow").low.notnull()
    devices = [(device.high == DEVICES.index(one.name), one) for one in fractions().device]
    flow = _by_flow(at.span("oxygen-flow"), rule)
    low = pick(
        [(charted.low.notnull(), charted.low), (on_air, air), (by_flow, flow.low)]
        + [(is_it, one.least.value) for is_it, one in devices],
        air,
    )
    high = pick(
        [(charted.high.notnull(), charted.high), (on_air, air), (by_flow, flow.high)]
        + [(is_it, one.most.value) for is_it, one in devices],
        _WHOLE,
    )
    return Span(ibis.greatest(low, air), ibis.greatest(high, air))


def _by_flow(flow: Span, rule: Rule) -> Span:
    """The fraction by flow: as printed at a printed flow, between two from the lower's least to the higher's most."""
    low: list[tuple[Any, Any]] = []
    high: list[tuple[Any, Any]] = []
    steps = list(rule.fraction)
    for place, step in enumerate(steps):
        below = steps[place + 1] if place + 1 < len(steps) else None
        low.append((flow.low < (below.until.value if below else float("inf")), step.least.value))
        high.append((flow.high <= step.until.value, step.most.value))
    return Span(pick(low, steps[-1].least.value), pick(high, _WHOLE))
