"""One resource as it was sent: taken apart, checked as far as it is read, put together without a changed digit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import Any

import msgspec

from leeward.knowledge.loader import Evidence, load
from leeward.record.fhir.dispatch import KEPT, READ
from leeward.ward.fhir import shapes
from leeward.ward.fhir.outcomes import Issue, Unfit, unfit

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
KINDS = (*KEPT, *READ)
"""Types that are taken in; those without a patient first, because others refer to them."""
WHOSE = tuple(READ)
"""Types that say something about a patient, who is their subject."""
_REFERENCE = re.compile(rb'("reference"\s*:\s*)("(?:[^"\\]|\\.)*")')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
Raw = msgspec.Raw


class KeptOf(msgspec.Struct, frozen=True):
    """Which elements are kept, and why no others."""

    elements: tuple[str, ...]
    why: str


class Stays(msgspec.Struct, frozen=True):
    """Which encounters place a patient, and which kinds of place are a unit or a bed."""

    classes: tuple[str, ...]
    present: tuple[str, ...]
    gone: tuple[str, ...]
    units: tuple[str, ...]
    beds: tuple[str, ...]
    why: str


class Known(msgspec.Struct, frozen=True):
    """knowledge/formats/fhir-door.toml."""

    evidence: Evidence
    where: str
    checked: Any
    every: tuple[str, ...]
    elements: dict[str, tuple[str, ...]]
    kept_of_patient: KeptOf
    stays: Stays


@cache
def known() -> Known:
    """What FHIR's definitions say of the types that are taken in."""
    made: Known = load("formats/fhir-door", Known)
    return made


class Posted(msgspec.Struct, kw_only=True):
    """A resource that was sent. parts: its elements as they were spelt. said: the same, read; numbers are text."""

    kind: str
    id: str | None
    parts: dict[str, Raw]
    said: dict[str, Any]

    @property
    def body(self) -> bytes:
        """The resource, each element as it was spelt."""
        return msgspec.json.encode(self.parts)

    def put(self, name: str, value: Any) -> None:
        """Say an element anew."""
        self.parts[name] = Raw(msgspec.json.encode(value))
        self.said[name] = value


def parsed(body: bytes, extra: str = "") -> Posted:
    """A resource from its bytes. Raises Unfit: no JSON, a name twice, none of a type that is taken in (or `extra`)."""
    said = read(body)
    kind = said.get("resourceType")
    if not isinstance(kind, str):
        raise unfit(400, "structure", "There is no resourceType.", "resourceType")
    if kind not in (*KINDS, extra or None):
        raise unfit(
            404, "not-supported", "Resources of this type are not taken in; /fhir/metadata lists those that are."
        )
    parts = msgspec.json.decode(body, type=dict[str, Raw])
    _check(kind, said, body)
    named = said.get("id")
    return Posted(kind=kind, id=named, parts={name: Raw(bytes(held)) for name, held in parts.items()}, said=said)


def read(body: bytes) -> dict[str, Any]:
    """JSON as objects whose numbers are text, so that none is rounded. Raises Unfit."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            raise unfit(400, "structure", "A name stands twice in one object.")
        return made

    try:
        said = json.loads(body, object_pairs_hook=members, parse_float=str, parse_int=str, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise unfit(400, "structure", "This is not JSON.") from None
    if not isinstance(said, dict):
        raise unfit(400, "structure", "A resource is one JSON object.")
    return said


def _no_number(_said: str) -> None:
    raise ValueError


def _check(kind: str, said: dict[str, Any], body: bytes) -> None:
    """Raises Unfit where a resource cannot be read, or says something that would change its meaning unread."""
    allowed = {*known().every, *known().elements[kind]}
    strange = [name for name in said if name.removeprefix("_") not in allowed]
    if strange:
        says = f"FHIR R4 has no such element in {kind}."
        raise Unfit(422, *(Issue("structure", says, _place(kind, name)) for name in strange))
    if "implicitRules" in said:
        raise unfit(422, "not-supported", "Rules that stand elsewhere are not followed.", f"{kind}.implicitRules")
    modifiers = list(_modifiers(said, kind))
    if modifiers:
        says = "A modifier extension that is not known here changes what the resource means."
        raise Unfit(422, *(Issue("extension", says, at) for at in modifiers))
    if "id" in said and not (isinstance(said["id"], str) and ID.fullmatch(said["id"])):
        raise unfit(400, "value", "An id has 1 to 64 letters, digits, dots and hyphens.", f"{kind}.id")
    _decoded(kind, body)


def _place(kind: str, name: str) -> str:
    """An element as an expression; a name that is none of FHIR's shape is not repeated."""
    return f"{kind}.{name}" if re.fullmatch(r"_?[A-Za-z][A-Za-z0-9]{0,63}", name) else kind


