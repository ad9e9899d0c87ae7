"""A preparation as iCalendar: the day with what is still open, each dose, premedication, how long each rule runs."""

from __future__ import annotations

from collections.abc import Iterator

from icalendar import Event

from leeward.plan.prepare import Preparation
from leeward.report.calendar_entries import Of, ended, entry, stay, written
from leeward.report.prepare_in_words import asks, rule, step_up
from leeward.report.prepare_in_words import step as step_line

_SETTLED = "done"


def calendar(one: Preparation) -> bytes:
    """The calendar as bytes; empty of entries where nothing has a date."""
    of = Of(what="prepare", patient=one.patient, product=one.product, edition=one.edition, standing=one.standing,
            as_of=one.as_of)  # fmt: skip
    return written(of, _events(one, of))


def _events(one: Preparation, of: Of) -> Iterator[Event]:
    """Every entry that has a date."""
    if one.refused or one.day is None:
        return
    yield entry(of, "checklist", f"{one.title}: what is open before the dose", _open(one), one.day)
    for line in one.step_up:
        for step in line.steps:
            if step.day is None:
                continue
            name = f"{line.region}{f', {line.for_}' if line.for_ else ''}: {step.when}, {step.amount:g} {step.unit}"
            said = "\n".join([step_line(step), step_up(line), *([step.note] if step.note else []), *_before(one)])
            key = f"dose {line.region} {line.for_} {step.number}"
            yield entry(of, key, f"{one.title}, {name}", said, step.at or step.day, last=step.last_day)
    yield from (stay(of, place, each, one.title) for place, each in ended(one.stay))


def _open(one: Preparation) -> str:
    """What is not done, each with who asks for it."""
    waiting = [item for item in one.checklist if item.state != _SETTLED]
    lines = [f"{item.title}: {item.told}. {' '.join(asks(line) + '.' for line in item.asks)}" for item in waiting]
    return "\n".join([*lines, *_before(one)]) or "every item is on record"


def _before(one: Preparation) -> list[str]:
    """What is said around the dose."""
    return [rule(line) for line in one.around if line.about in {"premedication", "prophylaxis"}]
