"""The page of what is watched after a dose: checks by state, rules with their ends, early signs."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from leeward.plan.monitoring import Check, Watched
from leeward.report import prepare_in_words, watch_in_words
from leeward.report.page import _templates
from leeward.report.prepare_page import sheet

_MARKS = {"overdue": "✕", "due": "●", "next": "○", "continuous": "∞", "not-asked": "–", "ended": "✓"}


def page(one: Watched, zone: tzinfo) -> str:
    """One patient as a page. Colour stands for nothing: each state is a word, with a mark beside it."""
    style, allowed = sheet()
    return (
        _templates()
        .get_template("watch.html")
        .render(
            one=one, zone=zone, words=watch_in_words, around=prepare_in_words,
            checks=[_row(check, zone) for check in watch_in_words.ordered(one)],
            signs=[list(watch_in_words.sign(each, zone)) for each in one.early_signs],
            closing=prepare_in_words.CLOSING, sheet=style, allowed=allowed,
        )
    )  # fmt: skip


def _row(one: Check, zone: tzinfo) -> dict[str, Any]:
    """One check as the page shows it."""
    return {
        "one": one, "mark": _MARKS[one.state], "state": watch_in_words.state(one, zone),
        "last": watch_in_words.last(one, zone), "says": watch_in_words.asked_by(one),
    }  # fmt: skip
