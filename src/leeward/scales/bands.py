"""Points of a value by the cells of a table: `"<= 8"`, `"9..11"`, `">0..0.1"`, or a word; a value may be a range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import ibis
import msgspec

from leeward.knowledge import BadKnowledge, Evidence, load
from leeward.knowledge.definition import Decision, Line, value
from leeward.knowledge.loader import weakest
from leeward.knowledge.vocabulary import quantities
from leeward.timeline.columns import pick
from leeward.timeline.oxygen import DEVICES

_NUMBER = r"-?\d+(?:\.\d+)?"
_CELL = re.compile(rf"(<=|>=|<|>|=)\s*({_NUMBER})|(>?)({_NUMBER})\.\.(<?)({_NUMBER})")
_ENDLESS = float("inf")
_FAR = 1e12  # beyond any measured value


class Span(NamedTuple):
    """A value as columns: the truth lies between both; both null where nothing is known."""

    low: Any
    high: Any


class Part(NamedTuple):
    """What one item adds to a score, at least and at most, and the inputs that keep the two apart."""

    at_least: Any
    at_most: Any
    lacks: dict[str, Any]  # quantity -> condition: it is not known


class Cell(NamedTuple):
    """One cell: a stretch of values with open or closed ends, and its points."""

    low: float
    open_low: bool
    high: float
    open_high: bool
    points: int

    def meets(self, span: Span) -> Any:
        """Whether a value within the span can lie in this cell."""
        below = (
            ibis.literal(True)
            if self.high == _ENDLESS
            else (span.low < self.high if self.open_high else span.low <= self.high)
        )
        above = (
            ibis.literal(True)
            if self.low == -_ENDLESS
            else (span.high > self.low if self.open_low else span.high >= self.low)
        )
        return below & above


class _Ages(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    from_: float
    until: float
    cells: dict[str, int]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a score's table: which value is taken, and how many points it gives.

    `taken` is the newest value (`latest`) or the worst of the last day (`highest`, `lowest`), which is the newest
    where none was charted within a day. `decimals`: the value is rounded to so many places first. `derived` items
    are fed by the score itself, not by a finding. `ages` are in years, from the first to before the second.
    """

    id: str
    where: str
    checked: date
    quantity: str | None = None
    taken: str = "latest"
    unit: str | None = None
    decimals: int | None = None
    evidence: Evidence | None = None
    cells: dict[str, int] = {}
    words: dict[str, int] = {}
    ages: tuple[_Ages, ...] = ()


class _Applies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    from_years: Line = []
    until_years: Line = []


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One score's knowledge file: its items, its other numbers by name, and what was decided where it is silent."""

    id: str
    title: str
    source: str
    evidence: Evidence
    items: tuple[Item, ...]
    decisions: list[Decision]
    applies: _Applies = _Applies()
    numbers: dict[str, Line] = {}
    uses: tuple[str, ...] = ()

    def item(self, name: str) -> Item:
        """The item of that id."""
        return next(item for item in self.items if item.id == name)

    def number(self, name: str) -> float:
        """One of the other numbers, as in force today."""
        return value(self.numbers[name])

    def rests_on(self) -> Evidence:
        """The weakest tag of its numbers; decisions with a number count too."""
        lines = [line for each in self.numbers.values() for line in each]
        decided = [decision.number for decision in self.decisions if decision.number is not None]
        dated = [line.evidence for line in (*lines, *decided)]
        return weakest(
            [self.evidence, *(item.evidence for item in self.items if item.evidence), *(tag for tag in dated if tag)]
        )


@cache
def definition(name: str) -> Definition:
    """knowledge/scales/<name>.toml; tables with a gap or an overlap, of values or of ages, are refused."""
    found: Definition = load(f"scales/{name}", Definition)
    for item in found.items:
        for younger, older in pairwise(item.ages):
            if younger.until != older.from_ or younger.until <= younger.from_:
                raise BadKnowledge(f"{name}.toml: {item.id}: ages {younger.from_:g} to {older.until:g} do not adjoin")
        for cells in (item.cells, *(group.cells for group in item.ages)):
            parsed(f"{name}.toml: {item.id}", cells, item.decimals)
    return found


