"""The audit as it is kept: one chain for all workers of a ward, in its database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection, Engine, insert, or_, select
from sqlalchemy.exc import SQLAlchemyError

from leeward.knowledge import edition
from leeward.ward.audit import lists
from leeward.ward.audit.chain import FIRST, Entry, Fault, Record, faults, micros
from leeward.ward.audit.sums import Sums, summed
from leeward.ward.clock import Clock
from leeward.ward.tables import audit

CHAIN_LOCK = 7460114
"""The lock that PostgreSQL's workers take while they add to the chain; beside the one of `database.migrate`."""
PAGE_ROWS = 1_000
"""How many records are held at once while the chain is walked."""


class AuditDown(Exception):
    """The audit could not be written: nothing may be answered."""


class Head(NamedTuple):
    """The last record: noted elsewhere, it shows whether records were cut from the end."""

    seq: int
    digest: bytes


def add(connection: Connection, at: datetime, entries: Sequence[Entry]) -> None:
    """Add entries to the chain within a transaction that does what they tell of, as its last step: both or neither.

    The last step, because whoever adds to the chain waits for whoever does. Raises AuditDown.
    """
    try:
        if entries:
            _added(connection, at, entries)
    except SQLAlchemyError as error:
        raise AuditDown from error


def _added(connection: Connection, at: datetime, entries: Sequence[Entry]) -> Head:
    """The entries in their places, within a transaction that nobody else adds to the chain in."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({CHAIN_LOCK})")
    last = connection.execute(select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)).first()
    head = Head(last.seq, bytes(last.digest)) if last else Head(0, FIRST)
    at_us, rules, rows, shown = micros(at), edition(), [], dict[str, bytes]()
    for entry in entries:
        if entry.shown:
            name, listed = lists.named(entry.shown)
            shown[name] = listed
            entry = replace(entry, shown=(), detail=lists.told(entry.detail, name))  # noqa: PLW2901  as it is kept
        record = Record.placed(entry, head.seq + 1, at_us, rules, head.digest)
        head = Head(record.seq, record.digest)
        rows.append({name: getattr(record, name) for name in Record.__struct_fields__})
    if shown:
        lists.keep(connection, shown)
    connection.execute(insert(audit), rows)
    return head


class Audit:
    """The chain of records. Several workers add to it, one after another.

    sum_s: how long refusals of nobody are counted before the number is written.
    """

    def __init__(self, engine: Engine, clock: Clock, *, sum_s: float = 60) -> None:
        self.engine, self.clock = engine, clock
        self._writing = engine.execution_options(writes=True)
        self._sums = Sums(clock.monotonic, sum_s)

    def write(self, *entries: Entry) -> Head:
        """Add entries to the chain; durable when it returns. AuditDown: not one of them was written."""
        try:
            with self._writing.begin() as connection:
                return _added(connection, self.clock.now(), entries)
        except SQLAlchemyError as error:
            raise AuditDown from error

    def refused_nobody(self, entry: Entry) -> None:
        """Add that nobody was refused something: the first of a kind now, the number of the others after a minute."""
        if self._sums.counted(entry):
            return
        self.write(entry)
        self._sums.begin(entry)

    def write_sums(self, *, all_of_them: bool = False) -> int:
        """Write the numbers that are due; how many records that made. The world has this called, and at its end."""
        counted = self._sums.due(all_of_them=all_of_them)
        if counted:
            try:
                self.write(*(summed(entry, more) for entry, more in counted))
            except AuditDown:
                self._sums.again(counted)
                raise
        return len(counted)

    def head(self) -> Head:
        """The last record's number and digest."""
        with self.engine.connect() as connection:
            last = connection.execute(select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)).first()
        return Head(last.seq, bytes(last.digest)) if last else Head(0, FIRST)

    def records(
        self, *, after: int = 0, patient: str | None = None, same: Sequence[str] = (),
        from_: datetime | None = None, until: datetime | None = None,
    ) -> Iterator[Record]:  # fmt: skip
        """The records after a number, and of a stretch of time, in order.

        patient: those of one patient, who may go by other identifiers too (`same`); answers about several patients,
        one of whom they were, are among them.
        """
        columns = [audit.c[name] for name in Record.__struct_fields__]
        asked = select(*columns).order_by(audit.c.seq)
        wanted = frozenset({patient, *same} - {None}) if patient is not None else frozenset()
        if wanted:
            asked = asked.where(or_(audit.c.patient.in_(sorted(wanted)), audit.c.detail.like("%showing %")))
        if from_ is not None:
            asked = asked.where(audit.c.at >= micros(from_))
        if until is not None:
            asked = asked.where(audit.c.at <= micros(until))
        with self.engine.connect() as connection:
            listed = lists.with_any(connection, wanted) if wanted else set()
        while True:
            with self.engine.connect() as connection:
                rows = connection.execute(asked.where(audit.c.seq > after).limit(PAGE_ROWS)).all()
            for row in rows:
                record = Record(*row)
                if not wanted or record.patient in wanted or lists.list_of(record.detail) in listed:
                    yield record
            if len(rows) < PAGE_ROWS:
                return
            after = rows[-1].seq

    def verify(self, *, noted: Head | None = None) -> Iterator[Fault]:
        """What is wrong with the chain; with a head noted elsewhere, also whether records were cut from its end."""
        found: dict[int, bytes] = {}
        without: dict[str, int] = {}
        with self.engine.connect() as connection:
            kept = lists.whole(connection)

        def walked() -> Iterator[Record]:
            for record in self.records():
                if noted is not None and record.seq == noted.seq:
                    found[record.seq] = record.digest
                shown = lists.list_of(record.detail)
                if shown is not None and shown not in kept:
                    without.setdefault(shown, record.seq)
                yield record

        yield from faults(walked())
        for seq in without.values():
            yield Fault(seq, f"{seq} names a list of patients that is altered or missing")
        if noted is not None and noted.seq and found.get(noted.seq) != noted.digest:
            what = "is not the record that was noted" if noted.seq in found else "was noted and is missing"
            yield Fault(noted.seq, f"{noted.seq} {what}")
