"""What all resources of ours share: whose they are, as known when, by which ids and code systems, made by whom."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from leeward.cohort.answer import Because
from leeward.knowledge import BadKnowledge, load
from leeward.ward.fhir.posted import ID, stamp
from leeward.ward.look import Look
from leeward.ward.resources import Resources
from leeward.ward.rows import microseconds, moment

if TYPE_CHECKING:
    from leeward.ward.world import World

Resource = dict[str, Any]
CATEGORY, SCALE, SCORE, BOUND, ISSUE = (
    f"urn:leeward:{name}" for name in ("category", "scale", "score", "bound", "issue")
)
"""Code systems of our own (docs/fhir.md)."""
GRADE = "leeward-grade"
STANDING = "What published sources make of the findings on record, for a professional's review. No alarm, no order."
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
DEVICE = "leeward"
KINDS = {"Observation": "o", "RiskAssessment": "r", "DetectedIssue": "d", "Finding": "f"}
"""What can be read again by id, and the letter of each in its id; a finding is an Observation that is no grade."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID = re.compile(r"lw(p?)([ordf])\.([a-z0-9.\-]{1,22})\.([0-9a-f]{24})\.([0-9a-z]{10})")
_WHAT_MOST = 22


class Named(msgspec.Struct, frozen=True):
    """What an id of ours says: which resource (or the provenance of which), of whom, as known when."""

    of_provenance: bool
    kind: str
    what: str
    handle: str
    at: datetime


class Course(msgspec.Struct, frozen=True):
    """A patient as seen at a moment."""

    look: Look
    handle: str
    subject: Resource
    home: str

    def id(self, kind: str, what: str, *, provenance: bool = False) -> str:
        """The id of a resource, from which the same can be worked out again."""
        return f"lw{'p' * provenance}{KINDS[kind]}.{short(what)}.{self.handle}.{spelt(self.look.at)}"

    @property
    def at(self) -> str:
        """The moment, as FHIR spells it."""
        return stamp(self.look.at)


def course(world: World, patient: str, home: str, at: datetime | None = None, *, plan: bool = False) -> Course:
    """A patient as known at a moment, or now."""
    look = world.grader.look(patient, known_at=at or world.clock.now(), plan=plan)
    handle = world.store.handle_of(patient) or ""
    return Course(look, handle, subject(Resources(world.engine), patient, handle), home)


def subject(resources: Resources, patient: str, handle: str) -> Resource:
    """A reference to a patient: by the sender's id where they came as a resource, else by handle."""
    known = bool(ID.fullmatch(patient)) and bool(resources.history("Patient", patient))
    return {"reference": f"Patient/{patient if known else handle}", "type": "Patient"}


def short(what: str) -> str:
    """A name as it stands in an id."""
    if len(what) <= _WHAT_MOST and re.fullmatch(r"[a-z0-9.\-]+", what):
        return what
    return blake2b(what.encode(), digest_size=8).hexdigest()


def spelt(at: datetime) -> str:
    """A moment in ten letters."""
    number, made = microseconds(at), ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        made = _DIGITS[digit] + made
    return made.zfill(10)


def named(id_: str) -> Named | None:
    """What an id of ours says; None of any other."""
    found = _ID.fullmatch(id_)
    if found is None:
        return None
    kind = next(kind for kind, letter in KINDS.items() if letter == found[2])
    return Named(bool(found[1]), kind, found[3], found[4], moment(int(found[5], len(_DIGITS))))


def maker(edition: str) -> Resource:
    """Who made a resource."""
    return {"reference": f"Device/{DEVICE}", "display": f"Leeward, knowledge edition {edition}"}


def device(edition: str) -> Resource:
    """Ourselves."""
    return {
        "resourceType": "Device", "id": DEVICE, "status": "active", "manufacturer": "Leeward",
        "deviceName": [{"name": "Leeward", "type": "user-friendly-name"}],
        "version": [{"type": {"text": "software"}, "value": version("leeward")},
                    {"type": {"text": "knowledge edition"}, "value": edition}],
        "note": [{"text": STANDING}],
    }  # fmt: skip


class _Titled(msgspec.Struct):
    title: str


@cache
def title(name: str) -> str:
    """What a scale or score is called; one without a file of its own goes by its name."""
    for file in (f"scales/{name}", f"scales/{name}-crs"):
        try:
            return str(load(file, _Titled).title)
        except BadKnowledge:
            continue
    return name


def rests_on(because: Because) -> Resource:
    """A finding behind an answer: the resource it came from, or what it is in words."""
    value = "" if because.value is None else f" {because.value}{f' {because.unit}' if because.unit else ''}"
    said = f"{because.quantity}{value} at {stamp(because.at)}"
    return {"reference": because.place, "display": said} if is_resource(because.place) else {"display": said}


def is_resource(place: str | None) -> bool:
    """Whether a finding came by FHIR, so that its place is a resource."""
    kind, _, id_ = (place or "").partition("/")
    return kind[:1].isupper() and kind.isalpha() and bool(ID.fullmatch(id_))


def coded(system: str, code: str, text: str | None = None) -> Resource:
    """A concept of a code system."""
    made: Resource = {"coding": [{"system": system, "code": code}]}
    return made | ({"text": text} if text else {})


def utc(at: datetime) -> str:
    """A moment, as FHIR spells it."""
    return stamp(at.astimezone(UTC))
