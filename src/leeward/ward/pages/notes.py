"""Notes beside a course: free text of people, appended and never changed; they grade nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import insert, select

from leeward.ward import tables as t
from leeward.ward.rows import microseconds, moment

if TYPE_CHECKING:
    from leeward.ward.world import World


class Note(msgspec.Struct, frozen=True):
    """Who wrote what, when."""

    at: datetime
    person: str
    text: str


def add(world: World, patient: str, person: str, text: str) -> None:
    """Keep a note."""
    with world.engine.execution_options(writes=True).begin() as connection:
        key = connection.execute(select(t.patients.c.seq).where(t.patients.c.patient == patient)).scalar_one()
        row = {"patient_key": key, "at": microseconds(world.clock.now()), "person": person, "text": text}
        connection.execute(insert(t.notes).values(row))


def of(world: World, patient: str, until: datetime) -> list[Note]:
    """The notes of a patient, and of all merged into them by then, up to a moment; the newest first."""
    people = world.store.same_as(patient, known_at=until)
    asked = select(t.notes.c.at, t.notes.c.person, t.notes.c.text)
    asked = asked.join(t.patients, t.patients.c.seq == t.notes.c.patient_key).where(t.patients.c.patient.in_(people))
    asked = asked.where(t.notes.c.at <= microseconds(until)).order_by(t.notes.c.seq.desc())
    with world.engine.connect() as connection:
        return [Note(moment(row[0]), row[1], row[2]) for row in connection.execute(asked)]
