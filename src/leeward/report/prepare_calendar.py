"""A preparation as iCalendar: the day with what is still open, each dose, premedication, how long each rule runs.

Every entry is tentative and private, and says who says it. The same answer gives the same file, so that a calendar
that reads it again replaces its entries instead of doubling them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from icalendar import Calendar, Event

from leeward.plan.prepare import Ends, Preparation
from leeward.report.page import page_name
from leeward.report.prepare_in_words import asks, rule, step_up
from leeward.report.prepare_in_words import step as step_line

_NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "urn:leeward:prepare")
_SETTLED = "done"


def write_calendar(one: Preparation, folder: Path) -> Path:
    """Writes one patient's calendar into a folder; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / page_name(f"{one.patient} prepare {one.product}").replace(".html", ".ics")
    file.write_bytes(calendar(one))
    return file


def calendar(one: Preparation) -> bytes:
    """The calendar as bytes; empty of entries where nothing has a date."""
    made = Calendar()
    made.add("prodid", "-//Leeward//prepare//EN")
    made.add("version", "2.0")
    for event in _events(one):
        made.add_component(event)
    written: bytes = made.to_ical()
    return written


def _events(one: Preparation) -> Iterator[Event]:
    """Every entry that has a date."""
    if one.refused or one.day is None:
        return
    yield _event(one, "checklist", f"{one.title}: what is open before the dose", _open(one), one.day)
    for line in one.step_up:
        for step in line.steps:
            if step.day is None:
                continue
            name = f"{line.region}{f', {line.for_}' if line.for_ else ''}: {step.when}, {step.amount:g} {step.unit}"
            said = "\n".join([step_line(step), step_up(line), *([step.note] if step.note else []), *_before(one)])
            key = f"dose {line.region} {line.for_} {step.number}"
            yield _event(one, key, f"{one.title}, {name}", said, step.at or step.day, last=step.last_day)
    for place, each in enumerate(one.stay):
        if each.until_day is not None or each.until_at is not None:
            yield _stay(one, place, each)


def _open(one: Preparation) -> str:
    """What is not done, each with who asks for it."""
    waiting = [item for item in one.checklist if item.state != _SETTLED]
    lines = [f"{item.title}: {item.told}. {' '.join(asks(line) + '.' for line in item.asks)}" for item in waiting]
    return "\n".join([*lines, *_before(one)]) or "every item is on record"


def _before(one: Preparation) -> list[str]:
    """What is said around the dose."""
    return [rule(line) for line in one.around if line.about in {"premedication", "prophylaxis"}]


def _stay(one: Preparation, place: int, each: Ends) -> Event:
    """A rule from the dose to its end."""
    title = f"{one.title}: {each.rule.about} ({each.rule.region})"
    key = f"stay {place} {each.rule.about} {each.rule.region} {each.rule.for_}"
    if each.until_at is not None and one.at is not None:
        return _event(one, key, title, rule(each.rule), one.at, until=each.until_at)
    assert each.from_day is not None
    return _event(one, key, title, rule(each.rule), each.from_day, last=each.until_day)


def _event(
    one: Preparation, key: str, title: str, said: str, start: date | datetime, *, last: date | None = None,
    until: datetime | None = None,
) -> Event:  # fmt: skip
    """An entry of a day, of some days (the last included), or of a moment."""
    made = Event()
    made.add("uid", str(uuid.uuid5(_NAMES, f"{one.patient}|{one.product}|{one.edition}|{key}")))
    made.add("dtstamp", (one.as_of or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC))
    made.add("summary", f"{one.patient}: {title}")
    made.add("description", f"{said}\n\n{one.standing}")
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
