"""Rows that several older scales print alike: oxygen against 40 %, organs by CTCAE. The grades are each scale's own."""

from __future__ import annotations

from typing import Any

import msgspec

from leeward.knowledge import Evidence
from leeward.knowledge.definition import Decision
from leeward.scales.inspired_oxygen import BELOW_LIMIT, FROM_LIMIT, PRESSURE_BY_MASK, VENTILATOR
from leeward.scales.level import worst
from leeward.scales.older_crs_state import State
from leeward.timeline.columns import pick


class Printed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the file of every older scale holds beside its grades."""

    id: str
    scale: str
    title: str
    source: str
    evidence: Evidence
    words: dict[str, str]
    decisions: list[Decision]


class OxygenGrades(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The grades that a scale gives to oxygen."""

    oxygen_below_40: int
    oxygen_from_40: int
    positive_pressure_by_mask: int
    ventilator: int


class OrganGrades(OxygenGrades, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Also from which grade on a scale counts an organ, and how high transaminases count."""

    organ_toxicity_from: int
    transaminases_at_most: int


def oxygen(at: State, grades: OxygenGrades) -> Any:
    """Below 40 %, from 40 %, pressure by mask, ventilator."""
    return pick(
        [
            (at.support == VENTILATOR, grades.ventilator),
            (at.support == PRESSURE_BY_MASK, grades.positive_pressure_by_mask),
            (at.support == FROM_LIMIT, grades.oxygen_from_40),
            (at.support == BELOW_LIMIT, grades.oxygen_below_40),
        ],
        0,
    )


def organs(at: State, grades: OrganGrades) -> Any:
    """An organ's own CTCAE grade, from the one that counts on; transaminitis up to its own limit."""
    toxicity = worst(
        at.kidney,
        at.bilirubin,
        pick([(at.transaminases > grades.transaminases_at_most, grades.transaminases_at_most)], at.transaminases),
    )
    return pick([(toxicity >= grades.organ_toxicity_from, toxicity)], 0)
