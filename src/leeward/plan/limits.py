"""What a source's own limits hold back: doses too close, too many in a day, an episode or a life, too much in a day.

Limits are read twice: with every dose that is not surely known at its latest and largest, and at its earliest and
smallest. All limits loosen as doses grow older and smaller, so what holds at both ends holds for certain.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from leeward.knowledge.guidelines import DoseRule
from leeward.plan.patient import Patient
from leeward.plan.words import moment, plain, span
from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

_IN_RECORDS = {"g": 1000.0}
"""How much of the unit of records (mg) a source's larger unit holds."""
_TOLERANCE_DIGITS = 6  # sums of decimal amounts are compared without the dust of binary fractions


class Dose(NamedTuple):
    """A dose that was given, read at one end of what is known of it; the amount in the rule's unit."""

    at_s: int
    amount: float


class Reading(NamedTuple):
    """All doses of a drug at one end of what is known, latest first; since when they are the episode's, its onset."""

    doses: tuple[Dose, ...]
    episode_from_s: float
    onset_s: float

    def since(self, after_s: float) -> tuple[Dose, ...]:
        """Those given later than a moment."""
        return tuple(dose for dose in self.doses if dose.at_s > after_s)

    @property
    def of_episode(self) -> tuple[Dose, ...]:
        """Those of the episode."""
        return tuple(dose for dose in self.doses if dose.at_s >= self.episode_from_s)

    @property
    def since_onset(self) -> tuple[Dose, ...]:
        """Those since the onset; where that is not known, those of the episode."""
        return tuple(dose for dose in self.doses if dose.at_s >= self.onset_s)


class Hold(msgspec.Struct, frozen=True):
    """One limit that holds a dose back, in words, and until when; None: it does not pass by waiting."""

    limit: str
    says: str
    until_s: int | None


class Asked(msgspec.Struct, frozen=True):
    """A source's rule, the moment it is asked at, and the least it would give then."""

    rule: DoseRule
    speaks_as: str
    as_of_s: int
    amount: float | None = None


def at_worst(rule: DoseRule, patient: Patient) -> Reading:
    """Every dose as late and as large as it may have been; all belong to the episode if the therapy is not known."""
    doses = [
        Dose(
            one.at_s if one.until_s is None else max(one.at_s, min(one.until_s, patient.as_of_s)),
            math.inf if one.amount_high is None else one.amount_high / _IN_RECORDS.get(rule.unit, 1.0),
        )
        for one in patient.history(rule.drug) or ()
    ]
    return _reading(doses, patient, -math.inf)


def at_best(rule: DoseRule, patient: Patient) -> Reading:
    """Every dose as early and as small as it may have been; none belongs to the episode if the therapy is not known."""
    doses = [
        Dose(one.at_s, (one.amount_low or 0.0) / _IN_RECORDS.get(rule.unit, 1.0))
        for one in patient.history(rule.drug) or ()
    ]
    return _reading(doses, patient, math.inf)


def _reading(doses: list[Dose], patient: Patient, unknown_s: float) -> Reading:
    """Doses latest first; `unknown_s`: when the episode begins if the therapy is not known."""
    from_s = unknown_s if patient.episode_from_s is None else patient.episode_from_s
    return Reading(tuple(sorted(doses, reverse=True)), from_s, from_s if patient.onset_s is None else patient.onset_s)


def holds(asked: Asked, reading: Reading) -> list[Hold]:
    """Every limit of the rule that holds a dose back at this reading."""
    found = [
        _apart(asked, reading), _in_24_hours(asked, reading), _in_episode(asked, reading),
        _in_lifetime(asked, reading), _amount_in_24_hours(asked, reading), _unspaced(asked, reading),
    ]  # fmt: skip
    return [hold for hold in found if hold is not None]


def seconds(hours: float) -> int:
    """Hours as whole seconds, never fewer."""
    return math.ceil(hours * HOUR_S)


def ago(at_s: int, as_of_s: int) -> str:
    """A moment, and how long ago it was."""
    return f"{moment(at_s)}, {span(as_of_s - at_s)} ago" if at_s < as_of_s else moment(at_s)


def _apart(asked: Asked, reading: Reading) -> Hold | None:
    """Doses too close: exactly so long apart is allowed."""
    rule = asked.rule
    hours = rule.interval_hours if rule.apart_hours is None else rule.apart_hours
    if hours is None or not reading.doses:
        return None
    last_s = reading.doses[0].at_s
    until_s = last_s + seconds(hours)
    if until_s <= asked.as_of_s:
        return None
    often = f"every {plain(hours)} h" if rule.apart_hours is None else f"at least {plain(hours)} h apart"
    last = ago(last_s, asked.as_of_s)
    return Hold(
        "apart", f"{_who(asked, 'apart_hours')} gives {rule.drug} {often}; the last dose was at {last}", until_s
    )


def _who(asked: Asked, limit: str) -> str:
    """Whose limit it is: the source's own, or that of the drug's label."""
    if limit not in asked.rule.by_label:
        return asked.speaks_as
    return f"the label of {asked.rule.drug} (no such limit was read in {asked.speaks_as})"


def _unspaced(asked: Asked, reading: Reading) -> Hold | None:
    """A dose within the day before, and a source that says neither how far apart nor how many: nobody can say when.

    The 24 hours are not the source's, so no moment at which they end is told. A rate is no dose, and a plan of steps
    has its intervals.
    """
    rule = asked.rule
    spaced = rule.apart_hours is not None or rule.interval_hours is not None or rule.steps or "/min" in rule.unit
    if spaced or (rule.in_episode or 0) > 1 or not reading.since(asked.as_of_s - DAY_S):
        return None
    last = ago(reading.doses[0].at_s, asked.as_of_s)
    return Hold("spacing", f"{asked.speaks_as} prints no spacing; the last dose of {rule.drug} was at {last}", None)


