"""The plan as a patient's page shows it: a short list beside the course, then each source, side by side.

What applies comes before what depends on something that is not on record; what is only recalled comes last, folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, TypeVar

import msgspec

from leeward.plan.bundle import Timed
from leeward.plan.plan import ALTERNATIVES, Plan, Range
from leeward.plan.suggestions import Disagreement, Later, Said, Suggestion
from leeward.report import words
from leeward.report.clock import Clock, seconds
from leeward.report.plan_lines import DECISIVE, KNOWN, Line, common, grouped, line, local
from leeward.scales.older_crs import ASTCT

FOLDED = 4
"""More conditional lines than this are folded away in a card, with their number and what they wait for."""
SHORT = 5
"""So many lines of one source stand beside the course; the rest below."""
T = TypeVar("T", Suggestion, Disagreement)


class Block(msgspec.Struct, frozen=True):
    """Lines that hold under one heading: at one end of the range, or for what is not on record."""

    title: str
    groups: list[tuple[str, list[Line]]]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One source: who speaks, on which grade, what applies, what may."""

    id: str
    source: str
    about: str
    graded: str
    applies: list[Block]
    unsure: list[Block]
    unsure_count: int
    unsure_about: str
    folded: bool
    citations: list[str]
    checked: str
    short: list[tuple[str, bool]]
    more: int


def section(plan: Plan | None, wall: Clock) -> dict[str, Any] | None:
    """Everything that the page's places of the plan show; None where there is no plan, since nothing is graded."""
    if plan is None or plan.as_of is None:
        return None
    told = [one for one in plan.suggestions if one.kind != "consult"]
    cards = [_card(plan, list(mine), wall) for _, mine in groupby(told, key=lambda one: one.source_id)]
    natures = {one.source_id: one.nature for one in told}
    local_ = [card for card in cards if natures[card.id] == "local"]
    others = [card for card in cards if natures[card.id] != "local"]
    return {
        "alternatives": ALTERNATIVES, "standing": words.capital(plan.standing), "at": wall.full(seconds(plan.as_of)),
        "protocol": plan.protocol, "grades": _grades(plan), "ranged": _grades(plan, wide=True),
        "local": local_, "cards": [card for card in others if card.applies],
        "only_unsure": [card for card in others if not card.applies],
        "quiet": [card.source for card in cards if card.applies and not card.short],
        "elsewhere": _elsewhere(plan.suggestions), "unsettled": _unsettled(told),
        "differ": _differ(plan, plan.disagreements),
        "later": sorted((_later(plan, one, wall) for one in plan.later), key=lambda one: bool(one["needs"])),
        "mind": _mind(plan), "clock": [_timed(one, wall) for one in plan.bundle],
        "stay": [(one, KNOWN[one.evidence]) for one in plan.stay],  # type: ignore[index]
        "recalled": _recalled(plan, wall), "recalled_count": len(plan.recalled), "assumptions": plan.assumptions,
    }  # fmt: skip


def _scale(scale: str) -> str:
    """A scale's name."""
    return words.words().scale_names.get(scale, scale)


def _range(one: Range) -> str:
    """A range of grades."""
    return words.grade(one.at_least, one.at_most)


def _grades(plan: Plan, *, wide: bool = False) -> list[str]:
    """The grades that sources are asked with, on each scale that some source uses; `wide`: those that are ranges."""
    used = {one.scale for one in plan.suggestions if one.scale} | {ASTCT}
    crs = sorted((one for one in plan.crs if one.scale in used), key=lambda one: one.scale != ASTCT)
    ranges = [("CRS", one) for one in crs] + ([("ICANS", plan.icans)] if plan.icans else [])
    return [
        f"{name} {_range(one)} by {_scale(one.scale)}"
        for name, one in ranges
        if not wide or one.at_least != one.at_most
    ]


def _ends(plan: Plan, scale: str = ASTCT) -> dict[str, str]:
    """What each end of the range means on a scale: "At best (CRS 1, ICANS 0)"."""
    ranges = [("CRS", one) for one in plan.crs if one.scale == scale]
    ranges += [("ICANS", plan.icans)] if plan.icans else []
    wide = [(name, one) for name, one in ranges if one.at_least != one.at_most]
    best = ", ".join(f"{name} {one.at_least}" for name, one in wide)
    worst = ", ".join(f"{name} {one.at_most}" for name, one in wide)
    return {
        "mildest": f"At best ({best})" if best else "At best",
        "worst": f"At worst ({worst})" if worst else "At worst",
    }


def _end(one: Said | Disagreement) -> str:
    """The end of the range at which something holds; empty where it holds at both."""
    return one.ends[0] if len(one.ends) == 1 else ""


def _by(found: Iterable[T], key: Callable[[T], str]) -> list[tuple[str, list[T]]]:
    """Things under their keys, in the order in which each key came first."""
    held: dict[str, list[T]] = {}
    for one in found:
        held.setdefault(key(one), []).append(one)
    return list(held.items())


