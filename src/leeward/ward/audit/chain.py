"""One record of the audit, its place in the chain, and the walk along the chain that finds what was changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

FIRST = bytes(32)
"""What stands before the first record."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(msgspec.Struct, frozen=True):
    """Who did what to whom, when, why, under which rules, and how it went.

    shown: whom an answer about several patients showed, each by identifier; the record names the list (audit/lists.py).
    """

    action: str
    person: str | None = None
    role: str | None = None
    patient: str | None = None
    why: str | None = None
    outcome: str = "answered"
    detail: str | None = None
    shown: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True, array_like=True):
    """An entry in its place: numbered without gaps, and bound to the one before it."""

    seq: int
    at: int
    person: str | None
    role: str | None
    action: str
    patient: str | None
    why: str | None
    outcome: str | None
    edition: str
    detail: str | None
    before: bytes
    digest: bytes = b""

    @classmethod
    def placed(cls, entry: Entry, seq: int, at: int, edition: str, before: bytes) -> Record:
        """An entry in its place, with its digest."""
        return cls(
            seq, at, entry.person, entry.role, entry.action, entry.patient, entry.why, entry.outcome, edition,
            entry.detail, before,
        ).sealed()  # fmt: skip

    @property
    def moment(self) -> datetime:
        """When it was written."""
        return _EPOCH + timedelta(microseconds=self.at)

    def sealed(self) -> Record:
        """The same with its digest: SHA-256 of all its fields, the digest before among them, as MessagePack."""
        bare = msgspec.structs.replace(self, digest=b"")
        return msgspec.structs.replace(self, digest=hashlib.sha256(msgspec.msgpack.encode(bare)).digest())


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with the chain, and at which number."""

    seq: int
    what: str


def faults(records: Iterable[Record]) -> Iterator[Fault]:
    """What is wrong along a chain, in the order in which it is kept.

    A record that is missing, altered, out of its place or put in shows at its number; so does a head that was cut away.
    Records cut from the end leave a whole chain: compare its head with one that was noted elsewhere.
    """
    awaited, before = 1, FIRST
    for record in records:
        if record.seq > awaited:
            missing = (
                f"{awaited} to {record.seq - 1} are missing" if record.seq - awaited > 1 else f"{awaited} is missing"
            )
            yield Fault(awaited, missing)
        elif record.seq < awaited:
            yield Fault(record.seq, f"{record.seq} stands twice or out of its place")
        if record.sealed().digest != record.digest:
            yield Fault(record.seq, f"{record.seq} was altered")
        elif record.seq == awaited and record.before != before:
            yield Fault(record.seq, f"{record.seq} does not follow the record before it")
        awaited, before = record.seq + 1, record.digest


def micros(at: datetime) -> int:
    """An instant as whole microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)
