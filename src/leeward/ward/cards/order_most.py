"""The most that any source read gives of a drug at once: above it an order is above every one of them.

A corticosteroid that no source gives is held against the others by the table of equal doses, which decides no dose.
"""

from __future__ import annotations

from typing import NamedTuple

from leeward.knowledge.guidelines import DoseRule, Guideline, guidelines
from leeward.plan import amounts
from leeward.plan.patient import Patient
from leeward.plan.steroids import equivalent, steroids

SILENT = ("safety", "disagreements")
"""Files that give no dose of their own."""
_MG = {"mg": 1.0, "g": 1000.0}


class Most(NamedTuple):
    """The largest amount of a drug in mg, and who gives it."""

    drug: str
    mg: float
    guideline: Guideline
    rule: DoseRule


def most(drug: str, patient: Patient) -> Most | None:
    """The most of a drug; None where no source gives it, or by a weight that is not known and without a cap."""
    found = []
    for guideline in guidelines():
        if guideline.superseded or guideline.nature in SILENT:
            continue
        for rule in guideline.doses.values():
            if not comparable(guideline, rule, drug):
                continue
            mg = _largest_mg(rule, patient)
            if mg is None:
                return None
            found.append(Most(drug, mg, guideline, rule))
    return max(found, key=lambda one: one.mg, default=None)


def comparable(guideline: Guideline, rule: DoseRule, drug: str) -> bool:
    """Whether a dose may be compared with an order: of this drug, no rate, not into the spine, not only recalled."""
    return (
        rule.drug == drug and "/min" not in rule.unit and rule.route != "intrathecal"
        and guideline.known(rule) != "recalled"
    )  # fmt: skip


def passed(drug: str, mg: float, patient: Patient) -> Most | None:
    """The most of any source, where an amount is above it; None: it is not, or nobody can tell."""
    own = most(drug, patient)
    if own is not None:
        return own if mg > own.mg else None
    others = [most(other, patient) for other in steroids().table.equal if other != drug] if is_steroid(drug) else []
    times = [(equivalent(drug, mg, one.drug).low_mg / one.mg, one) for one in others if one is not None]
    least, largest = min(times, key=lambda pair: pair[0], default=(0.0, None))
    return largest if least > 1 else None


def is_steroid(drug: str) -> bool:
    """Whether a drug stands in the table of equal corticosteroid doses."""
    return drug in steroids().table.equal


def _largest_mg(rule: DoseRule, patient: Patient) -> float | None:
    """The largest amount of a rule; None where it depends on what is not known."""
    found = None if rule.steps else amounts.amount(rule, patient)
    if rule.steps:
        largest = max(step.amount for step in rule.steps)
    elif found is not None:
        largest = found.low if found.to is None else found.to
    elif rule.at_most is not None:
        largest = rule.at_most
    else:
        return None
    return largest * _MG[rule.unit]