def _card(plan: Plan, mine: Sequence[Suggestion], wall: Clock) -> Card:
    """One source's card."""
    first, known = mine[0], common(mine)
    ends = _ends(plan, next((one.scale for one in mine if one.scale), ASTCT))
    sure, unsure = [one for one in mine if not one.needs], [one for one in mine if one.needs]
    always = [line(one, wall, known) for one in sure if not _end(one)]
    blocks = [Block("", grouped(always))] + [
        Block(ends[end], grouped((line(one, wall, known) for one in sure if _end(one) == end), always)) for end in ends
    ]
    applies = [one for one in blocks if one.groups]
    waiting = [
        Block(about, grouped((line(one, wall, known) for one in several), always))
        for about, several in _by(unsure, _waits(ends))
    ]
    waiting = [one for one in waiting if one.groups]
    short = _short(applies)
    nature = first.nature if first.nature != "local" else "the local protocol"
    about = [part for part in (nature, first.region, first.dated) if part]
    count = sum(len(held) for block in waiting for _, held in block.groups)
    return Card(
        id=first.source_id, source=words.capital(first.source.rstrip(",")), about=", ".join(about),
        graded=_graded(plan, mine), applies=applies, unsure=waiting, unsure_count=count,
        unsure_about=words.listed(list(dict.fromkeys(need for one in unsure for need in one.needs))),
        folded=count > FOLDED,
        citations=list(dict.fromkeys(one.citation for one in mine)),
        checked=f"{KNOWN[known] if known else 'read in its source, but for what is marked'}; "
        f"last checked {min(one.checked for one in mine)}",
        short=short[:SHORT], more=len(short[SHORT:]),
    )  # fmt: skip


def _short(applies: Sequence[Block]) -> list[tuple[str, bool]]:
    """What a source says of drugs and level of care, in few words, with the end at which it holds; whether it waits."""
    made = []
    for block in applies:
        end = f"{block.title.split(' (')[0].lower()}: " if block.title else ""
        made += [(end + one.short, one.waits) for name, held in block.groups if name in DECISIVE for one in held]
    return list(dict.fromkeys(made))


def _graded(plan: Plan, mine: Sequence[Suggestion]) -> str:
    """The grade that a source is asked with, on its own scale."""
    scale = next((one.scale for one in mine if one.scale), None)
    return next((f"CRS {_range(one)} by {_scale(one.scale)}" for one in plan.crs if one.scale == scale), "")


def _waits(ends: dict[str, str]) -> Callable[[Suggestion], str]:
    """What a suggestion waits for, in words."""

    def waits(one: Suggestion) -> str:
        end = f"{ends[_end(one)]}, depends on" if _end(one) else "Depends on"
        return f"{end} {words.listed(one.needs)}"

    return waits


def _elsewhere(found: Iterable[Suggestion]) -> list[str]:
    """What is to be looked up elsewhere, since it is not shipped."""
    told = (
        f"{one.source}: {one.says}" + (f" (depends on {words.listed(one.needs)}, not on record)" if one.needs else "")
        for one in sorted(found, key=lambda one: bool(one.needs))
        if one.kind == "consult"
    )
    return list(dict.fromkeys(told))


def _unsettled(told: Iterable[Suggestion]) -> list[tuple[str, int]]:
    """What is not on record and decides whether a step applies, by how many sources ask for it; the most first."""
    asked: dict[str, set[str]] = {}
    for one in told:
        for need in one.needs:
            asked.setdefault(need, set()).add(one.source_id)
    return sorted(((need, len(sources)) for need, sources in asked.items()), key=lambda item: (-item[1], item[0]))


def _differ(plan: Plan, found: Iterable[Disagreement]) -> list[dict[str, Any]]:
    """Where sources differ: what surely holds first."""
    ends = _ends(plan)
    made = [
        {
            "says": one.says, "needs": words.listed(one.needs), "end": ends.get(_end(one), ""),
            "sides": [
                {"who": ", ".join(side.sources), "says": side.says, "known": KNOWN[side.evidence],
                 "recalled": side.evidence == "recalled"}
                for side in one.sides
            ],
        }
        for one in found
    ]  # fmt: skip
    return sorted(made, key=lambda one: bool(one["needs"]))


def _later(plan: Plan, one: Later, wall: Clock) -> dict[str, str]:
    """What waiting alone would change."""
    end = _ends(plan, one.scale or ASTCT).get(_end(one), "")
    needs = f"if it still holds: {words.listed(one.needs)} (not on record)" if one.needs else ""
    return {
        "wait": words.span(one.in_hours * words.HOUR_S), "at": wall.moment(seconds(one.at)), "source": one.source,
        "says": one.says, "end": end, "needs": needs, "known": KNOWN[one.evidence],
    }  # fmt: skip


def _mind(plan: Plan) -> dict[str, list[dict[str, str]]]:
    """What to mind: what applies, and what depends on something that is not on record."""
    about: dict[tuple[str, str, str, str], list[str]] = {}
    for one in plan.warnings:
        key = (one.says, one.where, words.listed(one.needs), KNOWN[one.evidence])
        about.setdefault(key, []).append(one.drug or "")
    made = [
        {"drugs": words.listed(list(dict.fromkeys(filter(None, drugs)))), "says": says, "where": where,
         "needs": needs, "known": known}
        for (says, where, needs, known), drugs in about.items()
    ]  # fmt: skip
    return {
        "sure": [one for one in made if not one["needs"]],
        "unsure": [one for one in made if one["needs"]],
    }


def _timed(one: Timed, wall: Clock) -> dict[str, str]:
    """One step of the bundle's clock."""
    took = words.span(one.hours * words.HOUR_S) if one.hours is not None else ""
    return {
        "step": one.step, "since": f"{one.since_what} {wall.moment(seconds(one.since))}" if one.since else "",
        "done": wall.moment(seconds(one.done)) if one.done else "", "took": took,
    }  # fmt: skip


def _recalled(plan: Plan, wall: Clock) -> list[tuple[str, list[str]]]:
    """What is only recalled, source by source, without doses."""
    ends = _ends(plan)
    made: dict[str, list[str]] = {}
    for one in plan.recalled:
        end = f"{ends[_end(one)]}: " if _end(one) else ""
        needs = f"depends on {words.listed(one.needs)} (not on record): " if one.needs else ""
        made.setdefault(one.source, []).append(end + needs + local(one.says, wall))
    return [(source, list(dict.fromkeys(said))) for source, said in made.items()]
