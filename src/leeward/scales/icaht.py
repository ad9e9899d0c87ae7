"""Immune effector cell-associated haematotoxicity, by neutrophils and platelets (doi:10.1182/blood.2023020578)."""

from __future__ import annotations

from typing import Any

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, largest, part
from leeward.scales.score_inputs import At
from leeward.timeline.exposures import DAY_S


def early(at: At, icaht: Definition) -> Outcome:
    """Days 0 to 30: the longest runs at or below 500 and 100 per uL, or never above 500."""
    return _graded(at, icaht, ("days-500", "days-100", "never"), "neutrophils", 0)


def late(at: At, icaht: Definition) -> Outcome:
    """Days 31 to 100: the lowest confirmed count."""
    return _graded(at, icaht, ("late",), "neutrophils", icaht.number("early_until_day") + 1)


def early_platelets(at: At, icaht: Definition) -> Outcome:
    """Days 0 to 30: the longest runs below 50 and 20."""
    return _graded(at, icaht, ("days-50", "days-20"), "platelets", 0)


def late_platelets(at: At, icaht: Definition) -> Outcome:
    """Days 31 to 100: the lowest count, and the longest run below 20."""
    return _graded(at, icaht, ("late", "late-days-20"), "platelets", icaht.number("early_until_day") + 1)


def _graded(at: At, icaht: Definition, items: tuple[str, ...], count: str, from_day: float) -> Outcome:
    """The worst of the items, for patients who were given cells, from that day on."""
    whole = largest(part(at, icaht, name) for name in items)
    open_ = whole.at_least < whole.at_most
    found = answered(at, icaht, Part(whole.at_least, whole.at_most, {count: open_}))
    return found._replace(applies=_lived(at, from_day))


def _lived(at: At, from_day: float) -> Any:
    """Whether the patient was given cells so many days ago."""
    return (at.rows.as_of_s >= at.rows.cells_s + int(from_day * DAY_S)).fill_null(False)
