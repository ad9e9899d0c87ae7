"""What a reader and the door must be told about a source."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """One source's clock and code systems.

    zone: IANA zone or fixed offset of its local times; None where it has none, so that local times are refused.
    local: names of local code systems (files in knowledge/local).
    now: the moment of reading, against which future times are refused; None where times were shifted on purpose.
    """

    zone: str | None = None
    local: tuple[str, ...] = ()
    now: datetime | None = None


class Refused(msgspec.Struct, frozen=True):
    """Something a reader itself cannot turn into a statement: a bad line, a file cut short, an empty file."""

    reason: str
    patient: str | None = None
    quantity: str | None = None
    detail: str | None = None
    source: str | None = None
    place: str | None = None
