"""Writes what the machine tells: the alert or what became of it, the news for the boards, the messages to receivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from leeward.ward.alerts import rows
from leeward.ward.alerts.alert import Body, text
from leeward.ward.alerts.signs import STANDING, Change, class_of
from leeward.ward.news import add_news
from leeward.ward.rows import microseconds
from leeward.ward.settings import WardSettings

SAID = {
    "overtaken": "Overtaken by a newer alert",
    "resolved": "Settled: no longer so",
    "withdrawn": "Withdrawn: what it rested on was corrected or taken back",
    "corrected": "Corrected: it now rests on other values",
}


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Of whom something is told: a patient by key, or the whole ward."""

    patient_key: int | None = None
    handle: str | None = None
    unit: str | None = None

    def __str__(self) -> str:
        """Under what the machine remembers them."""
        return rows.WARD if self.patient_key is None else str(self.patient_key)


def tell(
    connection: Connection, subject: Subject, change: Change, settings: WardSettings, edition: str, most: int
) -> None:
    """One change, in the transaction in which the machine remembers it."""
    key = f"{subject}/{change.alert}"
    if change.what == "opened":
        body = Body(text=text(change.signs, most), signs=change.signs, edition=edition,
                    kind_class=class_of(change.signs[0].kind))  # fmt: skip
        lead = change.signs[0]
        row = {"patient_key": subject.patient_key, "kind": lead.kind, "about": lead.about, "level": change.level,
               "opened_at": microseconds(change.at), "unit": subject.unit,
               "body": msgspec.json.encode(body)}  # fmt: skip
        made = rows.add_alert(connection, key, row)
        if made is None:
            return
        rows.add_event(connection, made, "opened", change.at)
        receivers = [
            one.name for one in settings.webhooks if _first(one.name, settings) and _of(one.units, subject.unit)
        ]
        said = body.text
    else:
        made = rows.id_of(connection, key)
        if made is None:
            return
        said = _followed(change, most)
        rows.add_event(connection, made, change.what, change.at, said=said, closes=change.closes)
        receivers = rows.told_of(connection, made)
    others = {number: rows.id_of(connection, f"{subject}/{number}") for number in (change.by, *change.after) if number}
    news = news_of(made, subject, change, said, others)
    add_news(connection, f"alert-{change.what}", change.at, subject.patient_key, subject.unit, news)
    rows.queue(connection, made, _once(key, change), receivers, change.what, message(news), change.at)


def _once(key: str, change: Change) -> str:
    """Under what a message is sent once: a correction may come again, the rest cannot."""
    return f"{key}@{microseconds(change.at)}" if change.what != "opened" else key


def _first(name: str, settings: WardSettings) -> bool:
    """Whether a receiver is told at once, and not only when another stays silent."""
    return all(one.next != name for one in settings.webhooks)


def _of(units: tuple[str, ...], unit: str | None) -> bool:
    """Whether a receiver hears of a unit; who names none hears of all, and what is of no unit all hear of."""
    return not units or unit is None or unit in units


def _followed(change: Change, most: int) -> str:
    """What became of an alert, and what holds now where that is known."""
    now = next((sign.says.partition(": ")[0] for sign in change.signs if sign.says), "")
    said = f"{SAID[change.what]}. Now: {now}" if now else f"{SAID[change.what]}."
    return said if len(said) <= most else said[: most - 1] + "…"


def news_of(
    alert_id: int, subject: Subject, change: Change, said: str, others: Mapping[int, int | None]
) -> dict[str, Any]:  # fmt: skip
    """What the boards and the receivers are told: no name, no identifier, only the patient's handle.

    others: the ids of the alerts that overtook it, or in whose place it was opened.
    """
    news = {
        "alert": alert_id, "what": change.what, "at": change.at, "patient": subject.handle, "unit": subject.unit,
        "kind": change.kind, "class": class_of(change.kind),
        "about": list(change.abouts), "level": change.level, "text": said, "open": not change.closes,
    }  # fmt: skip
    if change.by is not None:
        news["by"] = others[change.by]
    return news if change.what != "opened" else news | {"after": [others[number] for number in change.after]}


def message(news: dict[str, Any]) -> dict[str, Any]:
    """A webhook's body, in the shape of Standard Webhooks."""
    return {"type": f"alert.{news['what']}", "timestamp": news["at"], "data": {**news, "standing": STANDING}}
