"""An order held against what each source gives: its interval, its caps, its dose by weight.

Nothing is worked out anew: limits and doses are those of plan/limits and plan/doses.

Two kinds of sources speak: those that give the drug in the patient's present state, and, of drugs against
interleukin 6, every source that prints limits, since a dose counts whatever it was given for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from leeward.knowledge.guidelines import DoseRule, Guideline, guidelines
from leeward.plan import amounts, given, steroids
from leeward.plan.doses import dosed
from leeward.plan.limits import Asked, Hold, at_best, at_worst, holds
from leeward.plan.patient import Patient, lacking
from leeward.plan.suggestions import Situation
from leeward.plan.words import between, plain
from leeward.ward.cards.drafts import Order
from leeward.ward.cards.order_most import SILENT, comparable, passed

Kind = Literal["held", "above", "often", "differs", "missing", "unread", "perhaps"]
SEVERE: tuple[Kind, ...] = ("held", "above", "often")
"""What makes a card a warning."""
PER_CENT = 100


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to say of an order beside a source: of which kind, in the source's words."""

    kind: Kind
    says: str
    source: str
    guideline: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source beside the order. `now`: it gives the drug in the patient's present state."""

    speaks_as: str
    id: str
    key: str
    evidence: str
    where: str
    now: bool
    gives: str
    remaining: str
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    missing: tuple[str, ...]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One order beside every source that speaks of its drug."""

    order: Order
    sources: tuple[Source, ...]

    def of(self, kind: Kind) -> list[Finding]:
        """Everything of one kind, those first that speak for the present state."""
        ordered = sorted(self.sources, key=lambda one: not one.now)
        return [found for one in ordered for found in one.findings if found.kind == kind]

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not known and matters to some source."""
        return tuple(dict.fromkeys(name for one in self.sources for name in one.missing))


class _Speaks(NamedTuple):
    guideline: Guideline
    rule: DoseRule
    now: bool


def checked(order: Order, now: Situation, differs_percent: float) -> Checked:
    """The order beside every source."""
    sources = [_beside(order, one, now.patient, differs_percent) for one in _speaking(order.drug, now)]
    # A file may define one dose for several states: it speaks once.
    once = {(one.id, one.gives, one.now, one.findings): one for one in reversed(sources)}
    said = tuple(reversed(once.values()))
    if not any(found.kind == "above" for one in said for found in one.findings):
        said += _above_every(order, now.patient, differs_percent)
    return Checked(order=order, sources=said)


def _above_every(order: Order, patient: Patient, differs_percent: float) -> tuple[Source, ...]:
    """The source that gives the most at once, where the order is above that."""
    kilograms = patient.weight_kg if order.per_kg else 1.0
    if order.amount is None or kilograms is None:
        return ()
    mg = order.amount[0] * kilograms
    most = passed(order.drug, mg / (1 + differs_percent / PER_CENT), patient)
    if most is None:
        return ()
    name = most.guideline.speaks_as
    says = f"no source read gives more than {plain(most.mg)} mg at once; {plain(mg)} mg is ordered"
    if most.drug != order.drug:
        equal = f"{most.drug} {plain(steroids.equivalent(order.drug, mg, most.drug).amount_mg, 0)} mg"
        says = f"equals {equal}; no source read gives more than {plain(most.mg)} mg of it"
    return (
        Source(
            speaks_as=name, id=most.guideline.id, key=most.guideline.source, where=most.rule.where,
            evidence=most.guideline.known(most.rule), now=False, gives=_gives(most.rule, patient, []), remaining="",
            findings=(Finding(kind="above", says=says, source=name, guideline=most.guideline.id),),
            warnings=(), missing=(),
        ),
    )  # fmt: skip


def _speaking(drug: str, now: Situation) -> Iterator[_Speaks]:
    """Each dose of the drug that a source gives now, then the limits of other sources."""
    met: set[tuple[str, str]] = set()
    for held in now.held:
        guideline = held.rule.guideline
        if held.wait_hours or guideline.nature in SILENT or guideline.superseded:
            continue
        for action in held.rule.row.do:
            rule = guideline.doses.get(action.dose or "")
            if rule is not None and comparable(guideline, rule, drug) and (guideline.id, action.dose or "") not in met:
                met.add((guideline.id, action.dose or ""))
                yield _Speaks(guideline, rule, now=True)
    for guideline in guidelines() if drug in given.ANTI_IL6 else ():
        if guideline.id in {name for name, _ in met} or guideline.superseded:
            continue
        rules = [rule for rule in guideline.doses.values() if comparable(guideline, rule, drug)]
        yield from (_Speaks(guideline, rule, now=False) for rule in rules[:1])


_PER_UNIT = {"g": 1000.0}


