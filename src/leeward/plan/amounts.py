"""How much: per kilogram, per square metre of body surface or fixed, with its cap and the arithmetic."""

from __future__ import annotations

import math
from datetime import date

import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.guidelines import DoseRule
from leeward.knowledge.vocabulary import printed
from leeward.plan.patient import Patient
from leeward.plan.words import between, plain
from leeward.recognition.features import Number


class Renal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a drug and the kidneys; `below`: only under this creatinine clearance, in mL/min."""

    drug: str
    says: str
    source: str
    where: str
    evidence: Evidence
    checked: date
    below: float | None = None


class Dosing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """dosing.toml."""

    evidence: Evidence
    checked: date
    number: dict[str, Number]
    renal: tuple[Renal, ...]


class Amount(msgspec.Struct, frozen=True):
    """An amount in the rule's unit, `to` the other end of a range, and how it was worked out."""

    low: float
    to: float | None
    arithmetic: str


def dosing() -> Dosing:
    """The numbers of dosing.toml."""
    held: Dosing = load("dosing", Dosing)
    return held


def surface_m2(height_cm: float, weight_kg: float) -> float:
    """Body surface by Mosteller (N Engl J Med 1987;317:1098)."""
    return math.sqrt(height_cm * weight_kg / dosing().number["surface-divisor"].value)


def amount(rule: DoseRule, patient: Patient) -> Amount | None:
    """The amount of a rule that is not a plan of steps; None without what it takes."""
    if rule.fixed is not None:
        return _fixed(rule, patient)
    if rule.per_kg is not None and patient.weight_kg is not None:
        return _per_kg(rule, patient.weight_kg)
    if rule.per_m2 is not None and patient.weight_kg is not None and patient.height_cm is not None:
        surface = surface_m2(patient.height_cm, patient.weight_kg)
        size = f"{plain(patient.height_cm, 1)} cm and {plain(patient.weight_kg, 1)} kg"
        factor = f"{plain(rule.per_m2)} {rule.unit}/m2 x {plain(surface, 2)} m2 (Mosteller, {size})"
        return _capped(rule, factor, rule.per_m2 * surface, None)
    return None


def _fixed(rule: DoseRule, patient: Patient) -> Amount | None:
    """A fixed amount; a rate per kilogram also as a rate, since pumps and records count so."""
    if rule.fixed is None:
        return None
    said = f"{between(rule.fixed, rule.fixed_to)} {printed(rule.unit)}"
    if "/kg" in rule.unit and patient.weight_kg is not None:
        high = None if rule.fixed_to is None else rule.fixed_to * patient.weight_kg
        rate = f"{between(rule.fixed * patient.weight_kg, high, 2)} {printed(rule.unit.replace('/kg', ''))}"
        said += f" x {plain(patient.weight_kg, 1)} kg = {rate}"
    return Amount(rule.fixed, rule.fixed_to, said)


def _per_kg(rule: DoseRule, weight_kg: float) -> Amount:
    """An amount per kilogram, more below a weight where the source says so."""
    per_kg, to, light = rule.per_kg or 0.0, rule.per_kg_to, ""
    if rule.low_weight is not None and weight_kg < rule.low_weight.below_kg:
        per_kg, to, light = rule.low_weight.per_kg, None, f" (below {plain(rule.low_weight.below_kg)} kg)"
    factor = f"{between(per_kg, to)} {rule.unit}/kg{light} x {plain(weight_kg)} kg"
    return _capped(rule, factor, per_kg * weight_kg, None if to is None else to * weight_kg)


def _capped(rule: DoseRule, factor: str, low: float, to: float | None) -> Amount:
    """The product, rounded to a tenth and never above the cap."""
    cap = math.inf if rule.at_most is None else rule.at_most
    ends = [min(tenth(end), cap) for end in (low, to) if end is not None]
    product = between(tenth(low), None if to is None else tenth(to))
    said = f"{factor} = {product} {rule.unit}"
    if rule.at_most is not None:
        said += f"; at most {plain(rule.at_most)} {rule.unit}"
    return Amount(ends[0], ends[-1] if ends[-1] > ends[0] else None, said)


def tenth(value: float) -> float:
    """Rounded to a tenth; amounts below one to a thousandth, which a tenth would distort."""
    return round(value, 1 if value >= 1 else 3)


def kidneys(rule: DoseRule, patient: Patient) -> list[str]:
    """What is to be said of the drug and the kidneys; the dose stays the source's own."""
    said = []
    for one in dosing().renal:
        if one.drug != rule.drug:
            continue
        clearance = patient.creatinine_clearance
        known = f"{one.says} ({one.evidence}; the dose shown is not changed)"
        if one.below is None:
            said.append(f"{rule.drug}: {known}")
        elif clearance is None:
            said.append(f"{rule.drug}: creatinine clearance is not on record; {known}")
        elif clearance < one.below:
            said.append(f"{rule.drug}: creatinine clearance is {plain(clearance, 0)} mL/min; {known}")
    return said
