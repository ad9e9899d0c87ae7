"""MSKCC 2018 grade of cytokine release syndrome (Park 2018, doi:10.1056/NEJMoa1709919)."""

from __future__ import annotations

from typing import Any

import msgspec

from leeward.knowledge import load
from leeward.knowledge.definition import Line
from leeward.scales.level import worst
from leeward.scales.older_crs_parts import OxygenGrades, Printed, oxygen
from leeward.scales.older_crs_state import State
from leeward.timeline.columns import pick

ASKS = ("body-temperature", "systolic-bp", "oxygen-device", "age-years", "fio2", "vasopressor-rate")


class _Vasopressor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    long_from: Line


class _Grades(OxygenGrades, frozen=True, forbid_unknown_fields=True):
    supportive_care: int
    short_vasopressor: int
    long_vasopressor: int
    refractory_hypotension: int
    death: int


class Limits(Printed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """knowledge/scales/mskcc-2018-crs.toml."""

    vasopressor: _Vasopressor
    grades: _Grades


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/mskcc-2018-crs", Limits)
    return held


def grade(at: State, limits: Limits) -> Any:
    """The worse of vasopressors by their time and oxygen (Park 2018, supplement); fever is not required."""
    severity = worst(at.fever * limits.grades.supportive_care, pressure(at, limits), oxygen(at, limits.grades))
    return pick([(at.death == 1, limits.grades.death)], severity)


def pressure(at: State, limits: Limits) -> Any:
    """Hours on any vasopressor decide, and a pressure that stays low on a high dose."""
    grades = limits.grades
    return pick(
        [
            ((at.high_dose == 1) & (at.hypotension == 1), grades.refractory_hypotension),
            (at.long == 1, grades.long_vasopressor),
            (at.vasopressor == 1, grades.short_vasopressor),
            (at.hypotension == 1, grades.supportive_care),
        ],
        0,
    )
