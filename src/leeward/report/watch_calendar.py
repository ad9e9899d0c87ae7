"""What is due after a dose as iCalendar: each check where it is next, and how long each rule runs."""

from __future__ import annotations

from collections.abc import Iterator

from icalendar import Event

from leeward.knowledge.therapies import of as therapy
from leeward.plan.monitoring import Watched
from leeward.report.calendar_entries import Of, ended, entry, stay, written
from leeward.report.watch_in_words import asked_by


def calendar(one: Watched) -> bytes:
    """The calendar as bytes; empty of entries where nothing has a time."""
    # No product: what a patient is given next must not double the entries of what was given before.
    of = Of(what="watch", patient=one.patient, product="", edition=one.edition, standing=one.standing, as_of=one.as_of)
    return written(of, _events(one, of))


def _events(one: Watched, of: Of) -> Iterator[Event]:
    """A moment for each check that applies or may, a stretch for each rule with an end."""
    for check in one.checks:
        if check.applies is False or check.next_at is None:
            continue
        perhaps = "may apply: " if check.applies is None else ""
        said = "\n".join([asked_by(check), *check.why])
        # A check has one entry, which moves with it: a calendar that reads the file again shows the next one only.
        key = f"check {check.product} {check.id}"
        title = f"{perhaps}{check.title} after {_title(check.product)}: {check.state}"
        yield entry(of, key, title, said, check.next_at)
    yield from (stay(of, place, each, _title(each.product)) for place, each in ended(one.stay))


def _title(product: str | None) -> str:
    """A product as its page names it."""
    held = therapy(product or "")
    return held.title if held else product or ""
