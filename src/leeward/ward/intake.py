"""The only way in: statements through the door of record/, then into the store, then to the grader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
import pyarrow as pa

from leeward.record.door import Door
from leeward.record.schema import FINDING, REFUSAL
from leeward.record.settings import Refused, Settings
from leeward.ward.alerts.feeds import Arriving
from leeward.ward.arrivals import Arrival, Move, Receipt
from leeward.ward.audit import Entry
from leeward.ward.clock import Clock
from leeward.ward.resources import Kept
from leeward.ward.settings import WardSettings
from leeward.ward.store import Store


class Intake:
    """Takes what the doors of the service bring; `tell` hears that somebody has to be graded again."""

    def __init__(self, store: Store, settings: WardSettings, clock: Clock, tell: Callable[[], None]) -> None:
        self._store, self._settings, self._clock, self._tell = store, settings, clock, tell
        self._arriving = Arriving(settings.number)

    def reading(self, source: str) -> Settings:
        """How a feed's statements are read: its zone and code systems, and the present, after which nothing was."""
        own = self._settings.source(source)
        return Settings(zone=own.zone, local=own.local, now=self._clock.now())

    def take(
        self, arrival: Arrival, statements: Iterable[pa.RecordBatch | Refused], moves: Sequence[Move] = (),
        resources: Sequence[Kept] = (), audited: Entry | None = None,
    ) -> Receipt:  # fmt: skip
        """What was understood and what was not, both durable when this returns.

        statements: batches of record.schema.STATEMENT, and what a reader itself could not turn into such.
        resources: what they were read from, kept in the same transaction. A backlog is known as one by its late values.
        audited: who brings it, where the door has not told the audit yet; without the record nothing is kept.
        """
        door = Door(self.reading(arrival.source))
        findings, refusals = [FINDING.empty_table()], [REFUSAL.empty_table()]
        for said in statements:
            if isinstance(said, Refused):
                refusals.append(door.refuse(said))
            elif said.num_rows:
                understood, refused = door.admit(said)
                findings.append(understood)
                refusals.append(refused)
        table = pa.concat_tables(findings)
        silent = arrival.silent or self._arriving.is_backlog(table, self._clock.now())
        arrival = msgspec.structs.replace(arrival, silent=silent)
        receipt = self._store.append(arrival, table, pa.concat_tables(refusals), moves, resources, audited)
        if receipt.patients:
            self._tell()
        return receipt
