"""Corticosteroid doses of equal effect, to compare what was given. No dose is ever worked out from them."""

from __future__ import annotations

from datetime import date

import msgspec

from leeward.knowledge import Evidence, load
from leeward.plan.patient import Patient
from leeward.plan.words import between, plain
from leeward.timeline.exposures import DAY_S


class Equal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much of a drug equals so much of the others; how long it acts."""

    mg: float
    half_life_hours: float
    half_life_to_hours: float


class Equivalents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of equal doses."""

    source: str
    where: str
    evidence: Evidence
    equal: dict[str, Equal]


class Beside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another table's word on one drug: so many times as potent as hydrocortisone."""

    drug: str
    times: float
    times_to: float
    says: str
    source: str
    where: str
    evidence: Evidence


class Steroids(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """steroids.toml."""

    checked: date
    table: Equivalents
    beside: Beside


class Equivalent(msgspec.Struct, frozen=True):
    """As much of another corticosteroid: by the table, and the range of the other table where that differs."""

    drug: str
    amount_mg: float
    low_mg: float
    high_mg: float


def steroids() -> Steroids:
    """The tables."""
    held: Steroids = load("steroids", Steroids)
    return held


def equivalent(drug: str, amount_mg: float, other: str) -> Equivalent:
    """An amount of one corticosteroid as one of another.

    Raises KeyError for a drug that the table does not have.
    """
    equal, beside = steroids().table.equal, steroids().beside
    by_table = amount_mg * equal[other].mg / equal[drug].mg
    if (drug == beside.drug) == (other == beside.drug):
        return Equivalent(other, by_table, by_table, by_table)
    reference = equal["hydrocortisone"].mg
    ends = []
    for times in (beside.times, beside.times_to):
        potency = {name: reference / one.mg for name, one in equal.items()} | {beside.drug: times}
        ends.append(amount_mg * potency[drug] / potency[other])
    return Equivalent(other, by_table, min(ends), max(ends))


def in_words(drug: str, amount_mg: float, other: str) -> str:
    """An equal amount in words: dexamethasone 10 mg = methylprednisolone 53 mg (50 to 60 mg by the other table)."""
    found, beside = equivalent(drug, amount_mg, other), steroids().beside
    said = f"{drug} {plain(amount_mg)} mg = {other} {plain(found.amount_mg, 0)} mg"
    if found.low_mg == found.high_mg:
        return said
    potency = f"{beside.drug} taken as {between(beside.times, beside.times_to)} {beside.says}"
    return f"{said} ({plain(found.low_mg, 0)} to {plain(found.high_mg, 0)} mg with {potency})"


def also_given(drug: str, patient: Patient) -> list[str]:
    """Other corticosteroids of the last 24 hours beside one that is asked about, each as an equal dose of it."""
    if drug not in steroids().table.equal:
        return []
    said = []
    for other in steroids().table.equal:
        recent = [one for one in patient.history(other) or () if (one.until_s or one.at_s) > patient.as_of_s - DAY_S]
        if other == drug or not recent:
            continue
        amounts = [one.amount_low for one in recent if one.measured and one.amount_low is not None]
        if len(amounts) < len(recent):
            said.append(f"{other} was given in the last 24 h, how much is not known")
        else:
            said.append(f"given in the last 24 h: {in_words(other, sum(amounts), drug)}")
    return said
