"""CTCAE 5.0 grade of cytokine release syndrome (National Cancer Institute, 27 November 2017)."""

from __future__ import annotations

from typing import Any

import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Decision
from leeward.scales.inspired_oxygen import BELOW_LIMIT, FROM_LIMIT, PRESSURE_BY_MASK, VENTILATOR
from leeward.scales.level import worst
from leeward.scales.older_crs_state import State
from leeward.timeline.columns import pick

ASKS = ("body-temperature", "systolic-bp", "oxygen-device", "age-years", "fio2")


class _Grades(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fever: int
    hypotension: int
    oxygen_below_40: int
    one_vasopressor: int
    oxygen_from_40: int
    positive_pressure_by_mask: int
    several_vasopressors: int
    ventilator: int
    death: int


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/scales/ctcae-5.0-crs.toml."""

    id: str
    scale: str
    title: str
    source: str
    evidence: Evidence
    grades: _Grades
    words: dict[str, str]
    decisions: list[Decision]


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/ctcae-5.0-crs", Limits)
    return held


def grade(at: State, limits: Limits) -> Any:
    """The worst of fever, pressure and oxygen (CTCAE 5.0, immune system disorders)."""
    severity = worst(at.fever * limits.grades.fever, pressure(at, limits), oxygen(at, limits))
    return pick([(at.death == 1, limits.grades.death)], severity)


def pressure(at: State, limits: Limits) -> Any:
    """Fluids, one vasopressor, several."""
    grades = limits.grades
    return pick(
        [
            (at.several == 1, grades.several_vasopressors),
            (at.vasopressor == 1, grades.one_vasopressor),
            (at.hypotension == 1, grades.hypotension),
        ],
        0,
    )


def oxygen(at: State, limits: Limits) -> Any:
    """Below 40 %, from 40 %, pressure by mask, ventilator."""
    grades = limits.grades
    return pick(
        [
            (at.support == VENTILATOR, grades.ventilator),
            (at.support == PRESSURE_BY_MASK, grades.positive_pressure_by_mask),
            (at.support == FROM_LIMIT, grades.oxygen_from_40),
            (at.support == BELOW_LIMIT, grades.oxygen_below_40),
        ],
        0,
    )
