"""Findings between the door and the database: identity and checksum of each row, and the way back, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from leeward.record.schema import FINDING, INSTANT

INSTANTS = ("measured_at", "measured_until", "reported_at", "received_at")
KEPT = tuple(name for name in FINDING.names if name not in ("patient", "revised"))
"""Columns of FINDING that the store keeps in each row; the patient stands beside them by key."""
_SAID = tuple(name for name in KEPT if name not in ("received_at", "place"))
"""What makes a finding the same when it is sent again: all but when it reached us and where in the message it stood."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Corrupt(Exception):
    """A row of the store is not what was written; nothing is answered from it."""


def microseconds(at: datetime) -> int:
    """A moment as whole microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(at_us: int) -> datetime:
    """Whole microseconds since 1970 as a moment in UTC."""
    return _EPOCH + timedelta(microseconds=at_us)


def digest(patient: str, said: Sequence[Any]) -> bytes:
    """The identity of a finding, which is also its checksum: `said` in the order of _SAID, times in microseconds."""
    return hashlib.blake2b(repr((patient, *said)).encode(), digest_size=16).digest()


def whole(digests: Iterable[bytes]) -> bytes:
    """One digest of many, in their order."""
    made = hashlib.blake2b(digest_size=16)
    for one in digests:
        made.update(one)
    return made.digest()


def kept(findings: pa.Table, received_at: datetime) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Each finding as patient, digest and columns to store; all reached us now, whatever the sender says."""
    columns = {name: _plain(findings[name]) for name in KEPT if name != "received_at"}
    received_us = microseconds(received_at)
    said = zip(*(columns[name] for name in _SAID), strict=True)
    for patient, spoken, place in zip(findings["patient"].to_pylist(), said, columns["place"], strict=True):
        row = dict(zip(_SAID, spoken, strict=True))
        yield patient, digest(patient, spoken), row | {"received_at": received_us, "place": place}


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """A column as Python's values, instants as microseconds."""
    values: list[Any] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return values


def table(rows: Sequence[Any], patients: Sequence[str]) -> pa.Table:
    """Rows of the store (digest, then KEPT) as FINDING, each checked against its digest and given its patient.

    Raises Corrupt where a row does not fit the digest under which it was stored.
    """
    if not rows:
        return FINDING.empty_table()
    held = dict(zip(("digest", *KEPT), zip(*rows, strict=True), strict=True))
    said = zip(*(held[name] for name in _SAID), strict=True)
    for owner, written, spoken in zip(patients, held["digest"], said, strict=True):
        if digest(owner, spoken) != bytes(written):
            raise Corrupt("a finding of the store is not what was written; restore the last good backup")
    columns = {name: _column(name, held[name]) for name in KEPT}
    columns |= {"patient": pa.array(patients, pa.string()), "revised": pa.array([False] * len(rows))}
    return pa.table([columns[name] for name in FINDING.names], schema=FINDING)


def _column(name: str, values: Sequence[Any]) -> pa.Array:
    """A column of FINDING from Python's values."""
    if name in INSTANTS:
        return pa.array(values, pa.int64()).cast(INSTANT)
    return pa.array(values, FINDING.field(name).type)
