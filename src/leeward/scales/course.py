"""From grades at every moment to a course: changes, episodes, what holds now, and when nobody looked."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import back, front, packed, pick
from leeward.timeline.moments import changes

GRADINGS = (
    ("crs", "astct-2019"), ("icans", "astct-2019"), ("crs", "lee-2014"), ("crs", "penn-2018"), ("crs", "mskcc-2018"),
    ("crs", "cartox-2018"), ("crs", "cartox-paediatric-2019"), ("crs", "ctcae-4.03"), ("crs", "ctcae-5.0"),
)  # fmt: skip
"""Syndromes and scales by their number in a graded row: numbers sort faster than words."""
_ASTCT = 2
"""How many of them are ASTCT's; they stand first."""

GRADED = {
    "who": "int32", "grading": "int8", "dose_s": "int64", "at_s": "int64", "at_least": "int8", "at_most": "int8",
    "charted": "int8", "observed": "int8", "unknown": "int32", "episode": "int32", "onset_s": "int64",
    "resolved_s": "int64", "first_sign_s": "int64", "masked": "int8", "masks_s": "int64", "died": "int8",
}  # fmt: skip
"""What every scale hands over, one row per moment at which anything changed: `grading` a place in GRADINGS; `observed`
0 where everything relevant is too old; `unknown` a bit per missing input, in the scale's own order; `masked` 1 in an
episode without fever."""

_GRADE_BITS = 3
_SECOND_BITS = 41
_END_S = 2**_SECOND_BITS - 1  # above any second: counted back from here, the earliest time sorts last


def handed_over(rows: ir.Table, syndrome: str, scale: str) -> ir.Table:
    """The columns of GRADED, in order and in one type each, so that scales can be put together."""
    rows = rows.mutate(grading=ibis.literal(GRADINGS.index((syndrome, scale)), "int8"))
    return rows.select(**{name: rows[name].cast(kind) for name, kind in GRADED.items()})


def turns(graded: ir.Table) -> ir.Table:
    """The moments at which the range, or whether anybody looked, changed: who, grading, at_s, and the three."""
    state = packed(packed(graded.at_least.cast("int64"), graded.at_most, _GRADE_BITS), graded.observed, 1)
    rows = changes(graded.select("who", "grading", "at_s", state=state), ["who", "grading"], "at_s", ["state"])
    both = front(rows.state, 1)
    return rows.select(
        "who", "grading", "at_s", at_least=front(both, _GRADE_BITS), at_most=back(both, _GRADE_BITS),
        observed=back(rows.state, 1),
    )  # fmt: skip


def course(turns: ir.Table, people: ir.Table) -> ir.Table:
    """The changes of the range: patient, syndrome, scale, at_s, at_least, at_most."""
    rows = changes(turns, ["who", "grading"], "at_s", ["at_least", "at_most"])
    return _named(rows, people, "at_s", "at_least", "at_most")


def now(graded: ir.Table, people: ir.Table) -> ir.Table:
    """The range at each patient's last moment, what is missing and what holds."""
    rows = graded.mutate(last_s=graded.at_s.max().over(ibis.window(group_by=[graded.who, graded.grading])))
    rows = rows.filter(rows.at_s == rows.last_s)
    return _named(rows, people, "as_of_s", "at_least", "at_most", "unknown", "observed", "masks_s")


def episodes(graded: ir.Table, people: ir.Table) -> ir.Table:
    """One row per episode: its onset, peak range and the peak's first moment, resolution, whether it was masked.

    The peak's `at_least` is taken over all moments, its `at_most` only over those at which something was charted:
    unobserved time widens what holds now, not what was seen.
    """
    open_s = ibis.ifelse(graded.masked == 1, graded.first_sign_s, graded.onset_s)
    rows = graded.mutate(began_s=open_s)
    rows = rows.filter(rows.began_s.notnull() & (rows.episode >= 0) & (rows.at_s >= rows.began_s))
    rows = rows.filter(rows.resolved_s.isnull() | (rows.at_s < rows.resolved_s))
    graded_rows = rows.group_by(["who", "grading", "episode", "masked"]).agg(
        dose_s=rows.dose_s.min(),
        onset_s=rows.began_s.min(),
        resolved_s=rows.resolved_s.max(),
        worst=packed(rows.at_least.cast("int64"), _END_S - rows.at_s, _SECOND_BITS).max(),
        possible=packed((rows.at_most * rows.charted).cast("int64"), _END_S - rows.at_s, _SECOND_BITS).max(),
        masks_s=rows.masks_s.max(),
        died=rows.died.max(),
    )
    least, most = front(graded_rows.worst, _SECOND_BITS), front(graded_rows.possible, _SECOND_BITS)
    at = ibis.ifelse(least > 0, graded_rows.worst, graded_rows.possible)
    made = graded_rows.mutate(
        peak_at_least=least, peak_at_most=ibis.greatest(least, most), peak_s=_END_S - back(at, _SECOND_BITS)
    )
    return _named(
        made, people, "dose_s", "episode", "masked", "onset_s", "resolved_s", "as_of_s", "masks_s", "died",
        "peak_at_least", "peak_at_most", "peak_s",
    )  # fmt: skip


def unobserved(turns: ir.Table, people: ir.Table) -> ir.Table:
    """Stretches after the first dose in which everything relevant was too old: patient, syndrome, from_s, until_s.

    By what ASTCT asks for, whichever scales are graded on.
    """
    rows = changes(turns.filter(turns.grading < _ASTCT), ["who", "grading"], "at_s", ["observed"])
    order = ibis.window(group_by=[rows.who, rows.grading], order_by=[rows.at_s])
    rows = rows.mutate(from_s=rows.at_s, next_s=rows.at_s.lead().over(order)).filter(rows.observed == 0)
    rows = rows.join(people.select("who", "as_of_s"), "who")
    rows = rows.mutate(until_s=rows.next_s.fill_null(rows.as_of_s)).drop("as_of_s")
    return _named(rows.filter(rows.until_s > rows.from_s), people, "from_s", "until_s")


def _named(rows: ir.Table, people: ir.Table, *columns: str) -> ir.Table:
    """Columns with the patients' own ids, and syndrome and scale in words; `as_of_s` is the patient's."""
    named = people.select("who", "patient", "as_of_s").join(rows, "who")
    words = [(syndrome, scale, named.grading == number) for number, (syndrome, scale) in enumerate(GRADINGS)]
    return named.select(
        "patient",
        syndrome=pick([(here, syndrome) for syndrome, _, here in words], None),
        scale=pick([(here, scale) for _, scale, here in words], None),
        **{name: named[name].cast("int64") for name in columns},
    )


def flags(*missing: ir.IntegerColumn) -> ir.IntegerColumn:
    """Flags (1: missing) packed into one number, the first in the lowest bit."""
    packed = missing[0]
    for place, flag in enumerate(missing[1:], 1):
        packed = packed + flag * 2**place
    return packed
