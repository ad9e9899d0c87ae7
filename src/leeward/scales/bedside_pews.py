"""Bedside paediatric early warning score (Parshuram 2009, doi:10.1186/cc7998)."""

from __future__ import annotations

import ibis

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, met, on_oxygen, part, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick

_SINGLE = ("pulse", "systolic", "capillary-refill", "respiratory-rate", "effort", "saturation")


def score(at: At, pews: Definition) -> Outcome:
    """Seven items, four of them by age."""
    whole = total([*(part(at, pews, name) for name in _SINGLE), oxygen(at, pews)])
    return answered(at, pews, whole, met(whole, pews.number("trigger_at_least")))


def oxygen(at: At, pews: Definition) -> Part:
    """Nothing on room air, else the worse of flow and inspired fraction; some oxygen is at least 2."""
    given = on_oxygen(at, pews.number("room_air"))
    flow, fraction = part(at, pews, "flow"), part(at, pews, "fraction")
    known = at.span("oxygen-flow").low.notnull() | at.span("fio2").low.notnull()
    some, most = 2, 4
    stated_flow = pick([(at.span("oxygen-flow").low.notnull(), flow.at_least)], 0)
    stated_fraction = pick([(at.span("fio2").low.notnull(), fraction.at_least)], 0)
    least = pick([(given.low == 1, ibis.greatest(some, stated_flow, stated_fraction))], 0)
    high_flow = pick([(at.span("oxygen-flow").low.notnull(), flow.at_most)], 0)
    high_fraction = pick([(at.span("fio2").low.notnull(), fraction.at_most)], 0)
    highest = pick([(given.high == 0, 0), (known, ibis.greatest(some, high_flow, high_fraction))], most)
    return Part(
        least, highest, {"oxygen-device": given.low < given.high, "oxygen-flow": (given.high == 1) & (least < highest)}
    )
