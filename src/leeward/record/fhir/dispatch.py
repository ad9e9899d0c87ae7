"""One resource, of whatever type, or one Bundle of them, to the reader of its type."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from leeward.record.fhir import care, medication, observation, resources
from leeward.record.fhir.reading import Reading

ENTRIES_MAX = 1_000_000
"""Entries in one Bundle."""
NESTED_MAX = 8
"""Bundles inside one another."""

_BUNDLE_KIND = "Bundle"
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b')

Read = Callable[[Any, Reading], None]
Keep = Callable[[Any, str | None, Reading], None]
Decoder = msgspec.json.Decoder[Any]

READ: dict[str, tuple[Decoder, Read]] = {
    "Observation": (msgspec.json.Decoder(resources.Observation), observation.read),
    "MedicationAdministration": (msgspec.json.Decoder(resources.MedicationAdministration), medication.given),
    "MedicationRequest": (msgspec.json.Decoder(resources.MedicationRequest), medication.ordered),
    "Procedure": (msgspec.json.Decoder(resources.Procedure), care.procedure),
    "Condition": (msgspec.json.Decoder(resources.Condition), care.condition),
    "DeviceUseStatement": (msgspec.json.Decoder(resources.DeviceUseStatement), care.device_used),
    "Encounter": (msgspec.json.Decoder(resources.Encounter), care.stay),
}
"""Resources that make statements about a patient."""

KEPT: dict[str, tuple[Decoder, Keep]] = {
    "Patient": (msgspec.json.Decoder(resources.Patient), care.person),
    "Medication": (msgspec.json.Decoder(resources.Medication), medication.keep),
    "Device": (msgspec.json.Decoder(resources.Device), care.keep_device),
    "Location": (msgspec.json.Decoder(resources.Location), care.keep_location),
}
"""Resources that others refer to; they are read before the others, in this order."""

UNREADABLE = (ValueError, RecursionError)
"""What decoding raises: not JSON, not UTF-8, not the shape of its type, or nested without end."""

_HEAD = msgspec.json.Decoder(resources.Head)
_BUNDLE = msgspec.json.Decoder(resources.Bundle)


def any_resource(text: bytes | msgspec.Raw, address: str | None, to: Reading) -> str | None:
    """Read one resource or Bundle of any type; its type, or None if it is unreadable (and refused)."""
    before = len(to.rows.flat)
    text = quoted_no_numbers(text)
    try:
        kind = _HEAD.decode(text).resourceType
        if kind == _BUNDLE_KIND:
            to.patients.enter_bundle()
            to.shelf.enter_bundle()
            _bundle(_BUNDLE.decode(text), to, 1)
        else:
            _one(kind, text, address, to)
    except UNREADABLE as error:
        del to.rows.flat[before:]  # not half of a resource
        to.refuse("line-unreadable", why(error))
        return None
    return kind


def quoted_no_numbers(text: bytes | msgspec.Raw) -> bytes | msgspec.Raw:
    """NaN and Infinity, which no JSON has, as texts: then one value is no number, and not a whole Bundle unreadable."""
    if not isinstance(text, bytes) or (b"NaN" not in text and b"Infinity" not in text):
        return text
    return _NO_NUMBER.sub(lambda found: found[0] if found[0][:1] == b'"' else b'"' + found[0] + b'"', text)


def why(error: BaseException) -> str:
    """Why something is unreadable, without a word of what it says."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _one(kind: str, text: bytes | msgspec.Raw, address: str | None, to: Reading) -> None:
    """One resource that is no Bundle."""
    if kind in READ:
        decoder, read = READ[kind]
        read(_named(decoder.decode(text), address), to)
    elif kind in KEPT:
        decoder, keep = KEPT[kind]
        keep(decoder.decode(text), address, to)
    else:
        to.unread[kind] += 1


def _named(resource: Any, address: str | None) -> Any:
    """A resource without id that stands in a Bundle goes by the end of its address."""
    if resource.id is None and address is not None:
        resource.id = address.replace("/", ":").rsplit(":", 1)[-1]
    return resource


def _bundle(bundle: resources.Bundle, to: Reading, depth: int) -> None:
    """A Bundle: first what others refer to, then the rest, each entry under its own number; Bundles in it at last."""
    line, where = to.line, to.rows.where
    entries = bundle.entry or []
    if len(entries) > ENTRIES_MAX:
        to.refuse("file-too-large", f"a Bundle of {len(entries)} entries; {ENTRIES_MAX} are read")
    if any(link.relation == "next" for link in bundle.link or ()):
        to.refuse("bundle-incomplete", "a page of a search result; the next pages are not in it")
    to.rows.stand("entry" if where == "document" else f"{where} {line} entry")
    kinds: dict[str, list[int]] = {}
    for number, entry in enumerate(entries[:ENTRIES_MAX]):
        kinds.setdefault(_kind(entry), []).append(number)
    inside = kinds.pop(_BUNDLE_KIND, [])
    others = [number for kind, numbers in kinds.items() if kind not in KEPT for number in numbers]
    for number in [*(number for kind in KEPT for number in kinds.get(kind, ())), *sorted(others)]:
        to.line = number + 1
        _entry(entries[number], to)
    for number in inside:
        to.line = number + 1
        _nested(entries[number], to, depth + 1)
    to.line = line
    to.rows.stand(where)


def _nested(entry: resources.Entry, to: Reading, depth: int) -> None:
    """A Bundle that is an entry of another: a page of a search in a batch's answer, a document in a message."""
    if depth > NESTED_MAX:
        to.refuse("bundle-too-deep", f"more than {NESTED_MAX} Bundles inside one another")
        return
    try:
        bundle = _BUNDLE.decode(entry.resource)
    except UNREADABLE as error:
        to.refuse("line-unreadable", why(error))
        return
    with to.patients.inside(), to.shelf.inside():
        _bundle(bundle, to, depth)


def meet_patients(text: bytes | msgspec.Raw, to: Reading, depth: int = 1) -> None:
    """Learn who is in a Bundle before anything of it is read; what is unreadable is refused later."""
    with suppress(*UNREADABLE):
        for entry in _BUNDLE.decode(quoted_no_numbers(text)).entry or ():
            kind = _kind(entry)
            if kind == "Patient":
                with suppress(*UNREADABLE):
                    to.patients.meet(KEPT["Patient"][0].decode(entry.resource), entry.fullUrl)
            elif kind == _BUNDLE_KIND and depth < NESTED_MAX:
                meet_patients(entry.resource, to, depth + 1)


def _kind(entry: resources.Entry) -> str:
    """The type of an entry's resource; nothing where it has none or is unreadable."""
    try:
        return _HEAD.decode(entry.resource).resourceType if bytes(entry.resource) else ""
    except UNREADABLE:
        return ""


def _entry(entry: resources.Entry, to: Reading) -> None:
    """One entry; one without a resource (an answer, a deletion) says nothing about a patient."""
    before = len(to.rows.flat)
    try:
        if bytes(entry.resource):
            _one(_HEAD.decode(entry.resource).resourceType, entry.resource, entry.fullUrl, to)
        else:
            to.unread["entry without resource"] += 1
    except UNREADABLE as error:
        del to.rows.flat[before:]
        to.refuse("line-unreadable", why(error))
