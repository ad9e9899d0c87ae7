"""The shapes of what this door itself reads of a resource, beside what record/fhir reads: another shape is refused."""

from __future__ import annotations

from typing import Any

import msgspec


class Part(msgspec.Struct, rename="camel"):
    """A piece of a resource; what is not named here is not read here."""


class Coding(Part):
    """A code."""

    system: str | None = None
    code: str | None = None


class Concept(Part):
    """Codes of one meaning."""

    coding: list[Coding] | None = None


class Identifier(Part):
    """system|value."""

    system: str | None = None
    value: str | None = None


class Reference(Part):
    """A pointer."""

    reference: str | None = None
    display: str | None = None


class Period(Part):
    """From a time to a time."""

    start: str | None = None
    end: str | None = None


class Meta(Part):
    """Version and tags."""

    last_updated: str | None = None
    version_id: str | None = None
    tag: list[Coding] | None = None


class Whatever(Part):
    """What is read of every resource."""

    meta: Meta | None = None
    identifier: list[Identifier] | None = None


class Link(Part):
    """Who is the same person."""

    other: Reference | None = None
    type: str | None = None


class Name(Part):
    """Of which initials are made."""

    use: str | None = None
    family: str | None = None
    given: list[str] | None = None


class Patient(Whatever):
    """Who it is about."""

    link: list[Link] | None = None
    name: list[Name] | None = None
    birth_date: str | None = None


class Stay(Part):
    """A place within an encounter."""

    location: Reference | None = None
    status: str | None = None
    physical_type: Concept | None = None
    period: Period | None = None


class Encounter(Whatever):
    """A stay or a visit."""

    status: str | None = None
    class_: Coding | None = msgspec.field(default=None, name="class")
    period: Period | None = None
    location: list[Stay] | None = None


class Location(Whatever):
    """A place."""

    name: str | None = None
    physical_type: Concept | None = None
    part_of: Reference | None = None


class Observation(Whatever):
    """Its time of issue orders versions."""

    issued: str | None = None


class Channel(Part):
    """To whom a Subscription is told."""

    type: str | None = None
    endpoint: str | None = None
    payload: str | None = None
    header: list[str] | None = None


class Subscription(Part):
    """What somebody wants to be told."""

    criteria: str | None = None
    channel: Channel | None = None
    meta: Meta | None = None


_SHAPES: dict[str, type[Part]] = {
    one.__name__: one for one in (Patient, Encounter, Location, Observation, Subscription)
}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {name: msgspec.json.Decoder(one) for name, one in _SHAPES.items()}
_OTHER = msgspec.json.Decoder(Whatever)


def check(kind: str, body: bytes) -> None:
    """Raises msgspec.DecodeError, whose message names the place, where an element has another shape."""
    _DECODERS.get(kind, _OTHER).decode(body)
