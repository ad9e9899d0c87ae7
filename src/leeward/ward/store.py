"""The store: what arrived, appended in one durable transaction each, and what is known of a patient at any moment.

Nothing in it is ever changed or taken away. A correction is a newer version of a record, a withdrawal a version that
takes it back, a merge an event; grades are worked out from findings whenever they are asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from leeward.record.schema import FINDING, REFUSAL
from leeward.record.settings import Settings
from leeward.record.spool import Record, Spool
from leeward.ward import tables as t
from leeward.ward.arrivals import Arrival, Decision, Event, Held, Move, Receipt
from leeward.ward.audit import Entry, add
from leeward.ward.clock import Clock
from leeward.ward.identities import Identities
from leeward.ward.news import add_news
from leeward.ward.places import held
from leeward.ward.resources import Kept, keep, marks
from leeward.ward.rows import KEPT, kept, microseconds, moment, table, whole

HANDLE_BYTES = 12
"""Random bytes of the word that stands for a patient in addresses."""
AT_ONCE = 10_000
"""Rows given to the database in one statement."""


class Store:
    """One database of findings; several threads, and on PostgreSQL several workers, may share it."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine, self._clock = engine, clock
        self._dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
        self._turn = Lock()

    # ------------------------------------------------------------ in

    def append(
        self, arrival: Arrival, findings: pa.Table, refusals: pa.Table, moves: Sequence[Move] = (),
        resources: Sequence[Kept] = (), audited: Entry | None = None,
    ) -> Receipt:  # fmt: skip
        """Keep what the door made of an arrival; on the disk when this returns. The same arrival again changes nothing.

        findings, refusals: as `record.door.Door.admit` gives them, before weights and versions are settled. resources:
        what they were read from, where a door keeps that too. audited: what the audit is told with it, of everybody
        whom it names and of each merge. Raises resources.Overtaken or audit.AuditDown, and then keeps nothing.
        """
        received_at = self._clock.now()
        rows = list(kept(findings, received_at))
        refused = refusals.to_pylist()
        mark = whole([*(row[1] for row in rows), msgspec.json.encode([arrival, refused, moves]), *marks(resources)])
        named = {row[0] for row in rows} | {row["patient"] for row in refused} | {move.patient for move in moves}
        named |= {move.other for move in moves} | {one.patient for one in resources}
        entries = _entries(arrival, audited, sorted(name for name in named if name), moves)
        with self._turn, self._writing() as connection:
            number = self._arrived(connection, arrival, received_at, mark)
            if number is None:
                add(connection, received_at, entries)
                return Receipt(arrival=None, received_at=received_at, new=0, findings=len(rows), refusals=refused,
                               patients=(), duplicate=True)  # fmt: skip
            keys = self._keys(connection, sorted(name for name in named if name))
            new, touched = self._keep(connection, rows, keys, number)
            self._refuse(connection, refused, keys, number, received_at)
            self._move(connection, moves, keys, number, received_at)
            keep(connection, resources, keys, received_at)
            touched |= {name for move in moves for name in (move.patient, move.other) if name}
            touched |= {row["patient"] for row in refused if row["patient"]}
            self._mark(connection, [keys[name] for name in sorted(touched)], received_at, silent=arrival.silent)
            add(connection, received_at, entries)
        return Receipt(arrival=number, received_at=received_at, new=new, findings=len(rows), refusals=refused,
                       patients=tuple(sorted(touched)))  # fmt: skip

    def _writing(self) -> Any:
        """A transaction that writes."""
        return self.engine.execution_options(writes=True).begin()

    def _arrived(self, connection: Connection, arrival: Arrival, at: datetime, mark: bytes) -> int | None:
        """The number of an arrival; None where the very same is on record."""
        said = {"door": arrival.door, "source": arrival.source, "message": arrival.message, "by": arrival.by}
        row = said | {"received_at": microseconds(at), "digest": mark}
        found = connection.execute(
            self._dialect.insert(t.arrivals).values(row).on_conflict_do_nothing().returning(t.arrivals.c.seq)
        ).scalar()
        return None if found is None else int(found)

    def _keys(self, connection: Connection, names: Sequence[str]) -> dict[str, int]:
        """The keys of patients, each given one when first met."""
        known = self._known_keys(connection, names)
        new = [{"patient": name, "handle": secrets.token_hex(HANDLE_BYTES)} for name in names if name not in known]
        if new:
            connection.execute(self._dialect.insert(t.patients).on_conflict_do_nothing(), new)
            known = self._known_keys(connection, names)
        return known

    def _known_keys(self, connection: Connection, names: Sequence[str]) -> dict[str, int]:
        """The keys of patients who are on record."""
        made: dict[str, int] = {}
        for first in range(0, len(names), AT_ONCE):
            asked = select(t.patients.c.patient, t.patients.c.seq).where(
                t.patients.c.patient.in_(names[first : first + AT_ONCE])
            )
            made |= {row[0]: row[1] for row in connection.execute(asked)}
        return made

    def _keep(
        self,
        connection: Connection,
        rows: Sequence[tuple[str, bytes, dict[str, Any]]],
        keys: dict[str, int],
        number: int,
    ) -> tuple[int, set[str]]:
        """Add the findings that are not on record yet: how many, and whose."""
        made = self._dialect.insert(t.findings).on_conflict_do_nothing()
        new, touched = 0, set()
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            wanted = [
                row | {"patient_key": keys[patient], "digest": mark, "arrival": number} for patient, mark, row in some
            ]
            added = self._added(connection, made, wanted)
            new += added
            touched |= {patient for patient, _, _ in some} if added else set()
        return new, touched

    def _added(self, connection: Connection, made: Any, wanted: list[dict[str, Any]]) -> int:
        """How many rows were not there; PostgreSQL's driver counts none of many, so they are asked for."""
        if self._dialect is postgresql:
            return len(connection.execute(made.returning(t.findings.c.digest), wanted).all())
        return connection.execute(made, wanted).rowcount

    def _refuse(
        self, connection: Connection, refused: Sequence[dict[str, Any]], keys: dict[str, int], number: int, at: datetime
    ) -> None:
        """Keep what was not understood, with its reason and place."""
        rows = [
            {name: row[name] for name in REFUSAL.names if name != "patient"}
            | {"patient_key": keys.get(row["patient"] or ""), "arrival": number, "received_at": microseconds(at)}
            for row in refused
        ]
        for first in range(0, len(rows), AT_ONCE):
            connection.execute(insert(t.refusals), rows[first : first + AT_ONCE])

    def _move(
        self, connection: Connection, moves: Sequence[Move], keys: dict[str, int], number: int, at: datetime
    ) -> None:
        """Keep who came, went or was merged."""
        for move in moves:
            row = {name: getattr(move, name) for name in ("kind", "unit", "bed", "label", "reason")}
            row |= {"patient_key": keys[move.patient], "other_key": keys.get(move.other or ""), "arrival": number}
            row |= {"at": microseconds(move.at), "received_at": microseconds(at)}
            connection.execute(insert(t.moves), row)

    def _mark(self, connection: Connection, keys: Sequence[int], at: datetime, *, silent: bool) -> None:
        """Patients of whom something arrived."""
        since = microseconds(at)
        for first in range(0, len(keys), AT_ONCE):
            some = t.patients.c.seq.in_(keys[first : first + AT_ONCE])
            connection.execute(update(t.patients).where(some).values(heard_at=since))
        self._wait(connection, keys, since, silent=silent)

    def _wait(self, connection: Connection, keys: Sequence[int], since: int, *, silent: bool) -> None:
        """Ask for patients to be graded again; who waits already and is to be told of stays so."""
        rows = [{"patient_key": key, "since": since, "silent": silent} for key in keys]
        if not rows:
            return
        connection.execute(self._dialect.insert(t.changed).on_conflict_do_nothing(), rows)
        if not silent:
            for first in range(0, len(keys), AT_ONCE):
                some = t.changed.c.patient_key.in_(keys[first : first + AT_ONCE])
                connection.execute(update(t.changed).where(some).values(silent=False))

    # ------------------------------------------------------------ out

    def known(self, patients: Sequence[str], *, known_at: datetime | None = None) -> Record:
        """What is known of some patients as a record, each under the identifier asked for, with what those merged had.

        known_at: only what had reached us by then. Raises rows.Corrupt where the store does not hold what was written.
        """
        with self.engine.connect() as connection:
            keys = self._known_keys(connection, patients)
            identities = self._identities(connection, known_at)
            owners = {other: name for name, key in keys.items() for other in identities.keys(key)}
            written = self._names(connection, owners)
            findings = self._findings(connection, owners, written, known_at)
            refusals = self._refusals(connection, owners, known_at)
        spool = Spool()
        spool.add(findings, refusals)
        return spool.record("the ward's store", frozenset(), Settings())

    def findings_of(self, patient: str, *, known_at: datetime | None = None) -> pa.Table:
        """The findings (FINDING) of one patient."""
        return self.known([patient], known_at=known_at).findings

    def _identities(self, connection: Connection, known_at: datetime | None) -> Identities:
        """Who is the same person, by the merges that had reached us."""
        asked = select(t.moves.c.kind, t.moves.c.patient_key, t.moves.c.other_key).order_by(t.moves.c.seq)
        asked = asked.where(t.moves.c.kind.in_(("merged", "unmerged")))
        if known_at is not None:
            asked = asked.where(t.moves.c.received_at <= microseconds(known_at))
        return Identities((kind, absorbed, kept) for kind, absorbed, kept in connection.execute(asked))

    def _names(self, connection: Connection, keys: Iterable[int]) -> dict[int, str]:
        """The identifiers behind keys."""
        asked = select(t.patients.c.seq, t.patients.c.patient).where(t.patients.c.seq.in_(list(keys)))
        return {row[0]: row[1] for row in connection.execute(asked)}

    def _findings(
        self, connection: Connection, owners: dict[int, str], written: dict[int, str], known_at: datetime | None
    ) -> pa.Table:
        """The findings under some keys, checked, each as its owner's."""
        columns = [t.findings.c.patient_key, t.findings.c.digest, *(t.findings.c[name] for name in KEPT)]
        asked = select(*columns).where(t.findings.c.patient_key.in_(list(owners)))
        asked = asked.order_by(t.findings.c.measured_at, t.findings.c.digest)
        if known_at is not None:
            asked = asked.where(t.findings.c.received_at <= microseconds(known_at))
        rows = connection.execute(asked).all()
        made = table([row[1:] for row in rows], [written[row[0]] for row in rows])
        owner = pa.array([owners[row[0]] for row in rows], pa.string())
        return made.set_column(0, FINDING.field("patient"), owner)

    def _refusals(self, connection: Connection, owners: dict[int, str], known_at: datetime | None) -> pa.Table:
        """What was refused under some keys (REFUSAL)."""
        names = [name for name in REFUSAL.names if name != "patient"]
        columns = [t.refusals.c.patient_key, *(t.refusals.c[name] for name in names)]
        asked = select(*columns).where(t.refusals.c.patient_key.in_(list(owners))).order_by(t.refusals.c.seq)
        if known_at is not None:
            asked = asked.where(t.refusals.c.received_at <= microseconds(known_at))
        rows = [dict(zip(("patient", *names), row, strict=True)) for row in connection.execute(asked)]
        return pa.Table.from_pylist([row | {"patient": owners[row["patient"]]} for row in rows], REFUSAL)

    def patients(self, *, known_at: datetime | None = None) -> list[Held]:
        """Everyone on record, in order of arrival; those merged into another say so."""
        with self.engine.connect() as connection:
            return held(connection, self._identities(connection, known_at), known_at)

    def held(self, patients: Sequence[str]) -> list[Held]:
        """Some of `patients`."""
        with self.engine.connect() as connection:
            keys = list(self._known_keys(connection, patients).values())
            return held(connection, self._identities(connection, None), None, only=keys) if keys else []

    def patient(self, patient: str) -> Held | None:
        """One of `patients`; None: nobody of that identifier is on record."""
        return next(iter(self.held([patient])), None)

    def same_as(self, patient: str, *, known_at: datetime | None = None) -> list[str]:
        """Every identifier under which somebody is on record, the one that stands for all first."""
        with self.engine.connect() as connection:
            key = self._known_keys(connection, [patient]).get(patient)
            keys = [] if key is None else self._identities(connection, known_at).keys(key)
            written = self._names(connection, keys)
        return [written[one] for one in keys]

    def handle_of(self, patient: str) -> str | None:
        """The word that stands for a patient in addresses."""
        with self.engine.connect() as connection:
            return connection.execute(select(t.patients.c.handle).where(t.patients.c.patient == patient)).scalar()

    def patient_of(self, handle: str) -> str | None:
        """The patient for whom a word of an address stands."""
        with self.engine.connect() as connection:
            return connection.execute(select(t.patients.c.patient).where(t.patients.c.handle == handle)).scalar()

    # ------------------------------------------------------------ answers and events

    def claim_changed(self, most: int) -> dict[str, bool]:
        """Some patients who wait to be graded, and whether silently; nobody else is given them."""
        chosen = select(t.changed.c.patient_key).order_by(t.changed.c.since).limit(most)
        if self.engine.dialect.name == "postgresql":
            chosen = chosen.with_for_update(skip_locked=True)
        with self._turn, self._writing() as connection:
            taken = connection.execute(
                t.changed.delete().where(t.changed.c.patient_key.in_(chosen))
                .returning(t.changed.c.patient_key, t.changed.c.silent)
            ).all()  # fmt: skip
            identities = self._identities(connection, None)
            silent: dict[int, bool] = {}
            for key, quiet in taken:
                person = identities.person(key)
                silent[person] = silent.get(person, True) and bool(quiet)
            names = self._names(connection, silent)
        return {names[key]: quiet for key, quiet in silent.items()}

    def mark(self, patients: dict[str, bool]) -> None:
        """Ask for patients to be graded (again), silently or not."""
        with self._turn, self._writing() as connection:
            keys = self._known_keys(connection, list(patients))
            for silent in (True, False):
                some = [keys[name] for name, quiet in patients.items() if quiet is silent and name in keys]
                self._wait(connection, some, microseconds(self._clock.now()), silent=silent)

    def save_decisions(self, decisions: Sequence[Decision], audited: Entry | None = None) -> None:
        """Keep what was answered, with what the audit is told of it."""
        if not decisions and audited is None:
            return
        with self._turn, self._writing() as connection:
            keys = self._known_keys(connection, [one.patient for one in decisions])
            rows = [
                msgspec.structs.asdict(one)
                | {"patient_key": keys[one.patient], "decided_at": microseconds(one.decided_at)}
                for one in decisions
            ]
            if rows:
                bare = [{k: v for k, v in row.items() if k != "patient"} for row in rows]
                connection.execute(insert(t.decisions), bare)
            add(connection, self._clock.now(), () if audited is None else (audited,))

    def decisions_of(self, patient: str) -> list[Decision]:
        """Everything that was answered about a patient, in order."""
        c = t.decisions.c
        columns = [c[name] for name in Decision.__struct_fields__ if name != "patient"]
        asked = select(*columns).join(t.patients, t.patients.c.seq == c.patient_key)
        asked = asked.where(t.patients.c.patient == patient).order_by(c.seq)
        with self.engine.connect() as connection:
            found = connection.execute(asked).mappings().all()
        return [Decision(**dict(row) | {"patient": patient, "decided_at": moment(row["decided_at"])}) for row in found]

    def last_said(self, patients: Sequence[str]) -> dict[str, bytes]:
        """What the last decision on each patient said, as a digest."""
        with self.engine.connect() as connection:
            keys = {key: name for name, key in self._known_keys(connection, patients).items()}
            c = t.decisions.c
            newest = select(func.max(c.seq)).where(c.patient_key.in_(list(keys))).group_by(c.patient_key)
            found = connection.execute(select(c.patient_key, c.said).where(c.seq.in_(newest)))
            return {keys[key]: bytes(said) for key, said in found}

    def save_board(self, rows: dict[str, Any]) -> None:
        """The board's row of some patients, instead of the one before."""
        at = microseconds(self._clock.now())
        with self._turn, self._writing() as connection:
            keys = self._known_keys(connection, list(rows))
            made = [{"patient_key": keys[name], "decided_at": at, "row": msgspec.json.encode(row)}
                    for name, row in rows.items() if name in keys]  # fmt: skip
            for row in made:
                written = self._dialect.insert(t.board).values(row)
                newer = {"decided_at": row["decided_at"], "row": row["row"]}
                connection.execute(written.on_conflict_do_update(index_elements=["patient_key"], set_=newer))

    def board(self, patients: Sequence[str] | None = None) -> dict[str, bytes]:
        """The board's row of every patient (or of some), as JSON."""
        asked = select(t.patients.c.patient, t.board.c.row).join(t.patients, t.patients.c.seq == t.board.c.patient_key)
        asked = asked if patients is None else asked.where(t.patients.c.patient.in_(list(patients)))
        with self.engine.connect() as connection:
            return {row[0]: bytes(row[1]) for row in connection.execute(asked)}

    def looked_at(self) -> dict[str, datetime]:
        """When each patient was last looked at."""
        asked = select(t.patients.c.patient, t.board.c.decided_at)
        asked = asked.join(t.patients, t.patients.c.seq == t.board.c.patient_key)
        with self.engine.connect() as connection:
            return {row[0]: moment(row[1]) for row in connection.execute(asked)}

    def add_event(self, kind: str, patient: str | None, unit: str | None, body: dict[str, Any]) -> int:
        """Something for the board and the subscribers to hear of; its number."""
        with self._turn, self._writing() as connection:
            key = self._known_keys(connection, [patient]).get(patient) if patient is not None else None
            return add_news(connection, kind, self._clock.now(), key, unit, body)

    def events_after(self, seq: int, *, most: int = 1000) -> list[Event]:
        """What happened after an event, in order."""
        c = t.events.c
        asked = select(c.seq, c.at, c.kind, t.patients.c.patient, c.unit, c.body)
        asked = asked.join(t.patients, t.patients.c.seq == c.patient_key, isouter=True)
        asked = asked.where(c.seq > seq).order_by(c.seq).limit(most)
        with self.engine.connect() as connection:
            found = connection.execute(asked).all()
        return [
            Event(seq=row[0], at=moment(row[1]), kind=row[2], patient=row[3], unit=row[4],
                  body=msgspec.json.decode(row[5]))
            for row in found
        ]  # fmt: skip

    def last_event(self) -> int:
        """The number of the newest event; 0 where there is none."""
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.coalesce(func.max(t.events.c.seq), 0))).scalar_one())


def _entries(arrival: Arrival, audited: Entry | None, patients: Sequence[str], moves: Sequence[Move]) -> list[Entry]:
    """What the audit is told of an arrival: one entry for all whom it names, and one for each merge, by any door."""
    whose = {"patient": patients[0]} if len(patients) == 1 else {"shown": tuple(patients)}
    said = [] if audited is None else [msgspec.structs.replace(audited, **whose)]
    who = audited or Entry("write", arrival.by or arrival.source, detail=arrival.door)
    for move in moves:
        if move.kind in ("merged", "unmerged"):
            why = f"{move.kind}: {move.other} ({move.reason})"
            said.append(msgspec.structs.replace(who, action="override", patient=move.patient, why=why))
    return said
