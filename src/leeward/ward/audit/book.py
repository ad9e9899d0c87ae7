"""The audit as it is kept: one chain for all workers of a ward, in its database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import SQLAlchemyError

from leeward.knowledge import edition
from leeward.ward.audit.chain import FIRST, Entry, Fault, Record, faults, micros
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


class Audit:
    """The chain of records. Several workers add to it, one after another."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._writing = engine.execution_options(writes=True)

    def write(self, *entries: Entry) -> Head:
        """Add entries to the chain; durable when it returns. AuditDown: not one of them was written."""
        try:
            with self._writing.begin() as connection:
                return self._added(connection, entries)
        except SQLAlchemyError as error:
            raise AuditDown from error

    def _added(self, connection: Connection, entries: Iterable[Entry]) -> Head:
        """The entries in their places, within a transaction that nobody else adds to the chain in."""
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({CHAIN_LOCK})")
        last = connection.execute(select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)).first()
        head = Head(last.seq, bytes(last.digest)) if last else Head(0, FIRST)
        at, rules, rows = micros(self._clock.now()), edition(), []
        for entry in entries:
            record = Record.placed(entry, head.seq + 1, at, rules, head.digest)
            head = Head(record.seq, record.digest)
            rows.append({name: getattr(record, name) for name in Record.__struct_fields__})
        connection.execute(insert(audit), rows)
        return head

    def head(self) -> Head:
        """The last record's number and digest."""
        with self._engine.connect() as connection:
            last = connection.execute(select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)).first()
        return Head(last.seq, bytes(last.digest)) if last else Head(0, FIRST)

    def records(self, *, after: int = 0, patient: str | None = None) -> Iterator[Record]:
        """The records after a number, in order; of one patient where one is named."""
        columns = [audit.c[name] for name in Record.__struct_fields__]
        asked = select(*columns).order_by(audit.c.seq)
        if patient is not None:
            asked = asked.where(audit.c.patient == patient)
        while True:
            with self._engine.connect() as connection:
                rows = connection.execute(asked.where(audit.c.seq > after).limit(PAGE_ROWS)).all()
            for row in rows:
                yield Record(*row)
            if len(rows) < PAGE_ROWS:
                return
            after = rows[-1].seq

    def verify(self, *, noted: Head | None = None) -> Iterator[Fault]:
        """What is wrong with the chain; with a head noted elsewhere, also whether records were cut from its end."""
        found: dict[int, bytes] = {}

        def walked() -> Iterator[Record]:
            for record in self.records():
                if noted is not None and record.seq == noted.seq:
                    found[record.seq] = record.digest
                yield record

        yield from faults(walked())
        if noted is not None and noted.seq and found.get(noted.seq) != noted.digest:
            what = "is not the record that was noted" if noted.seq in found else "was noted and is missing"
            yield Fault(noted.seq, f"{noted.seq} {what}")
