"""What is on record of what a request speaks of: which version each resource of it is, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from leeward.record.fhir.dispatch import KEPT
from leeward.record.fhir.people import Patients
from leeward.ward.fhir import posted as p
from leeward.ward.fhir.outcomes import Issue, unfit
from leeward.ward.fhir.wishes import Item
from leeward.ward.resources import Kept, Resources, Version, newest

TAKEN_BACK = "entered-in-error"
_SHELVED = ("medicationReference", "device", "itemReference", "location", "partOf", "ingredient")


class Shelf:
    """What is on record of what a request speaks of, and what it will be."""

    def __init__(self, resources: Resources, items: Sequence[Item], now: datetime, numbers: str = "") -> None:
        """`numbers`: the system of identifiers by which two Patients are one person without a link."""
        self._resources, self._now, self._numbers = resources, now, numbers
        self._versions: dict[tuple[str, str], list[Kept]] = {
            name: list(found) for name, found in resources.histories((i.wish.kind, i.id) for i in items if i.id).items()
        }
        wanted = {name for item in items if item.posted for name in _mentions(item.posted.said)}
        self._behind = self._referred(wanted)

    def _referred(self, wanted: set[str]) -> dict[str, Version]:
        """Medications, devices and places that are referred to, and those that these refer to."""
        found: dict[str, Version] = {}
        while wanted:
            names = [(kind, id_) for kind, _, id_ in (one.partition("/") for one in wanted) if kind in KEPT]
            new = [one for one in (newest(held) for held in self._resources.histories(names).values()) if one]
            found |= {one.reference: one for one in new}
            wanted = {name for one in new for name in _mentions(p.read(one.body))} - set(found)
        return found

    def behind(self) -> list[tuple[str, bytes]]:
        """What is referred to and is on record, by reference; what this request brings anew is left out."""
        return [
            (name, one.body) for name, one in sorted(self._behind.items())
            if len(self._versions.get((one.kind, one.id), ())) <= one.version and one.kind != "Patient"
        ]  # fmt: skip

    def find(self, reference: str) -> dict[str, Any] | None:
        """A resource that is referred to, as it will be."""
        kind, _, id_ = reference.partition("/")
        held = newest(self._versions.get((kind, id_), ())) or self._behind.get(reference)
        held = held or self._resources.current(kind, id_)
        return p.read(held.body) if held is not None else None

    def now(self, kind: str, patient: str) -> list[dict[str, Any]]:
        """Everything of a type that will be a patient's."""
        held: dict[str, Kept] = {one.id: one for one in self._resources.of_patients(kind, [patient])}
        for (of, id_), versions in self._versions.items():
            last = newest(versions)
            if of == kind and last is not None and last.patient == patient:
                held[id_] = last
        return [p.read(one.body) for one in held.values() if not one.deleted]

    def placed(self, item: Item) -> None:
        """Find out which version of what it is, and whether it is new. Raises Unfit."""
        assert item.id is not None
        versions = self._versions.setdefault((item.wish.kind, item.id), [])
        before = newest(versions)
        if item.existing is not None:
            return
        _match(item.wish.if_match, before)
        if before is not None and before.patient != item.patient:
            says = "It is another patient's on record. No resource moves from one patient to another."
            raise unfit(409, "business-rule", says, f"{item.wish.kind}.subject")
        item.before = before if isinstance(before, Version) else item.before
        if item.posted is None:
            self._taken_back(item, versions)
            return
        _one_person(item)
        same = p.digest(item.posted.said)
        own = p.version(item.posted)
        again = next((v for v in versions if v.digest == same and (own is not None or v is before)), None)
        if again is not None and not (own is None and again.deleted):
            item.existing = again
            return
        self._put(item, versions, own, same)

    def _put(self, item: Item, versions: list[Kept], own: str | None, same: bytes) -> None:
        """A new version, in its place among the others."""
        assert item.posted is not None
        assert item.id is not None
        before = newest(versions)
        taken = own is None or any(one.ordered == own for one in versions)
        ordered = _after(before, self._now) if taken or own is None else own
        item.newest = before is None or ordered >= before.ordered
        if not item.newest:
            says = "Older than the version on record by its own time; kept in the history."
            item.issues = [Issue("informational", says, severity="information")]
        item.reading = _timed(item.posted, ordered if taken or not _has_version(item.posted) else None)
        body = _trimmed(item.posted) if item.posted.kind == "Patient" else item.posted.body
        item.kept = Kept(
            kind=item.wish.kind, id=item.id, version=len(versions) + 1, ordered=ordered, digest=same, body=body,
            patient=item.patient, identifiers=p.identifiers(item.posted),
        )  # fmt: skip
        if item.wish.kind == "Patient" and item.newest and "link" not in item.posted.said:
            item.issues = [*item.issues, *self._namesakes(item.id, item.kept.identifiers)]
        versions.append(item.kept)

    def _namesakes(self, id_: str, identifiers: Sequence[str]) -> list[Issue]:
        """That another Patient bears an identifier of this one: two records of one person are graded apart."""
        apart = [name for name in identifiers if not (self._numbers and name.startswith(f"{self._numbers}|"))]
        others = [one for name in apart for one in self._resources.named("Patient", name) if one.id != id_]
        if not any(not one.deleted for one in others):
            return []
        says = (
            "Another Patient on record bears an identifier of this one. They are graded as two persons until "
            "Patient.link says which of them replaces the other."
        )
        return [Issue("duplicate", says, "Patient.identifier", severity="warning", reason="duplicate-identifier")]

    def _taken_back(self, item: Item, versions: list[Kept]) -> None:
        """A version that takes the resource back."""
        before = newest(versions)
        assert before is not None
        assert item.id is not None
        if before.deleted:
            item.existing = before
            return
        posted = p.parsed(before.body)
        name = "verificationStatus" if posted.kind == "Condition" else "status"
        coded = {"coding": [{"code": TAKEN_BACK}]} if name == "verificationStatus" else TAKEN_BACK
        posted.put(name, coded)
        ordered = _after(before, self._now)
        item.reading = _timed(posted, ordered)
        item.kept = Kept(
            kind=posted.kind, id=item.id, version=len(versions) + 1, ordered=ordered, digest=p.digest(posted.said),
            body=posted.body, patient=item.patient, deleted=True,
        )  # fmt: skip
        versions.append(item.kept)

    def supported(self, item: Item) -> None:
        """Raises Unfit where what it rests on is not on record: without it the resource cannot be understood."""
        if item.posted is None or item.kept is None:
            return
        for name in _mentions(item.posted.said, needed=True):
            kind, _, id_ = name.partition("/")
            if kind in KEPT and not self._versions.get((kind, id_)) and name not in self._behind:
                says = f"The {kind} it refers to is not on record: send it before, or in the same transaction."
                raise unfit(422, "not-found", says, item.wish.kind)


