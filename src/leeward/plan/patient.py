"""What a dose is worked out from: the patient, what was already given, and what of it is not known."""

from __future__ import annotations

import math

import msgspec

from leeward.knowledge.citations import citations
from leeward.knowledge.guidelines import DoseRule
from leeward.plan.numbers import number
from leeward.plan.words import moment, plain
from leeward.timeline.settings import HOUR_S, carry


class Given(msgspec.Struct, frozen=True):
    """One dose that was given. `until_s` later than `at_s`: at some time between them (only its day is known).

    Amounts in the drug's own unit (quantities.toml); None where the record does not tell how much.
    """

    at_s: int
    until_s: int | None = None
    amount_low: float | None = None
    amount_high: float | None = None

    @property
    def exact(self) -> bool:
        """Its time is known."""
        return self.until_s is None or self.until_s <= self.at_s

    @property
    def measured(self) -> bool:
        """Its amount is known."""
        return self.amount_low is not None and self.amount_low == self.amount_high


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one patient at a moment.

    `weight_to_kg`: where the record leaves a range from `weight_kg` on. `given`: by drug (INN); a key with nothing in
    it says that none is on record, a drug without a key was not looked for. `unknown`: drugs that were ordered or
    mentioned and whose giving is not on record. `dose_s`: the therapy. Only what was known at `as_of_s` belongs here.
    """

    as_of_s: int
    weight_kg: float | None = None
    weight_to_kg: float | None = None
    weight_at_s: int | None = None
    setting: str | None = None
    height_cm: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    creatinine_clearance: float | None = None
    dose_s: int | None = None
    onset_s: int | None = None
    given: dict[str, tuple[Given, ...]] = {}
    unknown: frozenset[str] = frozenset()

    @property
    def weight_age_hours(self) -> float | None:
        """How long ago the patient was weighed; a clock that runs ahead makes it now, not the future."""
        if self.weight_at_s is None:
            return None
        return max(0, self.as_of_s - self.weight_at_s) / HOUR_S

    @property
    def episode_from_s(self) -> int | None:
        """From when on a dose counts as one of this episode: a little before the therapy, for premedication."""
        return None if self.dose_s is None else self.dose_s - math.ceil(number("before-dose") * HOUR_S)

    def history(self, drug: str) -> tuple[Given, ...] | None:
        """Every dose of a drug on record; None where that is not known. A dose of nothing is none."""
        given = None if drug in self.unknown else self.given.get(drug)
        return None if given is None else tuple(one for one in given if one.amount_high != 0)


def lacking(rule: DoseRule, patient: Patient, speaks_as: str) -> list[str]:
    """What of the patient is not known and must be, whatever the drug: weight, age, what was given before."""
    found = [_weight(patient), _age(rule, patient, speaks_as)]
    if rule.per_m2 is not None and patient.height_cm is None:
        found.append("height")
    if patient.history(rule.drug) is None:
        found.append(f"earlier doses of {rule.drug}")
    return [said for said in found if said is not None]


def _weight(patient: Patient) -> str | None:
    """Why the weight cannot be used."""
    if patient.weight_kg is None:
        return "weight"
    if patient.weight_to_kg is not None and patient.weight_to_kg != patient.weight_kg:
        return f"weight (between {plain(patient.weight_kg)} and {plain(patient.weight_to_kg)} kg)"
    hours = patient.weight_age_hours
    if hours is None:
        return "weight (when it was measured)"
    limit_hours = getattr(carry().limits_hours["body-weight"], patient.setting or carry().default_setting.setting)
    if hours >= limit_hours:
        return f"weight (the last is {plain(hours, 1)} h old and stands for {plain(limit_hours)} h)"
    return None


def _age(rule: DoseRule, patient: Patient, speaks_as: str) -> str | None:
    """Why the age cannot be used: not known, or known too roughly for this source's own limit."""
    low, high = patient.age_low, patient.age_high
    if low is None or high is None:
        return "age"
    for limit, side in ((rule.min_age_years, "from {} years on"), (rule.max_age_years, "below {} years")):
        if limit is not None and low < limit <= high:
            between = f"between {plain(low, 2)} and {plain(high, 2)} years"
            return f"age ({between}; a dose was read {side.format(plain(limit))} in {_read_in(rule, speaks_as)})"
    return None


def outside_age(rule: DoseRule, patient: Patient, speaks_as: str, adult_from: float) -> str | None:
    """Why there is no dose at this age: younger than `min_age_years`, or `max_age_years` and older.

    That none was read is not that the source forbids it, and a label's age is not the word of whoever repeats its dose.
    """
    low, high = patient.age_low, patient.age_high
    none_read = f"no dose for this age was read in {_read_in(rule, speaks_as)}; the age is"
    least, end = rule.min_age_years, rule.max_age_years
    if high is not None and least is not None and high < least:
        adult = least >= adult_from
        return f"{'adult dose' if adult else f'dose from {plain(least)} years on'}; {none_read} {plain(high, 2)}"
    if low is not None and end is not None and low >= end:
        return f"dose below {plain(end)} years; {none_read} {plain(low, 2)}"
    return None


def _read_in(rule: DoseRule, speaks_as: str) -> str:
    """Where the ages of a dose are printed: the source itself, or the other that it cites for them."""
    found = citations().get(rule.age_source or "")
    return speaks_as if found is None else f"{found.title} ({found.year})"


def recent(given: tuple[Given, ...], patient: Patient, hours: float) -> tuple[Given, ...]:
    """Doses that may have been given within so many hours, or may belong to the episode and may not."""
    since_s, episode_s = patient.as_of_s - hours * HOUR_S, patient.episode_from_s
    return tuple(
        one
        for one in given
        if (one.until_s or one.at_s) > since_s
        or (episode_s is not None and one.at_s < episode_s <= (one.until_s or one.at_s))
    )


def doubts(given: tuple[Given, ...], drug: str, *, amounts: bool) -> list[str]:
    """What is not known of doses that were given: at what hour, or (with `amounts`) how much."""
    said = [
        f"the hour of {drug} given between {moment(one.at_s)} and {moment(one.until_s)}"
        for one in given
        if not one.exact and one.until_s is not None
    ]
    if amounts:
        said += [f"how much {drug} was given at {moment(one.at_s)}" for one in given if not one.measured]
    return said
