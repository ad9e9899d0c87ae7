"""Units: a record's spelling to UCUM, and one exact conversion per pair of units."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec

from leeward.knowledge.loader import load
from leeward.knowledge.vocabulary import Quantity, Unit, Units

Outcome = Literal["exact", "unknown", "weight"]
OUTCOMES: tuple[Outcome, ...] = ("exact", "unknown", "weight")


class Conversion(msgspec.Struct, frozen=True):
    """value x scale + offset, in whole fractions; or why there is none ("weight": only with the patient's weight)."""

    outcome: Outcome
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    resolution: Fraction | None = None

    @property
    def changes_nothing(self) -> bool:
        """Whether the value may be taken as it stands."""
        return self.scale == 1 and self.offset == 0 and self.resolution is None

    def of(self, decimal: str) -> float:
        """The converted value, rounded once, at the end."""
        exact = Fraction(decimal) * self.scale + self.offset
        if self.resolution is not None:
            exact = round(exact / self.resolution) * self.resolution
        return float(exact)


UNKNOWN = Conversion("unknown")
WEIGHT = Conversion("weight")


def listed() -> dict[str, Unit]:
    """Every unit that is known, by its UCUM spelling."""
    file: Units = load("units", Units)
    return file.unit


@cache
def _spellings() -> tuple[dict[str, str], dict[str, str]]:
    exact: dict[str, str] = {}
    folded: dict[str, str] = {}
    for ucum, unit in listed().items():
        exact[ucum] = ucum
        exact.update(dict.fromkeys(map(_tidy, unit.spellings), ucum))
        folded.update(dict.fromkeys((_tidy(s).lower() for s in unit.any_case), ucum))
    return exact, folded


def _tidy(spelling: str) -> str:
    """Trimmed, with the Greek mu as the micro sign: fonts mix the two."""
    return spelling.strip().replace("\u03bc", "\u00b5")


def ucum(spelling: str) -> str | None:
    """The UCUM unit a spelling stands for, or None where nobody wrote it down."""
    exact, folded = _spellings()
    tidy = _tidy(spelling)
    return exact.get(tidy) or folded.get(tidy.lower())


@cache
def _registry() -> Any:
    from pint import UnitRegistry

    registry: Any = UnitRegistry(non_int_type=Fraction)
    registry.define("arbitrary_unit = [arbitrary_unit]")
    registry.define("fibrinogen_equivalent = [fibrinogen_equivalent]")
    return registry


def conversion(quantity: Quantity, spelling: str | None) -> Conversion:
    """How a value in this spelling becomes a value in the quantity's unit."""
    resolution = Fraction(quantity.resolution) if quantity.resolution else None
    if spelling is None:
        return Conversion("exact", resolution=resolution) if quantity.bare else UNKNOWN
    unit = ucum(spelling)
    if unit is None or quantity.unit is None:
        return UNKNOWN
    if unit == quantity.unit:
        return Conversion("exact", resolution=resolution)
    if unit in quantity.factors:
        return Conversion("exact", Fraction(quantity.factors[unit]), resolution=resolution)
    return _by_library(quantity, unit, resolution)


def _by_library(quantity: Quantity, unit: str, resolution: Fraction | None) -> Conversion:
    found = _compared(unit, quantity.unit or "")
    if not found.alike:
        return WEIGHT if quantity.kind in ("rate", "dose") and found.per_weight else UNKNOWN
    if found.pure and unit not in quantity.also and not (quantity.bare and unit == "1"):
        return UNKNOWN  # any pure number would pass for any other: only the listed ones do
    return Conversion("exact", found.scale, found.zero, resolution)


class _Compared(NamedTuple):
    """Two units: whether they measure alike (as pure numbers), or would by a weight; how one becomes the other."""

    alike: bool
    per_weight: bool = False
    pure: bool = False
    scale: Fraction = Fraction(1)
    zero: Fraction = Fraction(0)


@cache
def _compared(unit: str, other: str) -> _Compared:
    registry = _registry()
    here, there = (registry.parse_expression(listed()[one].pint) for one in (unit, other))
    if here.dimensionality != there.dimensionality:
        # Units, not quantities: a degree Celsius cannot be divided, and a pressure charted in it is only unknown.
        mass = registry.Unit("kilogram").dimensionality
        per_weight = any((a.units / b.units).dimensionality == mass for a, b in ((here, there), (there, here)))
        return _Compared(alike=False, per_weight=per_weight)
    zero = _shift(registry, here, there, 0)
    scale = _shift(registry, here, there, 1) - zero
    return _Compared(alike=True, pure=here.check("[]"), scale=scale, zero=zero)


@cache
def by_weight(here_spelt: str, there_spelt: str) -> tuple[float, int] | None:
    """For units that differ by a weight: the factor for 1 kg, and whether to multiply (1) or divide (-1) by kg."""
    units = [ucum(spelling) for spelling in (here_spelt, there_spelt)]
    if None in units:
        return None
    registry = _registry()
    here, there = (registry.parse_expression(listed()[unit or ""].pint) for unit in units)
    kilogram = registry.Quantity(Fraction(1), "kilogram")
    for power in (1, -1):
        # Units first: a degree Celsius cannot be multiplied.
        if (here.units * kilogram.units**power).dimensionality == there.dimensionality != here.dimensionality:
            moved = here * kilogram**power
            return float(Fraction(moved.to(there.units).magnitude) / Fraction(there.magnitude)), power
    return None


def _shift(registry: Any, here: Any, there: Any, value: int) -> Fraction:
    moved = registry.Quantity(Fraction(value) * Fraction(here.magnitude), here.units).to(there.units)
    return Fraction(moved.magnitude) / Fraction(there.magnitude)


def likely(quantity: Quantity, decimal: str) -> str | None:
    """The unit of this quantity in which a value would be plausible, if it is one other than was said."""
    for unit in (quantity.unit, *quantity.also):
        if unit is not None and plausible(quantity, conversion(quantity, unit).of(decimal)):
            return unit
    return None


def plausible(quantity: Quantity, value: float) -> bool:
    """Whether a value in the quantity's own unit can be true of a living patient."""
    return (quantity.low is None or value >= quantity.low) and (quantity.high is None or value <= quantity.high)
