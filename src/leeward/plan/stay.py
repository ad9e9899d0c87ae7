"""How long a patient stays near, is watched and does not drive, as the catalogue of therapies dates and sources it."""

from __future__ import annotations

from datetime import date

from leeward.knowledge import therapies
from leeward.knowledge.therapies import About, Rule

STAY: tuple[About, ...] = ("hospital", "stay", "monitoring", "driving", "follow-up")
"""What a rule here can be about, in the order in which answers name it."""


def rules(inn: str, given_on: date, region: str | None = None) -> tuple[Rule, ...]:
    """The rules of a product, its groups' among them, that were in force on the day its dose was given.

    `region` (US, EU, CH) keeps that region's and those of any. A name that the catalogue does not hold has none.
    """
    item = therapies.of(inn)
    if item is None:
        return ()
    asked = (line for line in therapies.rules(item, given_on) if line.about in STAY)
    mine = [line for line in asked if region is None or line.region in (region, "any")]
    return tuple(sorted(mine, key=lambda line: STAY.index(line.about)))