def parsed(place: str, cells: Mapping[str, int], decimals: int | None) -> list[Cell]:
    """Cells in order of their values; together they must hold every value exactly once."""
    made = sorted(
        (_cell(place, text, points) for text, points in cells.items()), key=lambda cell: (cell.low, cell.open_low)
    )
    step = 0.0 if decimals is None else 10.0**-decimals
    for before, after in pairwise(made):
        touches = before.high == after.low and before.open_high != after.open_low
        steps = (
            bool(step) and abs(after.low - before.high - step) < step / 10 and not (before.open_high or after.open_low)
        )
        if not (touches or steps):
            raise BadKnowledge(f"{place}: cells leave a gap or overlap between {before.high:g} and {after.low:g}")
    return made


def _cell(place: str, text: str, points: int) -> Cell:
    """One cell from its text."""
    found = _CELL.fullmatch(text.strip())
    if found is None:
        raise BadKnowledge(f"{place}: cannot read the cell {text!r}")
    sign, bound, open_low, low, open_high, high = found.groups()
    if sign is None:
        return Cell(float(low), bool(open_low), float(high), bool(open_high), points)
    at = float(bound)
    return {
        "<": Cell(-_ENDLESS, False, at, True, points),
        "<=": Cell(-_ENDLESS, False, at, False, points),
        ">": Cell(at, True, _ENDLESS, False, points),
        ">=": Cell(at, False, _ENDLESS, False, points),
        "=": Cell(at, False, at, False, points),
    }[sign]


def codes(quantity: str) -> list[str]:
    """The words of a quantity in order: a word's place is its code in a span."""
    return list(DEVICES) if quantity == "oxygen-device" else list(quantities()[quantity].words)


def points(item: Item, span: Span, age: Span) -> tuple[Any, Any]:
    """Points of an item at least and at most, for every value that the span and the age allow."""
    if item.decimals is not None:
        span = Span(_rounded(span.low, item.decimals), _rounded(span.high, item.decimals))
    if item.words:
        known = codes(item.quantity or "")
        cells = [Cell(known.index(word), False, known.index(word), False, given) for word, given in item.words.items()]
        return _bounds(cells, span)
    if not item.ages:
        return _bounds(parsed(item.id, item.cells, item.decimals), span)
    least: list[Any] = []
    most: list[Any] = []
    for group in item.ages:
        low, high = _bounds(parsed(item.id, group.cells, item.decimals), span)
        possible = age.low.isnull() | ((age.low < group.until) & (age.high >= group.from_))
        least.append(pick([(possible, low)], _worst(item)))
        most.append(pick([(possible, high)], 0))
    return ibis.least(*least), ibis.greatest(*most)


def _rounded(number: Any, decimals: int) -> Any:
    """A number at so many places; an open side (infinite) stays open."""
    return ibis.ifelse(number.abs() < _FAR, number.round(decimals).cast("float64"), number)


def _worst(item: Item) -> int:
    """The most points that an item can give."""
    return max(
        [
            0,
            *item.cells.values(),
            *item.words.values(),
            *(given for group in item.ages for given in group.cells.values()),
        ]
    )


def _bounds(cells: list[Cell], span: Span) -> tuple[Any, Any]:
    """The fewest and the most points of the cells that a span meets; of every cell where nothing is known."""
    ordered = sorted(cells, key=lambda cell: (cell.low, cell.open_low))
    given = [cell.points for cell in ordered]
    if given in (sorted(given), sorted(given, reverse=True)):
        # Points that only rise or only fall are decided by the two ends: far fewer comparisons.
        mild, bad = (span.low, span.high) if given[0] <= given[-1] else (span.high, span.low)
        return _stepped(ordered, mild).fill_null(min(given)), _stepped(ordered, bad).fill_null(max(given))
    levels = sorted({cell.points for cell in cells})
    reached = []
    for level in levels:
        met = [cell.meets(span) for cell in cells if cell.points == level]
        joined = met[0]
        for each in met[1:]:
            joined = joined | each
        reached.append((joined, level))
    return pick(reached, levels[0]), pick(reached[::-1], levels[-1])


def _stepped(ordered: list[Cell], number: Any) -> Any:
    """The points of one number, null where there is none."""
    upto = [
        (number < cell.high if cell.open_high else number <= cell.high, ibis.literal(cell.points, "int64"))
        for cell in ordered[:-1]
    ]
    return pick([(number.isnull(), ibis.null("int64")), *upto], ibis.literal(ordered[-1].points, "int64"))
