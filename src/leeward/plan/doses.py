"""From a source's rule and a patient's facts to a dose with its reasons, or to the reason why there is none."""

from __future__ import annotations

import math

import msgspec

from leeward.knowledge.guidelines import DoseRule
from leeward.plan import amounts, steroids, taper
from leeward.plan.limits import Asked, Hold, Reading, at_best, at_worst, ended, holds, lasts, left, room
from leeward.plan.patient import Patient, doubts, lacking, outside_age, recent
from leeward.plan.taper import Planned
from leeward.plan.words import plain
from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

__all__ = ["Dosed", "Planned", "dosed"]

_PLAN = "plan"
_ALL_DOSES = frozenset({_PLAN, taper.ELSEWHERE, "days"})  # limits for which doses of any age matter


class Dosed(msgspec.Struct, frozen=True, kw_only=True):
    """What a source gives, when at the earliest, what holds it back, and what is left.

    `amount`, `amount_to`: in `unit`; a range stays one. None: this source gives none here, or something must be known
    first; `blocked` says which, `missing` names what. With `blocked`, an amount is what the source gives at `earliest`
    and not before. `earliest`: seconds; `as_of_s` if nothing holds it back, None if waiting does not help.
    `remaining_*`: doses left by this source's own caps, where it has any. `steps`: of a plan, with their dates.
    """

    drug: str
    unit: str
    route: str
    amount: float | None = None
    amount_to: float | None = None
    interval_hours: float | None = None
    interval_to_hours: float | None = None
    earliest: int | None = None
    blocked: str | None = None
    missing: tuple[str, ...] = ()
    remaining_doses: int | None = None
    remaining_in_24_hours: int | None = None
    arithmetic: str = ""
    steps: tuple[Planned, ...] = ()
    weight_age_hours: float | None = None
    warnings: tuple[str, ...] = ()


class _Held(msgspec.Struct, frozen=True):
    """What holds a dose back for certain, and what only may, for want of a time or an amount."""

    sure: tuple[Hold, ...] = ()
    perhaps: tuple[Hold, ...] = ()

    def and_(self, other: _Held) -> _Held:
        """Both together."""
        return _Held((*self.sure, *other.sure), (*self.perhaps, *other.perhaps))

    def until_s(self, as_of_s: int) -> int | None:
        """When the last of them ends, and not before now; None where one does not end by waiting."""
        latest_s = as_of_s
        for hold in (*self.sure, *self.perhaps):
            if hold.until_s is None:
                return None
            latest_s = max(latest_s, hold.until_s)
        return latest_s


class _Offer(msgspec.Struct, frozen=True):
    """The dose itself, before anything is held against it."""

    amount: float | None = None
    to: float | None = None
    arithmetic: str = ""
    interval_hours: float | None = None
    interval_to_hours: float | None = None
    steps: tuple[Planned, ...] = ()


def dosed(rule: DoseRule, patient: Patient, speaks_as: str) -> Dosed:
    """The dose that a source's rule gives this patient, with what is left of it and why it may be withheld.

    Strict for every drug: without a usable weight, an age and the doses given before, there is no amount.
    """
    lacks = lacking(rule, patient, speaks_as)
    outside = outside_age(rule, patient, speaks_as, amounts.dosing().number["adult-from"].value)
    known = patient.history(rule.drug) is not None
    worst, best = at_worst(rule, patient), at_best(rule, patient)
    offer, held = _offered(rule, patient, speaks_as, (worst, best)) if known else (_once(rule, patient), _Held())
    missing = (*lacks, *_unsure(rule, patient, held))
    reasons = [outside] if outside else []
    reasons += [f"not on record: {', '.join(missing)}"] if missing else []
    reasons += [hold.says for hold in held.sure] + [f"perhaps: {hold.says}" for hold in held.perhaps]
    earliest = None if lacks or outside else held.until_s(patient.as_of_s)
    shown = earliest is not None and not held.perhaps
    ever, today = left(Asked(rule, speaks_as, patient.as_of_s), worst) if known else (None, None)
    return Dosed(
        drug=rule.drug, unit=rule.unit, route=rule.route,
        amount=offer.amount if shown else None, amount_to=offer.to if shown else None,
        interval_hours=offer.interval_hours, interval_to_hours=offer.interval_to_hours,
        earliest=earliest, blocked="; ".join(reasons) or None, missing=missing,
        remaining_doses=ever, remaining_in_24_hours=today,
        arithmetic=offer.arithmetic if shown else "", steps=offer.steps if shown else (),
        weight_age_hours=patient.weight_age_hours, warnings=_warnings(rule, patient, speaks_as, worst),
    )  # fmt: skip


