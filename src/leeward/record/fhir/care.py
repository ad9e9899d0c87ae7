"""Who the patient is, where they are, and what is done to them: patients, stays, procedures, devices, diagnoses."""

from __future__ import annotations

from functools import partial

import msgspec

from leeward.record.fhir.reading import Reading, contained, record_of, spoken, version_of, within
from leeward.record.fhir.resources import (
    Concept,
    Condition,
    Device,
    DeviceUseStatement,
    Encounter,
    Location,
    Patient,
    Procedure,
    Stay,
)
from leeward.record.fhir.rows import Kind
from leeward.record.fhir.words import place, setting
from leeward.record.words import DEVICE, status

STAYS_MAX = 10_000
"""Places within one encounter."""


def person(p: Patient, address: str | None, to: Reading) -> None:
    """Date of birth, sex and death."""
    key, why = to.patients.meet(p, address)
    if key is None:
        to.refuse("patient-missing", "a Patient without id")
        return
    if why:
        to.refuse("ambiguous-patient", f"two Patient resources with this id: {why}", key)
    record = f"Patient/{key}"
    version = version_of(p.meta)
    if p.birthDate:
        to.say(key, Kind("birth-date", text=p.birthDate), record=f"{record}#birthDate", version=version)
    if p.gender:
        to.say(key, Kind("sex", text=p.gender), record=f"{record}#gender", version=version)
    if p.deceasedDateTime or p.deceasedBoolean:
        death = Kind("death", text="unstated")
        to.say(key, death, start=p.deceasedDateTime, record=f"{record}#deceased", version=version)


def procedure(p: Procedure, to: Reading) -> None:
    """Something done: a cell infusion, a ventilation.

    A product that only a text names is not taken as given: a talk about it and its infusion read alike. It is named.
    """
    patient = to.patient(p.subject)
    if patient is None:
        return
    chosen = to.words.chosen(p.code)
    if not to.agreed(chosen, patient):
        return
    named = to.words.product(p.code) if chosen.quantity is None and status(p.status) == "final" else None
    if named is not None:
        to.refuse("product-in-text-only", f"the text names {named}, and no code does", patient)
        return
    start, end = within(p.performedDateTime, p.performedPeriod)
    to.say(
        patient,
        Kind(
            system=chosen.system,
            code=chosen.code,
            end=end,
            status=p.status,
            site=spoken([*(p.bodySite or ())], to.words),
        ),
        start=start,
        reported=version_of(p.meta) if start is None else None,
        record=record_of(p),
        version=version_of(p.meta),
    )


def condition(c: Condition, to: Reading) -> None:
    """A diagnosis, from its onset, or from when it was recorded."""
    patient = to.patient(c.subject)
    if patient is None:
        return
    chosen = to.words.chosen(c.code)
    if not to.agreed(chosen, patient):
        return
    start, end = within(c.onsetDateTime, c.onsetPeriod)
    verified = (c.verificationStatus.coding if c.verificationStatus else None) or []
    to.say(
        patient,
        Kind(
            system=chosen.system,
            code=chosen.code,
            end=c.abatementDateTime or end,
            status=verified[0].code if verified else None,
        ),
        start=start or c.recordedDate,
        reported=c.recordedDate,
        record=record_of(c),
        version=version_of(c.meta),
    )


def keep_device(d: Device, address: str | None, to: Reading) -> None:
    """Remember a Device for those that refer to it."""
    to.shelf.put(d, address, _called(d))


def _called(d: Device) -> Concept:
    """A device as one concept, with its names where its type has none."""
    kind = d.type or Concept()
    names = [n.name for n in d.deviceName or () if n.name]
    return Concept(kind.coding, kind.text or next(iter(names), None))


def device_used(d: DeviceUseStatement, to: Reading) -> None:
    """A device in use, if it is one for oxygen."""
    patient = to.patient(d.subject)
    if patient is not None:
        to.later(partial(_device_used, d, patient, to))


def _device_used(d: DeviceUseStatement, patient: str, to: Reading, last: bool) -> bool:
    """One attempt; done unless the device it refers to is not known yet."""
    inside = contained(d, d.device.reference if d.device else None)
    found = _called(msgspec.json.decode(inside, type=Device)) if inside else to.shelf.find(d.device)
    if found is None and not last:
        return False
    concept = found or Concept(text=d.device.display if d.device else None)
    chosen = to.words.chosen(concept)
    word = to.words.text(concept)
    # A device known by its word only: not every device gives oxygen, so a word unlike any such is an unknown code.
    by_word = chosen.quantity is None and word is not None and to.devices.may_be_oxygen(word)
    start, end = within(d.timingDateTime, d.timingPeriod)
    to.say(
        patient,
        Kind(
            quantity=DEVICE if by_word else None,
            system=chosen.system,
            code=chosen.code,
            text=word,
            end=end,
            status=d.status,
        ),
        start=start,
        reported=d.recordedOn,
        record=record_of(d),
        version=version_of(d.meta),
    )
    return True


def keep_location(place_: Location, address: str | None, to: Reading) -> None:
    """Remember whether a place is one of intensive care."""
    codes = [c.code for concept in place_.type or () for c in concept.coding or ()]
    to.shelf.put(place_, address, place(place_.name, codes) or "")


def stay(e: Encounter, to: Reading) -> None:
    """Where the patient is cared for: the class of the encounter, and the places of intensive care within it."""
    patient = to.patient(e.subject)
    if patient is not None:
        to.later(partial(_stay, e, patient, to))


def _stay(e: Encounter, patient: str, to: Reading, last: bool) -> bool:
    """One attempt; done unless a place it refers to is not known yet."""
    places = [_where(s, to) for s in (e.location or [])[:STAYS_MAX]]
    if None in places and not last:
        return False
    record, version = record_of(e), version_of(e.meta)
    whole = within(None, e.period)
    code = e.class_.code if e.class_ else None
    spans = [(setting(code), whole, record)] if code and setting(code) else []
    for number, (stay_, is_) in enumerate(zip(e.location or (), places, strict=False), start=1):
        if is_:
            span = within(None, stay_.period) if stay_.period else whole
            spans.append((is_, span, record and f"{record}#{number}"))
    for text, (start, end), name in spans:
        to.say(
            patient,
            Kind("care-setting", text=text, end=end, status=e.status),
            start=start,
            record=name,
            version=version,
        )
    return True


def _where(stay_: Stay, to: Reading) -> str | None:
    """`icu` or nothing for a place, by its own name or by the resource; None while that has not been read."""
    named = stay_.location.display if stay_.location else None
    if named:
        return place(named, ()) or ""
    found = to.shelf.find(stay_.location)
    return found if isinstance(found, str) else None
