"""An alert as it is shown: what it tells, what it rests on, who has been told, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from leeward.ward.alerts.signs import STANDING, Class, Kind, Sign
from leeward.ward.rows import moment

Told = Literal["untold", "shown", "sent", "acknowledged"]
CLOSING = ("overtaken", "resolved", "withdrawn", "left")
"""What closes an alert."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert said when it was opened; it is never changed. Without something it rests on there is none."""

    text: str
    signs: tuple[Sign, ...]
    edition: str
    kind_class: Class
    standing: str = STANDING

    def __post_init__(self) -> None:
        """Refuses an alert without signs, or without the edition of the knowledge behind it."""
        if not (self.signs and self.edition):
            raise ValueError("an alert rests on signs, and on an edition of knowledge")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one receiver: what of, when it was accepted (null: not yet), after how many attempts."""

    receiver: str
    what: str
    attempts: int
    delivered_at: datetime | None


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that became of an alert."""

    what: str
    at: datetime
    person: str | None = None
    text: str | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert. `patient` null: of the whole ward. `handle` stands for the patient in addresses.

    told: untold until an open board was sent it (shown), a receiver accepted it (sent) or a person acknowledged it.
    undelivered: untold for longer than the ward allows, or not acknowledged and nobody is left to tell. quiet_until:
    nobody is reminded of it before then; it hides nothing else.
    """

    id: int
    patient: str | None
    handle: str | None
    unit: str | None
    kind: Kind
    kind_class: Class
    about: str
    level: int
    text: str
    opened_at: datetime
    signs: tuple[Sign, ...]
    edition: str
    told: Told
    undelivered: bool
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    quieted_by: str | None = None
    quiet_until: datetime | None = None
    closed: str | None = None
    closed_at: datetime | None = None
    deliveries: tuple[Delivery, ...] = ()
    happened: tuple[Happened, ...] = ()
    standing: str = STANDING

    @property
    def open(self) -> bool:
        """Whether it still holds."""
        return self.closed is None


def alert(row: Any, events: Iterable[Any], sent: Iterable[Any], *, patience: timedelta, now: datetime) -> Alert:
    """An alert from its row, its events and its messages, in order. `patience`: how long it may stay untold."""
    body = msgspec.json.decode(row.body, type=Body)
    happened = tuple(_happened(event) for event in events)
    deliveries = tuple(
        Delivery(receiver=one.receiver, what=one.kind, attempts=one.attempts,
                 delivered_at=None if one.delivered_at is None else moment(one.delivered_at))
        for one in sent
    )  # fmt: skip
    seen = next((one for one in happened if one.what == "acknowledged"), None)
    quiet = next((one for one in reversed(happened) if one.what == "quieted"), None)
    closing = next((event for event in happened if event.what in CLOSING and _closes(event, events)), None)
    reached = any(one.delivered_at for one in deliveries if one.what in ("opened", "again"))
    did = {one.what for one in happened}
    told: Told = "acknowledged" if seen else "sent" if reached else "shown" if "shown" in did else "untold"
    late = "undelivered" in did or (told == "untold" and now - moment(row.opened_at) >= patience)
    opened_at = moment(row.opened_at)
    return Alert(
        id=row.seq, patient=row.patient, handle=row.handle, unit=row.unit, kind=row.kind, kind_class=body.kind_class,
        about=row.about, level=row.level, text=body.text, opened_at=opened_at, signs=body.signs, edition=body.edition,
        told=told, undelivered=late and told != "acknowledged" and closing is None,
        acknowledged_by=seen.person if seen else None, acknowledged_at=seen.at if seen else None,
        quieted_by=quiet.person if quiet else None,
        quiet_until=datetime.fromisoformat(quiet.text) if quiet and quiet.text else None,
        closed=closing.what if closing else None, closed_at=closing.at if closing else None,
        deliveries=deliveries, happened=happened,
    )  # fmt: skip


def _happened(event: Any) -> Happened:
    """One event of an alert."""
    text = None if event.body is None else str(msgspec.json.decode(event.body))
    return Happened(what=event.kind, at=moment(event.at), person=event.person, text=text)


def _closes(one: Happened, events: Iterable[Any]) -> bool:
    """Whether this event closed its alert."""
    return any(event.closes and event.kind == one.what for event in events)
