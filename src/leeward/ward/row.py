"""A patient's row on the board: what a glance must tell, each number with its moment, so that a page can say its age.

The rule of sorting, in words (`need`): whoever has the higher grade for sure comes first, CRS and ICANS alike, and a
grade that was sure counts until an answer rules it out, since values that grew old are no recovery; of equals, whose
vasopressors and oxygen would be the higher grade if there were a fever, where no temperature rules that out; then whose
grade may be higher; then whose grade has risen last; then who has a look-alike alarm; then whose check is overdue
longest. Who is not graded comes last. Of equals in the first two, a page puts first whom nothing is received of, then
who has an alert that nobody has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import pyarrow.compute as pc

from leeward.plan.monitoring import Check
from leeward.plan.plan import Plan
from leeward.report.words import words
from leeward.scales.older_crs import ASTCT
from leeward.ward.look import Look, supported
from leeward.ward.standing import Seen, running, standing

Way = Literal["up", "down", "wider", "narrower"]
SETTLED = ("ended", "continuous", "not-asked")
"""States of a check that never comes due."""
UNCOUNTED = ("fluid-bolus",)
"""What the chart draws among the drugs, and nobody counts as doses."""
SHOWN_DUE = 3
"""So many checks stand in a row; the patient's page has all."""


class Lack(msgspec.Struct, frozen=True):
    """Something missing, when it was last charted (null: never), and the word it was charted with."""

    quantity: str
    since: datetime | None = None
    text: str | None = None


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One syndrome now: its range (null: not graded), since when, what it was before, and what is missing.

    `stood`: the last sure grade that the range does not rule out. `corrected`: what the board showed instead until
    something was corrected or came late, and when it last showed that.
    """

    at_least: int | None
    at_most: int | None
    since: datetime | None = None
    was: tuple[int, int] | None = None
    stood: int | None = None
    way: Way | None = None
    corrected: tuple[int, int] | None = None
    corrected_at: datetime | None = None
    missing: tuple[Lack, ...] = ()


class Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """The last blood pressure, in mmHg."""

    at: datetime
    systolic: float | None = None
    diastolic: float | None = None
    mean: float | None = None


class Given(msgspec.Struct, frozen=True):
    """How often a drug was given since the therapy, and when last."""

    drug: str
    times: int
    last_at: datetime


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What a source's own limits leave of a drug: doses of the episode, and what holds the next one back."""

    drug: str
    source: str
    doses: int | None
    earliest: datetime | None
    blocked: str | None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One check: by which source, and when it is due; `sure` false: it may apply.

    `never`: of its quantities, what was never charted; `not_since`: what was charted before the therapy, not after.
    """

    title: str
    source: str
    at: datetime
    state: str
    sure: bool
    never: tuple[str, ...] = ()
    not_since: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the board shows of one patient; `heard`: something of them was received at all.

    `supported`: the grade that pressure and oxygen would give with a fever, where the grade may be that.
    """

    at: datetime
    edition: str
    product: str | None
    doses: int
    dose_at: datetime | None
    crs: Lane
    icans: Lane
    temperature: Seen | None
    pressure: Pressure | None
    vasopressors: tuple[Seen, ...]
    device: Seen | None
    flow: Seen | None
    fio2: Seen | None
    saturation: Seen | None
    score: Seen | None
    given: tuple[Given, ...]
    left: tuple[Left, ...]
    left_at: datetime | None
    due: tuple[Due, ...]
    otherwise: tuple[str, ...]
    alarms: tuple[str, ...]
    refused: int
    need: tuple[float, ...]
    supported: int
    heard: bool = True


