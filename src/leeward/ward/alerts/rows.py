"""The alerts in the store: what the machine remembers and what it tells are written together, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Select, exists, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from leeward.ward import tables as t
from leeward.ward.alerts.alert import Alert, alert
from leeward.ward.alerts.signs import Held, State, class_of
from leeward.ward.rows import microseconds

WARD = "ward"
"""Under what the machine remembers of the ward as a whole."""
AT_ONCE = 5_000


def writing(engine: Engine) -> Any:
    """A transaction that writes."""
    return engine.execution_options(writes=True).begin()


def keys(connection: Connection, patients: Sequence[str]) -> dict[str, int]:
    """The keys of patients, by which the tables know them."""
    made: dict[str, int] = {}
    for first in range(0, len(patients), AT_ONCE):
        some = t.patients.c.patient.in_(patients[first : first + AT_ONCE])
        made |= {
            row[0]: row[1] for row in connection.execute(select(t.patients.c.patient, t.patients.c.seq).where(some))
        }
    return made


def states(connection: Connection, subjects: Sequence[str], *, lock: bool = False) -> dict[str, State]:
    """What is remembered of some subjects; `lock`: until the transaction ends, no other worker reads them so."""
    made = {}
    for first in range(0, len(subjects), AT_ONCE):
        asked = select(t.alert_states.c.subject, t.alert_states.c.state)
        asked = asked.where(t.alert_states.c.subject.in_(subjects[first : first + AT_ONCE])).order_by("subject")
        for subject, state in connection.execute(asked.with_for_update() if lock else asked):
            made[subject] = msgspec.json.decode(state, type=State)
    return made


def begin_states(connection: Connection, subjects: Sequence[str]) -> None:
    """Give each subject something to lock, so that two workers cannot both be the first."""
    rows = [{"subject": subject, "state": msgspec.json.encode(State())} for subject in subjects]
    if rows:
        connection.execute(_dialect(connection).insert(t.alert_states).on_conflict_do_nothing(), rows)


def save_state(connection: Connection, subject: str, state: State) -> None:
    """Remember."""
    row = {"subject": subject, "state": msgspec.json.encode(state)}
    made = _dialect(connection).insert(t.alert_states).values(row)
    connection.execute(made.on_conflict_do_update(index_elements=["subject"], set_={"state": row["state"]}))


def _dialect(connection: Connection) -> Any:
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def add_alert(connection: Connection, key: str, row: Mapping[str, Any]) -> int | None:
    """A new alert's id; None where another worker opened the very same."""
    made = _dialect(connection).insert(t.alerts).values({"key": key, **row}).on_conflict_do_nothing()
    found = connection.execute(made.returning(t.alerts.c.seq)).scalar()
    return None if found is None else int(found)


def id_of(connection: Connection, key: str) -> int | None:
    """The id of an alert by its key."""
    return connection.execute(select(t.alerts.c.seq).where(t.alerts.c.key == key)).scalar()


def add_event(
    connection: Connection, alert_id: int, what: str, at: datetime, *, person: str | None = None,
    said: Any = None, closes: bool = False,
) -> None:  # fmt: skip
    """Something that became of an alert."""
    row = {"alert": alert_id, "kind": what, "at": microseconds(at), "person": person, "closes": closes}
    connection.execute(
        insert(t.alert_events).values(row | {"body": None if said is None else msgspec.json.encode(said)})
    )


def queue(
    connection: Connection, alert_id: int | None, alert_key: str, receivers: Iterable[str], what: str, body: Any,
    at: datetime,
) -> None:  # fmt: skip
    """A message to some receivers, each once: under the same key it is queued already."""
    made = _dialect(connection).insert(t.outbox).on_conflict_do_nothing()
    rows = [
        {"alert": alert_id, "receiver": name, "kind": what, "key": f"{alert_key}/{what}/{name}", "attempts": 0,
         "body": msgspec.json.encode(body), "queued_at": microseconds(at), "next_at": microseconds(at)}
        for name in receivers
    ]  # fmt: skip
    if rows:
        connection.execute(made, rows)


def told_of(connection: Connection, alert_id: int) -> list[str]:
    """The receivers who were sent an alert."""
    asked = select(t.outbox.c.receiver).where(t.outbox.c.alert == alert_id).distinct()
    return sorted(connection.execute(asked).scalars())


def is_closed() -> Any:
    """The condition that something closed an alert."""
    c = t.alert_events.c
    return exists().where((c.alert == t.alerts.c.seq) & c.closes)


