"""The clock of the bundle: from fever to cultures and antibiotics, and from the order of tocilizumab to its giving."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

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
    """The steps of an episode. `hours`: from the clock's beginning to the doing, so far where it is not on record."""
    if onset_s is None:
        return []
    rows = sorted((row for row in findings if row["quantity"] in QUANTITIES), key=lambda row: row["given_s"])
    since = [row for row in rows if row["given_s"] >= onset_s]
    orders = [row for row in since if row["quantity"] == "ordered" and row["text"] == "tocilizumab"]
    steps = [
        ("blood cultures", onset_s, "onset", _first(since, "blood-culture")),
        ("urine culture", onset_s, "onset", _first(since, "urine-culture")),
        ("antibiotics", onset_s, "onset", _first(since, "antibiotic")),
    ]
    if orders:
        ordered_s = int(orders[0]["given_s"])
        given_s = _first([row for row in since if row["given_s"] >= ordered_s], "tocilizumab")
        steps.append(("tocilizumab", ordered_s, "order", given_s))
    else:
        steps.append(("tocilizumab", onset_s, "onset", _first(since, "tocilizumab")))
    return [_timed(*step, as_of_s) for step in steps]


def _first(rows: list[dict[str, Any]], quantity: str) -> int | None:
    """When a quantity was first charted."""
    return next((int(row["given_s"]) for row in rows if row["quantity"] == quantity), None)


def _timed(step: str, since_s: int, since_what: str, done_s: int | None, as_of_s: int) -> Timed:
    """A step with its hours."""
    end_s = as_of_s if done_s is None else done_s
    done = None if done_s is None else datetime.fromtimestamp(done_s, UTC)
    return Timed(step, datetime.fromtimestamp(since_s, UTC), since_what, done, round((end_s - since_s) / HOUR_S, 3))
