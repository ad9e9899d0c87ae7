"""Observations: the value, or each component's, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from leeward.knowledge.vocabulary import quantities
from leeward.record.fhir.reading import Reading, spoken, version_of, within
from leeward.record.fhir.resources import NOTHING, Observation, ReferenceRange, Valued
from leeward.record.fhir.rows import Kind

WITHDRAWN = "entered-in-error"
_NORMAL = "normal"
NUMBER_LENGTH_MAX = 64
"""A longer number is handed on cut short, and is then no number."""
UPPER_LIMIT = "-upper-limit"
"""What the quantity of a laboratory's upper limit of normal ends with."""
RANGES_MAX = 100
"""More reference ranges of one value are not a laboratory's."""
COMPONENTS_MAX = 1_000
"""More components in one observation are a waveform or an attack, not a panel."""


def read(o: Observation, to: Reading) -> None:
    """Every statement an Observation makes. A plain one, of which bulk exports are full, is told without detours."""
    patient = to.patients.of(o.subject)
    if (
        patient is None
        or o.dataAbsentReason is not None
        or o.bodySite is not None
        or o.method is not None
        or o.effectiveDateTime is None
        or o.status == WITHDRAWN
        or o.focus is not None
        or o.hasMember is not None
        or o.id is None
    ):
        _grouped(o, patient, to)
    elif not o.component:
        if not _plain(o, o, patient, "Observation/" + o.id, to):
            _grouped(o, patient, to)
    elif len(o.component) > COMPONENTS_MAX or _has_value(o):
        _grouped(o, patient, to)
    else:
        record = "Observation/" + o.id
        for part, suffix in _named(o.component):
            if not _plain(part, o, patient, record + suffix, to):
                _say(part, o, patient, record + suffix, to)
    if patient is not None and o.focus is None:
        _usual(o, patient, to)


def _plain(v: Valued, o: Observation, patient: str, record: str, to: Reading) -> bool:
    """Tell a quantity under one code, if it is no more than that; the rest of the observation is known to be plain."""
    quantity, code = v.valueQuantity, v.code
    if quantity is None or v.dataAbsentReason is not None or code is None or code.coding is None:
        return False
    if len(code.coding) != 1 or not code.coding[0].code:
        return False
    coding, rows, meta = code.coding[0], to.rows, o.meta
    key = (coding.system, coding.code, quantity.system, quantity.code, quantity.unit, o.status, quantity.comparator)
    kind = rows.known.get(key)
    if kind is None:
        kind = _kind(v, o, to)
        if not to.words.chosen(code).if_category:
            rows.known[key] = kind
    spelt = str(quantity.value, "utf-8")
    # What `number` does, save the call.
    value = spelt if spelt != "null" and 0 < len(spelt) <= NUMBER_LENGTH_MAX else number(quantity.value)
    version = None if meta is None else meta.lastUpdated or meta.versionId
    rows.flat += (patient, to.line, kind, value, o.effectiveDateTime, o.issued, record, version)
    return True


def _kind(v: Valued, o: Observation, to: Reading) -> int:
    """All of a value but its number, its times and its names."""
    chosen = to.words.chosen(v.code)
    quantity, status = v.valueQuantity, o.status
    text = None if quantity is not None else _other(v, to)[1]
    if v.dataAbsentReason is not None and status != WITHDRAWN:
        status, text = "absent", to.words.text(v.dataAbsentReason)
    return to.rows.kind(
        Kind(
            system=chosen.system,
            code=chosen.within(o.category),
            comparator=quantity.comparator if quantity is not None else None,
            unit=to.words.unit(quantity) if quantity is not None else None,
            text=text,
            end=_when(o)[1],
            status=status,
            site=spoken([o.bodySite, o.method], to.words),
        )
    )


def _usual(o: Observation, patient: str, to: Reading) -> None:
    """The upper limits of normal that the laboratory prints beside its values."""
    record = f"Observation/{o.id}" if o.id is not None else None
    if o.referenceRange is not NOTHING:
        _upper_limit(o, o, patient, record, to)
    for part, suffix in _named((o.component or [])[:COMPONENTS_MAX]):
        if part.referenceRange is not NOTHING:
            _upper_limit(part, o, patient, record and record + suffix, to)


def _upper_limit(v: Valued, o: Observation, patient: str, record: str | None, to: Reading) -> None:
    """The upper limit of normal of one value, where it is read at all and there is only one."""
    name = f"{to.words.chosen(v.code).quantity}{UPPER_LIMIT}"
    if name not in quantities():
        return
    own = to.words.unit(v.valueQuantity) if v.valueQuantity is not None else None
    ranges = msgspec.json.decode(v.referenceRange, type=list[ReferenceRange] | None) or []
    limits = {
        (number(r.high.value), to.words.unit(r.high) or own)
        for r in ranges[:RANGES_MAX]
        if r.high is not None and (r.type is None or any(c.code == _NORMAL for c in r.type.coding or ()))
    }
    if len(limits) > 1:
        to.refuse("range-unclear", f"{name}: {len(limits)} ranges, and not said which is this patient's", patient)
        return
    for value, unit in limits:
        kind = Kind(quantity=name, unit=unit, end=_when(o)[1], status=o.status)
        named = record and record + "#upper-limit"
        to.say(
            patient, kind, value=value, start=_when(o)[0], reported=o.issued, record=named, version=version_of(o.meta)
        )


