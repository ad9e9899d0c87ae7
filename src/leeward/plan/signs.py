"""The parts of the ASTCT rule at a moment: hypotension, vasopressors, oxygen support, as the rule itself sees them."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.plan.moments import NEVER, hours
from leeward.scales import astct_2019_crs
from leeward.timeline.columns import pick


def signs(moments: ir.Table, people: ir.Table, carried: ir.Table) -> ir.Table:
    """The last row of the rule's signs (crs_signs.carried) up to each moment.

    Columns: patient, at_s, hypotension_low and _high, vasopressors_low and _high, oxygen_low and _high, low_since_s
    (null: it is not surely low).
    """
    names = [f"{name}_{end}" for name in ("hypotension", "vasopressors", "oxygen") for end in ("low", "high")]
    rows = carried.select("who", *names, sign_s=carried.at_s).join(people.select("who", "patient"), "who")
    rows = moments.select("patient", "at_s").join(rows, "patient").filter(lambda table: table.sign_s <= table.at_s)
    key = ["patient", "at_s"]
    low = (rows.hypotension_low + rows.vasopressors_low) > 0
    rows = rows.mutate(low_s=ibis.ifelse(low, rows.sign_s, None), quiet_s=ibis.ifelse(low, None, rows.sign_s))
    ended = rows.group_by(key).agg(last_s=rows.sign_s.max(), last_quiet_s=rows.quiet_s.max())
    kept = ended.join(rows, key)
    after = kept.last_quiet_s.isnull() | (kept.low_s > kept.last_quiet_s)
    last = kept.sign_s == kept.last_s
    return kept.group_by(key).agg(
        **{name: ibis.ifelse(last, kept[name], None).max() for name in names},
        low_since_s=ibis.ifelse(after, kept.low_s, None).min(),
    )


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
    return {
        "hypotension": _agreed(least, most),
        "hypotension_hours": pick([(least == 1, hours(rows.low_since_s, rows.at_s)), (most == 0, NEVER)], None),
        "vasopressors": _agreed(rows.vasopressors_low, rows.vasopressors_high),
        "oxygen": ibis.ifelse(rows.oxygen_low == rows.oxygen_high, support, None),
    }


def _agreed(low: Any, high: Any) -> Any:
    """A value where both ends agree."""
    return ibis.ifelse(low == high, low, None)
