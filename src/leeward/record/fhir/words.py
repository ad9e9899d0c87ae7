"""FHIR's own words: which of several codings to hand on, which spelling of a unit, which text of a concept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import cache, lru_cache
from typing import TypeVar

import msgspec

from leeward.knowledge.loader import Evidence, load
from leeward.knowledge.vocabulary import quantities
from leeward.record.codes import DRUG_NAME, Codes
from leeward.record.fhir.resources import Coding, Concept, Quantity
from leeward.record.units import ucum
from leeward.record.words import product

CACHE_MAX = 100_000
"""Distinct codings, units or references remembered; beyond, memory is emptied and filled again."""

_UCUM = "ucum"
Key = TypeVar("Key")
Held = TypeVar("Held")


class ByCategory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code that means something else in one category of observation."""

    system: str
    code: str
    category: str
    reads: str
    why: str


class Panel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A panel and the codes of its parts."""

    system: str
    code: str
    members: tuple[str, ...]
    why: str


class NotGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes that say that nothing was given."""

    system: str
    codes: tuple[str, ...]
    why: str


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes of encounters by where the patient is cared for."""

    ward: tuple[str, ...]
    icu: tuple[str, ...]
    home: tuple[str, ...]
    nowhere: tuple[str, ...]


class Ordered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Intents and statuses under which a request is an order."""

    intents: tuple[str, ...]
    statuses: tuple[str, ...]


class Intensive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Types of places of intensive care."""

    codes: tuple[str, ...]


class Places(msgspec.Struct, frozen=True):
    """places.toml: names of places of intensive care, in lower case."""

    intensive: str
    not_intensive: str


class Fhir(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """formats/fhir.toml."""

    evidence: Evidence
    checked: date
    by_category: tuple[ByCategory, ...]
    panel: tuple[Panel, ...]
    not_given: tuple[NotGiven, ...]
    setting: Setting
    intensive: Intensive
    ordered: Ordered


class System(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One code system and its addresses."""

    title: str
    urls: tuple[str, ...]
    under: tuple[str, ...] = ()


