"""What is watched after a dose, by source: what is due, overdue and next at a moment, and the rules about staying near.

A check that was never made is due from the dose on. Where the setting or the grade is not known, a line may apply, and
says so. Nothing here is an alarm, and nothing that is not on record counts as done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge import edition
from leeward.knowledge.loader import Evidence
from leeward.knowledge.therapies import of
from leeward.plan import stay
from leeward.plan.around import Watch, monitoring, speaks_of
from leeward.plan.early_signs import Told
from leeward.plan.prepare import STANDING, Ends, ends
from leeward.plan.schedule import Start
from leeward.plan.words import moment
from leeward.timeline.settings import HOUR_S

DAY_S = 24 * HOUR_S
NOT_GIVEN = "no therapy that can cause CRS is on record: there is nothing to count a schedule from"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the schedule at a moment.

    `applies`: true, false, or null where it may; `why` says what speaks against it or is not known. `state`: due (at
    this very moment, or never done since the dose), overdue, next, ended, continuous, or not-asked where no interval is
    printed.
    """

    id: str
    product: str
    title: str
    state: str
    applies: bool | None
    why: list[str]
    last_at: datetime | None
    next_at: datetime | None
    overdue_hours: float | None
    lacking: list[str]
    says: str
    reason: str
    source: str
    evidence: Evidence


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One patient at a moment; `refused` says why there is no schedule."""

    patient: str
    as_of: datetime | None
    standing: str
    edition: str
    refused: str | None = None
    not_understood: Mapping[str, int] = {}
    product: str | None = None
    dose_at: datetime | None = None
    dose_until: datetime | None = None
    setting: str | None = None
    crs_at_least: int | None = None
    crs_at_most: int | None = None
    checks: list[Check] = []
    stay: list[Ends] = []
    notes: list[str] = []
    early_signs: list[Told] = []


class Given(msgspec.Struct, frozen=True):
    """The latest dose of a product; `until_s`: it was given somewhere up to then."""

    product: str
    dose_s: int
    until_s: int | None = None


class Bedside(msgspec.Struct, frozen=True, kw_only=True):
    """What of a patient a schedule needs: the latest doses, setting, grade, when each thing was last measured."""

    patient: str
    as_of_s: int
    zone: tzinfo = UTC
    region: str | None = None
    doses: Sequence[Given] = ()
    died_s: int | None = None
    setting: str | None = None
    crs: tuple[int, int] | None = None
    seen: Mapping[str, int] = {}
    signs: Sequence[Told] = ()


def latest(exposed: ir.Table, people: ir.Table) -> ir.Table:
    """The latest dose of each product of each patient: patient, product, dose_s, dose_until_s, as_of_s."""
    rows = exposed.join(people.select("patient", "as_of_s"), "patient")
    rows = rows.filter(rows.from_s <= rows.as_of_s)
    rows = rows.mutate(last_s=rows.from_s.max().over(ibis.window(group_by=[rows.patient, rows["product"]])))
    rows = rows.filter(rows.from_s == rows.last_s)
    return rows.group_by(["patient", "product", "as_of_s"]).agg(
        dose_s=rows.from_s.min(), dose_until_s=rows.until_s.max()
    )


def dosed(latest: ir.Table) -> ir.Table:
    """The latest dose of anything, from which baselines are counted: patient, dose_s, as_of_s."""
    return latest.group_by(["patient", "as_of_s"]).agg(dose_s=latest.dose_s.max())


def seen(known: ir.Table, people: ir.Table) -> ir.Table:
    """When each watched quantity was last measured: patient, quantity, last_s."""
    wanted = {name for line in monitoring().watch for name in (*line.quantities, *line.any_of)}
    rows = known.filter(known.quantity.isin(sorted(wanted)) & (known.low.notnull() | known.text.notnull()))
    rows = rows.filter(rows.text.isnull() | (rows.text != "pending"))
    rows = rows.join(people.select("patient", "as_of_s"), "patient")
    rows = rows.filter(rows.at_s <= rows.as_of_s)
    return rows.group_by(["patient", "quantity"]).agg(last_s=rows.at_s.max())


def setting(known: ir.Table, people: ir.Table) -> ir.Table:
    """Where each patient is at the moment, where the record says: patient, setting."""
    rows = known.filter(known.quantity == "care-setting").join(people.select("patient", "as_of_s"), "patient")
    rows = rows.filter((rows.at_s <= rows.as_of_s) & (rows.until_s.isnull() | (rows.until_s > rows.as_of_s)))
    rows = rows.mutate(last_s=rows.at_s.max().over(ibis.window(group_by=[rows.patient])))
    rows = rows.filter(rows.at_s == rows.last_s)
    # Two settings from one moment on are none: which holds cannot be told.
    made = rows.group_by("patient").agg(setting=rows.text.min(), settings=rows.text.nunique())
    return made.select("patient", setting=ibis.ifelse(made.settings == 1, made.setting, None))


def watched(at: Bedside) -> Watched:
    """What is due, overdue and next for one patient, by each product given; the latest dose stands at the head."""
    as_of = datetime.fromtimestamp(at.as_of_s, UTC)
    made = Watched(patient=at.patient, as_of=as_of, standing=STANDING, edition=edition())
    if at.died_s is not None and at.died_s <= at.as_of_s:
        return msgspec.structs.replace(made, refused=f"death is on record at {moment(at.died_s)}: nothing is due")
    known = sorted((one for one in at.doses if of(one.product)), key=lambda one: (-one.dose_s, one.product))
    if not known:
        named = ", ".join(sorted(one.product for one in at.doses))
        return msgspec.structs.replace(made, refused=f"no schedule is on file for '{named}'" if named else NOT_GIVEN)
    told = [_told(one, at) for one in known]
    return msgspec.structs.replace(
        made, product=known[0].product, dose_at=_at(known[0].dose_s), dose_until=_at(known[0].until_s),
        setting=at.setting, crs_at_least=at.crs[0] if at.crs else None, crs_at_most=at.crs[1] if at.crs else None,
        checks=[check for checks, _, _ in told for check in checks],
        stay=[end for _, ends_, _ in told for end in ends_],
        notes=[note for _, _, notes in told for note in notes], early_signs=list(at.signs),
    )  # fmt: skip


def _told(dose: Given, at: Bedside) -> tuple[list[Check], list[Ends], list[str]]:
    """The checks, rules and notes of one product."""
    item = of(dose.product)
    assert item is not None
    lines = [one for one in monitoring().watch if speaks_of(one.classes, (), item)]
    notes = [] if any(one.classes for one in lines) else [f"no source with a schedule for {item.klass} was read"]
    rules, doubt = _stay(dose, at)
    return [_check(one, at, dose) for one in lines], rules, [*notes, *doubt]


def _at(at_s: int | None) -> datetime | None:
    """Seconds as an instant."""
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)


def _check(line: Watch, at: Bedside, dose: Given) -> Check:
    """One line of the schedule."""
    dose_s = dose.dose_s
    applies, why = _applies(line, at, dose_s)
    last_s, lacking = _last(line, at, dose_s)
    until_s = _until(line, dose_s)
    next_s, state = _next(line, last_s, dose_s, until_s, at.as_of_s)
    late = state == "overdue" and next_s is not None
    return Check(
        id=line.id, product=dose.product, title=line.title, state=state, applies=applies, why=why,
        last_at=_at(last_s), next_at=_at(next_s),
        overdue_hours=round((at.as_of_s - next_s) / HOUR_S, 2) if late and next_s is not None else None,
        lacking=lacking, says=line.says, reason=line.why, source=line.source, evidence=line.evidence,
    )  # fmt: skip


def _applies(line: Watch, at: Bedside, dose_s: int) -> tuple[bool | None, list[str]]:
    """Whether a line speaks of this patient now; null where that cannot be told."""
    verdict: bool | None = True
    why = []
    if line.settings and at.setting not in line.settings:
        where = " or ".join(line.settings)
        verdict = None if at.setting is None else False
        why.append(f"for {where}; the setting is not on record" if at.setting is None else f"for {where}")
    if line.crs_at_least is not None:
        low, high = at.crs or (None, None)
        if high is not None and high < line.crs_at_least:
            verdict = False
            why.append(f"from CRS grade {line.crs_at_least} on")
        elif low is None or low < line.crs_at_least:
            verdict = None if verdict is not False else False
            why.append(f"from CRS grade {line.crs_at_least} on; the grade cannot be told")
    if line.if_ is not None:
        verdict = None if verdict is not False else False
        why.append(f"only in {line.if_}, which is not worked out")
    open_end = monitoring().open_end
    if line.until_days is None and line.until_hours is None and at.as_of_s - dose_s > open_end.value * DAY_S:
        verdict = None if verdict is not False else False
        why.append(f"the source prints no end, and {open_end.value:g} days have passed since the dose")
    return verdict, why


def _last(line: Watch, at: Bedside, dose_s: int) -> tuple[int | None, list[str]]:
    """When the check was last made whole since the dose, and which of its quantities were not."""
    since = {name: last_s for name, last_s in at.seen.items() if last_s >= dose_s}
    if line.any_of:
        made = [since[name] for name in line.any_of if name in since]
        return max(made, default=None), [] if made else [" or ".join(line.any_of)]
    lacking = [name for name in line.quantities if name not in since]
    made = [since[name] for name in line.quantities if name in since]
    return (min(made) if made and not lacking else None), lacking


def _until(line: Watch, dose_s: int) -> int | None:
    """The end of a line, where its source says one."""
    if line.until_days is not None:
        return dose_s + line.until_days * DAY_S
    return None if line.until_hours is None else dose_s + round(line.until_hours * HOUR_S)


def _next(
    line: Watch, last_s: int | None, dose_s: int, until_s: int | None, as_of_s: int
) -> tuple[int | None, str]:  # fmt: skip
    """When the check is next, and whether that moment has come or gone. Elapsed hours: a clock change moves nothing."""
    if line.every_hours is None:
        return None, "not-asked" if line.quantities or line.any_of else "continuous"
    if until_s is not None and as_of_s > until_s:
        return None, "ended"
    next_s = (dose_s if last_s is None else last_s) + round(line.every_hours * HOUR_S)
    if until_s is not None and next_s > until_s:
        return None, "ended"
    return next_s, "next" if as_of_s < next_s else "due" if as_of_s == next_s else "overdue"


def _stay(dose: Given, at: Bedside) -> tuple[list[Ends], list[str]]:
    """The rules in force on the day of the dose, with their ends; of a dose known to a stretch, both ends'.

    The day is that of the centre's zone.
    """
    first = datetime.fromtimestamp(dose.dose_s, UTC).astimezone(at.zone)
    last = datetime.fromtimestamp((dose.until_s or dose.dose_s + 1) - 1, UTC).astimezone(at.zone)
    starts = [Start(day=day, zone=at.zone, at=None) for day in _days(first, last)]
    exact = last - first < timedelta(seconds=1)
    if exact:
        starts = [Start(day=first.date(), zone=at.zone, at=first.timetz().replace(tzinfo=None, fold=first.fold))]
    found = [ends(stay.rules(dose.product, one.day, at.region), one, dose.product) for one in starts]
    told = found[0] + [one for one in found[-1] if one.rule not in {held.rule for held in found[0]}]
    doubt = [] if len(starts) == 1 else [f"the dose was given from {first.date()} to {last.date()}: rules of both days"]
    return told, doubt


def _days(first: datetime, last: datetime) -> list[date]:
    """The day, or the first and the last of a stretch."""
    return list(dict.fromkeys((first.date(), last.date())))
