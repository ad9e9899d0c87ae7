"""Who broke the glass lately: told on the board until an administrator has seen it, or for a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

import msgspec
from sqlalchemy import Engine, select

from leeward.ward import tables as t
from leeward.ward.clock import Clock
from leeward.ward.rows import microseconds, moment

BROKEN, SEEN = "break-glass", "break-glass-seen"
"""Kinds of events."""


class Broken(msgspec.Struct, frozen=True):
    """Somebody saw a patient who is not theirs to see, and said why. number: of the event."""

    number: int
    at: datetime
    person: str
    patient: str


class Notes:
    """What is still to be told. Events are read once each: there are many, and few of these."""

    def __init__(self, engine: Engine, clock: Clock, hours: float) -> None:
        self._engine, self._clock, self._shown = engine, clock, timedelta(hours=hours)
        self._turn = Lock()
        self._read_to = 0
        self._open: dict[int, Broken] = {}

    def open(self) -> list[Broken]:
        """Every breaking of the glass that nobody responsible has seen yet, the newest first."""
        since = self._clock.now() - self._shown
        with self._turn:
            self._read(microseconds(since))
            self._open = {number: one for number, one in self._open.items() if one.at >= since}
            return sorted(self._open.values(), key=lambda one: -one.number)

    def one(self, number: int) -> Broken | None:
        """One of them."""
        return next((one for one in self.open() if one.number == number), None)

    def _read(self, since_us: int) -> None:
        """Take in what has happened since this was asked last."""
        c = t.events.c
        asked = select(c.seq, c.at, c.kind, c.body, t.patients.c.patient)
        asked = asked.join(t.patients, t.patients.c.seq == c.patient_key, isouter=True).order_by(c.seq)
        asked = asked.where(c.seq > self._read_to, c.at >= since_us, c.kind.in_((BROKEN, SEEN)))
        newest = select(c.seq).order_by(c.seq.desc()).limit(1)
        with self._engine.connect() as connection:
            last = connection.execute(newest).scalar() or 0
            found = connection.execute(asked.where(c.seq <= last)).all()
        for seq, at_us, kind, body, patient in found:
            said = msgspec.json.decode(body)
            if kind == SEEN:
                self._open.pop(said["number"], None)
            elif patient is not None:
                self._open[seq] = Broken(seq, moment(at_us), said["person"], patient)
        self._read_to = last
