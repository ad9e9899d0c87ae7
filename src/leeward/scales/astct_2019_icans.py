"""ASTCT 2019 grade of ICANS, adults by ICE, children under 12 by CAPD (Lee 2019, doi:10.1016/j.bbmt.2018.12.758)."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Decision, Line, value
from leeward.scales.level import worst
from leeward.timeline.columns import pick, true


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
    held: Limits = load("scales/astct-2019-icans", Limits)
    return held


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
        [
            (score <= value(ice.grade_3_at_most), 3),
            (score <= value(ice.grade_2_at_most), 2),
            (score <= value(ice.grade_1_at_most), 1),
        ],
        0,
    )


def by_capd(score: Any, limits: Limits) -> Any:
    """Grade of a CAPD score: 0 none, below 9 one (two where consciousness says so), 9 or more three."""
    capd = limits.capd
    return pick([(score >= value(capd.grade_3_at_least), 3), (score > value(capd.none_at_most), 1)], 0)


def scored(ice: Any, capd: Any, age_years: Any, limits: Limits) -> tuple[Any, Any]:
    """Whether ICE, and whether CAPD, tells of this patient (1 or 0): CAPD under 12 years or where ICE was not charted.

    Without an age, the instrument that was charted is the one that applies.
    """
    child = true(age_years < value(limits.capd.below_years))
    by_age = pick([(age_years.isnull(), 1)], child)
    capd_tells = true(capd.notnull() & ((by_age == 1) | ice.isnull()))
    return true(ice.notnull() & (child == 0)), capd_tells


def worst_by_ice(score: Any, awake: Any, limits: Limits) -> Any:
    """As `by_ice`, consciousness at its worst where it was not charted (`awake` 0): that matters at ICE 0."""
    return pick([((awake == 0) & (score <= value(limits.ice.unarousable_at_most)), 4)], by_ice(score, limits))


def worst_by_capd(score: Any, awake: Any, limits: Limits) -> Any:
    """As `by_capd`, consciousness at its worst where it was not charted: below 9 it separates one from two."""
    return pick([((awake == 0) & (score < value(limits.capd.grade_3_at_least)), 2)], by_capd(score, limits))


def worst_unscored(awake: Any) -> Any:
    """The worst grade without any score: three for a patient who is known to be rousable, else four."""
    return pick([(awake == 1, 3)], 4)