def _decoded(kind: str, body: bytes) -> None:
    """Raises Unfit where an element that is read has another shape than FHIR gives it."""
    decoder = (READ.get(kind) or KEPT.get(kind) or (None,))[0]
    try:
        shapes.check(kind, body)
        if decoder is not None:
            decoder.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        at = re.search(r"`\$([^`]*)`", str(error))
        place = re.sub(r"\[\.\.\.\]", "", at[1]) if at else ""
        raise unfit(422, "structure", "An element has another shape than FHIR R4 gives it.", f"{kind}{place}") from None


def _modifiers(held: Any, at: str) -> Iterator[str]:
    """Where modifier extensions stand."""
    if isinstance(held, dict):
        for name, inside in held.items():
            if name == "modifierExtension" and inside:
                yield f"{at}.{name}"
            elif isinstance(inside, dict | list):
                yield from _modifiers(inside, f"{at}.{name}" if name.isalnum() else at)
    elif isinstance(held, list):
        for number, inside in enumerate(held):
            yield from _modifiers(inside, f"{at}[{number}]")


def rewritten(body: bytes, meant: Callable[[str], str]) -> bytes:
    """A body with each of its references as `meant` says it."""

    def one(found: re.Match[bytes]) -> bytes:
        said = json.loads(found[2])
        return found[1] + json.dumps(meant(said)).encode() if meant(said) != said else found[0]

    return _REFERENCE.sub(one, body)


def references(held: Any) -> Iterator[str]:
    """Every reference in a resource."""
    if isinstance(held, dict):
        said = held.get("reference")
        if isinstance(said, str):
            yield said
        for inside in held.values():
            yield from references(inside)
    elif isinstance(held, list):
        for inside in held:
            yield from references(inside)


def relative(reference: str, servers: tuple[str, ...]) -> str:
    """A reference without the address of a server whose ids are ours, and without a version."""
    for server in servers:
        if reference.startswith(f"{server.rstrip('/')}/"):
            reference = reference[len(server.rstrip("/")) + 1 :]
    return reference.partition("/_history/")[0]


def subject(one: Posted) -> str | None:
    """The id of the patient whom a resource is about; nothing for what is about nobody. Raises Unfit."""
    if one.kind == "Patient":
        return one.id
    if one.kind not in WHOSE:
        return None
    at = f"{one.kind}.subject"
    said = one.said.get("subject")
    spelt = said.get("reference") if isinstance(said, dict) else None
    if not isinstance(spelt, str):
        raise unfit(422, "required", "It does not say whose it is: a subject with a reference to a Patient.", at)
    kind, _, named = spelt.partition("/")
    if kind != "Patient" or not ID.fullmatch(named):
        says = "The subject is no Patient of this service, or stands under another server's address."
        raise unfit(422, "value", says, f"{at}.reference")
    return named


def identifiers(one: Posted) -> tuple[str, ...]:
    """Every identifier as system|value."""
    said = one.said.get("identifier")
    listed = said if isinstance(said, list) else [said] if isinstance(said, dict) else []
    made = [f"{held.get('system') or ''}|{held['value']}" for held in listed
            if isinstance(held, dict) and isinstance(held.get("value"), str)]  # fmt: skip
    return tuple(dict.fromkeys(made))


def version(one: Posted) -> str | None:
    """The sender's own version, spelt so that a newer one sorts behind; nothing where none is told."""
    meta = one.said.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    said = meta.get("lastUpdated") or meta.get("versionId") or one.said.get("issued")
    return ordered(said) if isinstance(said, str) else None


def is_instant(said: Any) -> bool:
    """Whether something is a moment with an offset, as FHIR spells it."""
    try:
        return isinstance(said, str) and bool(_TIME.fullmatch(said) and datetime.fromisoformat(said))
    except ValueError:
        return False


def ordered(said: str) -> str:
    """A version that sorts: a time in UTC to the microsecond, a number padded, anything else as it is."""
    if _TIME.fullmatch(said):
        try:
            return stamp(datetime.fromisoformat(said))
        except ValueError:
            return said
    return said.zfill(20) if said.isdecimal() and said.isascii() else said


def stamp(at: datetime) -> str:
    """A moment as a version, and as FHIR's instant."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def digest(said: Mapping[str, Any]) -> bytes:
    """What tells two versions apart, however they are spaced and ordered; the id is the same for both."""
    bare = {name: held for name, held in said.items() if name != "id"}
    return blake2b(json.dumps(bare, sort_keys=True).encode(), digest_size=16).digest()


def dressed(body: bytes, id_: str, number: int, at: datetime) -> bytes:
    """A resource as it is read back: under its id, with our number of the version and when it reached us."""
    parts = msgspec.json.decode(body, type=dict[str, Raw])
    meta = msgspec.json.decode(parts["meta"], type=dict[str, Any]) if "meta" in parts else {}
    meta |= {"versionId": str(number), "lastUpdated": stamp(at)}
    head: dict[str, Any] = {"resourceType": parts.pop("resourceType"), "id": id_, "meta": meta}
    return msgspec.json.encode(head | {name: held for name, held in parts.items() if name not in head})
