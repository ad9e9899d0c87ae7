"""Shapes of knowledge/risk/: moments, the values scores are made of, the scores, and those not shipped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Literal

import msgspec

from leeward.knowledge import BadKnowledge, Evidence, load
from leeward.knowledge.definition import Dated, Decision
from leeward.knowledge.loader import names, weakest
from leeward.knowledge.vocabulary import quantities
from leeward.scales.bands import Definition, Item, parsed
from leeward.timeline.settings import carry

FOLDER = "risk"
OWN_TEMPERATURE, TWICE, VASOACTIVE = "own-temperature", "high-fever-twice", "vasoactive"
"""Inputs that a step of their own makes."""
MADE = {OWN_TEMPERATURE: "body-temperature", TWICE: "body-temperature", VASOACTIVE: "vasoactive-infusion"}
"""What such an input is called where it is missing."""


class Moment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a score is asked for: the values of `reach_hours` up to `until_hours` after the infusion belong to it."""

    id: str
    title: str
    until_hours: float
    reach_hours: float
    why: str


class _Moments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    evidence: Evidence
    checked: date
    moment: tuple[Moment, ...]
    decisions: list[Decision]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value that scores are made of; what the fields mean stands at the top of inputs.toml."""

    quantity: str
    over: Literal["day", "before", "after"] = "day"
    taken: Literal["newest", "highest", "lowest"] = "newest"
    from_hours: float = 0.0
    until_hours: float | None = None
    watched: str | None = None
    stands: str | None = None


class _Inputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    evidence: Evidence
    checked: date
    input: dict[str, Input]


class _Diseases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    evidence: Evidence
    checked: date
    words: dict[str, tuple[str, ...]]
    ages: dict[str, Dated]


class Fits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom and when a score was made. Empty `classes` with empty `products`: any patient."""

    at: tuple[str, ...]
    population: str
    outcome: str
    scale: str
    classes: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    diseases: tuple[str, ...] = ()
    from_years: float | None = None
    until_years: float | None = None


class Performance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one publication reports of a score; `external`: on patients it was not derived in."""

    cite: str
    about: str
    external: bool
    metric: str
    where: str
    evidence: Evidence
    checked: date
    n: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    about_value: float | None = None
    low_of_several: float | None = None
    high_of_several: float | None = None
    unit: str | None = None


class Cut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published cut of a continuous score, at the moments it was published for."""

    id: str
    at: tuple[str, ...]
    above: Dated
    says: str


class Fraction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The inspired oxygen that a flow gives, at least and at most."""

    until: Dated
    least: Dated
    most: Dated


class Rule(Definition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One score of knowledge/risk/scores/. `kind`: a number, points, or a sign that is there (1) or not (0)."""

    fits: Fits
    performance: tuple[Performance, ...]
    formula: str
    items: tuple[Item, ...] = ()
    decisions: list[Decision] = msgspec.field(default_factory=list)
    kind: Literal["number", "points", "sign"] = "sign"
    reading: str | None = None
    always: tuple[str, ...] = ()
    notes: dict[str, str] = msgspec.field(default_factory=dict)
    cut: tuple[Cut, ...] = ()
    fraction: tuple[Fraction, ...] = ()

    def made_of(self) -> list[str]:
        """The inputs it uses, in order."""
        return sorted({item.quantity for item in self.items if item.quantity} | set(self.uses))


class Adapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score of knowledge/risk/adapters/ whose numbers are not shipped, and why; a user's own file may fill it."""

    id: str
    title: str
    source: str
    evidence: Evidence
    refused: str
    kinds: tuple[str, ...]
    inputs: tuple[str, ...]
    fits: Fits
    performance: tuple[Performance, ...]

    def rests_on(self) -> Evidence:
        """How what is said here of it is known."""
        return weakest([self.evidence, *(one.evidence for one in self.performance)])


@cache
def moments() -> dict[str, Moment]:
    """The moments by id, in order of time."""
    file: _Moments = load(f"{FOLDER}/moments", _Moments)
    return {one.id: one for one in file.moment}


def decisions() -> list[Decision]:
    """What was decided about windows."""
    file: _Moments = load(f"{FOLDER}/moments", _Moments)
    return file.decisions


@cache
def inputs() -> dict[str, Input]:
    """The inputs by name; one of a quantity or a limit that nobody knows is refused."""
    file: _Inputs = load(f"{FOLDER}/inputs", _Inputs)
    for name, one in file.input.items():
        limits = {limit for limit in (one.watched, one.stands) if limit is not None}
        if one.quantity not in quantities() or limits - set(carry().limits_hours):
            raise BadKnowledge(f"{FOLDER}/inputs.toml: {name}: unknown quantity or limit")
    return file.input


def quantity_of(name: str) -> str:
    """What an input is called where it is missing: its quantity."""
    return MADE.get(name) or (inputs()[name].quantity if name in inputs() else name)


@cache
def disease_words() -> Mapping[str, tuple[str, ...]]:
    """The words of published indications by disease."""
    file: _Diseases = load(f"{FOLDER}/diseases", _Diseases)
    return file.words


def age_limit(name: str) -> float:
    """An age that publications mean by a word, in years."""
    file: _Diseases = load(f"{FOLDER}/diseases", _Diseases)
    return file.ages[name].value


@cache
def rules() -> dict[str, Rule]:
    """Every score by its id; a table with a gap, a strange input, moment or note is refused."""
    made: dict[str, Rule] = {}
    for name in names(f"{FOLDER}/scores"):
        rule: Rule = load(name, Rule)
        for item in rule.items:
            parsed(f"{name}.toml: {item.id}", item.cells, item.decimals)
        strange = set(rule.made_of()) - set(inputs()) - set(MADE)
        strange |= set(rule.fits.at) - set(moments()) | set(rule.always) - set(rule.notes)
        if strange or not name.endswith(f"/{rule.id}"):
            raise BadKnowledge(f"{name}.toml: {', '.join(sorted(strange)) or rule.id} is not known here")
        made[rule.id] = rule
    return made


@cache
def adapters() -> dict[str, Adapter]:
    """Every score that is not shipped, by its id."""
    return {one.id: one for one in (load(name, Adapter) for name in names(f"{FOLDER}/adapters"))}
