"""Where each patient was: ward, intensive care, home."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import pick, true
from leeward.timeline.infusions import FOREVER_S, switches
from leeward.timeline.moments import Kinds
from leeward.timeline.settings import SETTINGS

_STAYS = Kinds(SETTINGS, ())


def places(relevant: ir.Table) -> ir.Table:
    """Where each patient was from when on: who, at_s, setting (code into SETTINGS, null: not on record).

    Of stays that overlap, intensive care is where the patient was, then home, then the ward: a stay in hospital
    contains the one in intensive care. A stay without an end lasts until the next begins.
    """
    stays = relevant.filter(relevant.quantity == "care-setting")
    order = ibis.window(group_by=[stays.who], order_by=[stays.at_s])
    stays = stays.mutate(next_s=stays.at_s.lead().over(order).fill_null(FOREVER_S))
    stays = stays.mutate(from_s=stays.at_s, until_s=ibis.coalesce(stays.until_s, stays.next_s))
    events = [event for name in SETTINGS for event in switches(stays.filter(stays.text == name), _STAYS, name)]
    rows = _STAYS.gathered(events)
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    rows = rows.mutate(**{name: rows[name].fill_null(0).sum().over(upto) for name in SETTINGS})
    cases = [(true(rows[name] > 0) == 1, SETTINGS.index(name)) for name in ("icu", "home", "ward")]
    return rows.select("who", "at_s", setting=pick(cases, None).cast("int64"))
