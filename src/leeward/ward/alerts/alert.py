"""An alert as it is shown: what it tells, what it rests on, who has been told, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from leeward.ward.alerts.signs import STANDING, Class, Held, Kind, Sign, class_of
from leeward.ward.rows import moment

Told = Literal["untold", "shown", "sent", "acknowledged"]


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

    kind, about, level, text, signs: while it is open, what of it holds still; once closed, what it was opened with.
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


def alert(
    row: Any, events: Sequence[Any], sent: Sequence[Any], held: Sequence[Held], *, patience: timedelta, now: datetime,
    most: int,
) -> Alert:  # fmt: skip
    """An alert from its row, its events and its messages, in order, and from what is held of it.

    patience: how long it may stay untold. most: characters of its text.
    """
    body = msgspec.json.decode(row.body, type=Body)
    happened = tuple(_happened(event) for event in events)
    deliveries = tuple(
        Delivery(receiver=one.receiver, what=one.kind, attempts=one.attempts,
                 delivered_at=None if one.delivered_at is None else moment(one.delivered_at))
        for one in sent
    )  # fmt: skip
    seen = next((one for one in happened if one.what == "acknowledged"), None)
    quiet = next((one for one in reversed(happened) if one.what == "quieted"), None)
    closing = next((one for one, event in zip(happened, events, strict=True) if event.closes), None)
    signs = body.signs if closing else _still(body.signs, {one.about: one for one in held})
    lead, as_opened = signs[0], signs == body.signs
    reached = any(one.delivered_at for one in deliveries if one.what in ("opened", "again"))
    did = {one.what for one in happened}
    told: Told = "acknowledged" if seen else "sent" if reached else "shown" if "shown" in did else "untold"
    late = "undelivered" in did or (told == "untold" and now - moment(row.opened_at) >= patience)
    opened_at = moment(row.opened_at)
    return Alert(
        id=row.seq, patient=row.patient, handle=row.handle, unit=row.unit, kind=lead.kind,
        kind_class=class_of(lead.kind), about=lead.about, level=max(one.at_least for one in signs),
        text=body.text if as_opened else text(signs, most), opened_at=opened_at, signs=signs, edition=body.edition,
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


def _still(signs: tuple[Sign, ...], held: Mapping[str, Held]) -> tuple[Sign, ...]:
    """Those of an alert's signs that are held still, as they are now; where nothing is known of any, all of them."""
    kept = tuple(_now(sign, held[sign.about]) for sign in signs if sign.about in held)
    return kept or signs


def _now(sign: Sign, held: Held) -> Sign:
    """A sign as it was opened, or as it was told when it settled to less or was corrected."""
    if not held.says:
        return sign
    return msgspec.structs.replace(sign, at_least=held.level, at_most=max(held.level, sign.at_most), says=held.says,
                                   because=held.because)  # fmt: skip


def text(signs: Sequence[Sign], most: int) -> str:
    """The leading sign's words, and how many others are told with it."""
    more = f" (and {len(signs) - 1} more)" if len(signs) > 1 else ""
    said = signs[0].says
    return (said if len(said) + len(more) <= most else said[: most - len(more) - 1] + "…") + more
