"""Entries of a calendar: tentative, private, each saying who says it.

The same answer gives the same file, so that a calendar that reads it again replaces its entries instead of doubling
them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import msgspec
from icalendar import Calendar, Event

from leeward.plan.prepare import Ends
from leeward.report.prepare_in_words import rule


class Of(msgspec.Struct, frozen=True, kw_only=True):
    """Whose calendar it is, of what (`prepare`, `watch`), and what every entry carries."""

    what: str
    patient: str
    product: str
    edition: str
    standing: str
    as_of: datetime | None


def written(of: Of, events: Iterable[Event]) -> bytes:
    """A calendar as bytes; empty of entries where nothing has a date."""
    made = Calendar()
    made.add("prodid", f"-//Leeward//{of.what}//EN")
    made.add("version", "2.0")
    for event in events:
        made.add_component(event)
    ical: bytes = made.to_ical()
    return ical


def stay(of: Of, place: int, each: Ends, title: str) -> Event:
    """A rule about staying near, being watched or driving, from the dose to its end."""
    named = f"{title}: {each.rule.about} ({each.rule.region})"
    key = f"stay {place} {each.rule.about} {each.rule.region} {each.rule.for_}"
    if each.until_at is not None and each.from_at is not None:
        return entry(of, key, named, rule(each.rule), each.from_at, until=each.until_at)
    assert each.from_day is not None
    return entry(of, key, named, rule(each.rule), each.from_day, last=each.until_day)


def ended(rules: Iterable[Ends]) -> list[tuple[int, Ends]]:
    """The rules that have an end, each with its place among all."""
    return [
        (place, each) for place, each in enumerate(rules) if each.until_day is not None or each.until_at is not None
    ]


def entry(
    of: Of, key: str, title: str, said: str, start: date | datetime, *, last: date | None = None,
    until: datetime | None = None,
) -> Event:  # fmt: skip
    """An entry of a day, of some days (the last included), or of a moment."""
    made = Event()
    names = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:leeward:{of.what}")
    made.add("uid", str(uuid.uuid5(names, f"{of.patient}|{of.product}|{of.edition}|{key}")))
    made.add("dtstamp", (of.as_of or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC))
    made.add("summary", f"{of.patient}: {title}")
    made.add("description", f"{said}\n\n{of.standing}")
    made.add("status", "TENTATIVE")
    made.add("class", "PRIVATE")
    made.add("transp", "TRANSPARENT")
    made.add("dtstart", _time(start))
    if until is not None:
        made.add("dtend", _time(until))
    elif not isinstance(start, datetime):
        made.add("dtend", (last or start) + timedelta(days=1))
    return made


def _time(at: date | datetime) -> date | datetime:
    """A moment in UTC, which a calendar shows on its reader's clock: rules for a zone in a file can be read wrongly."""
    return at.astimezone(UTC) if isinstance(at, datetime) else at
