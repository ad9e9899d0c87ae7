"""Words of a record made one: devices, products, levels, drug names."""

from __future__ import annotations

import re
from functools import cache

from leeward.knowledge.loader import load
from leeward.knowledge.therapies import treatments
from leeward.knowledge.vocabulary import TRIGGER, Drugs, Local, Oxygen, Quantity, Status, quantities

DEVICE = "oxygen-device"
UNRECOGNISED = "unrecognised"
STATES = ("final", "preliminary", "corrected", "withdrawn", "absent", "order", "unusable")
"""What the status of a statement can mean; only the first four become findings."""
UNREADABLE = "unreadable version"
"""The text of a withdrawal that stands for a newer version of a record which could not be read."""


def plain(word: str) -> str:
    """Lower case, with blanks, hyphens and underscores alike."""
    return re.sub(r"[\s_-]+", " ", word).strip().lower()


class Words:
    """The words of every quantity, with those that local sources add."""

    def __init__(self, locals_: list[Local]) -> None:
        self._known = {name: _spellings(quantity) for name, quantity in quantities().items()}
        self._known[DEVICE] = _devices()
        for source in locals_:
            for quantity, words in source.words.items():
                self._known[quantity] |= {plain(w): becomes for becomes, many in words.items() for w in many}

    def normal(self, quantity: str, word: str) -> str | None:
        """The one word a record's word stands for, or None where nobody knows it."""
        tidy = plain(word)
        found = self._known[quantity].get(tidy)
        if found is not None:
            return found
        if quantity == DEVICE:
            if _unless().search(tidy):
                return None
            return next((is_ for is_, like in _device_patterns() if like.search(tidy)), None)
        if quantity == TRIGGER:
            return product(word)
        pattern = quantities()[quantity].pattern
        return word.strip() if pattern and re.fullmatch(pattern, word.strip()) else None

    def may_be_oxygen(self, word: str) -> bool:
        """Whether a device may give oxygen: its word is known, or holds what such devices are called after."""
        return self.normal(DEVICE, word) is not None or _may_be().search(plain(word)) is not None


def _spellings(quantity: Quantity) -> dict[str, str]:
    return {plain(w): becomes for becomes, many in quantity.words.items() for w in many}


@cache
def _devices() -> dict[str, str]:
    return {plain(w): becomes for becomes, many in load("oxygen", Oxygen).words.items() for w in (becomes, *many)}


@cache
def _device_patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(p.becomes, re.compile(p.like)) for p in load("oxygen", Oxygen).patterns]


@cache
def _unless() -> re.Pattern[str]:
    return re.compile(load("oxygen", Oxygen).unless)


@cache
def _may_be() -> re.Pattern[str]:
    return re.compile(load("oxygen", Oxygen).may_be)


@cache
def _whole(names: tuple[str, ...]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(plain(name)).replace(r"\ ", r"\s+") for name in sorted(names, key=len)[::-1])
    return re.compile(rf"(?<![a-z0-9])(?:{alternatives})(?![a-z0-9])")


@cache
def product(word: str) -> str | None:
    """The product that can cause CRS behind a name, a brand or a longer drug name; of several the longest name."""
    tidy = plain(word)
    if _whole(load("drugs", Drugs).no_product_with).search(tidy):
        return None
    found = []
    for item in treatments():
        match = _whole(item.names).search(tidy)
        if match:
            found.append((len(match.group()), item.inn))
    return max(found)[1] if found else None


@cache
def drug(word: str) -> tuple[str, str | None] | None:
    """Quantity and, for a product that can cause CRS or an antibiotic, its name, behind a charted drug name."""
    tidy, drugs = plain(word), load("drugs", Drugs)
    if _whole(drugs.not_with).search(tidy):
        return None
    for quantity, names in drugs.names.items():
        match = _whole(names).search(tidy)
        if match:
            return quantity, _spellings(quantities()[quantity]).get(match.group())
    found = product(word)
    return (TRIGGER, found) if found else None


@cache
def status(word: str | None) -> str:
    """What a status means here; "unusable" for a word nobody knows, "final" where the record has no such word."""
    if word is None:
        return "final"
    means = load("status", Status).means
    return next((is_ for is_, many in means.items() if word.strip().lower() in many), "unusable")
