"""The parts of the ASTCT rule at a moment: hypotension, vasopressors, oxygen support, as the rule itself sees them."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.plan.moments import NEVER, hours
from leeward.scales import astct_2019_crs
from leeward.timeline.columns import pick, true
from leeward.timeline.settings import HOUR_S


def signs(moments: ir.Table, people: ir.Table, carried: ir.Table) -> ir.Table:
    """The last row of the rule's signs (crs_signs.carried) up to each moment, and stretches of low pressure.

    Columns: patient, at_s, hypotension_low and _high, vasopressors_low and _high, oxygen_low and _high; low_since_s
    (since the pressure was last surely normal), unsure_s (the last row since then at which nobody knows), longest_s
    (seconds of the longest stretch that was surely low since the onset).
    """
    names = [f"{name}_{end}" for name in ("hypotension", "vasopressors", "oxygen") for end in ("low", "high")]
    rows = carried.select("who", *names, sign_s=carried.at_s).join(people.select("who", "patient"), "who")
    rows = moments.select("patient", "at_s", "onset_s").join(rows, "patient")
    rows = rows.filter(rows.sign_s <= rows.at_s)
    low = (rows.hypotension_low + rows.vasopressors_low) > 0
    normal = (rows.hypotension_high + rows.vasopressors_high) == 0
    rows = rows.mutate(
        low=true(low),
        low_s=ibis.ifelse(low, rows.sign_s, None),
        quiet_s=ibis.ifelse(normal, rows.sign_s, None),
        unsure_s=ibis.ifelse(low | normal, None, rows.sign_s),
    )
    key = ["patient", "at_s"]
    ended = rows.group_by(key).agg(last_s=rows.sign_s.max(), last_quiet_s=rows.quiet_s.max())
    kept = ended.join(rows, key)
    after = kept.last_quiet_s.isnull() | (kept.sign_s > kept.last_quiet_s)
    last = kept.sign_s == kept.last_s
    made = kept.group_by(key).agg(
        **{name: ibis.ifelse(last, kept[name], None).max() for name in names},
        low_since_s=ibis.ifelse(after, kept.low_s, None).min(),
        unsure_s=ibis.ifelse(after, kept.unsure_s, None).max(),
    )
    made = made.left_join(_longest(rows), key)
    return made.drop(*(name for name in made.columns if name.endswith("_right")))


def _longest(rows: ir.Table) -> ir.Table:
    """The longest stretch since the onset during which every row was surely low: patient, at_s, longest_s."""
    order = ibis.window(group_by=[rows.patient, rows.at_s], order_by=[rows.sign_s])
    so_far = ibis.window(group_by=[rows.patient, rows.at_s], order_by=[rows.sign_s], rows=(None, 0))
    rows = rows.mutate(
        next_s=rows.sign_s.lead().over(order).fill_null(rows.at_s), run=(1 - rows.low).sum().over(so_far)
    )
    rows = rows.filter((rows.low == 1) & (rows.sign_s >= rows.onset_s))
    runs = rows.group_by(["patient", "at_s", "run"]).agg(lasted_s=rows.next_s.max() - rows.sign_s.min())
    return runs.group_by(["patient", "at_s"]).agg(longest_s=runs.lasted_s.max())


def inputs(rows: ir.Table) -> dict[str, Any]:
    """The inputs of decision tables: known where the mildest and the worst reading agree."""
    least = ibis.greatest(rows.hypotension_low, ibis.least(rows.vasopressors_low, 1))
    most = ibis.greatest(rows.hypotension_high, ibis.least(rows.vasopressors_high, 1))
    grades = astct_2019_crs.limits().grades
    words = [
        ("low-flow", grades.low_flow),
        ("high-flow", grades.high_flow),
        ("positive-pressure", grades.positive_pressure),
    ]
    support = pick([(rows.oxygen_low == grade, word) for word, grade in words], "none")
    # Time at which nobody knew the pressure is not time at which it was low.
    sure = (least == 1) & (rows.unsure_s.isnull() | (rows.unsure_s < rows.low_since_s))
    return {
        "hypotension": _agreed(least, most),
        "hypotension_hours": pick([(sure, hours(rows.low_since_s, rows.at_s)), (most == 0, NEVER)], None),
        "longest_hypotension_hours": (rows.longest_s / float(HOUR_S)).fill_null(NEVER),
        "vasopressors": _agreed(rows.vasopressors_low, rows.vasopressors_high),
        "oxygen": ibis.ifelse(rows.oxygen_low == rows.oxygen_high, support, None),
    }


def _agreed(low: Any, high: Any) -> Any:
    """A value where both ends agree."""
    return ibis.ifelse(low == high, low, None)