def row_of(look: Look, before: dict[str, Any] | None) -> dict[str, Any]:
    """The row of a look as it is kept; `before`: the one that stood until now.

    What is left of doses is taken over from `before` where the look has no plan.
    """
    held = None if before is None else _read(before)
    last = standing(look.findings, look.at)
    crs, icans = (_lane(look, name, last, held) for name in ("crs", "icans"))
    due = _due(look.watched.checks, frozenset(pc.unique(look.findings["quantity"]).to_pylist()))
    told = look.lookalikes
    triggers = look.answer.triggers
    alarms = tuple(one["title"] for one in told.get("alarms", ()))
    given = tuple(_given(look))
    left, left_at = (_left(look.plan), look.at) if look.plan else _kept(held, given)
    row = Row(
        at=look.at, edition=look.answer.edition, product=triggers[-1].name if triggers else None,
        doses=sum(1 for one in triggers if one.name == triggers[-1].name),
        dose_at=triggers[-1].at if triggers else None,
        crs=crs, icans=icans, temperature=last.get("body-temperature"), pressure=_pressure(last),
        vasopressors=tuple(running(look.findings, look.at, words().groups.infusions)), device=last.get("oxygen-device"),
        flow=_with(last.get("oxygen-flow"), last.get("oxygen-device")),
        fio2=_with(last.get("fio2"), last.get("oxygen-device")), saturation=last.get("spo2"),
        score=_later(last.get("ice-score"), last.get("capd-score")),
        given=given, left=left, left_at=left_at, due=due,
        otherwise=tuple(one["title"] for one in told.get("lookalikes", ()) if one["speaks_for"]), alarms=alarms,
        refused=sum(look.answer.refused.values()), supported=supported(look),
        need=_need(crs, icans, supported(look), alarms, due, look.at),
        heard=look.findings.num_rows > 0,
    )  # fmt: skip
    made: dict[str, Any] = msgspec.to_builtins(row, str_keys=True)
    return made


def read(row: bytes) -> Row | None:
    """A row as it was kept; None where it was kept by an edition of this code that wrote it differently."""
    return _read(msgspec.json.decode(row))


def _read(row: dict[str, Any]) -> Row | None:
    try:
        return msgspec.convert(row, Row)
    except msgspec.ValidationError:
        return None


def _lane(look: Look, syndrome: str, last: dict[str, Seen], before: Row | None) -> Lane:
    """One syndrome's part of the row."""
    now = look.answer.now[syndrome]
    lacks = tuple(_lack(name, last) for name in now.missing)
    if now.at_least is None or now.at_most is None:
        return Lane(at_least=None, at_most=None, missing=lacks)
    course = [one for one in look.answer.course if one.syndrome == syndrome and one.scale == ASTCT]
    ranges = [(one.at_least, one.at_most) for one in course]
    holds = (now.at_least, now.at_most)
    since, was = course[-1].at if course and ranges[-1] == holds else None, None
    earlier = ranges[:-1] if since is not None else ranges
    if earlier:
        was = earlier[-1]
    shown, shown_at = _corrected(before, syndrome, holds, since)
    return Lane(at_least=now.at_least, at_most=now.at_most, since=since, was=was,
                stood=_stood([*ranges, holds]), way=_way(was, holds), corrected=shown, corrected_at=shown_at,
                missing=lacks)  # fmt: skip


def _corrected(
    before: Row | None, syndrome: str, holds: tuple[int, int], since: datetime | None
) -> tuple[tuple[int, int] | None, datetime | None]:
    """What the board showed until now, where the course as known now says that it was otherwise then already."""
    if before is None:
        return None, None
    held: Lane = getattr(before, syndrome)
    if held.at_least is None or held.at_most is None or since is None:
        return None, None
    if (held.at_least, held.at_most) == holds:
        return held.corrected, held.corrected_at
    return ((held.at_least, held.at_most), before.at) if since < before.at else (None, None)


def _stood(ranges: Sequence[tuple[int, int]]) -> int:
    """The last sure grade that nothing later rules out: an answer that only widened takes nothing back."""
    held = 0
    for low, high in ranges:
        held = low if low >= held or high < held else held
    return held


def _way(was: tuple[int, int] | None, now: tuple[int, int]) -> Way | None:
    """Which way a range went: up is what is sure, down is what is no longer possible; else more or less is known."""
    if was is None or was == now:
        return None
    if now[0] > was[0]:
        return "up"
    if now[1] < was[0] or (now[0] < was[0] and now[1] < was[1]):
        return "down"
    return "narrower" if now[1] - now[0] < was[1] - was[0] else "wider"


