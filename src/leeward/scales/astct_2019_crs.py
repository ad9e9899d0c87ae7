"""ASTCT 2019 grade of cytokine release syndrome (Lee 2019, doi:10.1016/j.bbmt.2018.12.758)."""

from __future__ import annotations

from typing import Any, NamedTuple

import ibis
import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Decision, Line, value
from leeward.scales.level import ONE, worst
from leeward.timeline.columns import pick, true
from leeward.timeline.oxygen import DEVICES

DAYS_IN_YEAR = 365.2425


class _Fever(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: str
    at_least: Line


class _Hypotension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: str
    adult_below: Line
    child_base: Line
    child_per_year: Line
    child_from_years: Line
    older_from_years: Line
    infant_below: Line
    neonate_below: Line
    neonate_until_days: Line


class _Grades(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    febrile_only: int
    hypotension_without_vasopressor: int
    one_vasopressor: int
    several_vasopressors: int
    low_flow: int
    high_flow: int
    positive_pressure: int
    death: int


class _Oxygen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    low_flow_at_most: Line


class _Vasopressors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    counted: list[str]
    never_several: list[str]
    not_counted: list[str]


class _Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    antipyretics: list[str]
    anticytokine: list[str]
    steroids: list[str]
    from_dose: dict[str, Line] = {}

    @property
    def drugs(self) -> list[str]:
        """Every drug after which fever is no longer needed."""
        return [*self.antipyretics, *self.anticytokine, *self.steroids]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/scales/astct-2019-crs.toml."""

    id: str
    scale: str
    title: str
    source: str
    evidence: Evidence
    fever: _Fever
    hypotension: _Hypotension
    grades: _Grades
    oxygen: _Oxygen
    vasopressors: _Vasopressors
    waiver: _Waiver
    decisions: list[Decision]


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/astct-2019-crs", Limits)
    return held


class State(NamedTuple):
    """A patient at one moment, each part as columns; a missing part is filled by whoever asks, mild or worst."""

    fever: Any  # 1 where there is fever, or it is not needed any more
    hypotension: Any  # 1 where systolic pressure is below the limit of the patient's age
    vasopressors: Any  # 0 none, 1 one or vasopressin alone, 2 several at the same time
    oxygen: Any  # grade of the oxygen support
    death: Any  # 1 where CRS was the principal cause of death


def grade(at: State, limits: Limits) -> Any:
    """Worse of blood pressure and oxygen support once there is fever (Lee 2019, Table 3)."""
    severity = pick([(at.fever == 1, worst(ONE * limits.grades.febrile_only, pressure(at, limits), at.oxygen))], 0)
    return pick([(at.death == 1, limits.grades.death)], severity)


def pressure(at: State, limits: Limits) -> Any:
    """Hypotension without, with one, with several vasopressors; any dose counts."""
    grades = limits.grades
    return pick(
        [
            (at.vasopressors == 2, grades.several_vasopressors),
            (at.vasopressors == 1, grades.one_vasopressor),
            (at.hypotension == 1, grades.hypotension_without_vasopressor),
        ],
        0,
    )


def fever(temperature_celsius: Any, limits: Limits) -> Any:
    """Temperature at or above the limit."""
    return temperature_celsius >= value(limits.fever.at_least)


def systolic_limit(age_years: Any, limits: Limits, unknown: float) -> Any:
    """Systolic pressure (mmHg) below which there is hypotension, by age in completed years."""
    h = limits.hypotension
    child = value(h.child_base) + value(h.child_per_year) * age_years.floor()
    return pick(
        [
            (age_years.isnull(), unknown),
            (age_years * DAYS_IN_YEAR < value(h.neonate_until_days), value(h.neonate_below)),
            (age_years < value(h.child_from_years), value(h.infant_below)),
            (age_years < value(h.older_from_years), child),
        ],
        value(h.adult_below),
    )


_LOW, _HIGH, _POSITIVE = "low_flow", "high_flow", "positive_pressure"
_BY_DEVICE: dict[str, tuple[str | None, str | None]] = {
    "unrecognised": (None, _POSITIVE),
    "oxygen-unspecified": (_LOW, _POSITIVE),
    "room-air": (None, None),
    "blow-by": (_LOW, _LOW),
    "simple-mask": (_HIGH, _HIGH),
    "aerosol-mask": (_HIGH, _HIGH),
    "face-tent": (_HIGH, _HIGH),
    "venturi": (_HIGH, _HIGH),
    "non-rebreather": (_HIGH, _HIGH),
    "tracheostomy-mask": (_LOW, _HIGH),
    "cpap": (_POSITIVE, _POSITIVE),
    "bipap": (_POSITIVE, _POSITIVE),
    "ventilator": (_POSITIVE, _POSITIVE),
    "ecmo": (_POSITIVE, _POSITIVE),
}  # nasal and high-flow cannula go by flow


def oxygen(device: Any, flow_low: Any, flow_high: Any, limits: Limits) -> tuple[Any, Any]:
    """Mildest and worst grade of an oxygen state: device code (null: no device named) and bounds of its flow (L/min).

    A mask or positive pressure counts at any flow; a nasal cannula by its flow; a flow that nobody named a device
    for is at least low flow (blow-by counts as that at any flow) and at most positive pressure.
    """
    grades, low_flow = limits.grades, value(limits.oxygen.low_flow_at_most)
    at_least: list[tuple[Any, Any]] = []
    at_most: list[tuple[Any, Any]] = []
    for name, (mild, bad) in _BY_DEVICE.items():
        at_least.append((device == DEVICES.index(name), getattr(grades, mild) if mild else 0))
        at_most.append((device == DEVICES.index(name), getattr(grades, bad) if bad else 0))
    surely_high = true(flow_low > low_flow) == 1
    surely_low = true(flow_high <= low_flow) == 1
    off = true(flow_high <= 0) == 1
    some = true(flow_low > 0) == 1
    cannula = device == DEVICES.index("nasal-cannula")
    high_flow_cannula = device == DEVICES.index("high-flow-nasal-cannula")
    at_least += [
        (cannula & off, 0),
        (cannula & surely_high, grades.high_flow),
        (cannula, grades.low_flow),
        (high_flow_cannula & surely_high, grades.high_flow),
        (high_flow_cannula, grades.low_flow),
        (device.isnull() & some, grades.low_flow),
    ]
    at_most += [
        (cannula & off, 0),
        (cannula & surely_low, grades.low_flow),
        (cannula, grades.high_flow),
        (high_flow_cannula, grades.high_flow),
    ]
    return pick(at_least, 0), pick(at_most, grades.positive_pressure)


class Support(NamedTuple):
    """Oxygen support as columns: device code, bound of its flow (L/min), mildest and worst grade it can stand for."""

    device: Any
    flow: Any
    mildest: Any
    worst: Any


def rises(now: Support, baseline: Support, at_home: Any, limits: Limits) -> tuple[Any, Any]:
    """Whether support is surely, and possibly, above what the patient had before the therapy (1 or 0).

    at_home: oxygen at home is on record (1 or 0). How much is not, so that low flow alone is no sure rise.
    """
    none = baseline.device.isnull() | (baseline.device == DEVICES.index("room-air"))
    home_pressure = baseline.device.isin([DEVICES.index("cpap"), DEVICES.index("bipap")])
    same = true(now.device == baseline.device) == 1
    unclear = now.flow.isnull() | baseline.flow.isnull()
    pressure = now.device.isin([DEVICES.index(name) for name in ("cpap", "bipap", "ventilator", "ecmo")])
    higher = home_pressure | (now.worst > baseline.worst)
    usual = (at_home == 1) & (now.mildest <= limits.grades.low_flow)
    surely = true((none & ~usual) | (same & (now.flow > baseline.flow)) | (~same & higher & ~none))
    possibly = ibis.greatest(surely, true(none & usual))
    return surely, ibis.greatest(possibly, true(same & unclear & ~pressure))
