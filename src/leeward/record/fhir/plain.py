"""Observations as bulk exports hold them by the million: a quantity under a code, or a panel of such, and no more.

What such a line shares with many others (whose it is, code, quantity, status) is decoded once and then looked up by its
bytes. Any line that says more, or cannot be read, is left to the full reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from leeward.knowledge.vocabulary import quantities
from leeward.record.fhir.dispatch import UNREADABLE
from leeward.record.fhir.observation import COMPONENTS_MAX, UPPER_LIMIT, WITHDRAWN, number
from leeward.record.fhir.reading import Reading
from leeward.record.fhir.resources import NOTHING, Concept, Meta, Part, Quantity, Reference
from leeward.record.fhir.rows import PLAIN_MAX, Kind, Known

Never = Annotated[int, msgspec.Meta(ge=1, le=0)]


class PlainPart(Part, rename="camel", kw_only=True):
    """A component that says one quantity; decoding one that says anything more fails.

    What is read of any component stands here; the fields of type None may be there, and be null.
    """

    code: msgspec.Raw
    value_quantity: msgspec.Raw
    value_codeable_concept: None = None
    value_string: None = None
    value_boolean: None = None
    value_time: None = None
    value_date_time: None = None
    data_absent_reason: None = None
    reference_range: None = None


class PlainObservation(Part, rename="camel", kw_only=True):
    """An Observation that says one quantity, or a panel of such; decoding one that says anything more fails.

    What is read of any Observation stands here; the fields of type None may be there, and be null. They stand in the
    order of the standard, in which most records have them: so each is found at once.
    """

    resource_type: Literal["Observation"]
    id: str
    meta: Meta | None = None
    status: msgspec.Raw = NOTHING
    code: msgspec.Raw
    subject: Reference
    focus: None = None
    effective_date_time: str
    effective_period: None = None
    effective_instant: None = None
    issued: str | None = None
    value_quantity: msgspec.Raw = NOTHING
    value_codeable_concept: None = None
    value_string: None = None
    value_boolean: None = None
    value_integer: Never = 0
    value_range: Never = 0
    value_ratio: Never = 0
    value_sampled_data: Never = 0
    value_time: None = None
    value_date_time: None = None
    value_period: Never = 0
    data_absent_reason: None = None
    body_site: None = None
    method: None = None
    reference_range: msgspec.Raw = NOTHING
    has_member: None = None
    component: list[PlainPart] | None = None


_decode = msgspec.json.Decoder(PlainObservation).decode
_concept = msgspec.json.Decoder(Concept).decode
_quantity = msgspec.json.Decoder(Quantity).decode
_status = msgspec.json.Decoder(str | None).decode
_whole = b"".join


def tell(lines: Sequence[bytes], begin: int, first: int, to: Reading) -> int:
    """Tell plain lines from `begin` on; the index of the first one that is not, or how many lines there are.

    first: the number, in their file, of the first of all lines.
    """
    flat, plain, patients = to.rows.flat, to.rows.plain, to.patients.by_reference
    place = first + begin
    try:
        for line in lines[begin:] if begin else lines:
            o = _decode(line)
            patient = patients.get(o.subject.reference) or to.patients.of(o.subject)
            if patient is None:
                break
            if o.component:
                if not _panel(o, patient, place, to):
                    break
            else:
                # Inline, because it is done for every line of a bulk export.
                known = plain.get(_whole((o.code, o.value_quantity, o.status))) or _learn(o, o, to)
                if known is None or (known[2] and o.reference_range is not NOTHING):
                    break
                meta = o.meta
                version = None if meta is None else meta.lastUpdated or meta.versionId
                record = "Observation/" + o.id
                flat += (patient, place, known[0], known[1], o.effective_date_time, o.issued, record, version)
            place += 1
    except UNREADABLE:
        pass
    return place - first


def _panel(o: PlainObservation, patient: str, line: int, to: Reading) -> bool:
    """Tell the parts of a panel, if they have names of their own, are not too many, and there is no other value."""
    parts = o.component or []
    if len(parts) > COMPONENTS_MAX or bytes(o.value_quantity) not in (b"", b"null") or o.reference_range is not NOTHING:
        return False
    if bytes(o.code) not in to.rows.panels:
        _meet_panel(bytes(o.code), to.rows.panels)
    plain, status, start, reported = to.rows.plain, o.status, o.effective_date_time, o.issued
    record, version = "Observation/" + o.id, None if o.meta is None else o.meta.lastUpdated or o.meta.versionId
    told: list[str | int | None] = []
    names = set()
    for part in parts:
        known = plain.get(_whole((part.code, part.value_quantity, status))) or _learn(part, o, to)
        if known is None:
            return False
        kind, value, _, name = known
        names.add(name)
        told += (patient, line, kind, value, start, reported, record + name, version)
    if len(names) == len(parts):
        to.rows.flat += told
    return len(names) == len(parts)


def _meet_panel(code: bytes, met: set[bytes]) -> None:
    """The code of a panel is not read; that it can be is found out once."""
    _concept(code)
    if len(met) >= PLAIN_MAX:
        met.clear()
    met.add(code)


def _learn(v: PlainPart | PlainObservation, o: PlainObservation, to: Reading) -> Known | None:
    """What a value says, remembered by the bytes it depends on; None where it is not so plain."""
    try:
        concept, quantity = _concept(v.code), _quantity(v.value_quantity)
        status = _status(o.status) if o.status is not NOTHING else None
    except UNREADABLE:
        return None
    chosen = to.words.chosen(concept)
    if chosen.disagree or chosen.if_category or status == WITHDRAWN:
        return None
    unit = to.words.unit(quantity)
    kind = Kind(system=chosen.system, code=chosen.code, comparator=quantity.comparator, unit=unit, status=status)
    if len(to.rows.plain) >= PLAIN_MAX:
        to.rows.plain.clear()
    name = "#" + next((c.code for c in concept.coding or () if c.code), "?")
    known = to.rows.kind(kind), number(quantity.value), f"{chosen.quantity}{UPPER_LIMIT}" in quantities(), name
    to.rows.plain[_whole((v.code, v.value_quantity, o.status))] = known
    return known