def _when(o: Observation) -> tuple[str | None, str | None]:
    """When it was measured."""
    return within(o.effectiveDateTime or o.effectiveInstant, o.effectivePeriod)


def _say(v: Valued, o: Observation, patient: str, record: str | None, to: Reading) -> None:
    """One value of an observation as a statement."""
    if o.focus:
        to.refuse("not-about-patient", "the observation has a focus other than its subject", patient)
        return
    if not to.agreed(to.words.chosen(v.code), patient):
        return
    value = number(v.valueQuantity.value) if v.valueQuantity is not None else _other(v, to)[0]
    if v.dataAbsentReason is not None and o.status != WITHDRAWN:
        value = None
    version = version_of(o.meta)
    reported = o.issued if o.issued or o.status != WITHDRAWN else version
    to.rows.flat += (patient, to.line, _kind(v, o, to), value, _when(o)[0], reported, record, version)


def number(raw: msgspec.Raw) -> str | None:
    """A number as spelt; null is none, and whatever is not a number stays as it is, to be refused."""
    spelt = str(raw, "utf-8")
    if not spelt or spelt == "null":
        return None
    return spelt if len(spelt) <= NUMBER_LENGTH_MAX else spelt[:NUMBER_LENGTH_MAX] + "…"


def _other(v: Valued, to: Reading) -> tuple[str | None, str | None]:
    """A value that is no quantity: a number, or a text."""
    if v.valueCodeableConcept is not None:
        return None, to.words.text(v.valueCodeableConcept)
    if v.valueString is not None:
        return None, v.valueString
    if v.valueBoolean is not None:
        return None, "true" if v.valueBoolean else "false"
    if v.valueDateTime is not None or v.valueTime is not None:
        return None, v.valueDateTime or v.valueTime
    if bytes(v.valueInteger):
        return number(v.valueInteger), None
    for name in ("valueRange", "valueRatio", "valuePeriod", "valueSampledData"):
        if bytes(getattr(v, name)):
            return None, f"({name})"
    return None, None


def _grouped(o: Observation, patient: str | None, to: Reading) -> None:
    """An observation with components, of others, or of nobody."""
    if patient is None:
        to.patient(o.subject)
        return
    record = f"Observation/{o.id}" if o.id is not None else None
    parts = list(o.component or ())
    if len(parts) > COMPONENTS_MAX:
        to.refuse("too-many-components", f"{len(parts)} components, {COMPONENTS_MAX} are read", patient)
        return
    if _has_value(o) or (not parts and (o.dataAbsentReason is not None or not o.hasMember)):
        _say(o, o, patient, record, to)
    for part, suffix in _named(parts):
        if part.dataAbsentReason is None and not _has_value(part):
            part.dataAbsentReason = o.dataAbsentReason
        _say(part, o, patient, record and record + suffix, to)
    if o.status == WITHDRAWN and not parts:
        _withdraw_members(o, patient, record, to)


def _has_value(v: Valued) -> bool:
    """Whether there is any value."""
    return (
        v.valueQuantity is not None
        or v.valueCodeableConcept is not None
        or v.valueString is not None
        or v.valueBoolean is not None
        or v.valueDateTime is not None
        or v.valueTime is not None
        or any(bytes(r) for r in (v.valueInteger, v.valueRange, v.valueRatio, v.valuePeriod, v.valueSampledData))
    )


def _named(parts: list[Valued]) -> Iterator[tuple[Valued, str]]:
    """Components, each with an ending for its record's name that is the same in every version of the panel."""
    met: dict[str, int] = {}
    for part in parts:
        codings = (part.code.coding if part.code else None) or []
        name = next((c.code for c in codings if c.code), "?")
        met[name] = met.get(name, 0) + 1
        yield part, f"#{name}" if met[name] == 1 else f"#{name}.{met[name]}"


def _withdraw_members(o: Observation, patient: str, record: str | None, to: Reading) -> None:
    """A panel taken back without its parts takes them back all the same."""
    chosen = to.words.chosen(o.code)
    version = version_of(o.meta)
    for system, code in chosen.members if record else ():
        to.say(
            patient,
            Kind(system=system, code=code, status=WITHDRAWN),
            start=_when(o)[0],
            reported=o.issued or version,
            record=f"{record}#{code}",
            version=version,
        )
