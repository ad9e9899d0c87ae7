"""What was published of a product, the rows that fit a patient's disease and age first."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from leeward.knowledge.therapies import Population, of, populations
from leeward.risk.definitions import age_limit, disease_words
from leeward.risk.fits import Person


class Rate(NamedTuple):
    """One published population; `fits`: None where it cannot be told; `why`: what does not fit or is not known."""

    population: Population
    fits: bool | None
    why: list[str]


def rates(person: Person) -> list[Rate]:
    """Every published row of the product, those that fit before those that may, those before the others."""
    known = of(person["product"]) if person["product"] else None
    if known is None:
        return []
    found = [_judged(row, person) for row in populations(known)]
    order: dict[Any, int] = {True: 0, None: 1, False: 2}
    return sorted(found, key=lambda one: order[one.fits])


def _judged(row: Population, person: Person) -> Rate:
    """Whether a row speaks of this disease and this age."""
    met = [_disease(row, person["disease"]), _age(row, person["age_low"], person["age_high"])]
    why = [said for fits, said in met if fits is not True]
    if any(fits is False for fits, _ in met):
        return Rate(row, False, why)
    return Rate(row, None if why else True, why)


@cache
def _named(indication: str) -> frozenset[str]:
    """The diseases that the words of an indication name."""
    return frozenset(
        disease
        for disease, words in disease_words().items()
        for word in words
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", indication)
    )


def _disease(row: Population, disease: str | None) -> tuple[bool | None, str]:
    """An indication that names no single disease cannot be told."""
    named = _named(row.indication)
    if not disease:
        return None, "the disease is not on record"
    if not named:
        return None, "its indication names no single disease"
    return disease in named, "another disease"


def _age(row: Population, low: float | None, high: float | None) -> tuple[bool | None, str]:
    """Adults, children, or young adults, as the row says."""
    people = (row.people or "").lower()
    if low is None or high is None:
        return None, "the age is not on record"
    if not people:
        return None, "it does not say of which age"
    both = "both" in people or "some paediatric" in people
    children = both or "paediatric" in people
    adults = both or re.search(r"(?<!young )adult", people) is not None
    young = "young adult" in people
    grown, ripe = age_limit("adult_from"), age_limit("young_adult_until")
    fits = (children and low < grown) or (adults and high >= grown) or (young and low < ripe and high >= grown)
    return fits, "another age"
