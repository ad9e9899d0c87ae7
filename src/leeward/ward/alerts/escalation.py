"""What happens to an alert that nobody acknowledged: the next receiver hears of it, the boards show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from leeward.ward import tables as t
from leeward.ward.alerts import rows
from leeward.ward.alerts.alert import Alert
from leeward.ward.alerts.signs import STANDING
from leeward.ward.news import add_news
from leeward.ward.settings import WardSettings

STEPS = ("escalated", "undelivered", "again")
LEFT = "The patient has left the ward."


def is_due(one: Alert, now: datetime, patience: Mapping[str, timedelta], settings: WardSettings) -> bool:
    """Whether an open alert has waited too long: since it was opened, or since the last step."""
    if one.acknowledged_at is not None or (one.quiet_until is not None and now < one.quiet_until):
        return False
    last = max((event.at for event in one.happened if event.what in STEPS), default=one.opened_at)
    if one.quiet_until is not None and last < one.quiet_until:
        return True
    ended = any(event.what == "undelivered" for event in one.happened) and not _next(one, settings)
    # A clock that was set back must not put off what is due.
    return not ended and not timedelta(0) <= now - last < patience[one.kind_class]


def step(connection: Connection, one: Alert, now: datetime, settings: WardSettings, most: int) -> None:
    """One step: remind after quiet, else the next receivers, else say that there is nobody left to tell."""
    last = max((event.at for event in one.happened if event.what in STEPS), default=one.opened_at)
    told = sorted({delivery.receiver for delivery in one.deliveries})
    if one.quiet_until is not None and last < one.quiet_until <= now:
        what, receivers = "again", told
    else:
        receivers = _next(one, settings)
        what = "escalated" if receivers else "undelivered"
    if what == "undelivered" and any(event.what == what for event in one.happened):
        return
    rows.add_event(connection, one.id, what, now, said=", ".join(receivers))
    announce(connection, one, f"alert-{what}", now)
    said = f"Not acknowledged: {one.text}" if what == "escalated" else one.text
    body = {"type": f"alert.{what}", "timestamp": now,
            "data": _news(one, said if len(said) <= most else said[: most - 1] + "…", what, now)}  # fmt: skip
    nth = sum(event.what == "again" for event in one.happened)
    rows.queue(connection, one.id, f"{one.id}.{nth}" if what == "again" else str(one.id), receivers,
               "again" if what == "again" else "opened", body, now)  # fmt: skip


def _next(one: Alert, settings: WardSettings) -> list[str]:
    """The receivers after those who were told, where they were not told yet; without any, whoever comes first."""
    told = {delivery.receiver for delivery in one.deliveries}
    after = {hook.next for hook in settings.webhooks if hook.name in told and hook.next}
    known = {hook.name for hook in settings.webhooks}
    return sorted((after & known) - told)


def announce(connection: Connection, one: Alert, kind: str, now: datetime) -> None:
    """Let the boards know that something became of an alert."""
    key = rows.keys(connection, [one.patient]).get(one.patient) if one.patient is not None else None
    add_news(connection, kind, now, key, one.unit, _news(one, one.text, kind.removeprefix("alert-"), now))


def announce_shown(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Have the boards fetch the rows of those whose alerts were untold until now."""
    asked = select(t.alerts.c.unit, t.patients.c.handle).join(t.patients, t.patients.c.seq == t.alerts.c.patient_key)
    by_unit: dict[str | None, set[str]] = {}
    for row in connection.execute(asked.where(t.alerts.c.seq.in_(ids))) if ids else ():
        by_unit.setdefault(row.unit, set()).add(row.handle)
    for unit, handles in by_unit.items():
        add_news(connection, "graded", now, None, unit, {"patients": sorted(handles)})


def _news(one: Alert, text: str, what: str, now: datetime) -> dict[str, Any]:
    """What is told of an alert that is on record."""
    return {
        "alert": one.id, "what": what, "at": now, "patient": one.handle, "unit": one.unit, "kind": one.kind,
        "class": one.kind_class, "about": [sign.about for sign in one.signs], "level": one.level, "text": text,
        "open": one.open, "standing": STANDING,
    }  # fmt: skip


def leave(connection: Connection, keys: Mapping[str, int], now: datetime, most: int) -> None:
    """Close the alerts of patients who have left the ward, or turned out to be another; nothing is remembered.

    Whoever was told of one is told that it is closed.
    """
    patience = {"physiological": timedelta(0), "technical": timedelta(0)}
    for key in keys.values():
        state = rows.states(connection, [str(key)]).get(str(key))
        if state is None or not state.held:
            continue
        wanted = (t.alerts.c.patient_key == key) & ~rows.is_closed()
        for one in rows.alerts(connection, wanted, now, patience, most):
            rows.add_event(connection, one.id, "left", now, said=LEFT, closes=True)
            announce(connection, one, "alert-left", now)
            body = {"type": "alert.closed", "timestamp": now, "data": _news(one, LEFT, "left", now) | {"open": False}}
            rows.queue(connection, one.id, str(one.id), rows.told_of(connection, one.id), "closed", body, now)
        rows.save_state(connection, str(key), type(state)(opened=state.opened))
