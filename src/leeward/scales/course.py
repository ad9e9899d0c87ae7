"""From grades at every moment to a course: changes, episodes, what holds now, and when nobody looked."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import back, front, packed, true
from leeward.timeline.moments import changes

GRADED = ("who", "syndrome", "scale", "dose_s", "at_s", "held_until_s", "as_of_s", "at_least", "at_most",
          "charted", "observed", "unknown", "episode", "onset_s", "resolved_s", "first_sign_s", "masked", "masks_s",
          "died")  # fmt: skip
"""What every scale hands over, one row per moment at which anything changed: `observed` 0 where everything relevant
is too old; `unknown` a bit per missing input, in the scale's own order; `masked` 1 in an episode without fever."""

_SECOND_BITS = 41
_END_S = 2**_SECOND_BITS - 1  # above any second: counted back from here, the earliest time sorts last


def handed_over(rows: ir.Table) -> ir.Table:
    """The columns of GRADED, in order and in one type each, so that scales can be put together."""
    words = ("who", "syndrome", "scale")
    return rows.select(**{name: rows[name] if name in words else rows[name].cast("int64") for name in GRADED})


def course(graded: ir.Table, people: ir.Table) -> ir.Table:
    """The changes of the range: patient, syndrome, scale, at_s, at_least, at_most."""
    rows = changes(graded, ["who", "syndrome", "scale"], "at_s", ["at_least", "at_most"])
    return _named(rows.select("who", "syndrome", "scale", "at_s", "at_least", "at_most"), people)


def now(graded: ir.Table, people: ir.Table) -> ir.Table:
    """The range in the last row of each patient and scale."""
    key = ibis.window(group_by=[graded.who, graded.syndrome, graded.scale])
    rows = graded.mutate(last_s=graded.at_s.max().over(key))
    rows = rows.filter(rows.at_s == rows.last_s)
    return _named(
        rows.select("who", "syndrome", "scale", "as_of_s", "at_least", "at_most", "unknown", "observed", "masks_s"),
        people,
    )


def episodes(graded: ir.Table, people: ir.Table) -> ir.Table:
    """One row per episode: its onset, peak range and the peak's first moment, resolution, whether it was masked.

    The peak's `at_least` is taken over all moments, its `at_most` only over those at which something was charted:
    unobserved time widens what holds now, not what was seen.
    """
    open_s = ibis.ifelse(graded.masked == 1, graded.first_sign_s, graded.onset_s)
    rows = graded.mutate(began_s=open_s)
    rows = rows.filter(rows.began_s.notnull() & (rows.episode >= 0) & (rows.at_s >= rows.began_s))
    rows = rows.filter(rows.resolved_s.isnull() | (rows.at_s < rows.resolved_s))
    graded_rows = rows.group_by(["who", "syndrome", "scale", "episode", "masked"]).agg(
        dose_s=rows.dose_s.min(),
        onset_s=rows.began_s.min(),
        resolved_s=rows.resolved_s.max(),
        as_of_s=rows.as_of_s.max(),
        worst=packed(rows.at_least, _END_S - rows.at_s, _SECOND_BITS).max(),
        possible=packed(rows.at_most * rows.charted, _END_S - rows.at_s, _SECOND_BITS).max(),
        masks_s=rows.masks_s.max(),
        died=rows.died.max(),
    )
    least, most = front(graded_rows.worst, _SECOND_BITS), front(graded_rows.possible, _SECOND_BITS)
    at = ibis.ifelse(least > 0, graded_rows.worst, graded_rows.possible)
    made = graded_rows.select(
        "who",
        "syndrome",
        "scale",
        "dose_s",
        "episode",
        "masked",
        "onset_s",
        "resolved_s",
        "as_of_s",
        "masks_s",
        "died",
        peak_at_least=least,
        peak_at_most=ibis.greatest(least, most),
        peak_s=_END_S - back(at, _SECOND_BITS),
    )
    return _named(made, people)


def unobserved(graded: ir.Table, people: ir.Table) -> ir.Table:
    """Stretches after the first dose in which everything relevant was too old: patient, syndrome, from_s, until_s."""
    rows = changes(graded, ["who", "syndrome", "scale"], "at_s", ["observed"])
    order = ibis.window(group_by=[rows.who, rows.syndrome, rows.scale], order_by=[rows.at_s])
    rows = rows.mutate(until_s=rows.at_s.lead().over(order).fill_null(rows.as_of_s))
    rows = rows.filter((rows.observed == 0) & (rows.until_s > rows.at_s))
    return _named(rows.select("who", "syndrome", "scale", from_s=rows.at_s, until_s=rows.until_s), people)


def _named(rows: ir.Table, people: ir.Table) -> ir.Table:
    """The patients' own ids in place of their numbers."""
    named = people.select("who", "patient").join(rows, "who")
    return named.drop("who")


def flags(*missing: ir.IntegerColumn) -> ir.IntegerColumn:
    """Flags (1: missing) packed into one number, the first in the lowest bit."""
    packed = missing[0]
    for place, flag in enumerate(missing[1:], 1):
        packed = packed + flag * 2**place
    return packed


def first(
    condition: ir.BooleanColumn, at_s: ir.IntegerColumn, window: ibis.expr.builders.WindowBuilder
) -> ir.IntegerColumn:
    """The first second at which a condition holds within a window."""
    return ibis.ifelse(true(condition) == 1, at_s, None).min().over(window)