def remembered(connection: Connection) -> set[str]:
    """The patients of whom an alert is open."""
    asked = select(t.patients.c.patient).join(t.alerts, t.alerts.c.patient_key == t.patients.c.seq)
    return set(connection.execute(asked.where(~is_closed())).scalars())


def closed_since(since: datetime) -> Any:
    """The condition that an alert closed at a moment or later."""
    c = t.alert_events.c
    return exists().where((c.alert == t.alerts.c.seq) & c.closes & (c.at >= microseconds(since)))


def having(connection: Connection, ids: Sequence[int], what: str, person: str | None = None) -> set[int]:
    """Those of some alerts of which something became already; `person`: through this person."""
    c, made = t.alert_events.c, set[int]()
    for first in range(0, len(ids), AT_ONCE):
        asked = select(c.alert).where(c.alert.in_(ids[first : first + AT_ONCE]) & (c.kind == what))
        made |= set(connection.execute(asked if person is None else asked.where(c.person == person)).scalars())
    return made


def acknowledged(connection: Connection, subjects: Iterable[str]) -> dict[str, frozenset[int]]:
    """The numbers of the open alerts of each of some subjects that somebody has seen."""
    became, made = t.alert_events.alias(), {subject: set[int]() for subject in subjects}
    asked = select(t.alerts.c.key).join(became, became.c.alert == t.alerts.c.seq)
    for key in connection.execute(asked.where((became.c.kind == "acknowledged") & ~is_closed())).scalars():
        subject, _, number = key.rpartition("/")
        if subject in made:
            made[subject].add(int(number))
    return {subject: frozenset(numbers) for subject, numbers in made.items()}


def _held(connection: Connection, keys: Iterable[str]) -> dict[str, list[Held]]:
    """What is held of alerts, by their keys."""
    subjects = sorted({key.rpartition("/")[0] for key in keys})
    made: dict[str, list[Held]] = {}
    for subject, state in states(connection, subjects).items():
        for one in state.held:
            made.setdefault(f"{subject}/{one.alert}", []).append(one)
    return made


def alerts(
    connection: Connection, wanted: Any, now: datetime, patience: Mapping[str, timedelta], most: int
) -> list[Alert]:  # fmt: skip
    """Alerts that meet a condition, in order of opening.

    patience: how long one may stay untold, by its class. most: characters of a text.
    """
    asked: Select[Any] = select(t.alerts, t.patients.c.patient, t.patients.c.handle)
    asked = asked.join(t.patients, t.patients.c.seq == t.alerts.c.patient_key, isouter=True)
    found = connection.execute(asked.where(wanted).order_by(t.alerts.c.seq)).all()
    ids = [row.seq for row in found]
    events = _by_alert(connection, t.alert_events, ids)
    sent = _by_alert(connection, t.outbox, ids)
    held = _held(connection, (row.key for row in found))
    return [
        alert(row, events.get(row.seq, []), sent.get(row.seq, []), held.get(row.key, []),
              patience=patience[class_of(row.kind)], now=now, most=most)
        for row in found
    ]  # fmt: skip


def marks(connection: Connection) -> dict[int | None, tuple[Any, ...]]:
    """For each patient with an open alert (None: the ward), what changes whenever something becomes of one of them."""
    became, sent = t.alert_events.alias(), t.outbox.c
    of = t.alerts.c.patient_key
    asked = select(of, func.count(t.alerts.c.seq.distinct()), func.max(t.alerts.c.seq), func.max(became.c.seq))
    asked = asked.join(became, became.c.alert == t.alerts.c.seq, isouter=True).where(~is_closed()).group_by(of)
    made = {row[0]: tuple(row[1:]) for row in connection.execute(asked)}
    tried = select(of, func.max(sent.seq), func.sum(sent.attempts), func.count(sent.delivered_at))
    tried = tried.join(t.outbox, sent.alert == t.alerts.c.seq).where(~is_closed()).group_by(of)
    for row in connection.execute(tried):
        made[row[0]] = (*made.get(row[0], ()), *row[1:])
    return made


def _by_alert(connection: Connection, table: Any, ids: Sequence[int]) -> dict[int, list[Any]]:
    """Rows of a table by the alert they belong to, in order."""
    rows: list[Any] = []
    for first in range(0, len(ids), AT_ONCE):
        some = table.c.alert.in_(ids[first : first + AT_ONCE])
        rows += connection.execute(select(table).where(some).order_by(table.c.alert, table.c.seq)).all()
    return {number: list(some) for number, some in groupby(rows, key=lambda row: row.alert)}
