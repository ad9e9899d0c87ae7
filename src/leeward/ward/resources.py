"""What findings were read from, as it came: every version of every resource that a door keeps, and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from leeward.ward.rows import microseconds, moment
from leeward.ward.tables import identifiers as named
from leeward.ward.tables import patients
from leeward.ward.tables import resources as t

AT_ONCE = 500
"""Names asked for in one statement."""


class Overtaken(Exception):
    """Another request wrote a newer version meanwhile; nothing of this one was kept."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a resource as it is to be kept.

    version: its number, in order of arrival. ordered: the sender's own version, spelt so that a newer one sorts behind.
    digest: of what it says. identifiers: each as system|value. patient: whose it is, where it is somebody's.
    """

    kind: str
    id: str
    version: int
    ordered: str
    digest: bytes
    body: bytes
    patient: str | None = None
    identifiers: tuple[str, ...] = ()
    deleted: bool = False


class Version(Kept, frozen=True, kw_only=True):
    """One version on record. seq: its number among all versions of all resources."""

    seq: int
    received_at: datetime

    @property
    def reference(self) -> str:
        """What others call it."""
        return f"{self.kind}/{self.id}"


One = TypeVar("One", bound=Kept)


def marks(resources: Sequence[Kept]) -> Iterator[bytes]:
    """What tells the resources of one arrival from those of another."""
    for one in resources:
        yield b"%s/%s/%d/" % (one.kind.encode(), one.id.encode(), one.version) + one.digest


def keep(connection: Connection, resources: Sequence[Kept], keys: dict[str, int], at: datetime) -> None:
    """Add versions, within the transaction of their findings. Raises Overtaken where one of that number is there."""
    rows = [
        {"kind": one.kind, "id": one.id, "version": one.version, "ordered": one.ordered, "digest": one.digest,
         "patient_key": keys.get(one.patient or ""), "received_at": microseconds(at), "deleted": one.deleted,
         "body": one.body}
        for one in resources
    ]  # fmt: skip
    if not rows:
        return
    try:
        connection.execute(insert(t), rows)
    except IntegrityError as error:
        raise Overtaken from error
    said = [
        {"kind": one.kind, "identifier": name, "id": one.id}
        for one in resources for name in dict.fromkeys(one.identifiers)
    ]  # fmt: skip
    if said:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(named).on_conflict_do_nothing(), said)


_COLUMNS = (t.c.seq, t.c.kind, t.c.id, t.c.version, t.c.ordered, t.c.received_at, t.c.deleted, t.c.digest, t.c.body)


class Resources:
    """Reads what was kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def history(self, kind: str, id_: str) -> list[Version]:
        """Every version of one, in order of arrival."""
        return self._found(t.c.kind == kind, t.c.id == id_)

    def histories(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Version]]:
        """Every version of each of some, by type and id."""
        asked = sorted(set(names))
        made: dict[tuple[str, str], list[Version]] = {name: [] for name in asked}
        for first in range(0, len(asked), AT_ONCE):
            some = asked[first : first + AT_ONCE]
            for kind in {name[0] for name in some}:
                ids = [name[1] for name in some if name[0] == kind]
                for one in self._found(t.c.kind == kind, t.c.id.in_(ids)):
                    made[one.kind, one.id].append(one)
        return made

    def current(self, kind: str, id_: str) -> Version | None:
        """The newest version of one, by the sender's version and not by arrival."""
        return newest(self.history(kind, id_))

    def named(self, kind: str, identifier: str) -> list[Version]:
        """Those whose newest version bears an identifier: system|value, |value (no system), or value (any system)."""
        system, bar, value = identifier.rpartition("|")
        asked = named.c.identifier == identifier
        if not bar:
            asked = or_(named.c.identifier == f"|{value}", named.c.identifier.endswith(f"|{value}", autoescape=True))
        with self._engine.connect() as connection:
            ids = connection.execute(select(named.c.id).where(named.c.kind == kind, asked)).scalars().all()
        found = (newest(versions) for versions in self.histories((kind, id_) for id_ in ids).values())
        return [one for one in found if one is not None and not one.deleted and _bears(one, system, value, bool(bar))]

    def of_patients(self, kind: str, names: Sequence[str], *, known: int | None = None) -> list[Version]:
        """The newest version of everything of a type that is some patients', in order of arrival.

        known: as of a version of all (`last`), so that one page follows another.
        """
        own = select(patients.c.seq).where(patients.c.patient.in_(names))
        until = [] if known is None else [t.c.seq <= known]
        return self._newest(self._found(t.c.kind == kind, t.c.patient_key.in_(own), *until))

    def of_kind(self, kind: str) -> list[Version]:
        """The newest version of everything of a type."""
        return self._newest(self._found(t.c.kind == kind))

    def last(self) -> int:
        """The number of the newest version of all."""
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.coalesce(func.max(t.c.seq), 0))).scalar_one())

    def _newest(self, found: list[Version]) -> list[Version]:
        by: dict[str, list[Version]] = {}
        for one in found:
            by.setdefault(one.id, []).append(one)
        made = [one for one in map(newest, by.values()) if one is not None and not one.deleted]
        return sorted(made, key=lambda one: one.seq)

    def _found(self, *where: Any) -> list[Version]:
        asked = select(*_COLUMNS, patients.c.patient).join(patients, patients.c.seq == t.c.patient_key, isouter=True)
        with self._engine.connect() as connection:
            rows = connection.execute(asked.where(*where).order_by(t.c.seq)).all()
        return [
            Version(seq=row.seq, kind=row.kind, id=row.id, version=row.version, ordered=row.ordered,
                    received_at=moment(row.received_at), deleted=bool(row.deleted), digest=bytes(row.digest),
                    body=bytes(row.body), patient=row.patient)
            for row in rows
        ]  # fmt: skip


def newest(versions: Sequence[One]) -> One | None:
    """Of several versions of one resource the newest, by the sender's version, then by arrival; None of none."""
    return max(versions, key=lambda one: (one.ordered, one.version), default=None)


class _Named(msgspec.Struct):
    identifier: list[dict[str, Any]] = []


def _bears(one: Version, system: str, value: str, exact: bool) -> bool:
    """Whether a version still bears an identifier."""
    said = msgspec.json.decode(one.body, type=_Named).identifier
    return any(held.get("value") == value and (not exact or (held.get("system") or "") == system) for held in said)
