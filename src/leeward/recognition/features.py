"""Features: one published sign of a look-alike or an alarm, as a row of limits held against every finding at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Annotated, Literal

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge import BadKnowledge, Evidence, load
from leeward.knowledge.vocabulary import Quantity, quantities
from leeward.recognition.workup import freshness
from leeward.timeline.settings import HOUR_S

Said = Annotated[str, msgspec.Meta(pattern=r"\S")]
"""Words that must not be blank: a reason, a citation."""
Speaks = Literal["for", "against", "neutral"]
Anchor = Literal["now", "dose", "onset", "tocilizumab"]
ANCHORS: tuple[Anchor, ...] = ("now", "dose", "onset", "tocilizumab")
AGES = ("", "adult", "child")
_FOREVER_S = 2**40
_OPEN = math.inf


class Cited(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where something is said, and how we know it."""

    source: Said
    where: Said
    evidence: Evidence
    checked: date


class Note(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A published sentence that is shown whatever the record holds."""

    says: Said


class Feature(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One finding that speaks for or against something, or that is known to say nothing.

    A number is held against its limits, a word against `words`; `given` takes any finding. Of a quantity the latest
    finding in the window counts, or with `any_time` every one. The window runs from `from_hours` to `until_hours`
    after its anchor; without one it is as long as the quantity's test stays fresh. `unless_for`: once something speaks
    for the look-alike this no longer speaks against it, for the reason given here. `without_episode`: it counts from
    the first dose on, whether there is an episode or not.
    """

    id: str
    speaks: Speaks
    quantity: str
    says: Said
    unit: str | None = None
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    words: tuple[str, ...] = ()
    given: bool = False
    any_time: bool = False
    since: Anchor = "now"
    from_hours: float | None = None
    until_hours: float | None = None
    age: Literal["adult", "child"] | None = None
    product: str | None = None
    before_tocilizumab: bool = False
    unless_for: str | None = None
    weight: str | None = None
    without_episode: bool = False

    def __post_init__(self) -> None:
        """Refuses a feature that asks for nothing, for two things, or for a number without a unit."""
        number = any(limit is not None for limit in (self.at_least, self.above, self.at_most, self.below))
        if number + bool(self.words) + self.given != 1:
            raise ValueError(f"feature {self.id} must ask for one thing: a limit, words, or `given`")
        if number and self.unit is None:
            raise ValueError(f"feature {self.id}: a limit needs its unit")
        if self.since != "now" and self.from_hours is None:
            raise ValueError(f"feature {self.id}: a window since {self.since} needs from_hours")

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value that meets the limits; a strict limit is its neighbouring number."""
        least = -_OPEN if self.above is None else math.nextafter(self.above, _OPEN)
        most = _OPEN if self.below is None else math.nextafter(self.below, -_OPEN)
        return (least if self.at_least is None else self.at_least), (most if self.at_most is None else self.at_most)


class Derived(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity made from findings; `stands_as` names the finding whose test it belongs to."""

    title: Said
    unit: str
    why: Said
    stands_as: str | None = None


class Number(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One number of observed.toml."""

    value: float
    unit: str
    why: Said


class Observed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """observed.toml."""

    evidence: Evidence
    checked: date
    quantity: dict[str, Derived]
    number: dict[str, Number]


def observed() -> Observed:
    """What is made from findings, and the numbers it takes."""
    file: Observed = load("observed", Observed)
    return file


def number(name: str) -> float:
    """A number of observed.toml, in its own unit."""
    return observed().number[name].value


@cache
def titles() -> dict[str, tuple[str, str | None]]:
    """Title and unit of every quantity a feature can ask for."""
    charted = {name: (known.title, known.unit) for name, known in quantities().items()}
    return charted | {name: (made.title, made.unit) for name, made in observed().quantity.items()}


def stands_as(quantity: str) -> str:
    """The charted quantity that a quantity is known by."""
    made = observed().quantity.get(quantity)
    return quantity if made is None or made.stands_as is None else made.stands_as


def checked(features: Sequence[Feature], file: str) -> None:
    """Refuses, by file, a feature whose quantity, unit, words or window nobody knows."""
    for feature in features:
        at = f"{file}.toml: feature {feature.id}"
        if feature.quantity not in titles():
            raise BadKnowledge(f"{at}: no quantity '{feature.quantity}'")
        unit = titles()[feature.quantity][1]
        if feature.unit is not None and feature.unit != unit:
            raise BadKnowledge(f"{at}: {feature.quantity} is kept in {unit}, not in {feature.unit}")
        _words(feature, quantities().get(feature.quantity), at)
        if feature.from_hours is None and stands_as(feature.quantity) not in freshness():
            raise BadKnowledge(f"{at}: no test says how long {feature.quantity} stays fresh, so it needs from_hours")
    if len({feature.id for feature in features}) != len(features):
        raise BadKnowledge(f"{file}.toml: two features share an id")


def _words(feature: Feature, quantity: Quantity | None, at: str) -> None:
    """Refuses words that the door never writes."""
    if quantity is None or not quantity.words:
        return
    unknown = [word for word in feature.words if word not in quantity.words]
    if unknown:
        raise BadKnowledge(f"{at}: {feature.quantity} knows no {', '.join(unknown)}")


def _window_s(feature: Feature) -> tuple[int, int]:
    """The window in seconds from its anchor."""
    fresh = -freshness().get(stands_as(feature.quantity), 0.0)
    first = fresh if feature.from_hours is None else feature.from_hours
    last = None if feature.until_hours is None else round(feature.until_hours * HOUR_S)
    return round(first * HOUR_S), (0 if feature.since == "now" else _FOREVER_S) if last is None else last


def as_table(features: Sequence[tuple[str, Feature]], one_row: ir.Table) -> ir.Table:
    """The features as rows, made in the engine from a table of one row: no table of ours has to travel with a plan."""
    windows = [_window_s(feature) for _, feature in features]
    columns: dict[str, list[object]] = {
        "feature": [name for name, _ in features],
        "quantity": [feature.quantity for _, feature in features],
        "least": [feature.bounds[0] for _, feature in features],
        "most": [feature.bounds[1] for _, feature in features],
        "words": ["|" + "|".join(feature.words) + "|" for _, feature in features],
        "asks": [2 if feature.given else int(bool(feature.words)) for _, feature in features],
        "anchor": [ANCHORS.index(feature.since) for _, feature in features],
        "from_s": [first for first, _ in windows],
        "to_s": [last for _, last in windows],
        "every": [int(feature.any_time) for _, feature in features],
        "ages": [AGES.index(feature.age or "") for _, feature in features],
        "of_product": [feature.product or "" for _, feature in features],
        "before": [int(feature.before_tocilizumab) for _, feature in features],
        "always": [int(feature.without_episode) for _, feature in features],
    }
    rows = one_row.select(place_=ibis.range(len(features)).unnest())
    return rows.select(**{name: ibis.array(values)[rows.place_] for name, values in columns.items()})
