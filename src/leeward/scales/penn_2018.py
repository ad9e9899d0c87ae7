"""Penn 2018 grade of cytokine release syndrome (Porter 2018, doi:10.1186/s13045-018-0571-y)."""

from __future__ import annotations

from typing import Any

import msgspec

from leeward.knowledge import load
from leeward.scales.inspired_oxygen import NONE, VENTILATOR
from leeward.scales.level import worst
from leeward.scales.older_crs_parts import Printed
from leeward.scales.older_crs_state import State
from leeward.timeline.columns import pick

ASKS = ("body-temperature", "systolic-bp", "oxygen-device", "age-years", "vasopressor-rate", "creatinine",
        "bilirubin-total", "alt", "ast", "value-before-therapy", "upper-limit-of-normal", "fluid-bolus",
        "care-setting", "neutrophils", "fibrinogen", "reason-for-admission")  # fmt: skip


class _Grades(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    supportive_care: int
    organ_dysfunction: int
    creatinine_for_organ_dysfunction: int
    liver_for_organ_dysfunction: int
    admitted: int
    severe_organ_dysfunction: int
    creatinine_for_severe: int
    liver_for_severe: int
    several_boluses: int
    single_or_no_bolus: int
    vasopressor: int
    coagulopathy: int
    oxygen: int
    high_dose_vasopressor: int
    ventilator: int
    death: int


class Limits(Printed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """knowledge/scales/penn-2018-crs.toml."""

    grades: _Grades


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/penn-2018-crs", Limits)
    return held


def grade(at: State, limits: Limits) -> Any:
    """The worst of care, pressure, oxygen, organs and coagulopathy (Porter 2018, Table 1); fever is not required."""
    grades = limits.grades
    severity = worst(
        care(at, limits),
        pressure(at, limits),
        oxygen(at, limits),
        organs(at, limits),
        at.coagulopathy * grades.coagulopathy,
    )
    return pick([(at.death == 1, grades.death)], severity)


def care(at: State, limits: Limits) -> Any:
    """Fever: supportive care, or in hospital because of it."""
    admitted = (at.fever == 1) & (at.admitted == 1)
    return pick([(admitted, limits.grades.admitted)], at.fever * limits.grades.supportive_care)


def pressure(at: State, limits: Limits) -> Any:
    """High dose, low dose or several boluses; the number of vasopressors does not matter."""
    grades = limits.grades
    return pick(
        [
            (at.high_dose == 1, grades.high_dose_vasopressor),
            (at.vasopressor == 1, grades.vasopressor),
            (at.fluids == 1, grades.several_boluses),
            (at.hypotension == 1, grades.single_or_no_bolus),
        ],
        0,
    )


def oxygen(at: State, limits: Limits) -> Any:
    """Any supplemental oxygen, by whatever device, or a ventilator."""
    return pick([(at.support == VENTILATOR, limits.grades.ventilator), (at.support > NONE, limits.grades.oxygen)], 0)


def organs(at: State, limits: Limits) -> Any:
    """Creatinine and liver tests by their own limits of what is some, and what is severe, dysfunction."""
    grades, liver = limits.grades, worst(at.bilirubin, at.transaminases)
    severe = (at.kidney >= grades.creatinine_for_severe) | (liver >= grades.liver_for_severe)
    some = (at.kidney >= grades.creatinine_for_organ_dysfunction) | (liver >= grades.liver_for_organ_dysfunction)
    return pick([(severe, grades.severe_organ_dysfunction), (some, grades.organ_dysfunction)], 0)
