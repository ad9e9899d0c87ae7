"""Backups: one file that holds the whole store, proves that it is whole, and goes back into either database.

The file begins with a line of its own, then the SHA-256 of all that follows, then what it must hold (how many rows each
table has and their digest, the head of the audit), then the store as an SQLite database. It holds patients' data: it
is made readable to its owner alone, and a centre keeps it where it keeps the record itself. Nobody stays signed in.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, create_engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from leeward.record.errors import CannotRead, LeewardError
from leeward.ward import operator
from leeward.ward import tables as t
from leeward.ward.audit import Audit, Head
from leeward.ward.clock import Clock, SystemClock
from leeward.ward.database import open_database
from leeward.ward.rows import KEPT, Corrupt, table

FIRST_LINE = b"leeward-backup 1\n"
AT_ONCE = 5_000
"""Rows held at once while a table is copied or counted."""
PIECE_BYTES = 1_048_576
LEFT_OUT = ("sessions",)
"""Tables whose rows are not kept: nobody is signed in to a ward that was brought back."""


class Damaged(CannotRead):
    """A backup that is not what was written; nothing is brought back from it."""


class NotEmpty(LeewardError):
    """The database to restore into holds something already."""


class Held(msgspec.Struct, frozen=True):
    """What a table must hold."""

    rows: int
    digest: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds."""

    made_at: str
    tables: dict[str, Held]
    audit_seq: int
    audit_digest: str


def back_up(engine: Engine, out: Path, clock: Clock | None = None) -> Manifest:
    """Write the store into a file, while the ward goes on; the audit is told first. The file is whole or not there.

    Raises FileExistsError, and AuditDown where it cannot be written that everybody's record was taken out.
    """
    clock = clock or SystemClock()
    if out.exists():
        raise FileExistsError(f"{out} is there already")
    Audit(engine, clock).write(operator.entry("export", f"backup {out.name}"))
    with TemporaryDirectory(dir=out.parent, prefix=".leeward-backup-") as folder:
        copy = Path(folder) / "store.db"
        _copied(engine, copy)
        with _opened(copy) as held:
            manifest = _manifest(held, clock.now().isoformat())
        part = Path(folder) / "backup"
        _written(part, msgspec.json.encode(manifest), copy)
        os.link(part, out)  # unlike a rename, a link never takes the place of a file that came meanwhile
        _durable(out.parent)
    return manifest


def restore(file: Path, url: str) -> Manifest:
    """Bring a backup back into an empty database, after proving it whole; that it was is the last record of its audit.

    Raises Damaged where the backup is not what was written, NotEmpty where the database holds something.
    """
    with _unpacked(file) as (copy, manifest):
        target = open_database(url)
        try:
            with target.connect() as connection:
                if any(connection.execute(select(func.count()).select_from(one)).scalar() for one in _all()):
                    raise NotEmpty("the database to restore into is not empty")
            source = open_database(f"sqlite:///{copy}")  # of an older version: brought to this one
            # Told to the copy, so that it comes back with everything else in one transaction, or nothing does.
            Audit(source, SystemClock()).write(operator.entry("write", f"restore {file.name}"))
            with source.connect() as read, target.execution_options(writes=True).begin() as write:
                _poured(read, write)
            awaited = _manifest(source, manifest.made_at)
            source.dispose()
            if _manifest(target, manifest.made_at) != awaited:
                raise Damaged("what was brought back is not what the backup holds")
            if next(Audit(target, SystemClock()).verify(), None) is not None:
                raise Damaged("the audit that was brought back is not whole")
        finally:
            target.dispose()
    return manifest


def verify(file: Path) -> Manifest:
    """Prove a backup whole without bringing it back. Raises Damaged."""
    with _unpacked(file) as (_, manifest):
        return manifest


@contextmanager
def _unpacked(file: Path) -> Iterator[tuple[Path, Manifest]]:
    """The store that a backup holds, beside what it must hold, once every check has passed."""
    with TemporaryDirectory(prefix="leeward-restore-") as folder:
        copy = Path(folder) / "store.db"
        manifest = _read(file, copy)
        try:
            with _opened(copy) as held:
                _proved(held, manifest)
        except SQLAlchemyError as error:
            raise Damaged(f"{file}: its store cannot be read") from error
        yield copy, manifest


def _proved(held: Engine, manifest: Manifest) -> None:
    """Raises Damaged where rows, findings or the audit are not as they were written."""
    found = _manifest(held, manifest.made_at, manifest.tables)
    for name, awaited in manifest.tables.items():
        if found.tables.get(name) != awaited:
            raise Damaged(f"the table {name} is not as it was written")
    noted = Head(manifest.audit_seq, bytes.fromhex(manifest.audit_digest))
    for fault in Audit(held, SystemClock()).verify(noted=noted):
        raise Damaged(f"the audit: {fault.what}")
    try:
        for _ in _findings(held):
            pass
    except Corrupt as error:
        raise Damaged(str(error)) from error


