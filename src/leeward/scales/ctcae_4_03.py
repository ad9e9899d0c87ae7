"""CTCAE 4.03 grade of cytokine release syndrome (National Cancer Institute, 14 June 2010)."""

from __future__ import annotations

from typing import Any

from leeward.knowledge import load
from leeward.scales.level import worst
from leeward.scales.older_crs_parts import OxygenGrades, Printed, oxygen
from leeward.scales.older_crs_state import State
from leeward.timeline.columns import pick

ASKS = ("body-temperature", "systolic-bp", "oxygen-device", "age-years", "fio2", "creatinine",
        "value-before-therapy", "upper-limit-of-normal")  # fmt: skip


class _Grades(OxygenGrades, frozen=True, forbid_unknown_fields=True):
    mild: int
    symptomatic_treatment: int
    hypotension: int
    renal_impairment: int
    creatinine_for_renal_impairment: int
    vasopressor: int
    death: int


class Limits(Printed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """knowledge/scales/ctcae-4.03-crs.toml."""

    grades: _Grades


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/ctcae-4.03-crs", Limits)
    return held


def grade(at: State, limits: Limits) -> Any:
    """The worst of reaction, pressure, oxygen and sequelae (CTCAE 4.03); fever is not required."""
    severity = worst(reaction(at, limits), pressure(at, limits), oxygen(at, limits.grades), sequelae(at, limits))
    return pick([(at.death == 1, limits.grades.death)], severity)


def reaction(at: State, limits: Limits) -> Any:
    """Fever alone is mild; symptomatic treatment makes it more."""
    treated = (at.fever == 1) & (at.treated == 1)
    return pick([(treated, limits.grades.symptomatic_treatment)], at.fever * limits.grades.mild)


def pressure(at: State, limits: Limits) -> Any:
    """Any vasopressor is life-threatening; a low pressure without one needs fluids."""
    grades = limits.grades
    return pick([(at.vasopressor == 1, grades.vasopressor), (at.hypotension == 1, grades.hypotension)], 0)


def sequelae(at: State, limits: Limits) -> Any:
    """Renal impairment that asks for admission."""
    grades = limits.grades
    return pick([(at.kidney >= grades.creatinine_for_renal_impairment, grades.renal_impairment)], 0)
