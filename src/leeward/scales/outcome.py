"""What a score answers: bounds, what is missing between them, and a second reading such as a probability."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir

from leeward.scales.bands import Definition, Part, Span, points
from leeward.scales.level import worst
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick, true
from leeward.timeline.oxygen import DEVICES


class Outcome(NamedTuple):
    """A score's bounds as columns; `missing`, comma separated, names what keeps them apart; null `applies`: perhaps."""

    at_least: Any
    at_most: Any
    missing: Any
    reading: tuple[Any, Any] | None = None
    applies: Any = None


class Score(NamedTuple):
    """One score: its knowledge, the rule over the inputs, the inputs it uses, and what its second reading is called."""

    knowledge: Definition
    rule: Callable[[At, Definition], Outcome]
    reading: str | None = None

    def used(self) -> set[tuple[str, str]]:
        """Every input with the way it is taken."""
        items = {(item.quantity, item.taken) for item in self.knowledge.items if item.quantity}
        return items | {(name, "latest") for name in self.knowledge.uses}


def part(at: At, knowledge: Definition, name: str, span: Span | None = None) -> Part:
    """One item of the table by its own input, or by a span that the score made; open, it lacks that input's value."""
    item = knowledge.item(name)
    if span is not None:
        low, high = points(item, span, at.age)
    else:
        low, high = at.rows[f"{knowledge.id} {name} low"], at.rows[f"{knowledge.id} {name} high"]
    return Part(low, high, {item.quantity or item.id: low < high})


def itemised(wide: ir.Table, scores: Iterable[Score]) -> ir.Table:
    """Adds the points of every item that an input feeds, at least and at most, so that rules only combine columns."""
    at = At(wide)
    columns: dict[str, Any] = {}
    for knowledge in (score.knowledge for score in scores):
        for item in knowledge.items:
            if item.quantity:
                low, high = points(item, at.span(item.quantity, item.taken), at.age)
                columns |= {f"{knowledge.id} {item.id} low": low, f"{knowledge.id} {item.id} high": high}
    return wide.mutate(**columns)


def between(at: At, knowledge: Definition, name: str) -> Part:
    """A criterion whose limit differs between laboratories: sure above all of them, possible above the lowest."""
    surely, possibly = part(at, knowledge, f"{name}-surely"), part(at, knowledge, f"{name}-possibly")
    quantity = knowledge.item(f"{name}-surely").quantity or name
    unknown = at.span(quantity, "highest").low.isnull()
    open_ = surely.at_least < possibly.at_most
    return Part(
        surely.at_least, possibly.at_most, {quantity: unknown & open_, f"{quantity}-upper-limit": ~unknown & open_}
    )


def total(parts: Iterable[Part]) -> Part:
    """The sum of parts; what any of them lacks, it lacks."""
    listed = list(parts)
    least, most = listed[0].at_least, listed[0].at_most
    for each in listed[1:]:
        least, most = least + each.at_least, most + each.at_most
    return Part(least, most, _lacked(listed))


def largest(parts: Iterable[Part]) -> Part:
    """The worst of parts; an input that could no longer raise it is not lacked."""
    listed = list(parts)
    least = worst(*[each.at_least for each in listed])
    lacked = [
        Part(e.at_least, e.at_most, {name: gone & (e.at_most > least) for name, gone in e.lacks.items()})
        for e in listed
    ]
    return Part(least, worst(*[each.at_most for each in listed]), _lacked(lacked))


def capped(whole: Part, at_most: int) -> Part:
    """A part that cannot give more than so many points."""
    least, most = ibis.least(whole.at_least, at_most), ibis.least(whole.at_most, at_most)
    return Part(least, most, {name: gone & (least < most) for name, gone in whole.lacks.items()})


def _lacked(parts: list[Part]) -> dict[str, Any]:
    """What several parts lack, each input once."""
    merged: dict[str, Any] = {}
    for each in parts:
        for name, gone in each.lacks.items():
            merged[name] = merged[name] | gone if name in merged else gone
    return merged


def kept(at: At, name: str, whole: Part) -> Part:
    """A part whose bounds are columns from here on, so that what builds on it does not repeat it."""
    return Part(at.keep(f"{name} least", whole.at_least), at.keep(f"{name} most", whole.at_most), whole.lacks)


def fed(part: Part) -> Span:
    """Points of one part as the input of a further item."""
    return Span(part.at_least.cast("float64"), part.at_most.cast("float64"))


def then(at: At, knowledge: Definition, name: str, whole: Part) -> Part:
    """A further item over the sum of others: lineages, organs."""
    low, high = points(knowledge.item(name), fed(whole), at.age)
    return Part(low, high, {lack: gone & (low < high) for lack, gone in whole.lacks.items()})


def named(lacks: dict[str, Any], at: At, *, aged: bool = False, spread: Any = None) -> Any:
    """The names of what is missing as one text, in order, separated by commas."""
    parts = dict(lacks)
    if aged:
        parts["age-years"] = at.age.low.isnull() & (spread if spread is not None else ibis.literal(True))
    text = ibis.literal("")
    for name in sorted(parts):
        text = text + ibis.ifelse(parts[name].fill_null(False), name + ",", "")
    return text


def fitting(at: At, knowledge: Definition) -> Any:
    """Whether the score is made for a patient of this age; an age nobody charted allows it."""
    ages = knowledge.applies
    fits = ibis.literal(True)
    if ages.from_years:
        fits = fits & (at.age.high.isnull() | (at.age.high >= ages.from_years[-1].value))
    if ages.until_years:
        fits = fits & (at.age.low.isnull() | (at.age.low < ages.until_years[-1].value))
    return fits


def answered(at: At, knowledge: Definition, whole: Part, reading: tuple[Any, Any] | None = None) -> Outcome:
    """A part as the score's outcome."""
    aged = bool(
        knowledge.applies.from_years or knowledge.applies.until_years or any(item.ages for item in knowledge.items)
    )
    missing = named(whole.lacks, at, aged=aged, spread=whole.at_least < whole.at_most)
    return Outcome(whole.at_least, whole.at_most, missing, reading, fitting(at, knowledge))


def met(whole: Part, at_least: float, *needed: Part) -> tuple[Any, Any]:
    """Whether a count reaches a number and each needed part is met: surely, possibly (1 or 0)."""
    sure, maybe = whole.at_least >= at_least, whole.at_most >= at_least
    for each in needed:
        sure, maybe = sure & (each.at_least > 0), maybe & (each.at_most > 0)
    return true(sure), true(maybe)


def on_oxygen(at: At, room_air: float) -> Span:
    """Whether supplemental oxygen runs (0 or 1): by device, else by flow, else by the inspired fraction."""
    device, flow, fraction = at.span("oxygen-device"), at.span("oxygen-flow"), at.span("fio2")
    named_device = device.low.notnull()
    air = DEVICES.index("room-air")
    low = pick(
        [
            (named_device & (device.low == air) & (device.high == air), 0),
            (named_device & (device.low != air), 1),
            (flow.low > 0, 1),
            (fraction.low > room_air, 1),
        ],
        0,
    )
    high = pick(
        [
            (named_device & (device.low == air) & (device.high == air), 0),
            (named_device, 1),
            (flow.low > 0, 1),
            (fraction.high <= room_air, 0),
        ],
        1,
    )
    return Span(low.cast("float64"), high.cast("float64"))
