"""Orders as their client drafts them: which drug that Leeward knows, how much, how often; not yet anything given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from functools import cache

import msgspec

from leeward.knowledge.vocabulary import quantities
from leeward.plan import given
from leeward.plan.steroids import steroids
from leeward.record import units
from leeward.record.codes import Codes
from leeward.record.fhir.observation import number
from leeward.record.fhir.people import Patients
from leeward.record.fhir.resources import Concept, Ingredient, Part, Quantity, Reference
from leeward.record.fhir.words import Words
from leeward.ward.cards.request import Refused

ENTRIES_MAX = 500
"""Orders in one draft; an order set has some tens."""
SPELT_MOST = 20
"""A dose of more letters is no dose."""


class _Range(Part):
    low: Quantity | None = None
    high: Quantity | None = None


class _Rate(Part):
    doseQuantity: Quantity | None = None  # noqa: N815  as FHIR spells it
    doseRange: _Range | None = None  # noqa: N815
    rateQuantity: Quantity | None = None  # noqa: N815
    rateRatio: msgspec.Raw = msgspec.Raw()  # noqa: N815


class _Repeat(Part):
    frequency: int | None = None
    period: float | None = None
    periodUnit: str | None = None  # noqa: N815


class _Timing(Part):
    repeat: _Repeat | None = None


class _Dosage(Part):
    doseAndRate: list[_Rate] | None = None  # noqa: N815
    timing: _Timing | None = None


class _Draft(Part):
    """A drafted resource, as far as an order of a drug is read."""

    resourceType: str = ""  # noqa: N815
    id: str | None = None
    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None  # noqa: N815
    subject: Reference | None = None
    medicationCodeableConcept: Concept | None = None  # noqa: N815
    medicationReference: Reference | None = None  # noqa: N815
    dosageInstruction: list[_Dosage] | None = None  # noqa: N815
    contained: list[_Draft] | None = None
    code: Concept | None = None
    ingredient: list[Ingredient] | None = None


class _Entry(Part):
    fullUrl: str | None = None  # noqa: N815
    resource: _Draft | None = None


class _Drafts(Part):
    resourceType: str = ""  # noqa: N815
    entry: list[_Entry] | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One drafted order. `amount`: in the drug's own unit, both ends; None with `why`: what of it cannot be compared.

    `per_kg`: the amount is per kilogram of body weight. `every_hours`: how often, where the order says so.
    """

    name: str
    drug: str
    amount: tuple[float, float] | None = None
    per_kg: bool = False
    spelt: str = ""
    why: str | None = None
    every_hours: float | None = None


_decoder = msgspec.json.Decoder(_Drafts)
_HOURS = {"h": 1.0, "d": 24.0, "min": 1 / 60, "wk": 168.0}
_ENDED = ("cancelled", "entered-in-error", "stopped", "completed")


def watched() -> frozenset[str]:
    """The drugs whose orders are looked at: those that act on CRS or ICANS, where some source gives a dose of them.

    Every corticosteroid is: one that no source gives is compared as an equal dose of another.
    """
    return frozenset({*given.ANTI_IL6, "anakinra"} & set(given.listed_drugs())) | {*steroids().table.equal}


@cache
def _words(local: tuple[str, ...]) -> Words:
    return Words(Codes(local))


def orders_of(bundle: bytes, patient: str, selected: Iterable[str] | None, local: tuple[str, ...]) -> list[Order]:
    """The orders of a draft that are looked at; of `selected` (references) only, where given.

    Raises Refused for a draft that is no Bundle, or in which an order is somebody else's or nobody's.
    """
    try:
        drafts = _decoder.decode(bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "structure", "context.draftOrders: not a Bundle of resources") from None
    entries = drafts.entry or []
    if drafts.resourceType != "Bundle" or len(entries) > ENTRIES_MAX:
        raise Refused(400, "structure", f"context.draftOrders: not a Bundle of at most {ENTRIES_MAX} orders")
    wanted = None if selected is None else frozenset(selected)
    made: list[Order] = []
    for place, entry in enumerate(entries, 1):
        draft = entry.resource
        if draft is None or draft.resourceType != "MedicationRequest":
            continue
        if Patients().of(draft.subject) != patient:
            raise Refused(422, "business-rule", f"context.draftOrders entry {place}: not for context.patientId")
        chosen = wanted is None or f"MedicationRequest/{draft.id}" in wanted or draft.id in wanted
        if chosen and not draft.doNotPerform and draft.status not in _ENDED:
            made += _orders(draft, entries, _words(local), f"MedicationRequest/{draft.id or place}")
    return made