def _beside(order: Order, speaks: _Speaks, patient: Patient, differs_percent: float) -> Source:
    """One source beside the order."""
    guideline, rule, now = speaks
    name = guideline.speaks_as
    lacks = lacking(rule, patient, name)
    amount = _ordered(order, rule, patient, lacks)
    said: list[tuple[Kind, str]] = []
    if order.amount is None:
        said.append(("unread", order.why or "its dose is not understood"))
    sure, perhaps = _held(Asked(rule, name, patient.as_of_s, amount and amount[1]), patient)
    said += [("held", hold.says) for hold in sure] + [("perhaps", hold.says) for hold in perhaps]
    said += [("missing", lack) for lack in lacks]
    gives = _gives(rule, patient, lacks)
    if amount is not None and now:
        said += _amount_said(amount, rule, patient, lacks, name, differs_percent)
    elif amount is not None:
        said += _above(amount, rule, name)
    said += _often(order, rule, name) if now else []
    made = dosed(rule, patient, name)
    return Source(
        speaks_as=name, id=guideline.id, key=guideline.source, evidence=guideline.known(rule),
        where=rule.where, now=now, gives=gives, remaining=_remaining(made.remaining_doses, made.remaining_in_24_hours),
        findings=tuple(Finding(kind=kind, says=text, source=name, guideline=guideline.id) for kind, text in said),
        warnings=made.warnings if now else (), missing=tuple(dict.fromkeys((*lacks, *made.missing))),
    )  # fmt: skip


def _ordered(order: Order, rule: DoseRule, patient: Patient, lacks: list[str]) -> tuple[float, float] | None:
    """The order's amount in the rule's unit; None where it is not known, or per kilogram of a weight that is not."""
    if order.amount is None:
        return None
    kilograms = 1.0
    if order.per_kg:
        if patient.weight_kg is None or _no_weight(lacks):
            return None
        kilograms = patient.weight_kg
    scale = kilograms / _PER_UNIT.get(rule.unit, 1.0)
    return order.amount[0] * scale, order.amount[1] * scale


def _no_weight(lacks: list[str]) -> bool:
    """Whether the weight is among what is lacking."""
    return any(lack.startswith("weight") for lack in lacks)


def _held(asked: Asked, patient: Patient) -> tuple[list[Hold], list[Hold]]:
    """The limits that hold for certain, and those that only may, for want of a time or an amount."""
    if patient.history(asked.rule.drug) is None:
        return [], []
    worst, best = (holds(asked, read(asked.rule, patient)) for read in (at_worst, at_best))
    both = {hold.limit for hold in worst} & {hold.limit for hold in best}
    return [hold for hold in worst if hold.limit in both], [hold for hold in worst if hold.limit not in both]


def _gives(rule: DoseRule, patient: Patient, lacks: list[str]) -> str:
    """What the source gives, worked out where it can be."""
    found = None if _no_weight(lacks) else amounts.amount(rule, patient)
    if found is not None:
        return found.arithmetic
    if rule.per_kg is not None:
        said = f"{between(rule.per_kg, rule.per_kg_to)} {rule.unit}/kg"
        return said if rule.at_most is None else f"{said}, at most {plain(rule.at_most)} {rule.unit}"
    if rule.steps:
        return "a plan of steps: " + ", ".join(
            f"{plain(step.amount)} {rule.unit} every {plain(step.interval_hours)} h" for step in rule.steps
        )
    return rule.where


def _amount_said(
    amount: tuple[float, float], rule: DoseRule, patient: Patient, lacks: list[str], name: str, differs_percent: float
) -> list[tuple[Kind, str]]:
    """How the ordered amount stands beside the one the source gives."""
    above = _above(amount, rule, name)
    found = None if rule.steps or _no_weight(lacks) else amounts.amount(rule, patient)
    if above or found is None or found.low <= 0:
        return above
    high = found.low if found.to is None else found.to
    over, under = amount[1] / high - 1, 1 - amount[0] / found.low
    if max(over, under) * PER_CENT <= differs_percent:
        return []
    ordered = between(amount[0], None if amount[0] == amount[1] else amount[1])
    return [("differs", f"{name} gives {found.arithmetic}; {ordered} {rule.unit} is ordered")]


def _above(amount: tuple[float, float], rule: DoseRule, name: str) -> list[tuple[Kind, str]]:
    """More than the source ever gives at once."""
    if rule.at_most is None or amount[1] <= rule.at_most:
        return []
    most = f"{plain(rule.at_most)} {rule.unit}"
    return [("above", f"{name} gives at most {most} a dose; {plain(amount[1])} {rule.unit} is ordered")]


def _often(order: Order, rule: DoseRule, name: str) -> list[tuple[Kind, str]]:
    """Ordered to be given more often than the source gives it."""
    hours = rule.interval_hours if rule.apart_hours is None else rule.apart_hours
    if order.every_hours is None or hours is None or order.every_hours >= hours:
        return []
    return [("often", f"{name} gives it every {plain(hours)} h; every {plain(order.every_hours)} h is ordered")]


def _remaining(ever: int | None, today: int | None) -> str:
    """What the source's own caps leave."""
    said = [] if ever is None else [f"{ever} left in the episode or lifetime"]
    said += [] if today is None else [f"{today} left in 24 h"]
    return ", ".join(said)
