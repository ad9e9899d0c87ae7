"""What is answered to readings from home: which sign a reading shows, and the answer's own words by language.

Signs, their sources and their words stand in knowledge/patients; here only what joins a reading to one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType

import msgspec

from leeward.knowledge import patients
from leeward.knowledge.centre import Language
from leeward.knowledge.loader import Evidence, load
from leeward.knowledge.patients import Number, Sign
from leeward.knowledge.vocabulary import quantities

FOLDER = "home"


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One quantity that can be read at home; the fields are explained at the top of facts.toml."""

    quantity: str
    stands: str
    sign: str | None = None
    at_least: str | None = None
    below: str | None = None
    fall: str | None = None
    words: dict[str, str] = {}
    every: bool = False
    unnumbered: str | None = None


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """facts.toml."""

    evidence: Evidence
    checked: date
    numbers: dict[str, Number]
    reading: tuple[Reading, ...]

    def __post_init__(self) -> None:
        """Refuses a quantity nobody reads, and a sign nobody speaks of."""
        for one in self.reading:
            words = quantities()[one.quantity].words if one.quantity in quantities() else None
            named = {one.sign, one.unnumbered, *one.words.values(), *(words or () if one.every else ())} - {None}
            if words is None or named - {sign.id for sign in patients.facts().sign}:
                raise ValueError(f"reading {one.quantity}: no such quantity or sign")


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language's file."""

    language: Language
    reviewed: bool
    said: dict[str, str]


@cache
def facts() -> Facts:
    """What can be read at home."""
    held: Facts = load(f"{FOLDER}/facts", Facts)
    return held


@cache
def text(language: Language) -> Mapping[str, str]:
    """The answer's own sentences in a language, their {placeholders} still in them."""
    held: Words = load(f"{FOLDER}/{language}", Words)
    return MappingProxyType(held.said)


def number(name: str) -> float:
    """A number of facts.toml, else of knowledge/patients/facts.toml."""
    own = facts().numbers
    return own[name].value if name in own else patients.number(name)


def reading(quantity: str) -> Reading | None:
    """What is on file of a quantity, if it can be read at home."""
    return next((one for one in facts().reading if one.quantity == quantity), None)


def sign(name: str) -> Sign:
    """A sign by its id."""
    return next(one for one in patients.facts().sign if one.id == name)