def ended(asked: Asked, reading: Reading, due_s: int) -> Hold | None:
    """The days of a source are over when its next dose is due; one due at the very end is no longer within them."""
    ends_s = _ends_s(asked.rule, reading)
    if ends_s is None or due_s < ends_s:
        return None
    days = f"the {_days(asked.rule)} of this dose"
    over = f"{days} ended at {moment(ends_s)}"
    if ends_s > asked.as_of_s:
        over = f"{days} end at {moment(ends_s)}, before the next is due"
    return Hold("days", over, None)


def lasts(rule: DoseRule, reading: Reading) -> str:
    """For how long a source gives it, in words to append; nothing where it does not say."""
    if rule.max_days is None:
        return ""
    ends_s = _ends_s(rule, reading)
    return f"; for at most {_days(rule)}" + ("" if ends_s is None else f", until {moment(ends_s)}")


def _ends_s(rule: DoseRule, reading: Reading) -> int | None:
    """When the days of a source are over: counted from the drug's first dose since the onset."""
    if rule.max_days is None or not reading.since_onset:
        return None
    return reading.since_onset[-1].at_s + math.ceil(rule.max_days * DAY_S)


def _days(rule: DoseRule) -> str:
    """How many days."""
    days = rule.max_days or 0.0
    return f"{plain(days)} {'day' if days == 1 else 'days'}"


def _in_24_hours(asked: Asked, reading: Reading) -> Hold | None:
    """Too many in a moving day: one given exactly 24 hours ago no longer counts."""
    most = asked.rule.in_24_hours
    recent = reading.since(asked.as_of_s - DAY_S)
    if most is None or len(recent) < most:
        return None
    says = (
        f"{asked.speaks_as} gives at most {most} {_doses(most)} of {asked.rule.drug} in 24 h; "
        f"{len(recent)} {_were(len(recent))} given since {moment(recent[-1].at_s)}"
    )
    return Hold("in 24 hours", says, recent[most - 1].at_s + DAY_S)


def _in_episode(asked: Asked, reading: Reading) -> Hold | None:
    """Too many in the episode."""
    most, count = asked.rule.in_episode, len(reading.of_episode)
    if most is None or count < most:
        return None
    says = (
        f"{_who(asked, 'in_episode')} gives at most {most} {_doses(most)} of {asked.rule.drug} in an episode; "
        f"{count} {_were(count)} given since {moment(reading.of_episode[-1].at_s) if count else 'its beginning'}"
    )
    return Hold("in the episode", says, None)


def _in_lifetime(asked: Asked, reading: Reading) -> Hold | None:
    """Too many in a life: all on record count."""
    most, count = asked.rule.in_lifetime, len(reading.doses)
    if most is None or count < most:
        return None
    says = (
        f"{asked.speaks_as} gives at most {most} {_doses(most)} of {asked.rule.drug} in a lifetime; "
        f"{count} {'is' if count == 1 else 'are'} on record"
    )
    return Hold("in a lifetime", says, None)


def _amount_in_24_hours(asked: Asked, reading: Reading) -> Hold | None:
    """Too much in a moving day, with the dose that is asked about."""
    most, amount = asked.rule.at_most_in_24_hours, asked.amount
    if most is None or amount is None or amount <= room(asked.rule, reading, asked.as_of_s):
        return None
    recent = reading.since(asked.as_of_s - DAY_S)
    until_s = next(
        (dose.at_s + DAY_S for dose in reversed(recent) if amount <= room(asked.rule, reading, dose.at_s + DAY_S)), None
    )
    unit = asked.rule.unit
    says = (
        f"{asked.speaks_as} gives at most {plain(most)} {unit} of {asked.rule.drug} in 24 h; "
        f"{_sum(recent, unit)} since {moment(asked.as_of_s - DAY_S)}, and this dose is {plain(amount)} {unit}"
    )
    return Hold("amount in 24 hours", says, until_s)


def room(rule: DoseRule, reading: Reading, at_s: int) -> float:
    """How much the rule's limit of a day leaves at a moment; without such a limit there is no end to it."""
    if rule.at_most_in_24_hours is None:
        return math.inf
    given = sum(dose.amount for dose in reading.since(at_s - DAY_S))
    return round(rule.at_most_in_24_hours - given, _TOLERANCE_DIGITS)


def left(asked: Asked, reading: Reading) -> tuple[int | None, int | None]:
    """Doses left in the episode (or the lifetime, if that is fewer), and in the 24 hours that end now."""
    rule = asked.rule
    caps = ((rule.in_episode, len(reading.of_episode)), (rule.in_lifetime, len(reading.doses)))
    ever = min((max(0, most - count) for most, count in caps if most is not None), default=None)
    if rule.in_24_hours is None:
        return ever, None
    today = max(0, rule.in_24_hours - len(reading.since(asked.as_of_s - DAY_S)))
    return ever, today if ever is None else min(ever, today)


def _sum(recent: tuple[Dose, ...], unit: str) -> str:
    """What was given in a day: doses of unknown amount beside the rest."""
    known = sum(dose.amount for dose in recent if dose.amount != math.inf)
    unknown = sum(dose.amount == math.inf for dose in recent)
    said = f"{plain(known)} {unit} given"
    return f"{said}, with {unknown} {_doses(unknown)} of unknown amount beside," if unknown else said


def _doses(count: int) -> str:
    """The word that fits the number."""
    return "dose" if count == 1 else "doses"


def _were(count: int) -> str:
    """The word that fits the number."""
    return "was" if count == 1 else "were"
