"""Medications: what was given, what was ordered, and what each is made of."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import partial

import msgspec

from leeward.knowledge.vocabulary import ORDERED, quantities
from leeward.record.fhir.observation import number
from leeward.record.fhir.reading import Reading, contained, record_of, spoken, version_of, within
from leeward.record.fhir.resources import (
    Concept,
    Dosage,
    Ingredient,
    Medication,
    MedicationAdministration,
    MedicationRequest,
    Quantity,
    Ratio,
)
from leeward.record.fhir.rows import Kind
from leeward.record.fhir.words import Chosen, is_not_given, order

MIXTURES_DEEP_MAX = 3
"""A mixture of mixtures of mixtures is as deep as pharmacies go."""


class Made(msgspec.Struct, frozen=True):
    """What a Medication resource says it is: by its own code, or by what it is made of."""

    code: Concept | None
    ingredients: tuple[Ingredient, ...]


def keep(medication: Medication, address: str | None, to: Reading) -> None:
    """Remember a Medication for those that refer to it."""
    to.shelf.put(medication, address, _made(medication))


def _made(medication: Medication) -> Made:
    return Made(medication.code, tuple(medication.ingredient or ()))


def given(m: MedicationAdministration, to: Reading) -> None:
    """A medication that was given; one statement per drug in it."""
    patient = to.patient(m.subject)
    if patient is not None:
        to.later(partial(_given, m, patient, to))


def ordered(m: MedicationRequest, to: Reading) -> None:
    """A medication that was ordered: listed, and never counted as given."""
    patient = to.patient(m.subject)
    if patient is not None:
        to.later(partial(_ordered, m, patient, to))


def _given(m: MedicationAdministration, patient: str, to: Reading, last: bool) -> bool:
    """One attempt; done unless the medication it refers to is not known yet."""
    drugs = _drugs(m, to, last)
    if drugs is None:
        return False
    dosage = m.dosage or Dosage()
    start, end = within(m.effectiveDateTime, m.effectivePeriod)
    record = record_of(m)
    for drug in drugs:
        amount = _amount(dosage, drug, to) if len(drugs) == 1 else _Amount()
        if not to.agreed(drug, patient):
            continue
        # A vasopressor pushed by hand runs at its moment only; without an end it would stand as one that runs on.
        pushed = drug.is_rate and end is None and m.effectivePeriod is None and not amount.is_rate
        to.say(
            patient,
            Kind(
                system=drug.system,
                code=drug.code,
                comparator=amount.comparator,
                unit=amount.unit,
                end=start if pushed else end,
                status="not-done" if is_not_given(dosage.method) else m.status,
                site=spoken([dosage.route, dosage.site], to.words),
            ),
            value=amount.value,
            start=start,
            reported=version_of(m.meta) if start is None else None,
            record=record if len(drugs) == 1 or record is None else f"{record}#{drug.code}",
            version=version_of(m.meta),
        )
    return True


def _ordered(m: MedicationRequest, patient: str, to: Reading, last: bool) -> bool:
    """One attempt; done unless the medication it refers to is not known yet.

    Refused as no dose, whatever the drug; of the drugs that a plan doses it is a finding of its own beside that.
    """
    drugs = _drugs(m, to, last)
    record, version = record_of(m), version_of(m.meta)
    stands = order(m.intent, "do-not-perform" if m.doNotPerform else m.status)
    for drug in drugs or ():
        if not to.agreed(drug, patient):
            continue
        kind = Kind(system=drug.system, code=drug.code, status="order")
        to.say(patient, kind, start=m.authoredOn, record=record, version=version)
        mine = None if record is None else f"{record}#{ORDERED}-{drug.quantity}"
        # A version in which the order stands no longer takes back the one in which it stood.
        if drug.quantity in quantities()[ORDERED].words and (stands or (stands is False and mine is not None)):
            kind = Kind(quantity=ORDERED, text=drug.quantity, status=None if stands else "withdrawn")
            to.say(patient, kind, start=m.authoredOn, record=mine, version=version)
    return drugs is not None


def _drugs(m: MedicationAdministration | MedicationRequest, to: Reading, last: bool) -> list[Chosen] | None:
    """The drugs in a medication; None while the resource it refers to has not been read."""
    reference = m.medicationReference
    if m.medicationCodeableConcept is not None or reference is None:
        return [to.words.chosen(m.medicationCodeableConcept, drug=True)]
    inside = contained(m, reference.reference)
    found = _made(msgspec.json.decode(inside, type=Medication)) if inside else to.shelf.find(reference)
    if found is None and not last:
        return None
    named = Concept(text=reference.display) if reference.display else None
    drugs = _within(found, to, 0) if found is not None else [to.words.chosen(named, drug=True)]
    if not drugs:
        to.refuse("reference-unresolved", "the medication referred to is not in this record, or not only once")
    return drugs


def _within(made: Made, to: Reading, depth: int) -> list[Chosen]:
    """The drugs that Leeward knows in a medication; if none, its own code or its first ingredient's."""
    own = to.words.chosen(made.code, drug=True)
    if own.quantity is not None or depth >= MIXTURES_DEEP_MAX:
        return [own]
    parts: list[Chosen] = []
    for ingredient in made.ingredients:
        if ingredient.itemCodeableConcept is not None:
            parts.append(to.words.chosen(ingredient.itemCodeableConcept, drug=True))
        elif (inner := to.shelf.find(ingredient.itemReference)) is not None:
            parts += _within(inner, to, depth + 1)
    known = [part for part in parts if part.quantity is not None]
    return known or ([own] if own.code is not None else parts[:1])


class _Amount(msgspec.Struct, frozen=True):
    """A dose or a rate as the record spells it."""

    value: str | None = None
    comparator: str | None = None
    unit: str | None = None
    is_rate: bool = False


def _amount(dosage: Dosage, drug: Chosen, to: Reading) -> _Amount:
    """The rate of an infusion, the dose of anything else; the other of the two where that is missing."""
    rate, dose = dosage.rateQuantity, dosage.dose
    has_rate = rate is not None or dosage.rateRatio is not None
    if has_rate and (drug.is_rate or dose is None):
        return _ratio(dosage.rateRatio, to) if rate is None else _plain(rate, to, is_rate=True)
    return _plain(dose, to, is_rate=False) if dose is not None else _Amount()


def _plain(quantity: Quantity, to: Reading, *, is_rate: bool) -> _Amount:
    return _Amount(number(quantity.value), quantity.comparator, to.words.unit(quantity), is_rate)


def _ratio(ratio: Ratio | None, to: Reading) -> _Amount:
    """So much per so long, as one number per unit of time; as written where that is not a plain division."""
    above, below = (ratio.numerator, ratio.denominator) if ratio else (None, None)
    if above is None or below is None:
        return _Amount(is_rate=True)
    value, per = number(above.value), number(below.value) or "1"
    units = [to.words.unit(above), to.words.unit(below)]
    unit = f"{units[0]}/{units[1]}" if all(units) else None
    try:
        spelt = value if value is None or Decimal(per) == 1 else f"{Decimal(value) / Decimal(per):f}"
    except (InvalidOperation, ZeroDivisionError):
        spelt = f"{value}:{per}"
    return _Amount(spelt, above.comparator, unit, is_rate=True)
