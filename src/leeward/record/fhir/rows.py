"""What has been read and not yet handed on: statements, and what could not be one.

Most of what a bulk export says is the same from line to line: the code, the unit, the status. It is kept once, as a
*kind*, and a statement then is its kind and the eight things that differ; this halves the time of reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from leeward.record.settings import Refused

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_MAX = 50_000
"""Statements in one batch at most."""
ROWS_ENOUGH = 40_000
"""Statements, or refusals, that make it worth while to hand on."""
KINDS_MAX = 1_000
"""Kinds remembered when what was held has been handed on."""
PLAIN_MAX = 20_000
"""Plain values remembered; beyond, memory is emptied and filled again."""


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


Known = tuple[int, str | None, bool, str]
"""The number of a kind, the value as spelt, whether a reference range counts, the ending of a component's record."""

WIDTH = len(Row._fields)
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
        self.plain: dict[bytes, Known] = {}  # plain values by their code, quantity and status as they came
        self.panels: set[bytes] = set()  # codes of panels, as they came

    def stand(self, where: str) -> None:
        """From here on places are counted as lines, or as entries of some bundle."""
        if where != self.where:
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
        from leeward.record.fhir.batches import of_rows, unambiguous  # a helper process hands on without

        for first in range(0, len(self.flat), ROWS_MAX * WIDTH):
            batch = of_rows(self.flat[first : first + ROWS_MAX * WIDTH], self.kinds, self.source)
            batch, lost = unambiguous(batch, ambiguous, self.source)
            self.refused += lost
            yield batch
        refused = list(self.refused)
        self.forget()
        yield from refused

    def forget(self) -> None:
        """Hold no statement any more."""
        self.refused.clear()
        self.flat.clear()
        if len(self.kinds) > KINDS_MAX:
            self.kinds.clear()
            self.known.clear()
            self.plain.clear()
