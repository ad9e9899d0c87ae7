"""Oxygen device and flow as one state at each moment either was charted."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import back, front, last_known, latest, pick, true
from leeward.timeline.settings import HOUR_S

DEVICES = (
    "unrecognised", "oxygen-unspecified", "room-air", "nasal-cannula", "blow-by", "high-flow-nasal-cannula",
    "simple-mask", "aerosol-mask", "face-tent", "venturi", "non-rebreather", "tracheostomy-mask",
    "cpap", "bipap", "ventilator", "ecmo",
)  # fmt: skip
"""Oxygen devices by their code in an oxygen state; of two charted at one moment the later in this list is taken."""

_BITS = 4
CHARTED_TOGETHER_S = 600
"""A flow charted up to ten minutes before its device still belongs to it: a nurse charts them in either order."""


def device_code(word: ir.StringColumn) -> ir.IntegerColumn:
    """A normalised device word as its code; a word not in DEVICES counts as unrecognised."""
    return pick([(word == name, code) for code, name in enumerate(DEVICES)], 0)


def states(relevant: ir.Table) -> ir.Table:
    """One row per moment at which device or flow was charted.

    Columns: who, at_s, device (code, null: never charted), flow_low, flow_high (L/min, null: not charted for this
    device).

    A change of device forgets the flow of the old one. A flow above zero charted after room air means an
    oxygen device that nobody named.
    """
    carried = _carried(_charted(relevant))
    # The flow belongs to the device from when it was first charted on, however often that is charted again.
    mine = carried.flow_at_s >= carried.since_s - CHARTED_TOGETHER_S
    unnamed = (
        (carried.device_ == DEVICES.index("room-air"))
        & (carried.flow_at_s > carried.device_at_s)
        & (carried.flow_low > 0)
    )
    return carried.select(
        "who",
        "at_s",
        device=pick([(true(unnamed) == 1, DEVICES.index("oxygen-unspecified"))], carried.device_),
        flow_low=ibis.ifelse(mine, carried.flow_low, None),
        flow_high=ibis.ifelse(mine, carried.flow_high, None),
    )


def _carried(rows: ir.Table) -> ir.Table:
    """The device and the flow charted last at each moment: device_, device_at_s, flow_low, flow_high, flow_at_s.

    since_s: when the device last became another one.
    """
    moments = rows.group_by(["who", "at_s"]).agg(device=rows.device.max(), low=rows.low.max(), high=rows.high.max())
    upto, before = (ibis.window(group_by=[moments.who], order_by=[moments.at_s], rows=(None, last)) for last in (0, -1))
    carried = moments.mutate(
        packed=latest(moments.device, moments.at_s, _BITS, upto),
        was=latest(moments.device, moments.at_s, _BITS, before),
        flow_at_s=last_known(ibis.ifelse(moments.low.notnull(), moments.at_s, None), upto),
    )
    carried = carried.mutate(device_=back(carried.packed, _BITS), device_at_s=front(carried.packed, _BITS))
    changed = ~carried.device_.identical_to(back(carried.was, _BITS))
    upto = ibis.window(group_by=[carried.who], order_by=[carried.at_s], rows=(None, 0))
    carried = carried.mutate(since_s=last_known(ibis.ifelse(changed, carried.at_s, None), upto))
    flows = carried.group_by(["who", "flow_at_s"]).agg(flow_low=carried.low.max(), flow_high=carried.high.max())
    return carried.left_join(flows, ["who", "flow_at_s"], rname="{name}_flow")


def _charted(relevant: ir.Table) -> ir.Table:
    """Every charting of a device or a flow: who, at_s, device (code) or low and high (flow).

    A device known to have been on over a stretch is as good as charted each hour of it, and unknown from its end.
    """
    rows = relevant.filter(relevant.quantity.isin(["oxygen-device", "oxygen-flow"]))
    word, flow = rows.quantity == "oxygen-device", rows.quantity == "oxygen-flow"
    points = rows.select(
        "who", "at_s",
        device=ibis.ifelse(word, device_code(rows.text), None).cast("int64"),
        low=ibis.ifelse(flow, rows.low, None), high=ibis.ifelse(flow, rows.high, None),
    )  # fmt: skip
    on = rows.filter(word & (rows.until_s > rows.at_s))
    hourly = on.select(
        "who", at_s=ibis.range(on.at_s, on.until_s, HOUR_S).unnest(), device=device_code(on.text).cast("int64")
    )
    ends = on.select("who", at_s=on.until_s, device=ibis.literal(DEVICES.index("unrecognised"), "int64"))
    stretched = hourly.union(ends)
    return points.union(stretched.mutate(low=ibis.null("float64"), high=ibis.null("float64")).select(*points.columns))
