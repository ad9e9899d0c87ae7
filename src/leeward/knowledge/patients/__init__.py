"""What patients, caregivers and emergency departments are told: facts with their sources, and words by language.

Here: facts.toml (numbers, who says what, how it is known) and a file of words per language under the same ids. A
translator edits words only; a key too few or too many, or another {placeholder}, fails the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Literal

import msgspec

from leeward.knowledge.centre import LANGUAGES, Language
from leeward.knowledge.loader import Evidence, load
from leeward.knowledge.therapies import Therapy

FOLDER = "patients"
Act = Literal["call", "dial"]
PageName = Literal["leaflet", "card", "diary", "when-to-call", "caregiver", "emergency"]
PAGES: tuple[PageName, ...] = ("leaflet", "card", "diary", "when-to-call", "caregiver", "emergency")


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number with its unit, and where it is printed or why it was decided."""

    value: float
    unit: str
    evidence: Evidence
    checked: date
    where: str = ""
    why: str = ""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What several classes of therapies are told alike."""

    id: str
    classes: tuple[str, ...]
    neurotoxicity: bool


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source that says when to call, and of whose patients it was written (`all`, or the id of a kind)."""

    id: str
    title: str
    of: str
    source: str
    evidence: Evidence


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody may see at home, and what each voice makes of it."""

    id: str
    says: dict[str, Act]
    products: tuple[str, ...] = ()


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence of a page, with who says it."""

    id: str
    pages: tuple[PageName, ...]
    source: str
    evidence: Evidence
    classes: tuple[str, ...] = ()

    def of(self, product: Therapy) -> bool:
        """Whether it speaks of a product."""
        return not self.classes or product.klass in self.classes


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """facts.toml."""

    evidence: Evidence
    checked: date
    numbers: dict[str, Number]
    kind: tuple[Kind, ...]
    voice: tuple[Voice, ...]
    sign: tuple[Sign, ...]
    claim: tuple[Claim, ...]

    def __post_init__(self) -> None:
        """Refuses a sign that a voice nobody listed speaks of."""
        known = {one.id for one in self.voice}
        for sign in self.sign:
            if not sign.says or set(sign.says) - known:
                raise ValueError(f"sign {sign.id}: no voice {', '.join(sorted(set(sign.says) - known)) or 'at all'}")


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a language writes numbers, dates and clock times; `first_day` is the first of a month."""

    decimal: str
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    first_day: str
    date: str
    date_short: str
    clock: str
    moment: str
    temperature: str
    temperature_us: str
    percent: str
    span: str
    hours: tuple[str, str]
    days: tuple[str, str]

    def __post_init__(self) -> None:
        """Refuses a year without twelve months, and a week without seven days."""
        if (len(self.months), len(self.weekdays)) != (12, 7):
            raise ValueError("twelve months and seven weekdays")


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A word that needs explaining, other words for it, and the words that explain it where it first stands."""

    word: str
    explained: str
    also: tuple[str, ...] = ()


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language's file: `said` holds its sentences by section and key."""

    language: Language
    name: str
    reviewed: bool
    format: Format
    terms: dict[str, Term]
    said: dict[str, dict[str, str]]


@cache
def facts() -> Facts:
    """Numbers, sources and evidence of every page."""
    held: Facts = load(f"{FOLDER}/facts", Facts)
    return held


@cache
def words(language: Language) -> Words:
    """One language's words."""
    held: Words = load(f"{FOLDER}/{language}", Words)
    return held


@cache
def text(language: Language) -> Mapping[str, str]:
    """Every sentence of a language by `section.key`, its {placeholders} still in it: `text("de")["when.dial"]`."""
    if language not in LANGUAGES:
        raise ValueError(f"no language '{language}'; there is {', '.join(LANGUAGES)}")
    held = words(language).said
    return MappingProxyType({f"{part}.{key}": said for part, lines in held.items() for key, said in lines.items()})


def number(name: str) -> float:
    """A number of facts.toml."""
    return facts().numbers[name].value


def kind_of(product: Therapy) -> Kind:
    """What kind of therapy a product is."""
    return next(one for one in facts().kind if product.klass in one.classes)
