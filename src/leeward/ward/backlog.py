"""A backlog taken in: a record of any known form, piece by piece, silently; nobody is told of what has passed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from leeward.record.read import recognised
from leeward.record.settings import Refused
from leeward.ward import operator
from leeward.ward.arrivals import Arrival
from leeward.ward.intake import Intake


class Taken(msgspec.Struct, frozen=True):
    """What became of a backlog."""

    recognised: str
    findings: int
    new: int
    refused: int


def take_backlog(intake: Intake, path: Path, source: str, *, piece: int) -> Taken:
    """Everything a record holds; each `piece` statements are durable together. The same again changes nothing.

    The audit is told of whom each piece is, in the same transaction.

    Raises what `record.read.read` raises for a path in no known form, and AuditDown.
    """
    reader, name = recognised(path)
    counts = [0, 0, 0]
    audited = operator.entry("write", f"take-in {path.name}")
    mark = hashlib.blake2b(str(path.name).encode(), digest_size=8).hexdigest()
    for number, said in enumerate(_pieces(reader.statements(path, intake.reading(source)), piece)):
        arrival = Arrival(door="backlog", source=source, message=f"{mark} {number}", silent=True)
        receipt = intake.take(arrival, said, audited=audited)
        for place, more in enumerate((receipt.findings, receipt.new, len(receipt.refusals))):
            counts[place] += more
    return Taken(name, *counts)


def _pieces(statements: Iterator[pa.RecordBatch | Refused], most: int) -> Iterator[list[pa.RecordBatch | Refused]]:
    """Batches gathered up to so many statements."""
    held: list[pa.RecordBatch | Refused] = []
    count = 0
    for said in statements:
        held.append(said)
        count += 1 if isinstance(said, Refused) else said.num_rows
        if count >= most:
            yield held
            held, count = [], 0
    if held:
        yield held
