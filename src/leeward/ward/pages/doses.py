"""Doses of one patient: each that was given since the therapy, and what every source's own limits leave of the drug."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from leeward.plan.suggestions import Suggestion
from leeward.report import words
from leeward.report.clock import Clock, seconds
from leeward.ward.look import Look
from leeward.ward.pages.paper import ago
from leeward.ward.standing import running


class Drug(NamedTuple):
    """One drug: givings as (figure, second, when, how long ago), the newest first; what is left of it, by whom.

    `left`: sources that say the same, what they say, and whether it holds the next dose back.
    """

    name: str
    given: list[tuple[str, int, str, str]]
    left: list[tuple[str, str, bool]]


def doses(look: Look, clock: Clock) -> list[Drug]:
    """Every drug that was given, or of which a source says now how much may be; in the order of the chart's rows."""
    given: dict[str, list[tuple[str, int, str, str]]] = {}
    listed = words.words().groups.given
    since = look.answer.triggers[0].at if look.answer.triggers else look.at
    found = running(look.findings, look.at, listed, every=True)
    for one in sorted(
        (one for one in found if one.high != 0 and one.at >= since), key=lambda one: one.at, reverse=True
    ):
        figure = words.measure(words.between(one.quantity, one.low, one.high), words.unit_of(one.quantity))
        told = (figure or "given", seconds(one.at), clock.short(seconds(one.at)), ago(one.at, look.at))
        given.setdefault(one.quantity, []).append(told)
    left: dict[str, dict[tuple[str, bool], list[str]]] = {}
    for drug, source, said, waits in _left(look.plan.suggestions if look.plan else (), clock, look.at):
        sources = left.setdefault(drug, {}).setdefault((said, waits), [])
        sources += [source] if source not in sources else []
    order = {name: place for place, name in enumerate(listed)}
    names = sorted({*given, *left}, key=lambda name: (name not in given, order.get(name, len(order)), name))
    return [
        Drug(words.quantity(name).name, given.get(name, []),
             [(words.listed(sources), *said) for said, sources in left.get(name, {}).items()])
        for name in names
    ]  # fmt: skip


def _left(suggestions: Iterable[Suggestion], clock: Clock, now: datetime) -> Iterator[tuple[str, str, str, bool]]:
    """Drug, source, what the source leaves, and whether something holds the next dose back."""
    for one in suggestions:
        if one.kind != "drug" or one.drug is None or one.needs:
            continue
        said = [f"{one.remaining_in_24_hours} left in these 24 h"] if one.remaining_in_24_hours is not None else []
        said += [f"{one.remaining_doses} of the episode left"] if one.remaining_doses is not None else []
        waits = one.earliest is not None and one.earliest > now
        if one.earliest is not None and waits:
            said.append(f"next not before {clock.short(seconds(one.earliest))} ({ago(one.earliest, now)})")
        if said:
            yield one.drug, one.source, ", ".join(said), waits
