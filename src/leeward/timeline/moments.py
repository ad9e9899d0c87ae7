"""One row per patient-moment out of many kinds of events, and the moments at which a carried value grows too old."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir


class Kinds(NamedTuple):
    """The kinds of events that moments are made of: those that switch (+1, -1) and those that are charted."""

    switched: tuple[str, ...]
    charted: tuple[str, ...]
    size: str = "int64"
    """The type that holds every value: narrow columns are sorted faster."""

    def code(self, kind: str) -> int:
        """A kind as a number."""
        return (*self.switched, *self.charted).index(kind)

    def events(self, rows: ir.Table, kind: Any, at_s: Any, value: Any) -> ir.Table:
        """Rows as events of a kind (its name, or a column of codes): who, at_s, kind, value."""
        code = ibis.literal(self.code(kind), "int8") if isinstance(kind, str) else kind.cast("int8")
        number = ibis.literal(value, self.size) if isinstance(value, int) else value.cast(self.size)
        return rows.select("who", at_s=at_s, kind=code, value=number)

    def gathered(self, events: Sequence[ir.Table]) -> ir.Table:
        """One row per patient and moment, a column per kind: switches summed, of several charted values the largest."""
        rows = events[0].union(*events[1:])
        columns = {name: ibis.ifelse(rows.kind == self.code(name), rows.value, None).sum() for name in self.switched}
        columns |= {name: ibis.ifelse(rows.kind == self.code(name), rows.value, None).max() for name in self.charted}
        return rows.group_by(["who", "at_s"]).agg(**columns)


def with_expiries(carried: ir.Table, expires: Sequence[str], as_of_s: str) -> ir.Table:
    """Adds a row wherever a carried value grows too old before anything else is charted.

    `carried` knows its `next_s`, the second of the patient's next row (null: the last). `expires` names columns with
    the second at which each value stops to stand (null: nothing carried). The new column `moment_s` is the row's own
    `at_s`, or the second of expiry.
    """
    rows = carried.mutate(next_s=ibis.least(carried.next_s, carried[as_of_s] + 1))
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
    """Only the rows at which the state differs from the row before, within `by`, in order of `at`.

    The first of `state` is never null, so that the first row always differs.
    """
    order = ibis.window(group_by=[rows[name] for name in by], order_by=[rows[at]])
    differs = rows[state[0]].lag().over(order).isnull()
    for name in state:
        differs = differs | ~rows[name].identical_to(rows[name].lag().over(order))
    flagged = rows.mutate(differs_=differs)
    return flagged.filter(flagged.differs_).drop("differs_")
