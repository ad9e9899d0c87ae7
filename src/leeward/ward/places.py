"""Where patients lie and what the board calls them, from the moves that have reached us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from leeward.ward import tables as t
from leeward.ward.arrivals import Held
from leeward.ward.identities import Identities
from leeward.ward.rows import microseconds, moment


def held(
    connection: Connection, identities: Identities, known_at: datetime | None, *, only: Sequence[int] | None = None
) -> list[Held]:
    """Everyone on record (or some, by their keys), in order of arrival."""
    c = t.patients.c
    asked = select(c.seq, c.patient, c.handle, c.heard_at).order_by(c.seq)
    asked = asked if only is None else asked.where(c.seq.in_(only))
    people = connection.execute(asked).all()
    names = {row[0]: row[1] for row in people}
    stood = _stood(connection, known_at, only)
    made = []
    for seq, name, handle, heard_at in people:
        place = stood.get(seq, {})
        into = identities.person(seq) if identities.absorbed(seq) else None
        other = None if into is None else _name(connection, names, into)
        heard = None if heard_at is None else moment(heard_at)
        made.append(Held(patient=name, handle=handle, merged_into=other, last_received_at=heard, **place))
    return made


def _name(connection: Connection, names: dict[int, str], key: int) -> str | None:
    """The identifier behind a key."""
    if key in names:
        return names[key]
    return connection.execute(select(t.patients.c.patient).where(t.patients.c.seq == key)).scalar()


def _stood(connection: Connection, known_at: datetime | None, only: Sequence[int] | None) -> dict[int, dict[str, Any]]:
    """Unit, bed, label and discharge of each, by the newest move that says something of it."""
    c = t.moves.c
    asked = select(c.patient_key, c.kind, c.unit, c.bed, c.label, c.at).order_by(c.at, c.seq)
    asked = asked.where(c.kind.in_(("placed", "discharged")))
    asked = asked if known_at is None else asked.where(c.received_at <= microseconds(known_at))
    asked = asked if only is None else asked.where(c.patient_key.in_(only))
    made: dict[int, dict[str, Any]] = {}
    for owner, kind, unit, bed, label, at in connection.execute(asked):
        place = made.setdefault(owner, {})
        place["discharged_at"] = moment(at) if kind == "discharged" else None
        place |= {name: said for name, said in (("unit", unit), ("bed", bed), ("label", label)) if said is not None}
    return made
