"""Observations as bulk exports hold them by the million: a quantity under a code, or a panel of such, and no more.

What such a line shares with many others (code, unit, status) is decoded once and then looked up by its bytes. Any line
that says more, or cannot be read, is left to the full reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from leeward.record.fhir.dispatch import UNREADABLE
from leeward.record.fhir.observation import COMPONENTS_MAX, NUMBER_LENGTH_MAX, WITHDRAWN, number
from leeward.record.fhir.reading import Reading
from leeward.record.fhir.resources import NOTHING, Concept, Meta, Part, Quantity, Reference
from leeward.record.fhir.rows import RECORD, WIDTH, Key, Kind, Known
from leeward.record.fhir.words import CACHE_MAX


class PlainPart(Part, forbid_unknown_fields=True, rename="camel"):
    """A component that says one quantity; decoding one that says anything more fails."""

    code: msgspec.Raw
    value_quantity: Quantity
    extension: msgspec.Raw = NOTHING
    id: msgspec.Raw = NOTHING
    interpretation: msgspec.Raw = NOTHING


class PlainObservation(Part, forbid_unknown_fields=True, rename="camel"):
    """An Observation that says one quantity, or a panel of such; decoding one that says anything more fails.

    What is not read of any Observation stands here as it came.
    """

    resource_type: Literal["Observation"]
    id: str
    code: msgspec.Raw
    subject: Reference
    effective_date_time: str
    value_quantity: Quantity | None = None
    component: list[PlainPart] | None = None
    status: str | None = None
    meta: Meta | None = None
    issued: str | None = None
    based_on: msgspec.Raw = NOTHING
    category: msgspec.Raw = NOTHING
    contained: msgspec.Raw = NOTHING
    derived_from: msgspec.Raw = NOTHING
    device: msgspec.Raw = NOTHING
    encounter: msgspec.Raw = NOTHING
    extension: msgspec.Raw = NOTHING
    identifier: msgspec.Raw = NOTHING
    implicit_rules: msgspec.Raw = NOTHING
    interpretation: msgspec.Raw = NOTHING
    language: msgspec.Raw = NOTHING
    note: msgspec.Raw = NOTHING
    part_of: msgspec.Raw = NOTHING
    performer: msgspec.Raw = NOTHING
    specimen: msgspec.Raw = NOTHING
    text: msgspec.Raw = NOTHING


_decode = msgspec.json.Decoder(PlainObservation).decode
_concept = msgspec.json.Decoder(Concept).decode


def tell(lines: Sequence[bytes], begin: int, first: int, to: Reading) -> int:
    """Tell plain lines from `begin` on; the index of the first one that is not, or how many lines there are.

    first: the number, in their file, of the first of all lines.
    """
    flat = to.rows.flat
    for index in range(begin, len(lines)):
        before = len(flat)
        try:
            told = _told(lines[index], first + index, to)
        except UNREADABLE:
            told = False
        if not told:
            del flat[before:]
            return index
    return len(lines)


def _told(line: bytes, number_of_line: int, to: Reading) -> bool:
    """Tell one line, if it is plain."""
    o = _decode(line)
    patient = to.patients.of(o.subject)
    if patient is None:
        return False
    flat, meta, status, record = to.rows.flat, o.meta, o.status, "Observation/" + o.id
    before = len(flat)
    version = None if meta is None else meta.lastUpdated or meta.versionId
    for part in o.component or (o,):
        q = part.value_quantity
        if q is None:
            return False
        # Inline, because it is done for every value of a bulk export.
        key = bytes(part.code), q.code, q.unit, q.system, q.comparator, status
        known = to.rows.plain.get(key) or _learn(key, part.code, q, to)
        if known is None:
            return False
        spelt = str(q.value, "utf-8")
        value = spelt if spelt != "null" and 0 < len(spelt) <= NUMBER_LENGTH_MAX else number(q.value)
        named = record if part is o else record + known[1]
        flat += (patient, number_of_line, known[0], value, o.effective_date_time, o.issued, named, version)
    return not o.component or _is_panel(o, flat[before + RECORD :: WIDTH])


def _is_panel(o: PlainObservation, records: list[str | int | None]) -> bool:
    """Whether all parts have names of their own, there are not too many, and there is no other value."""
    return o.value_quantity is None and len(set(records)) == len(records) <= COMPONENTS_MAX


def _learn(key: Key, code: msgspec.Raw, quantity: Quantity, to: Reading) -> Known | None:
    """The kind of a value and the name of its code, remembered; None where a code is not so plain."""
    try:
        concept = _concept(code)
    except UNREADABLE:
        return None
    chosen, status = to.words.chosen(concept), key[-1]
    if chosen.disagree or chosen.if_category or status == WITHDRAWN:
        return None
    unit = to.words.unit(quantity)
    kind = Kind(system=chosen.system, code=chosen.code, comparator=quantity.comparator, unit=unit, status=status)
    if len(to.rows.plain) >= CACHE_MAX:
        to.rows.plain.clear()
    to.rows.plain[key] = known = to.rows.kind(kind), "#" + next((c.code for c in concept.coding or () if c.code), "?")
    return known