def _lack(name: str, last: dict[str, Seen]) -> Lack:
    """Something missing, and when one of the findings that would show it was last charted."""
    held = words().quantities.get(name)
    looks_at = (held.looks_at if held else None) or [name]
    found = [last[one] for one in looks_at if one in last]
    newest = max(found, key=lambda one: one.at, default=None)
    return Lack(name, newest.at if newest else None, newest.text if newest else None)


def _pressure(last: dict[str, Seen]) -> Pressure | None:
    """The last blood pressure: what was charted together."""
    found = {name: last[f"{name}-bp"] for name in ("systolic", "diastolic", "mean") if f"{name}-bp" in last}
    if not found:
        return None
    at = max(one.at for one in found.values())
    return Pressure(at=at, **{name: one.low for name, one in found.items() if one.at == at})


def _with(one: Seen | None, device: Seen | None) -> Seen | None:
    """What was charted with the device or after it; of an earlier device it says nothing."""
    return one if one is not None and (device is None or one.at >= device.at) else None


def _later(one: Seen | None, other: Seen | None) -> Seen | None:
    """The later of two."""
    return max((held for held in (one, other) if held is not None), key=lambda held: held.at, default=None)


def _given(look: Look) -> Iterator[Given]:
    """Drugs given since the first therapy on record, in the order of the chart's rows."""
    if not look.answer.triggers:
        return
    since = look.answer.triggers[0].at
    listed = [name for name in words().groups.given if name not in UNCOUNTED]
    found: dict[str, list[datetime]] = {}
    for one in running(look.findings, look.at, listed, every=True):
        if one.at >= since and one.high != 0:
            found.setdefault(one.quantity, []).append(one.at)
    for drug in sorted(found, key=listed.index):
        yield Given(drug, len(found[drug]), max(found[drug]))


def _left(plan: Plan) -> tuple[Left, ...]:
    """Per drug the first source with something to say of its next dose."""
    made: dict[str, Left] = {}
    for one in plan.suggestions:
        if one.kind != "drug" or one.drug is None or one.needs or one.drug in made:
            continue
        if one.remaining_doses is not None or one.earliest is not None:
            made[one.drug] = Left(drug=one.drug, source=one.source, doses=one.remaining_doses, earliest=one.earliest,
                                  blocked=one.blocked)  # fmt: skip
    return tuple(made.values())


def _kept(held: Row | None, given: tuple[Given, ...]) -> tuple[tuple[Left, ...], datetime | None]:
    """What was left of doses when it was last worked out, and when; none of a drug that was given since."""
    if held is None:
        return (), None
    changed = {one.drug for one in {*held.given} ^ {*given}}
    return tuple(one for one in held.left if one.drug not in changed), None if changed else held.left_at


def _due(checks: Sequence[Check], charted: frozenset[str]) -> tuple[Due, ...]:
    """The checks that come first, overdue before next; those that may apply only where no other is on file.

    One that is only recalled comes never.
    """
    asked = [one for one in checks if one.applies is not False and one.state not in SETTLED]
    made = [Due(title=one.title, source=one.source, at=one.next_at, state=one.state, sure=one.applies is True,
                never=tuple(name for name in one.lacking if not charted.intersection(name.split(" or "))),
                not_since=tuple(name for name in one.lacking if charted.intersection(name.split(" or "))))
            for one in asked if one.next_at is not None and one.evidence != "recalled"]  # fmt: skip
    told = [one for one in made if one.sure] or made
    return tuple(sorted(told, key=lambda one: one.at)[:SHOWN_DUE])


def _need(
    crs: Lane, icans: Lane, given: int, alarms: Sequence[str], due: Sequence[Due], at: datetime
) -> tuple[float, ...]:  # fmt: skip
    """A key by which rows are sorted, the lowest first; the rule stands at the head of this file."""
    lanes = [one for one in (crs, icans) if one.at_least is not None and one.at_most is not None]
    if not lanes:
        return (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    risen = [one.since.timestamp() for one in lanes if one.way == "up" and one.since is not None]
    late_s = max(((at - one.at).total_seconds() for one in due if one.sure and one.state == "overdue"), default=0.0)
    return (
        0.0, -float(max(one.stood or 0 for one in lanes)), -float(given),
        -float(max(one.at_most or 0 for one in lanes)), -max(risen, default=0.0), -float(len(alarms)), -late_s,
    )  # fmt: skip
