"""Lee 2014 grade of cytokine release syndrome (doi:10.1182/blood-2014-05-552729)."""

from __future__ import annotations

from typing import Any

from leeward.knowledge import load
from leeward.scales.level import worst
from leeward.scales.older_crs_parts import OrganGrades, Printed, organs, oxygen
from leeward.scales.older_crs_state import State
from leeward.timeline.columns import pick

ASKS = ("body-temperature", "systolic-bp", "oxygen-device", "age-years", "fio2", "vasopressor-rate", "creatinine",
        "bilirubin-total", "alt", "ast", "value-before-therapy", "upper-limit-of-normal")  # fmt: skip


class _Grades(OrganGrades, frozen=True, forbid_unknown_fields=True):
    symptomatic: int
    hypotension: int
    low_dose_vasopressor: int
    several_vasopressors: int
    high_dose_vasopressor: int
    death: int


class Limits(Printed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """knowledge/scales/lee-2014-crs.toml."""

    grades: _Grades


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/lee-2014-crs", Limits)
    return held


def grade(at: State, limits: Limits) -> Any:
    """The worst of symptoms, pressure, oxygen and organs (Lee 2014, grading table); fever is not required."""
    severity = worst(
        at.fever * limits.grades.symptomatic, pressure(at, limits), oxygen(at, limits.grades), organs(at, limits.grades)
    )
    return pick([(at.death == 1, limits.grades.death)], severity)


def pressure(at: State, limits: Limits) -> Any:
    """Fluids or one low-dose vasopressor, else high-dose or several."""
    grades = limits.grades
    return pick(
        [
            (at.high_dose == 1, grades.high_dose_vasopressor),
            (at.several == 1, grades.several_vasopressors),
            (at.vasopressor == 1, grades.low_dose_vasopressor),
            (at.hypotension == 1, grades.hypotension),
        ],
        0,
    )
