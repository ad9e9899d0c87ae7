"""The CRS scales older than ASTCT by their ids, and the steps from findings to their grades."""

from __future__ import annotations

from functools import partial
from types import ModuleType

from leeward.knowledge import Evidence, weakest
from leeward.knowledge.definition import value
from leeward.scales import (
    astct_2019_crs,
    cartox_2018,
    cartox_paediatric_2019,
    ctcae_4_03,
    ctcae_4_03_organs,
    ctcae_5_0,
    inspired_oxygen,
    lee_2014,
    mskcc_2018,
    older_crs_signs,
    penn_2018,
    vasopressor_dose,
)
from leeward.scales.older_crs_course import Scale

_MODULES: dict[str, ModuleType] = {
    "lee-2014": lee_2014, "penn-2018": penn_2018, "mskcc-2018": mskcc_2018, "cartox-2018": cartox_2018,
    "cartox-paediatric-2019": cartox_paediatric_2019, "ctcae-4.03": ctcae_4_03, "ctcae-5.0": ctcae_5_0,
}  # fmt: skip
ASTCT = "astct-2019"
SCALES = (ASTCT, *_MODULES)
"""Every scale of CRS, ASTCT first."""


BY_FRACTION = tuple(name for name, module in _MODULES.items() if "fio2" in module.ASKS)
"""Scales that part oxygen by its inspired fraction."""


def findings(name: str) -> tuple[str, ...]:
    """The quantities beside the vital signs that a scale's answer can cite."""
    vital = ("body-temperature", "systolic-bp", "oxygen-device", "age-years")
    return tuple(need for need in _MODULES[name].ASKS if need not in vital)


def older(scales: tuple[str, ...]) -> tuple[str, ...]:
    """Those of several scales that are older than ASTCT, in order."""
    return tuple(name for name in _MODULES if name in scales)


def scale(name: str) -> Scale:
    """A scale as the course needs it."""
    module = _MODULES[name]
    limits = module.limits()
    within = value(limits.suspicion.organs_within) if hasattr(limits, "suspicion") else None
    return Scale(name, partial(module.grade, limits=limits), module.ASKS, evidence(name), within)


def evidence(name: str) -> Evidence:
    """How a scale's weakest number is known: its own, and those of the tables of doses, organs, fractions it uses."""
    if name == ASTCT:
        return astct_2019_crs.limits().evidence
    module = _MODULES[name]
    own: Evidence = module.limits().evidence
    return weakest([own, *(table for need, table in _tables().items() if need in module.ASKS)])


def evidence_of(name: str, sign: str) -> Evidence:
    """As `evidence`, for the rule of one sign (older_crs_state.SIGNS)."""
    if name == ASTCT:
        return astct_2019_crs.limits().evidence
    needs = {"high_dose": "vasopressor-rate", "low_dose": "vasopressor-rate", "organs": "creatinine",
             "oxygen_below_40": "fio2", "oxygen_from_40": "fio2"}  # fmt: skip
    module, need = _MODULES[name], needs.get(sign, "")
    own: Evidence = module.limits().evidence
    return weakest([own, _tables()[need]]) if need in module.ASKS else own


def _tables() -> dict[str, Evidence]:
    """How the tables that several scales share are known, by the input that leads to them."""
    return {
        "vasopressor-rate": vasopressor_dose.limits().evidence, "creatinine": ctcae_4_03_organs.limits().evidence,
        "fio2": inspired_oxygen.fractions().evidence,
    }  # fmt: skip


def words(name: str) -> dict[str, str]:
    """The rule of a scale in words, by the sign it speaks of (older_crs_state.SIGNS)."""
    if name == ASTCT:
        return older_crs_signs.limits().astct_words
    said: dict[str, str] = _MODULES[name].limits().words
    return said


def long_vasopressor_hours() -> float:
    """From how many hours on a vasopressor on MSKCC grades it higher."""
    return value(mskcc_2018.limits().vasopressor.long_from)
