"""What is known and said before a dose: the checklist, the schedule, premedication, what was tried, what to expect.

It proposes nothing of its own: each line is a source's, with how it is known, and what the record shows beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from leeward.knowledge import edition
from leeward.knowledge.therapies import Population, Rule, Therapy, populations
from leeward.knowledge.therapies import rules as said_of
from leeward.plan import schedule, stay
from leeward.plan.around import Gap, Study, Unread, Watch, gaps, monitoring, speaks_of, studies
from leeward.plan.checklist import BIRTH, Checked, checked
from leeward.plan.schedule import Position, Start, StepUp

STANDING = "what published sources say, for a clinician's review; no order, no medical device"
BEFORE = ("premedication", "prophylaxis", "stock", "rems", "dose-gap")
"""Rules around the dose itself, in the order in which answers name them."""


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """A rule about staying, watching or driving, with until when it runs from a dose."""

    rule: Rule
    product: str | None = None
    from_day: date | None = None
    from_at: datetime | None = None
    until_day: date | None = None
    daily_until_day: date | None = None
    until_at: datetime | None = None


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """One patient before one dose. `refused`: why nothing was answered; then all else is empty."""

    patient: str
    product: str
    title: str
    region: str | None
    day: date | None
    at: datetime | None
    as_of: datetime | None
    standing: str
    edition: str
    refused: str | None = None
    not_understood: Mapping[str, int] = {}
    notes: list[str] = []
    checklist: list[Checked] = []
    step_up: list[StepUp] = []
    position: list[Position] = []
    gap_rules: list[Gap] = []
    gap_rules_unread: list[Unread] = []
    no_gap_rule: str | None = None
    around: list[Rule] = []
    stay: list[Ends] = []
    watching: list[Watch] = []
    prophylaxis: list[Study] = []
    published: list[Population] = []


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: the product, the day of the dose where one is named, and of whom rules are wanted (none: all)."""

    product: Therapy
    start: Start | None = None
    region: str | None = None


def prepared(
    patient: str, asked: Asked, rows: Sequence[Mapping[str, Any]], given: Sequence[datetime], as_of: datetime | None
) -> Preparation:
    """One patient's preparation; `rows` of checklist.newest, `given`: doses of the product before this one.

    `as_of`: the moment asked about, else the last finding's; None where nothing on record has a time.
    """
    start, product = asked.start, asked.product
    made = _empty(patient, asked, as_of)
    if start is not None and (born := _born_after(rows, start.day)):
        return msgspec.structs.replace(made, refused=born)
    before = start.until if start else as_of
    if before is None:
        return msgspec.structs.replace(made, refused="no date was given, and nothing on record has a time")
    day = start.day if start else None
    today = day or before.date()
    days = [at.astimezone(start.zone if start else UTC).date() for at in given]
    at = schedule.position(product, days, day, asked.region) if product.step_up else []
    late = schedule.rules(product, asked.region, today)
    return msgspec.structs.replace(
        made,
        notes=_notes(asked, given),
        checklist=checked(product, rows, day, before),
        step_up=schedule.step_ups(product, start, at or _first(), asked.region, today),
        position=at,
        gap_rules=late,
        gap_rules_unread=schedule.unread(product, asked.region, today),
        no_gap_rule=gaps().no_rule if product.step_up and not late else None,
        around=_around(product, today, asked.region),
        stay=ends(stay.rules(product.inn, today, asked.region), start, product.inn),
        watching=[one for one in monitoring().watch if speaks_of(one.classes, (), product)],
        prophylaxis=[one for one in studies().study if _speaks(one, product)],
        published=populations(product),
    )


def _empty(patient: str, asked: Asked, as_of: datetime | None) -> Preparation:
    """Who, what and when, and nothing said yet."""
    start = asked.start
    return Preparation(
        patient=patient, product=asked.product.inn, title=asked.product.title, region=asked.region,
        day=start.day if start else None, at=start.moment if start else None, as_of=as_of, standing=STANDING,
        edition=edition(),
    )  # fmt: skip


def _first() -> list[Position]:
    """A treatment that is not stepped up has its first dose as its only one."""
    return [Position(given=0, first=True)]


def _speaks(study: Study, product: Therapy) -> bool:
    """Whether a study is about a product or its class."""
    return speaks_of(study.classes, study.products, product)


def _around(product: Therapy, day: date, region: str | None) -> list[Rule]:
    """What is said around the dose on a day, of a region and of any."""
    asked = [one for one in said_of(product, day) if one.about in BEFORE]
    mine = [one for one in asked if region is None or one.region in (region, "any")]
    return sorted(mine, key=lambda one: BEFORE.index(one.about))


def ends(rules: Sequence[Rule], start: Start | None, product: str | None = None) -> list[Ends]:
    """Rules with until when each runs: days are the calendar's, hours the clock's, and need the dose's time of day."""
    return [Ends(rule=one, product=product) if start is None else _ends(one, start, product) for one in rules]


def _ends(rule: Rule, start: Start, product: str | None) -> Ends:
    """One rule with its end."""
    at = start.moment
    return Ends(
        rule=rule,
        product=product,
        from_day=start.day,
        from_at=at,
        until_day=start.after_days(rule.days)[0] if rule.days else None,
        daily_until_day=start.after_days(rule.daily_days)[0] if rule.daily_days else None,
        # Hours run on the clock of the world: added to local time they would be an hour off when clocks change.
        until_at=(at.astimezone(UTC) + timedelta(hours=rule.hours)).astimezone(start.zone)
        if at and rule.hours
        else None,
    )


def _notes(asked: Asked, given: Sequence[datetime]) -> list[str]:
    """What a reader must know of the question."""
    said = []
    if asked.start is None:
        said.append("no date was given: nothing is dated, and rules are those of the moment asked about")
    elif asked.start.at is None:
        said.append("no time of day was given: doses stand on days, and rules in hours have no end")
    if given and not asked.product.repeated:
        said.append(f"{len(given)} dose of this product is already on record, the last on {given[-1].date()}")
    if asked.start is not None and asked.product.step_up:
        said.append("rules in hours are dated from this day's dose only; where they name every dose, each has its own")
    if given and asked.product.step_up:
        said.append(f"{len(given)} on record before this day: each counts as one step, in order")
    return said


def _born_after(rows: Sequence[Mapping[str, Any]], day: date) -> str | None:
    """Words, where the day is surely before the birth on record."""
    born = [row["text"] for row in rows if row["quantity"] == BIRTH and row["text"]]
    for text in born:
        if day.isoformat()[: len(text)] < text[:10]:
            return (
                f"{day} is before the date of birth on record ({text}): one of them is wrong, and nothing is answered"
            )
    return None
