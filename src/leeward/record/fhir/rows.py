"""What has been read and not yet handed on: statements, and what could not be one.

Most of what a bulk export says is the same from line to line: the code, the unit, the status. It is kept once, as a
*kind*, and a statement then is its kind and the eight things that differ; this halves the time of reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from leeward.record.schema import STATEMENT
from leeward.record.settings import Refused

ROWS_MAX = 50_000
"""Statements in one batch at most."""
ROWS_ENOUGH = 40_000
"""Statements, or refusals, that make it worth while to hand on."""

_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"
_FINE = r"(\.[0-9]{6})[0-9]+"


class Kind(NamedTuple):
    """What many statements have in common."""

    quantity: str | None = None
    system: str | None = None
    code: str | None = None
    comparator: str | None = None
    unit: str | None = None
    text: str | None = None
    end: str | None = None
    status: str | None = None
    site: str | None = None


class Row(NamedTuple):
    """What tells statements apart; `line` is the number of a line or of an entry of a bundle."""

    patient: str
    line: int
    kind: int
    value: str | None
    start: str | None
    reported: str | None
    record: str | None
    version: str | None


Key = tuple[bytes, str | None, str | None, str | None, str | None, str | None]
"""What the kind of a plain value depends on: its code as it came; code, unit, system and comparator of its quantity;
the status of its observation."""
Known = tuple[int, str]
"""The number of a kind, and the ending of the record of a component of it."""

WIDTH = len(Row._fields)
RECORD = Row._fields.index("record")
FLAT_ENOUGH = ROWS_ENOUGH * WIDTH


class Rows:
    """Statements and refusals of one file, in the order of its lines."""

    def __init__(self) -> None:
        self.source = ""
        self.where = "line"
        # Row after Row, laid end to end: eight lists to append to, or a list of tuples to turn, take twice as long.
        self.flat: list[str | int | None] = []
        self.refused: list[Refused] = []
        self.kinds: dict[tuple[str | None, ...], int] = {}
        self.known: dict[tuple[str | None, ...], int] = {}  # kinds by what a reader spells them with
        self.plain: dict[Key, Known] = {}  # and those of plain values

    def stand(self, where: str) -> None:
        """From here on places are counted as lines, or as entries of some bundle."""
        self.where = where
        self.known.clear()
        self.plain.clear()

    def kind(self, kind: Kind) -> int:
        """The number of a kind, at the present sort of place, among those held."""
        return self.kinds.setdefault((*kind, self.where), len(self.kinds))

    def refuse(self, reason: str, line: int | None, detail: str | None, patient: str | None = None) -> None:
        """List something that cannot be a statement."""
        place = None if line is None else f"{self.where} {line}"
        self.refused.append(Refused(reason, patient, None, detail, self.source, place))

    @property
    def full(self) -> bool:
        """Whether it is time to hand on."""
        return len(self.flat) >= FLAT_ENOUGH or len(self.refused) >= ROWS_ENOUGH

    def take(self, ambiguous: set[str]) -> Iterator[pa.RecordBatch | Refused]:
        """Hand on and forget everything held; statements of ambiguous patients as refusals."""
        for first in range(0, len(self.flat), ROWS_MAX * WIDTH):
            batch = self._batch(self.flat[first : first + ROWS_MAX * WIDTH])
            yield self._unambiguous(batch, ambiguous) if ambiguous else batch
        refused = list(self.refused)
        self.refused.clear()
        self.flat.clear()
        self.kinds.clear()
        self.known.clear()
        self.plain.clear()
        yield from refused

    def _batch(self, flat: list[str | int | None]) -> pa.RecordBatch:
        """Statements as columns."""
        told = {name: flat[place::WIDTH] for place, name in enumerate(Row._fields)}
        number, line = pa.array(told.pop("kind"), pa.int32()), pa.array(told.pop("line"), pa.int64())
        columns = {name: pa.array(column, pa.string()) for name, column in told.items()}
        for name, column in zip((*Kind._fields, "where"), zip(*self.kinds, strict=True), strict=True):
            columns[name] = pa.array(column, pa.string()).take(number)
        columns["version"] = ordered(columns["version"])
        columns["received"] = pa.nulls(len(line), pa.string())
        columns["source"] = pa.repeat(pa.scalar(self.source, pa.string()), len(line))
        columns["place"] = pc.binary_join_element_wise(columns["where"], line.cast(pa.string()), " ")
        return pa.RecordBatch.from_arrays([columns[name] for name in STATEMENT.names], schema=STATEMENT)

    def _unambiguous(self, batch: pa.RecordBatch, ambiguous: set[str]) -> pa.RecordBatch:
        """The statements about patients whom their ids tell apart; the others are refused."""
        lost = pc.is_in(batch.column("patient"), value_set=pa.array(sorted(ambiguous), pa.string()))
        for row in batch.filter(lost).select(["patient", "quantity", "system", "code", "place"]).to_pylist():
            about = row["quantity"] or "|".join(part for part in (row["system"], row["code"]) if part)
            self.refused.append(Refused("ambiguous-patient", row["patient"], None, about, self.source, row["place"]))
        return batch.filter(pc.invert(lost))


def ordered(version: pa.Array) -> pa.Array:
    """Versions spelt so that a newer one sorts behind an older one: times in UTC to the microsecond, numbers padded."""
    if version.null_count == len(version):
        return version
    is_time = pc.match_substring_regex(version, _TIME)
    all_times = pc.all(is_time).as_py()
    times = version if all_times else pc.if_else(is_time, version, None)
    try:
        fine = pc.any(pc.match_substring(times, ".")).as_py()
        coarse = pc.replace_substring_regex(times, _FINE, r"\1") if fine else times
        instants = pc.cast(coarse, pa.timestamp("us", "UTC"))
        bare = instants.cast(pa.timestamp("us")).cast(pa.string())
        spelt = pc.binary_join_element_wise(pc.binary_replace_slice(bare, 10, 11, "T"), "Z", "")
    except pa.ArrowInvalid:
        # A day or an hour that does not exist: as text the others still sort among themselves.
        spelt = times
    if all_times:
        return spelt
    numbers = pc.match_substring_regex(version, "^[0-9]{1,20}$")
    return pc.coalesce(spelt, pc.if_else(numbers, pc.utf8_lpad(version, 20, "0"), version))
