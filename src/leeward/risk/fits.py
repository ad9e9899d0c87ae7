"""Whether a score was made for this patient, this therapy and this moment: yes, no, or cannot be told; and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from leeward.knowledge.therapies import of
from leeward.risk.definitions import Fits, Moment, moments

Person = Mapping[str, Any]


class Verdict(NamedTuple):
    """`applies`: None where it cannot be told; `why`: what speaks against it or is not known, in words."""

    applies: bool | None
    why: list[str]


def verdict(fits: Fits, person: Person, at: Moment) -> Verdict:
    """All of what a score asks for; one thing that is surely not met settles it."""
    found = [_moment(fits, person, at), _therapy(fits, person), _disease(fits, person), _age(fits, person)]
    why = [said for met, said in found if met is not True]
    if any(met is False for met, _ in found):
        return Verdict(False, why)
    return Verdict(None if why else True, why)


def _moment(fits: Fits, person: Person, at: Moment) -> tuple[bool | None, str]:
    """The moment asked for is one that the score was made for, and has come."""
    if at.id not in fits.at:
        named = ", ".join(moments()[name].title for name in fits.at)
        return False, f"made for {named}; asked at {at.title}"
    if person["as_of_s"] is None:
        return False, "nothing with a time is on record"
    if person["until_s"] is None:
        return False, "no infusion on record, so no day can be counted from it"
    if person["as_of_s"] <= person["from_s"]:
        return False, f"{at.title} had not begun when the record ends"
    if person["infusion_s"] is None and person["lymphodepletion_s"] is None:
        return (
            None,
            "neither lymphodepletion nor infusion on record: values are the newest before the moment asked about",
        )
    return True, ""


def _therapy(fits: Fits, person: Person) -> tuple[bool | None, str]:
    """The therapy is of a class or a product that the score was made for."""
    if not fits.classes and not fits.products:
        return True, ""
    named = ", ".join((*fits.classes, *fits.products))
    known = of(person["product"]) if person["product"] else None
    if known is None:
        return None, f"made for {named}; the therapy is not on record"
    if known.klass in fits.classes or known.inn in fits.products:
        return True, ""
    return False, f"made for {named}; this is {known.inn} ({known.klass})"


def _disease(fits: Fits, person: Person) -> tuple[bool | None, str]:
    """The disease is one of those that the score was made in."""
    if not fits.diseases:
        return True, ""
    named = ", ".join(fits.diseases)
    if not person["disease"]:
        return None, f"made in {named}; the disease is not on record"
    return person["disease"] in fits.diseases, f"made in {named}; this is {person['disease']}"


def _age(fits: Fits, person: Person) -> tuple[bool | None, str]:
    """The age lies where the score was made; one that is not known or straddles a limit cannot be told."""
    if fits.from_years is None and fits.until_years is None:
        return True, ""
    youngest, oldest = fits.from_years or 0.0, fits.until_years
    said = f"made from {youngest:g} years" + (f" to below {oldest:g}" if oldest is not None else "")
    low, high = person["age_low"], person["age_high"]
    if low is None or high is None:
        return None, f"{said}; the age is not on record"
    if high < youngest or (oldest is not None and low >= oldest):
        return False, f"{said}; this patient is {high:.0f}"
    if low < youngest or (oldest is not None and high >= oldest):
        return None, f"{said}; this patient is {low:.0f} to {high:.0f}"
    return True, ""
