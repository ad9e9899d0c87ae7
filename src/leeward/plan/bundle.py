"""The clock of the bundle: from fever to cultures and antibiotics, and from the order of tocilizumab to its giving."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from leeward.plan.numbers import number
from leeward.timeline.settings import HOUR_S

CULTURES = ("blood-culture", "urine-culture")
QUANTITIES = (*CULTURES, "antibiotic", "ordered", "tocilizumab")
"""What the clock reads; `ordered` names in its text the drug that was ordered."""


class Timed(msgspec.Struct, frozen=True):
    """One step of the bundle: when its clock began and by what, and when it was done (null: not on record)."""

    step: str
    since: datetime | None
    since_what: str
    done: datetime | None
    hours: float | None


def clock(findings: Iterable[dict[str, Any]], onset_s: int | None, as_of_s: int) -> list[Timed]:
    """The steps of an episode.

    `hours`: from the clock's beginning to the doing (negative: before it), so far where it is not on record; null where
    only the day of the doing is known.
    """
    if onset_s is None:
        return []
    early_s = onset_s - int(number("bundle-before") * HOUR_S)
    rows = sorted((row for row in findings if row["quantity"] in QUANTITIES), key=lambda row: row["given_s"])
    rows = [row for row in rows if row["given_s"] >= early_s]
    steps = [("blood cultures", "blood-culture"), ("urine culture", "urine-culture"), ("antibiotics", "antibiotic")]
    made = [_timed(step, onset_s, "onset", _first(rows, quantity), as_of_s) for step, quantity in steps]
    orders = [row for row in rows if row["quantity"] == "ordered" and row["text"] == "tocilizumab"]
    since_s, since_what = (int(orders[0]["given_s"]), "order") if orders else (onset_s, "onset")
    given = _first([row for row in rows if row["by_day"] or row["given_s"] >= since_s], "tocilizumab")
    return [*made, _timed("tocilizumab", since_s, since_what, given, as_of_s)]


def _first(rows: list[dict[str, Any]], quantity: str) -> dict[str, Any] | None:
    """The first finding of a quantity."""
    return next((row for row in rows if row["quantity"] == quantity), None)


def _timed(step: str, since_s: int, since_what: str, done: dict[str, Any] | None, as_of_s: int) -> Timed:
    """A step with its hours."""
    since = datetime.fromtimestamp(since_s, UTC)
    if done is None:
        return Timed(step, since, since_what, None, round((as_of_s - since_s) / HOUR_S, 3))
    hours = None if done["by_day"] else round((int(done["given_s"]) - since_s) / HOUR_S, 3)
    return Timed(step, since, since_what, datetime.fromtimestamp(int(done["given_s"]), UTC), hours)