def _offered(
    rule: DoseRule, patient: Patient, speaks_as: str, readings: tuple[Reading, Reading]
) -> tuple[_Offer, _Held]:
    """The dose, and what holds it back, where the doses given before are on record."""
    worst, best = readings
    offer = _once(rule, patient)
    asked = Asked(rule, speaks_as, patient.as_of_s, offer.amount)
    held = _paired(holds(asked, worst), holds(asked, best))
    if rule.steps:
        return _stepped(asked, readings, held)
    due_s = held.until_s(asked.as_of_s) or asked.as_of_s
    held = held.and_(_paired(*([hold] if (hold := ended(asked, each, due_s)) else [] for each in readings)))
    offer = msgspec.structs.replace(offer, arithmetic=offer.arithmetic + lasts(rule, worst))
    return _within_day(rule, worst, offer, held.until_s(patient.as_of_s)), held


def _once(rule: DoseRule, patient: Patient) -> _Offer:
    """A dose that is not a plan of steps."""
    found = amounts.amount(rule, patient)
    if found is None:
        return _Offer(interval_hours=rule.interval_hours, interval_to_hours=rule.interval_to_hours)
    return _Offer(found.low, found.to, found.arithmetic, rule.interval_hours, rule.interval_to_hours)


def _within_day(rule: DoseRule, worst: Reading, offer: _Offer, at_s: int | None) -> _Offer:
    """A range whose upper end would pass the limit of a day ends where the limit does."""
    if rule.at_most_in_24_hours is None or offer.amount is None or at_s is None:
        return offer
    free = room(rule, worst, at_s)
    day = f"{plain(rule.at_most_in_24_hours)} {rule.unit} in 24 h"
    said = f"{offer.arithmetic}; {plain(free)} {rule.unit} left of {day}"
    to = offer.to if offer.to is None else min(offer.to, free)
    return msgspec.structs.replace(offer, to=to if to is not None and to > offer.amount else None, arithmetic=said)


def _stepped(asked: Asked, readings: tuple[Reading, Reading], held: _Held) -> tuple[_Offer, _Held]:
    """The step of a plan that holds when its next dose is due."""
    rule, (worst, best) = asked.rule, readings
    from_s = held.until_s(asked.as_of_s) or asked.as_of_s
    at_last = taper.standing(rule, worst, from_s, asked.speaks_as)
    at_first = taper.standing(rule, best, from_s, asked.speaks_as)
    found = [[at.hold, taper.elsewhere(rule, each)] for at, each in ((at_last, worst), (at_first, best))]
    held = held.and_(_paired(*([hold for hold in both if hold is not None] for both in found)))
    perhaps = held.perhaps
    then = taper.standing(rule, best, at_last.due_s, asked.speaks_as)
    if at_last.planned_amount != then.planned_amount:
        perhaps += (Hold(_PLAN, f"where the plan of {asked.speaks_as} stands depends on it", None),)
    now = at_last.planned
    hours = None if now is None else now.interval_hours
    offer = _Offer(at_last.planned_amount, None, at_last.arithmetic, hours, None, at_last.steps)
    return offer, _Held(held.sure, perhaps)


def _paired(worst: list[Hold], best: list[Hold]) -> _Held:
    """What holds at both ends of what is known, and what at one only."""
    both = {hold.limit for hold in worst} & {hold.limit for hold in best}
    once = [hold for hold in (*worst, *best) if hold.limit not in both]
    return _Held(tuple(hold for hold in worst if hold.limit in both), tuple(once))


def _unsure(rule: DoseRule, patient: Patient, held: _Held) -> tuple[str, ...]:
    """What would settle the limits that only may hold."""
    if not held.perhaps:
        return ()
    limits = {hold.limit for hold in held.perhaps}
    given = patient.history(rule.drug) or ()
    if not limits & _ALL_DOSES:
        given = recent(given, patient, max(DAY_S / HOUR_S, rule.apart_hours or rule.interval_hours or 0))
    said = doubts(given, rule.drug, amounts=bool(limits & {"amount in 24 hours", _PLAN, taper.ELSEWHERE}))
    if patient.dose_s is None and limits & {"in the episode", *_ALL_DOSES}:
        said.append("when the therapy was given")
    return tuple(said)


def _warnings(rule: DoseRule, patient: Patient, speaks_as: str, worst: Reading) -> tuple[str, ...]:
    """What is to be said beside the dose, without changing it."""
    said = amounts.kidneys(rule, patient) + steroids.also_given(rule.drug, patient)
    if not rule.steps and rule.drug in steroids.steroids().table.equal and worst.since_onset:
        said.append(taper.in_all(rule, worst.since_onset[::-1]))
    if rule.steps and all(math.isfinite(dose.amount) for dose in worst.doses):
        said += taper.strays(rule, worst, speaks_as)
    return tuple(said)
