"""One row per patient-moment out of many kinds of events, and the extra moments at which a carried value grows too old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir


def gather(events: Sequence[ir.Table], columns: Mapping[str, str]) -> ir.Table:
    """Events of several kinds as one row per patient and moment.

    Each table has who, at_s and some of `columns`; `columns` names every column and how it combines at one
    moment: `max`, `min` or `sum`.
    """
    parts = []
    for table in events:
        filled = {name: table[name].cast("int64") if name in table.columns else ibis.null("int64") for name in columns}
        parts.append(table.select("who", "at_s", **filled))
    rows = parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]
    return rows.group_by(["who", "at_s"]).agg(**{name: getattr(rows[name], how)() for name, how in columns.items()})


def with_expiries(carried: ir.Table, expires: Sequence[str], as_of_s: str) -> ir.Table:
    """Adds a row wherever a carried value grows too old before anything else is charted.

    `expires` names columns with the second at which each value stops to stand (null: nothing carried). The new
    column `moment_s` is the row's own `at_s`, or the second of expiry.
    """
    upto = ibis.window(group_by=[carried.who], order_by=[carried.at_s])
    rows = carried.mutate(next_s=ibis.coalesce(carried.at_s.lead().over(upto), carried[as_of_s] + 1))
    ends = [rows[name] for name in expires]
    due = [ibis.ifelse((end > rows.at_s) & (end < rows.next_s), end, None) for end in ends]
    any_due = ibis.coalesce(*due).notnull()
    own = rows.mutate(moment_s=rows.at_s)
    late = rows.filter(any_due).mutate(
        moment_s=ibis.array([ibis.ifelse((end > rows.at_s) & (end < rows.next_s), end, rows.at_s) for end in ends])
        .unique()
        .unnest()
    )
    late = late.filter(late.moment_s > late.at_s)
    return own.union(late).drop("next_s")


def changes(rows: ir.Table, by: Sequence[str], at: str, state: Sequence[str]) -> ir.Table:
    """Only the rows at which the state differs from the row before, within `by`, in order of `at`."""
    order = ibis.window(group_by=[rows[name] for name in by], order_by=[rows[at]])
    differs = [~rows[name].identical_to(rows[name].lag().over(order)) for name in state]
    first = rows[at].lag().over(order).isnull()
    flagged = rows.mutate(differs_=_any([first, *differs]))
    return flagged.filter(flagged.differs_).drop("differs_")


def _any(conditions: Sequence[ir.BooleanValue]) -> ir.BooleanValue:
    """True where at least one condition holds."""
    joined = conditions[0]
    for condition in conditions[1:]:
        joined = joined | condition
    return joined
