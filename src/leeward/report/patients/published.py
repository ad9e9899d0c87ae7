"""What publications report of a product, in plain words: out of a hundred people, and from when to when.

Rows that are only recalled are left out where others speak; where nothing else does, the sentence is marked so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from leeward.knowledge.loader import Evidence
from leeward.knowledge.therapies import Population, Share, Spread, Therapy, populations
from leeward.report.patients.paper import Cell, Line
from leeward.report.patients.sources import Sources
from leeward.report.patients.speaker import Speaker

_HOURS = {"min": 1 / 60, "h": 1.0, "d": 24.0, "wk": 168.0}


def rates(product: Therapy, speaker: Speaker, sources: Sources) -> list[Line]:
    """How many of a hundred had CRS, and how many badly."""
    some = _firmer(product, lambda row: _percent(row.crs_any), lambda row: row.crs_any)
    if not some:
        return [Line(text=speaker.say("leaflet.rate-none"))]
    key = "leaflet.rate-one" if len(some) == 1 else "leaflet.rate-many"
    said = [sources.line(speaker.say(key, any=_between(speaker, some, lambda row: row.crs_any)), _of(some, "crs_any"))]
    bad = _firmer(product, lambda row: _percent(row.crs_grade_3_or_more), lambda row: row.crs_grade_3_or_more)
    if bad:
        told = speaker.say("leaflet.severe", severe=_between(speaker, bad, lambda row: row.crs_grade_3_or_more))
        said.append(sources.line(told, _of(bad, "crs_grade_3_or_more")))
    return [*said, Line(text=speaker.say("leaflet.scales"))] if len(some) > 1 else said


def rates_in_words(product: Therapy, sources: Sources) -> list[Line]:
    """How often CRS came where a publication gives no number, as it has it, for those who read publications."""
    made = []
    for row in product.population:
        named = (("CRS", row.crs_any), ("CRS of grade 3 or more", row.crs_grade_3_or_more))
        said = "; ".join(f"{what}: {share.text}" for what, share in named if share and share.percent is None)
        if said:
            about = "; ".join(part for part in (row.indication, row.given) if part)
            line = sources.line(f"{about}. {said}", [(row.source, row.evidence)])
            made.append(msgspec.structs.replace(line, foreign="en"))
    return made


def onset(product: Therapy, speaker: Speaker, sources: Sources) -> list[Line]:
    """From when to when CRS began, and by when in half of those who had it."""
    ranges = _firmer(product, lambda row: _hours(row.onset, "high"), lambda row: row.onset)
    middles = _firmer(product, lambda row: _hours(row.onset, "median"), lambda row: row.onset)
    said = []
    if ranges:
        said.append(sources.line(_range(ranges, speaker), _of(ranges, "onset")))
    if middles:
        held = [hours for row in middles if (hours := _hours(row.onset, "median")) is not None]
        within = speaker.span(speaker.length(min(held)), speaker.length(max(held)))
        said.append(sources.line(speaker.say("leaflet.median", median=within), _of(middles, "onset")))
    if not said:
        return [Line(text=speaker.say("leaflet.onset-none"))]
    if product.repeated and product.onset_counted_from == "latest dose":
        said.append(Line(text=speaker.say("leaflet.onset-from")))
    return said


def onset_rows(product: Therapy, speaker: Speaker, sources: Sources) -> list[list[Cell]]:
    """Each publication's onset, for those who read publications."""
    made = []
    for row in populations(product):
        low, high, median = (_hours(row.onset, name) for name in ("low", "high", "median"))
        if high is None and median is None:
            continue
        known = row.known(row.onset)
        about = "; ".join(part for part in (row.indication, row.given) if part)
        ranged = speaker.span(speaker.length(max(low or 0, 0)), speaker.length(high)) if high is not None else ""
        made.append([
            Cell(text=about, foreign="en", recalled=known == "recalled", marks=[sources.mark(row.source, known)]),
            Cell(text=ranged or "–"),
            Cell(text=speaker.length(median) if median is not None else "–"),
        ])  # fmt: skip
    return made


def _firmer(
    product: Therapy, number: Callable[[Population], float | None], said: Callable[[Population], Share | Spread | None]
) -> list[Population]:
    """The product's own rows that hold a number, else its groups'; without those only recalled where others speak."""
    for rows in (product.population, populations(product)):
        held = [row for row in rows if number(row) is not None and row.given is None]
        held = held or [row for row in rows if number(row) is not None]
        firm = [row for row in held if row.known(said(row)) != "recalled"]
        if firm or held:
            return firm or held
    return []


def _of(rows: Sequence[Population], field: str) -> Iterable[tuple[str, Evidence]]:
    """The sources of rows, with how this number is known."""
    return [(row.source, row.known(getattr(row, field))) for row in rows]


def _percent(share: Share | None) -> float | None:
    """A share's number."""
    return None if share is None else share.percent


def _between(speaker: Speaker, rows: Sequence[Population], of: Callable[[Population], Share | None]) -> str:
    """The lowest and highest share in whole people of a hundred."""
    held = [round(percent) for row in rows if (percent := _percent(of(row))) is not None]
    return speaker.span(str(min(held)), str(max(held)))


def _hours(spread: Spread | None, name: str) -> float | None:
    """One number of an onset, in hours."""
    held = None if spread is None else getattr(spread, name)
    return None if held is None or spread is None or spread.unit is None else float(held) * _HOURS[spread.unit]


def _range(rows: Sequence[Population], speaker: Speaker) -> str:
    """From the earliest to the latest; from the dose on where the earliest is not printed or is the dose itself."""
    high = speaker.length(max(hours for row in rows if (hours := _hours(row.onset, "high")) is not None))
    lows = [_hours(row.onset, "low") for row in rows]
    known = [low for low in lows if low is not None]
    if len(known) < len(lows) or min(known) <= 0:
        return speaker.say("leaflet.onset-first", high=high)
    return speaker.say("leaflet.onset", span=speaker.span(speaker.length(min(known)), high))
