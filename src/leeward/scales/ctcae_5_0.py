"""CTCAE 5.0 grade of cytokine release syndrome (National Cancer Institute, 27 November 2017)."""

from __future__ import annotations

from typing import Any

from leeward.knowledge import load
from leeward.scales.level import worst
from leeward.scales.older_crs_parts import OxygenGrades, Printed, oxygen
from leeward.scales.older_crs_state import State
from leeward.timeline.columns import pick

ASKS = ("body-temperature", "systolic-bp", "oxygen-device", "age-years", "fio2")


class _Grades(OxygenGrades, frozen=True, forbid_unknown_fields=True):
    fever: int
    hypotension: int
    one_vasopressor: int
    several_vasopressors: int
    death: int


class Limits(Printed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """knowledge/scales/ctcae-5.0-crs.toml."""

    grades: _Grades


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/ctcae-5.0-crs", Limits)
    return held


def grade(at: State, limits: Limits) -> Any:
    """The worst of fever, pressure and oxygen (CTCAE 5.0, immune system disorders)."""
    severity = worst(at.fever * limits.grades.fever, pressure(at, limits), oxygen(at, limits.grades))
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