def _mentions(said: Any, *, needed: bool = False) -> set[str]:
    """Medications, devices and places that a resource refers to. needed: only those without which it says nothing."""
    made: set[str] = set()
    for name, held in said.items() if isinstance(said, dict) else ():
        if name not in _SHELVED:
            continue
        for one in held if isinstance(held, list) else [held]:
            if isinstance(one, dict):
                reference = one.get("reference")
                if isinstance(reference, str) and not (needed and (one.get("display") or name == "partOf")):
                    made.add(reference)
                made |= _mentions(one, needed=needed)
    return {one for one in made if one.partition("/")[0] in KEPT}


def _match(said: str | None, before: Kept | None) -> None:
    """Raises Unfit where another version is on record than the sender has seen."""
    if said is not None and (before is None or said not in (f'W/"{before.version}"', f'"{before.version}"', "*")):
        raise unfit(412, "conflict", "Another version is on record than If-Match names.")


def _one_person(item: Item) -> None:
    """Raises Unfit where a Patient says to be another person than the one on record under this id."""
    if item.wish.kind != "Patient" or item.before is None or item.posted is None:
        return
    known, decoder = Patients(), KEPT["Patient"][0]
    known.meet(decoder.decode(item.before.body), None)
    if known.meet(decoder.decode(item.posted.body), None)[1] is not None:
        says = "Another person is on record under this id. Say who replaces whom with Patient.link."
        raise unfit(409, "business-rule", says, "Patient.identifier")


def _after(before: Kept | None, now: datetime) -> str:
    """A version of ours: now, or just after the one on record where the sender's clock is ahead of ours."""
    said = p.stamp(now)
    if before is None or said > before.ordered:
        return said
    try:
        return p.stamp(datetime.fromisoformat(before.ordered) + timedelta(microseconds=1))
    except ValueError:
        return f"{before.ordered}~"


def _has_version(one: p.Posted) -> bool:
    meta = one.said.get("meta")
    return isinstance(meta, dict) and bool(meta.get("lastUpdated") or meta.get("versionId"))


def _timed(one: p.Posted, ordered: str | None) -> bytes:
    """The body as it is read, under a version of ours where the sender gave none that tells it from others."""
    if ordered is None:
        return one.body
    meta = one.said.get("meta")
    meta = {**(meta if isinstance(meta, dict) else {}), "lastUpdated": ordered}
    return msgspec.json.encode(one.parts | {"meta": meta})


def _trimmed(one: p.Posted) -> bytes:
    """A Patient without name, address, telephone and picture, marked as such."""
    kept = p.known().kept_of_patient.elements
    meta = one.said.get("meta")
    meta = dict(meta) if isinstance(meta, dict) else {}
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    meta["tag"] = [held for held in meta.get("tag") or () if held != tag] + [tag]
    return msgspec.json.encode({name: held for name, held in one.parts.items() if name in kept} | {"meta": meta})
