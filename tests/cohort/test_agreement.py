"""Scales of CRS beside each other: published directions, agreement, words, and ranges that only narrow."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import duckdb
import pytest
from tests.cohort.scale_patients import cohort, graded, table

from leeward.cohort import agreement
from leeward.cohort.agreement import Agreement
from leeward.scales.older_crs import SCALES, older, scale, words
from leeward.scales.older_crs_state import MISSING, SIGNS


@cache
def judged() -> duckdb.DuckDBPyConnection:
    """Four hundred patients on every scale."""
    return graded(table(cohort(400, seed=20200407)))


@cache
def pairs() -> dict[tuple[str, str], Agreement]:
    """Every pair of scales over them."""
    return {(pair.first, pair.second): pair for pair in agreement.agreement(judged())}


def test_astct_grades_below_penn_far_more_often_than_above() -> None:
    """JULIET (Schuster 2020): of 64 events ASTCT was lower than Penn in 23 and higher in 4."""
    pair = pairs()["astct-2019", "penn-2018"]
    assert pair.first_lower > 3 * max(pair.first_higher, 1)


def test_lee_grades_below_penn_far_more_often_than_above() -> None:
    """JULIET (Schuster 2020): of 64 events Lee was lower than Penn in 20 and higher in 5."""
    pair = pairs()["lee-2014", "penn-2018"]
    assert pair.first_lower > 3 * max(pair.first_higher, 1)


def test_ctcae_4_grades_vasopressors_above_every_other_scale() -> None:
    """One vasopressor is grade 4 there and nowhere else."""
    assert pairs()["astct-2019", "ctcae-4.03"].first_lower > pairs()["astct-2019", "ctcae-4.03"].first_higher


def test_every_pair_counts_every_patient() -> None:
    """28 pairs; each table sums to the patients, its own counts and percentage agree with it."""
    assert len(pairs()) == 28
    for pair in pairs().values():
        assert sum(map(sum, pair.counts)) == pair.n == 400
        assert pair.same + pair.first_lower + pair.first_higher == pair.n
        assert pair.percent == round(100 * sum(pair.counts[grade][grade] for grade in range(6)) / 400, 1)
        assert pair.sure is not None
        assert pair.sure.n <= pair.n


WORKED = [
    ([[20, 5, 0, 0, 0, 0], [2, 10, 6, 1, 0, 0], [0, 3, 12, 7, 0, 0], [0, 0, 2, 15, 4, 1], [0, 0, 0, 3, 9, 0],
      [0, 0, 0, 0, 0, 2]], 0.781),
    ([[1, 0, 1, 0, 0, 0], [0, 3, 1, 0, 0, 0], [2, 0, 2, 0, 0, 0], [0] * 6, [0] * 6, [0] * 6], 0.186),
    ([[5, 0, 0, 0, 0, 0], [0, 5, 0, 0, 0, 0], [0] * 6, [0] * 6, [0] * 6, [0] * 6], 1.0),
    ([[0, 5, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0], [0] * 6, [0] * 6, [0] * 6, [0] * 6], -1.0),
]  # fmt: skip


def by_definition(counts: list[list[int]]) -> Fraction:
    """Weighted kappa as Cohen defined it (Psychol Bull 1968;70:213-220), with linear weights, in exact fractions."""
    n = sum(map(sum, counts))
    rows, columns = [sum(row) for row in counts], [sum(column) for column in zip(*counts, strict=True)]
    apart = {(one, other): abs(one - other) for one in range(6) for other in range(6)}
    seen = sum(Fraction(apart[place] * counts[place[0]][place[1]], n) for place in apart)
    by_chance = sum(Fraction(apart[place] * rows[place[0]] * columns[place[1]], n * n) for place in apart)
    return Fraction(1 - seen / by_chance)


@pytest.mark.parametrize(("counts", "kappa"), WORKED)
def test_weighted_kappa_is_cohens(counts: list[list[int]], kappa: float) -> None:
    """By its definition; `cohen_kappa_score(..., weights="linear")` of scikit-learn 1.9.1 gives the same numbers."""
    assert agreement.of_counts("a", "b", counts).kappa == kappa == round(float(by_definition(counts)), 3)


def test_kappa_of_no_spread_is_null() -> None:
    """Where both scales give everybody one grade, or there is nobody, there is nothing to agree on."""
    assert agreement.of_counts("a", "b", [[9, 0, 0, 0, 0, 0], *([0] * 6 for _ in range(5))]).kappa is None
    assert agreement.of_counts("a", "b", [[0] * 6 for _ in range(6)]).percent is None


def test_scales_that_say_the_same_stand_in_one_rule() -> None:
    """A rule names the scales that hold it; every scale stands in exactly one."""
    for sign in SIGNS:
        said = agreement.rules(sign)
        assert said == [] or sorted(name for rule in said for name in rule.scales) == sorted(SCALES)


def test_a_comparison_says_which_rule_makes_the_difference() -> None:
    """One low-dose vasopressor: 3 on ASTCT, 2 on Lee, 4 on CTCAE 4.03."""
    one = next(
        name
        for name, findings in cohort(400, seed=20200407).items()
        if [found["low"] for found in findings if found["quantity"] == "norepinephrine"] == [4.0]
        and not any(found["quantity"] == "vasopressin" for found in findings)
    )
    found = agreement.comparison(judged(), one)
    said = [rule for difference in found.differences for rule in difference.rules if rule.sign == "low_dose"]
    assert {rule.says for rule in said if "astct-2019" in rule.scales} == {"one vasopressor at any dose is grade 3"}
    assert any("lee-2014" in rule.scales and rule.says == "one low-dose vasopressor is grade 2" for rule in said)
    assert [moment.at for moment in found.course] == sorted(moment.at for moment in found.course)


def test_every_scale_has_words_for_every_sign() -> None:
    """`leeward compare` can say of each sign what each scale makes of it."""
    assert [(name, sign) for name in SCALES for sign in SIGNS if not words(name).get(sign)] == []


def test_every_scale_asks_only_for_inputs_that_have_a_name() -> None:
    """What a scale asks for can be named as missing."""
    assert [need for name in older(SCALES) for need in scale(name).asks if need not in MISSING] == []


REMOVED = ("body-temperature", "systolic-bp", "oxygen-device", "creatinine", "alt", "fibrinogen", "neutrophils",
           "alt-upper-limit", "care-setting")  # fmt: skip


@pytest.mark.parametrize("quantity", [*REMOVED, "rates", "before"])
def test_what_is_not_known_only_widens(quantity: str) -> None:
    """A patient with one input taken out has, at every moment, a range that holds the one with it."""
    whole = cohort(40, seed=7)
    less = {name: [kept for kept in (_less(one, quantity) for one in found) if kept] for name, found in whole.items()}
    con, other = graded(table(whole)), graded(table(less))
    narrower = _held(con)
    wider = _held(other)
    for key, course in narrower.items():
        times = sorted({at for at, _, _ in course} | {at for at, _, _ in wider[key]})
        for at in times:
            low, high = _at(course, at)
            less_low, less_high = _at(wider[key], at)
            assert less_low <= low <= high <= less_high, (key, at, (low, high), (less_low, less_high))


def _less(found: dict[str, object], quantity: str) -> dict[str, object] | None:
    """A finding without what is taken out."""
    early = (
        str(found["quantity"]) in ("creatinine", "alt", "ast", "bilirubin-total")
        and str(found["measured_at"]) < "2024-01-10"
    )
    if quantity == "rates":
        return {**found, "low": None, "high": None} if found["quantity"] in ("norepinephrine", "vasopressin") else found
    if quantity == "before":
        return None if early else found
    # A flow without its device would stand on where room air was charted.
    oxygen = quantity == "oxygen-device" and found["quantity"] == "oxygen-flow"
    return None if oxygen or (found["quantity"] == quantity and not early) else found


def _held(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[tuple[int, int, int]]]:
    """Each patient's course on each scale."""
    rows = con.execute(
        "select patient, scale, at_s, at_least, at_most from course where syndrome = 'crs' order by at_s"
    ).fetchall()
    held: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for patient, name, at, low, high in rows:
        held.setdefault((patient, name), []).append((at, low, high))
    return held


def _at(course: list[tuple[int, int, int]], at: float) -> tuple[int, int]:
    """The range at a second; anything before the first."""
    standing = [(low, high) for begun, low, high in course if begun <= at]
    return standing[-1] if standing else (0, 5)