class Systems(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """systems.toml."""

    evidence: Evidence
    where: str
    checked: date
    system: dict[str, System]


@cache
def fhir() -> Fhir:
    """What stands in formats/fhir.toml."""
    found: Fhir = load("formats/fhir", Fhir)
    return found


@cache
def _addresses() -> tuple[dict[str, str], list[tuple[str, str]]]:
    systems = load("systems", Systems).system
    return (
        {url: name for name, system in systems.items() for url in system.urls},
        [(start, name) for name, system in systems.items() for start in system.under],
    )


@lru_cache(maxsize=CACHE_MAX)
def system_of(url: str) -> str:
    """A code system's short name, or its address where it has none here."""
    whole, beginnings = _addresses()
    return whole.get(url) or next((name for start, name in beginnings if url.startswith(start)), url)


class Chosen(msgspec.Struct, frozen=True):
    """The coding handed on, whether it stands for an infusion, and whether the codings contradict each other."""

    system: str | None
    code: str | None
    quantity: str | None = None
    is_rate: bool = False
    disagree: bool = False
    if_category: tuple[bytes, str] | None = None  # (category, code to read in it)
    members: tuple[tuple[str, str], ...] = ()  # the parts of a panel: system and code

    def within(self, category: msgspec.Raw) -> str | None:
        """The code as it reads in the categories of its observation."""
        if self.if_category and self.if_category[0] in bytes(category):
            return self.if_category[1]
        return self.code


class Words:
    """The words of one source, remembered: the same codes and units return with every line."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._chosen: dict[tuple[str | None, ...], Chosen] = {}
        self._units: dict[tuple[str | None, str | None, str | None], str | None] = {}
        self._texts: dict[tuple[str | None, ...], str | None] = {}

    def chosen(self, concept: Concept | None, *, drug: bool = False) -> Chosen:
        """The coding of a concept that Leeward understands, a specific one before a general one, else the first.

        `drug`: where no coding is understood, the names of a medication are tried.
        """
        if concept is None:
            return _NOTHING
        codings = concept.coding or []
        if len(codings) == 1 and codings[0].code and not drug:
            key: tuple[str | None, ...] = (codings[0].system, codings[0].code)
        else:
            key = (*(part for c in codings for part in (c.system, c.code, c.display)), concept.text, str(drug))
        found = self._chosen.get(key)
        if found is None:
            found = _kept(self._chosen, key, self._choose(codings, concept.text, drug))
        return found

    def _choose(self, codings: list[Coding], text: str | None, drug: bool) -> Chosen:
        pairs = [(system_of(c.system or ""), c.code or "") for c in codings]
        names = [(DRUG_NAME, name) for name in (text, *(c.display for c in codings)) if name] if drug else []
        best = self._codes.best(pairs)
        if best is None:
            pairs += names
            best = self._codes.best(pairs)
        members = _members(pairs)
        if best is None:
            # Nobody knows it: the first code is named in the refusal, or the text where there is no code.
            system, code = next(((s or None, c) for s, c in pairs if c), (None, text))
            return Chosen(system, code, members=members)
        meanings = [m for pair in pairs if (m := self._codes.meaning(*pair)) is not None]
        specific = [m for m in meanings if not m.general] or meanings
        quantity = specific[0].quantity
        return Chosen(
            *pairs[best],
            quantity,
            is_rate=quantities()[quantity].kind == "rate",
            disagree=len({(m.quantity, m.text) for m in specific}) > 1,
            if_category=_by_category(*pairs[best]),
            members=members,
        )

    def unit(self, quantity: Quantity) -> str | None:
        """The spelling of a unit: its UCUM code, else the unit as printed, else whatever code there is.

        Where code and print are both known and differ (Cel beside °F), both are handed on, which no unit is.
        """
        key = (quantity.system, quantity.code, quantity.unit)
        try:
            return self._units[key]
        except KeyError:
            return _kept(self._units, key, _unit(*key))

    def text(self, concept: Concept) -> str | None:
        """The word of a concept: what its codes mean here, else its text, the name of a coding, or a bare code."""
        codings = concept.coding or []
        key = (*(part for c in codings for part in (c.system, c.code, c.display)), concept.text)
        try:
            return self._texts[key]
        except KeyError:
            return _kept(self._texts, key, self._text(codings, concept.text))

    def product(self, concept: Concept | None) -> str | None:
        """The product that can cause CRS which the text of a concept, or the name of a coding, speaks of."""
        names = [] if concept is None else [concept.text, *(c.display for c in concept.coding or ())]
        return next((found for name in names if name and (found := product(name))), None)

    def _text(self, codings: list[Coding], text: str | None) -> str | None:
        known = (self._codes.meaning(system_of(c.system or ""), c.code) for c in codings)
        spoken = [m.text for m in known if m is not None]
        return next((word for word in (*spoken, text, *_displays(codings)) if word), None)


_NOTHING = Chosen(None, None)


def _kept(held: dict[Key, Held], key: Key, value: Held) -> Held:
    if len(held) >= CACHE_MAX:
        held.clear()
    held[key] = value
    return value


def _displays(codings: list[Coding]) -> Iterable[str | None]:
    yield from (c.display for c in codings)
    yield from (c.code for c in codings)


def _unit(system: str | None, code: str | None, unit: str | None) -> str | None:
    if not code or not unit:
        return code or unit
    coded, printed = ucum(code), ucum(unit)
    if coded is not None and printed is not None and coded != printed:
        return f"{code} ({unit})"
    if system is not None and system_of(system) == _UCUM:
        return code
    return unit if printed is not None or coded is None else code


def _by_category(system: str, code: str) -> tuple[bytes, str] | None:
    rule = next((r for r in fhir().by_category if (r.system, r.code) == (system, code)), None)
    return (b'"' + rule.category.encode() + b'"', rule.reads) if rule else None


def _members(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found = next((p for p in fhir().panel if (p.system, p.code) in pairs), None)
    return tuple((found.system, member) for member in found.members) if found else ()


def place(name: str | None, codes: Iterable[str | None]) -> str | None:
    """`icu` for a place of intensive care, else None."""
    names: Places = load("places", Places)
    lower = (name or "").lower()
    if re.search(names.not_intensive, lower):
        return None
    return "icu" if re.search(names.intensive, lower) or any(c in fhir().intensive.codes for c in codes) else None


def setting(code: str) -> str | None:
    """Where a patient is cared for in a class of encounters; None where the class says nothing about a place.

    A class nobody wrote down comes back as it is, for the door to know or to refuse.
    """
    rule = fhir().setting
    if code in rule.nowhere:
        return None
    return next((name for name in ("ward", "icu", "home") if code in getattr(rule, name)), code)


def order(intent: str | None, status: str | None) -> bool | None:
    """Whether an order stands; None for what never was one, such as a proposal."""
    rule = fhir().ordered
    return status in rule.statuses if intent in rule.intents else None


def is_not_given(method: Concept | None) -> bool:
    """Whether the method of a dosage says that nothing was given."""
    codings = (method.coding if method else None) or []
    return any(c.system == rule.system and c.code in rule.codes for c in codings for rule in fhir().not_given)
