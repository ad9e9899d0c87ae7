"""What comes in through a door, and what the store says of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One message, upload or entry: through which door, from which feed, under which id of the sender's, by whom.

    `silent`: it belongs to a backlog; history is graded from it, and nobody is told of what has passed.
    """

    door: str
    source: str
    message: str | None = None
    by: str | None = None
    silent: bool = False


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A patient comes, goes, or turns out to be another.

    placed: lies in `bed` of `unit`; `label` is what the board shows (initials and age). discharged: has left.
    merged: is the same person as `other`, who is kept. unmerged: is not after all.
    """

    kind: Literal["placed", "discharged", "merged", "unmerged"]
    patient: str
    at: datetime
    unit: str | None = None
    bed: str | None = None
    label: str | None = None
    other: str | None = None
    reason: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an arrival, once it is durable. `new`: findings that were not on record before."""

    arrival: int | None
    received_at: datetime
    new: int
    findings: int
    refusals: list[dict[str, Any]]
    patients: tuple[str, ...]
    duplicate: bool = False


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A patient of the store: where they lie, what the board calls them, into whom they were merged."""

    patient: str
    handle: str
    unit: str | None = None
    bed: str | None = None
    label: str | None = None
    merged_into: str | None = None
    discharged_at: datetime | None = None
    last_received_at: datetime | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, numbered in order: what the board and the subscribers hear of."""

    seq: int
    at: datetime
    kind: str
    patient: str | None
    unit: str | None
    body: dict[str, Any]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered about a patient at a moment, kept as it was given; null: nothing could be graded.

    `said`: a digest of what it says, as far as saying it again would say nothing new.
    """

    patient: str
    decided_at: datetime
    crs_low: int | None
    crs_high: int | None
    icans_low: int | None
    icans_high: int | None
    edition: str
    answer: bytes
    said: bytes