def _orders(draft: _Draft, entries: list[_Entry], words: Words, name: str) -> Iterator[Order]:
    """The watched drugs of one drafted order."""
    dosages = draft.dosageInstruction or []
    for concept in _concepts(draft, entries):
        drug = words.chosen(concept, drug=True).quantity
        if drug in watched():
            yield _order(drug, name, dosages, words)
            return


def _concepts(draft: _Draft, entries: list[_Entry]) -> Iterator[Concept]:
    """What the medication is called: by its own code, else by the resource referred to and what that is made of."""
    if draft.medicationCodeableConcept is not None:
        yield draft.medicationCodeableConcept
    reference = draft.medicationReference
    if reference is None:
        return
    spelt = reference.reference or ""
    found: list[_Draft] = [one for one in draft.contained or () if spelt == f"#{one.id}"]
    for entry in entries:
        one = entry.resource
        if one is not None and one.resourceType == "Medication" and spelt in (entry.fullUrl, f"Medication/{one.id}"):
            found.append(one)
    for held in found:
        if held.code is not None:
            yield held.code
        yield from (part.itemCodeableConcept for part in held.ingredient or () if part.itemCodeableConcept)
    if reference.display:
        yield Concept(text=reference.display)


def _order(drug: str, name: str, dosages: list[_Dosage], words: Words) -> Order:
    """The amount of an order, where it is one that can be compared."""
    if len(dosages) != 1:
        said = "the order has no dosage" if not dosages else "the order has several dosages"
        return Order(name=name, drug=drug, why=said)
    rates = dosages[0].doseAndRate or []
    often = _every_hours(dosages[0].timing)
    dose = rates[0] if len(rates) == 1 else _Rate()
    least, most = (dose.doseRange.low, dose.doseRange.high) if dose.doseRange else (dose.doseQuantity,) * 2
    if least is None or most is None:
        has_rate = dose.rateQuantity is not None or bool(bytes(dose.rateRatio))
        said = "the order has a rate and no dose" if has_rate else "the order has no dose"
        return Order(name=name, drug=drug, why=said, every_hours=often)
    low, high = _amount(drug, least, words), _amount(drug, most, words)
    spelt = _spelt(least, most)
    if low is None or high is None or low[1] != high[1]:
        return Order(name=name, drug=drug, spelt=spelt, why="its unit or number is not understood", every_hours=often)
    return Order(name=name, drug=drug, amount=(low[0], high[0]), per_kg=low[1], spelt=spelt, every_hours=often)


def _amount(drug: str, dose: Quantity, words: Words) -> tuple[float, bool] | None:
    """A dose in the drug's own unit, and whether it is per kilogram; None where unit or number is not understood."""
    spelt, unit, what = number(dose.value), words.unit(dose), quantities()[drug]
    if spelt is None or dose.comparator is not None or unit is None or what.unit is None:
        return None
    try:
        found = units.conversion(what, unit)
        if found.outcome == "exact":
            amount, per_kg = found.of(spelt), False
        elif found.outcome == "weight" and (by := units.by_weight(unit, what.unit)) is not None and by[1] == 1:
            amount, per_kg = float(spelt) * by[0], True
        else:
            return None
    except (ValueError, ArithmeticError):
        return None
    return (amount, per_kg) if 0 < amount < float("inf") else None


def _spelt(low: Quantity, high: Quantity) -> str:
    """A dose as its order spells it, without idle zeros."""
    said = [_bare(bytes(end.value).decode(errors="replace").strip('"')) for end in (low, high)]
    unit = low.unit or low.code or ""
    return f"{said[0] if said[0] == said[1] else ' to '.join(said)} {unit}".strip()


def _bare(spelt: str) -> str:
    """A number without idle zeros; what is none stays as it is."""
    try:
        return f"{Decimal(spelt).normalize():f}" if len(spelt) < SPELT_MOST else spelt
    except InvalidOperation:
        return spelt


def _every_hours(timing: _Timing | None) -> float | None:
    """How often, in hours; None where the order does not say so plainly."""
    repeat = timing.repeat if timing else None
    if repeat is None or not repeat.frequency or not repeat.period or repeat.periodUnit not in _HOURS:
        return None
    return repeat.period * _HOURS[repeat.periodUnit] / repeat.frequency
