"""CTCAE 4.03 grades of kidney and liver from creatinine, bilirubin, ALT and AST, against baseline and upper limit."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Decision, Line, decided, value
from leeward.timeline.columns import pick, true
from leeward.timeline.exposures import DAY_S


class _Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: str
    upper_limit: str
    carried_as: str
    grades_above_upper_limit: list[Line]
    least_upper_limit: Line
    most_upper_limit: Line
    least_upper_limit_child: Line | None = None
    grade_2_above_baseline: Line | None = None
    grade_3_above_baseline: Line | None = None
    lowest_baseline: Line | None = None
    lowest_baseline_child: Line | None = None


class _Children(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    below_years: Line


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/scales/ctcae-4.03-organs.toml."""

    id: str
    scale: str
    title: str
    source: str
    evidence: Evidence
    creatinine: _Test
    bilirubin: _Test
    alt: _Test
    ast: _Test
    children: _Children
    decisions: list[Decision]

    @property
    def tests(self) -> dict[str, _Test]:
        """The tests by the name of their organ's column."""
        return {"creatinine": self.creatinine, "bilirubin": self.bilirubin, "alt": self.alt, "ast": self.ast}


_TIE = 1e-9
"""Products of decimal numbers miss by less: 1.8 is not above 1.5 x 1.2."""


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/ctcae-4.03-organs", Limits)
    return held


def quantities(limits: Limits) -> list[str]:
    """The quantities that are read: tests and their upper limits."""
    return [name for test in limits.tests.values() for name in (test.quantity, test.upper_limit)]


def times_upper_limit(amount: Any, upper_limit: Any, test: _Test) -> Any:
    """The grade of a value by multiples of an upper limit of normal."""
    cuts = list(enumerate(test.grades_above_upper_limit, 1))
    return pick([(amount - upper_limit * value(line) > _TIE, grade) for grade, line in reversed(cuts)], 0)


def times_baseline(amount: Any, baseline: Any, test: _Test) -> Any:
    """The grade of a value by multiples of the value before the therapy; 0 for tests that have none."""
    if test.grade_2_above_baseline is None or test.grade_3_above_baseline is None:
        return ibis.literal(0, "int64")
    three, two = value(test.grade_3_above_baseline), value(test.grade_2_above_baseline)
    return pick([(amount - baseline * three > _TIE, 3), (amount - baseline * two > _TIE, 2)], 0)


def graded(relevant: ir.Table, people: ir.Table, limits: Limits) -> ir.Table:
    """Each value since the first therapy as its mildest and worst grade.

    Columns: who, at_s, test, grade_low, grade_high, compared (1: there is a baseline).
    """
    before = relevant.join(people.select("who", "first_dose_s"), "who")
    before = before.mutate(drawn_s=ibis.coalesce(before.until_s, before.at_s))
    parts = []
    for name, test in limits.tests.items():
        rows = before.filter(before.quantity == test.quantity)
        rows = rows.left_join(_baseline(rows, limits), "who", rname="{name}_of")
        rows = rows.left_join(_upper_limit(before, test), "who", rname="{name}_told")
        rows = rows.filter(rows.drawn_s > rows.first_dose_s)
        low, high = _bounds(rows, test, limits)
        parts.append(rows.select("who", "at_s", "drawn_s", test=ibis.literal(name), grade_low=low.cast("int64"),
                                 grade_high=high.cast("int64"), compared=true(rows.base_low.notnull())))  # fmt: skip
    made = parts[0].union(*parts[1:])
    # A value of known day but unknown hour may stand from the day's beginning, and does at its end.
    early = made.filter(made.at_s < made.drawn_s).mutate(grade_low=ibis.literal(0, "int64"))
    return made.mutate(at_s=made.drawn_s).union(early.select(*made.columns)).drop("drawn_s")


def _baseline(rows: ir.Table, limits: Limits) -> ir.Table:
    """The last value before the first therapy: who, base_low, base_high."""
    oldest_s = int(decided(limits.decisions, "baseline") * DAY_S)
    rows = rows.filter((rows.drawn_s <= rows.first_dose_s) & (rows.at_s >= rows.first_dose_s - oldest_s))
    rows = rows.mutate(newest_s=rows.drawn_s.max().over(ibis.window(group_by=[rows.who])))
    rows = rows.filter(rows.drawn_s == rows.newest_s).drop("newest_s")
    return rows.group_by("who").agg(base_low=rows.low.min(), base_high=rows.high.max())


def _upper_limit(rows: ir.Table, test: _Test) -> ir.Table:
    """The upper limit of normal that the record carries, the last one: who, limit_low, limit_high."""
    rows = rows.filter(rows.quantity == test.upper_limit)
    rows = rows.mutate(newest_s=rows.at_s.max().over(ibis.window(group_by=[rows.who])))
    rows = rows.filter(rows.at_s == rows.newest_s).drop("newest_s")
    return rows.group_by("who").agg(limit_low=rows.low.min(), limit_high=rows.high.max())


def _bounds(rows: ir.Table, test: _Test, limits: Limits) -> tuple[Any, Any]:
    """Mildest and worst grade: over every upper limit and baseline that the record leaves possible, and new only."""
    child = true(ibis.coalesce(rows.age_low, 0.0) < value(limits.children.below_years)) == 1
    usual_least = value(test.least_upper_limit)
    least = pick([(child, value(test.least_upper_limit_child or test.least_upper_limit))], usual_least)
    limit_low = ibis.coalesce(rows.limit_low, least)
    limit_high = ibis.coalesce(rows.limit_high, ibis.literal(value(test.most_upper_limit)))
    compared = rows.base_low.notnull()
    by_limit_low = times_upper_limit(rows.low, limit_high, test)
    by_limit_high = times_upper_limit(rows.high, limit_low, test)
    new_surely = true(compared & (by_limit_low > times_upper_limit(rows.base_high, limit_low, test)))
    risen = by_limit_high > times_upper_limit(rows.base_low, limit_high, test)
    new_possibly = true(~compared | (risen & (rows.high > rows.base_low)))
    low, high = by_limit_low * new_surely, by_limit_high * new_possibly
    if test.lowest_baseline is not None:
        lowest = pick([(child, value(test.lowest_baseline_child or test.lowest_baseline))], value(test.lowest_baseline))
        low = ibis.greatest(low, pick([(compared, times_baseline(rows.low, rows.base_high, test))], 0))
        high = ibis.greatest(high, times_baseline(rows.high, ibis.coalesce(rows.base_low, lowest), test))
    return low, ibis.greatest(low, high)
