"""The parts of a grade for a reader: what each gives alone, the findings it rests on, and what of it is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from leeward.cohort.parts import Part
from leeward.report import words
from leeward.scales import astct_2019_crs, astct_2019_icans

HIDDEN = "none now; it is not asked for where a drug that hides it was given"
ABSENT = "not charted or too old"
OTHER = "beside the parts"
_MARKS = {"fever": "fever", "hypotension": "pressure", "hypoxia": "oxygen"}
"""Which part a mark of another cause speaks of, by the sign it names."""


class Row(NamedTuple):
    """One part: the grade it gives alone (None: what is listed belongs to no part), and what stands behind it."""

    name: str
    range: Part | None
    note: str
    because: list[Mapping[str, Any]]
    lacks: list[Mapping[str, Any]]


def note(part: Part, graded_at_most: int | None) -> str:
    """What must be said of a part beside its grade; `graded_at_most`: the upper end of the whole grade."""
    if part.name == "fever" and part.at_most == 0 and (graded_at_most or 0) > 0:
        return HIDDEN
    return "" if part.known or part.at_least else ABSENT


@cache
def _part_of(syndrome: str) -> dict[str, str]:
    """Which part reads a quantity."""
    if syndrome == "icans":
        limits = astct_2019_icans.limits()
        scores = dict.fromkeys((limits.ice.quantity, limits.capd.quantity), "score")
        return scores | {name: name for name in ("consciousness", "seizure", "motor-weakness", "cerebral-oedema")}
    crs = astct_2019_crs.limits()
    pressors = [*crs.vasopressors.counted, *crs.vasopressors.never_several]
    return (
        dict.fromkeys((crs.fever.quantity, *crs.waiver.drugs), "fever")
        | dict.fromkeys((crs.hypotension.quantity, *pressors, "age-years"), "pressure")
        | dict.fromkeys(words.words().groups.oxygen, "oxygen")
    )


def rows(syndrome: str, parts: Sequence[Part], card: Mapping[str, Any]) -> list[Row]:
    """A syndrome's parts with what a card of it says of each; nothing where there are no parts, or no grade.

    A part of which nothing was ever charted and that gives nothing stands there only while it is missing.
    """
    mine = [part for part in parts if part.syndrome == syndrome]
    now = card["now"]
    if not mine or not now.graded:
        return []
    because = _by_part(syndrome, card["because"])
    lacks = _by_part(syndrome, card["lacks"])
    made = [
        Row(words.words().parts[part.name], part, note(part, now.at_most),
            because.pop(part.name, []), lacks.pop(part.name, []))
        for part in mine
        if part.known or part.at_most or part.name in lacks
    ]  # fmt: skip
    left = [one for some in because.values() for one in some], [one for some in lacks.values() for one in some]
    return [*made, Row(OTHER, None, "", *left)] if any(left) else made


def _by_part(syndrome: str, listed: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Findings, or what is missing, by the part that reads them."""
    made: dict[str, list[Mapping[str, Any]]] = {}
    for one in listed:
        quantity = one["quantity"]
        marked = one.get("figure", "").partition("=")[0]
        part = _MARKS.get(marked, OTHER) if quantity == "attribution" else _part_of(syndrome).get(quantity, OTHER)
        made.setdefault(part, []).append(one)
    return made