def _findings(held: Engine) -> Iterator[int]:
    """Every finding against the digest under which it was stored, some at a time."""
    columns = [t.findings.c.digest, *(t.findings.c[name] for name in KEPT), t.patients.c.patient]
    asked = select(*columns).join(t.patients, t.patients.c.seq == t.findings.c.patient_key)
    with held.connect() as connection:
        for rows in connection.execution_options(yield_per=AT_ONCE).execute(asked).partitions():
            table([tuple(row)[:-1] for row in rows], [row[-1] for row in rows])
            yield len(rows)


def _copied(engine: Engine, copy: Path) -> None:
    """The store at one moment, as an SQLite database."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection, sqlite3.connect(copy) as target:
            held: Any = connection.connection.driver_connection
            held.backup(target)
        target.close()
    else:
        target_engine = open_database(f"sqlite:///{copy}")
        moment = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with moment.connect() as read, target_engine.execution_options(writes=True).begin() as write:
            _poured(read, write)
        target_engine.dispose()
    with sqlite3.connect(copy) as plain:
        for name in LEFT_OUT:
            plain.execute(f"delete from {name}")
        plain.commit()
        plain.execute("pragma journal_mode = delete")
        plain.execute("vacuum")
    plain.close()


def _poured(read: Connection, write: Connection) -> None:
    """Every row of every table, and on PostgreSQL the numbers at which counting goes on."""
    for one in _all():
        columns = [column.name for column in one.columns]
        for rows in read.execution_options(yield_per=AT_ONCE).execute(select(*one.columns)).partitions():
            write.execute(insert(one), [dict(zip(columns, row, strict=True)) for row in rows])
        if write.dialect.name == "postgresql" and one.autoincrement_column is not None:
            name = f"pg_get_serial_sequence('{one.name}', 'seq')"
            write.exec_driver_sql(f"select setval({name}, (select coalesce(max(seq), 0) + 1 from {one.name}), false)")


def _all() -> list[Table]:
    """Every table that is kept, those that others point to first."""
    return [one for one in t.metadata.sorted_tables if one.name not in LEFT_OUT]


def _manifest(held: Engine, made_at: str, only: Collection[str] | None = None) -> Manifest:
    """What a store holds, table by table; `only`: in these, since a store of an older version has fewer."""
    with held.connect() as connection:
        found = {one.name: _digested(connection, one) for one in _all() if only is None or one.name in only}
    head = Audit(held, SystemClock()).head()
    return Manifest(made_at=made_at, tables=found, audit_seq=head.seq, audit_digest=head.digest.hex())


def _digested(connection: Connection, one: Table) -> Held:
    """How many rows a table has, and one digest of them all, whatever their order."""
    total, count = 0, 0
    for rows in connection.execution_options(yield_per=AT_ONCE).execute(select(*one.columns)).partitions():
        for row in rows:
            total += int.from_bytes(hashlib.sha256(msgspec.msgpack.encode(tuple(row))).digest(), "big")
            count += 1
    return Held(count, f"{total % (1 << 256):064x}")


def _written(part: Path, manifest: bytes, copy: Path) -> None:
    """The file of a backup, on the disk when this returns."""
    made = hashlib.sha256(manifest + b"\n")
    with copy.open("rb") as held:
        while piece := held.read(PIECE_BYTES):
            made.update(piece)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out, copy.open("rb") as held:
        out.write(FIRST_LINE + made.hexdigest().encode() + b"\n" + manifest + b"\n")
        while piece := held.read(PIECE_BYTES):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def _read(file: Path, copy: Path) -> Manifest:
    """Write out the store of a backup, and say what it must hold. Raises Damaged where one byte is not as it was."""
    try:
        with file.open("rb") as held, copy.open("xb") as out:
            if held.readline(len(FIRST_LINE)) != FIRST_LINE:
                raise Damaged(f"{file}: not a backup of this version")
            said = held.readline(65).rstrip(b"\n")
            manifest = held.readline()
            made = hashlib.sha256(manifest)
            while piece := held.read(PIECE_BYTES):
                made.update(piece)
                out.write(piece)
    except OSError as error:
        raise Damaged(f"{file}: cannot be read") from error
    if made.hexdigest().encode() != said:
        raise Damaged(f"{file}: its checksum does not fit; a byte was changed, or the end is missing")
    try:
        return msgspec.json.decode(manifest, type=Manifest)
    except msgspec.DecodeError as error:
        raise Damaged(f"{file}: what it says of itself cannot be read") from error


@contextmanager
def _opened(copy: Path) -> Iterator[Engine]:
    """A copy of the store, as it is."""
    engine = create_engine(f"sqlite:///{copy}", poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()


def _durable(folder: Path) -> None:
    """The folder's list of files, on the disk."""
    at = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(at)
    finally:
        os.close(at)
