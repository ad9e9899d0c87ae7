"""ASTCT 2019 grade of ICANS, adults by ICE, children under 12 by CAPD (Lee 2019, doi:10.1016/j.bbmt.2018.12.758)."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Decision, Line, value
from leeward.scales.level import worst
from leeward.timeline.columns import pick


class _Ice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: str
    grade_1_at_most: Line
    grade_2_at_most: Line
    grade_3_at_most: Line
    unarousable_at_most: Line


class _Capd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: str
    below_years: Line
    grade_3_at_least: Line
    none_at_most: Line


class _Grades(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    consciousness: dict[str, int]
    seizure: dict[str, int]
    motor_weakness: dict[str, int]
    cerebral_oedema: dict[str, int]
    death: int


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/scales/astct-2019-icans.toml."""

    id: str
    scale: str
    title: str
    source: str
    evidence: Evidence
    ice: _Ice
    capd: _Capd
    grades: _Grades
    decisions: list[Decision]


def limits() -> Limits:
    """The limits in force."""
    return load("scales/astct-2019-icans", Limits)


class State(NamedTuple):
    """A patient at one moment, each domain as its grade in columns."""

    score: Any  # by ICE or CAPD
    consciousness: Any
    seizure: Any
    motor_weakness: Any
    cerebral_oedema: Any
    death: Any  # 1 where ICANS was the principal cause of death


def grade(at: State, limits: Limits) -> Any:
    """The worst domain gives the grade (Lee 2019, Tables 5 and 7)."""
    domains = worst(at.score, at.consciousness, at.seizure, at.motor_weakness, at.cerebral_oedema)
    return pick([(at.death == 1, limits.grades.death)], domains)


def by_ice(score: Any, limits: Limits) -> Any:
    """Grade of an ICE score: 10 none, 7-9 one, 3-6 two, 0-2 three (four where consciousness says unarousable)."""
    ice = limits.ice
    return pick(
        [(score <= value(ice.grade_3_at_most), 3), (score <= value(ice.grade_2_at_most), 2), (score <= value(ice.grade_1_at_most), 1)],
        0,
    )


def by_capd(score: Any, limits: Limits) -> Any:
    """Grade of a CAPD score: 0 none, below 9 one (two where consciousness says so), 9 or more three."""
    capd = limits.capd
    return pick([(score >= value(capd.grade_3_at_least), 3), (score > value(capd.none_at_most), 1)], 0)


def score_bounds(ice: tuple[Any, Any], capd: tuple[Any, Any], age_years: Any, awake: Any, limits: Limits) -> tuple[Any, Any]:
    """Mildest and worst grade by score: bounds of ICE and CAPD (null: not charted), `awake` 1 where consciousness is known.

    An uncharted level of consciousness matters only at ICE 0, at CAPD below 9, or without any score.
    """
    child = age_years < value(limits.capd.below_years)
    unknown_worst = pick([(awake == 1, 3)], 4)
    most_ice = pick([((awake == 0) & (ice[0] <= value(limits.ice.unarousable_at_most)), 4)], by_ice(ice[0], limits))
    capd_high = by_capd(capd[1], limits)
    most_capd = pick([((awake == 0) & (capd_high < 3), 2)], capd_high)
    use_capd = capd[0].notnull() & (child.fill_null(True) | ice[0].isnull())
    use_ice = ice[0].notnull() & ~child.fill_null(False)
    at_least = worst(pick([(use_ice, by_ice(ice[1], limits))], 0), pick([(use_capd, by_capd(capd[0], limits))], 0))
    known_most = worst(pick([(use_ice, most_ice)], 0), pick([(use_capd, most_capd)], 0))
    return at_least, pick([(use_ice | use_capd, known_most)], unknown_worst)
