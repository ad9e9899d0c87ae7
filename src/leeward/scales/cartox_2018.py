"""CARTOX 2018 grade of cytokine release syndrome (Neelapu 2018, doi:10.1038/nrclinonc.2017.148)."""

from __future__ import annotations

from typing import Any

import msgspec

from leeward.knowledge import load
from leeward.knowledge.definition import Line
from leeward.scales.level import worst
from leeward.scales.older_crs_parts import OrganGrades, Printed, organs, oxygen
from leeward.scales.older_crs_state import State
from leeward.timeline.columns import pick

ASKS = ("body-temperature", "systolic-bp", "oxygen-device", "age-years", "fio2", "vasopressor-rate",
        "creatinine", "bilirubin-total", "alt", "ast", "value-before-therapy", "upper-limit-of-normal",
        "life-threatening-hypotension")  # fmt: skip


class _Suspicion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    organs_within: Line


class _Grades(OrganGrades, frozen=True, forbid_unknown_fields=True):
    fever: int
    hypotension: int
    low_dose_vasopressor: int
    several_vasopressors: int
    high_dose_vasopressor: int
    life_threatening_hypotension: int
    death: int


class Limits(Printed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """knowledge/scales/cartox-2018-crs.toml."""

    suspicion: _Suspicion
    grades: _Grades


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/cartox-2018-crs", Limits)
    return held


def grade(at: State, limits: Limits) -> Any:
    """The worst of fever, pressure, oxygen and organs (Neelapu 2018, Table 2); fever is not required."""
    severity = worst(
        at.fever * limits.grades.fever, pressure(at, limits), oxygen(at, limits.grades), organs(at, limits.grades)
    )
    return pick([(at.death == 1, limits.grades.death)], severity)


def pressure(at: State, limits: Limits) -> Any:
    """Fluids or a low-dose vasopressor, else high-dose or several; life-threatening where a clinician says so."""
    grades = limits.grades
    return pick(
        [
            (at.life_threatening == 1, grades.life_threatening_hypotension),
            (at.high_dose == 1, grades.high_dose_vasopressor),
            (at.several == 1, grades.several_vasopressors),
            (at.vasopressor == 1, grades.low_dose_vasopressor),
            (at.hypotension == 1, grades.hypotension),
        ],
        0,
    )
