"""Readings from home: what was noted, and what each source says of such a reading. Never that all is well.

Only what can be read at home is answered, and only readings taken there. Nothing is graded, and nothing is advised
that a source does not say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import msgspec

from leeward.knowledge import edition, home, patients
from leeward.knowledge.loader import Evidence
from leeward.knowledge.patients import Act
from leeward.knowledge.therapies import Therapy, of
from leeward.knowledge.vocabulary import TRIGGER
from leeward.plan.around import early_signs
from leeward.plan.early_signs import RULE
from leeward.risk.definitions import rules
from leeward.scales import astct_2019_crs
from leeward.timeline.settings import HOUR_S, carry

STAY = "care-setting"
HOME = "home"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What one source says of a sign; `of`: of whose patients it was written (`all`, or a kind of therapies)."""

    sign: str
    says: Act
    voice: str
    title: str
    of: str
    source: str
    evidence: Evidence


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """One reading with its time, or with the stretch up to `until` in which it was taken.

    `certain` false: it may be the sign; the usual value is missing, or it is inexact.
    `masked`: a drug for fever was taken in the hours before, and a temperature below the limit shows less. `decided`:
    that the reading stands for the sign is a decision of ours. `to`: the other end of an inexact value.
    """

    at: datetime
    until: datetime | None = None
    quantity: str
    value: float | None = None
    to: float | None = None
    word: str | None = None
    certain: bool = True
    masked: bool = False
    decided: bool = False
    heard: list[Heard] = []


class Old(msgspec.Struct, frozen=True, kw_only=True):
    """The newest reading of a quantity, older than a reading at home stands."""

    quantity: str
    hours: float
    stands_hours: float


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that was refused at the door: where it stood, what it was, and why in one of the door's words."""

    reason: str
    quantity: str | None = None
    detail: str | None = None
    place: str | None = None


class AtHome(msgspec.Struct, frozen=True, kw_only=True):
    """One patient's readings from home, answered."""

    patient: str
    as_of: datetime
    edition: str
    product: str | None = None
    noted: list[Noted] = []
    old: list[Old] = []
    not_understood: list[Unread] = []
    not_at_home: int = 0
    in_hospital: int = 0


Row = Mapping[str, Any]


def read_at_home() -> set[str]:
    """Every quantity that can be read at home, drugs for fever among them."""
    return {one.quantity for one in home.facts().reading} | set(fever_drugs())


def fever_drugs() -> list[str]:
    """Drugs that lower fever."""
    return astct_2019_crs.limits().waiver.antipyretics


def answered(
    patient: str, rows: Sequence[Row], refused: Sequence[Unread], as_of: datetime, product: Therapy | None
) -> AtHome:
    """One patient's readings; `rows`: what was known by then (quantity, at_s, until_s, low, high, text), in order.

    `own` of a row: from home; else of the hospital's record, which tells therapy, place and usual pressure only.
    `product`: the therapy where the record holds none.
    """
    given = [one for row in rows if row["quantity"] == TRIGGER and (one := of(row["text"] or "")) is not None]
    mine = given[-1] if given else product
    stays = [row for row in rows if row["quantity"] == STAY]
    mine_read = [row for row in rows if row["own"]]
    read = [row for row in mine_read if row["quantity"] in read_at_home()]
    there = [row for row in read if _place(stays, row["at_s"]) == HOME]
    usual = _usual(rows)
    return AtHome(
        patient=patient, as_of=as_of, edition=edition(), product=mine.inn if mine else None,
        noted=[_noted(row, there, usual, mine) for row in there],
        old=_old(there, int(as_of.timestamp())),
        not_understood=list(refused),
        not_at_home=sum(row["quantity"] not in {*read_at_home(), STAY, TRIGGER, *_STANDING} for row in mine_read),
        in_hospital=len(read) - len(there),
    )  # fmt: skip


_STANDING = ("birth-date", "sex", "age-years", "disease")
"""What a record says of the patient and nobody reads off anything."""


def _place(stays: Sequence[Row], at_s: int) -> str:
    """Where the patient was: as places.py, intensive care before home before the ward; home where nothing says."""
    begins = sorted({row["at_s"] for row in stays})
    there = set()
    for row in stays:
        later = next((one for one in begins if one > row["at_s"]), None)
        until_s = row["until_s"] if row["until_s"] is not None else later
        if row["at_s"] <= at_s and (until_s is None or at_s < until_s):
            there.add(row["text"])
    return next((name for name in ("icu", HOME, "ward") if name in there), HOME)


def _usual(rows: Sequence[Row]) -> dict[str, float]:
    """The patient's usual pressure: the median of the week before the first dose on record."""
    doses = [row["at_s"] for row in rows if row["quantity"] == TRIGGER]
    if not doses:
        return {}
    back_s = early_signs().numbers["baseline_hours"].value * HOUR_S
    made = {}
    for one in home.facts().reading:
        before = [row["low"] for row in rows if row["quantity"] == one.quantity and row["low"] is not None
                  and row["low"] == row["high"] and 0 < min(doses) - row["at_s"] <= back_s]  # fmt: skip
        if one.fall and before:
            made[one.quantity] = median(before)
    return made


def _noted(row: Row, there: Sequence[Row], usual: Mapping[str, float], product: Therapy | None) -> Noted:
    """One reading, with what each source says of the sign that it shows."""
    low, high = row["low"], row["high"]
    made = Noted(
        at=datetime.fromtimestamp(row["at_s"], UTC), quantity=row["quantity"], value=low,
        until=None if row["until_s"] is None else datetime.fromtimestamp(row["until_s"], UTC),
        to=high if high != low else None, word=row["text"],
    )  # fmt: skip
    rule = home.reading(row["quantity"])
    if rule is None:
        return made
    shown, certain = _sign(rule, row, usual)
    masked = rule.at_least is not None and shown is None and _after_a_drug(row["at_s"], there)
    own = shown is not None and rule.below in home.facts().numbers
    return msgspec.structs.replace(
        made, certain=certain or shown is None, masked=masked, decided=own, heard=heard(shown, product) if shown else []
    )  # fmt: skip


def _sign(rule: home.Reading, row: Row, usual: Mapping[str, float]) -> tuple[str | None, bool]:
    """The sign that a reading shows, or may show, and whether that is certain."""
    low, high, word = row["low"], row["high"], row["text"]
    if rule.every or rule.words:
        return (word if rule.every else rule.words.get(word)), True
    if low is None or rule.sign is None:
        return None, True
    if rule.at_least is not None:
        limit = home.number(rule.at_least)
        return (rule.sign if high >= limit else None), low >= limit
    assert rule.below is not None
    limit = home.number(rule.below)
    if low >= limit:
        return None, True
    if rule.fall is None:
        return rule.sign, high < limit
    if rule.quantity not in usual:
        return rule.sign, False
    fell = usual[rule.quantity] - low > home.number(rule.fall)
    return (rule.sign if fell else None), high < limit and usual[rule.quantity] - high > home.number(rule.fall)


def _after_a_drug(at_s: int, there: Sequence[Row]) -> bool:
    """Whether a drug for fever was taken in the hours before, in which a temperature proves less."""
    hours = rules()[RULE].number("antipyretic_hours_most")
    taken = [row["at_s"] for row in there if row["quantity"] in fever_drugs()]
    return any(0 <= at_s - one <= hours * HOUR_S for one in taken)


def masking_hours() -> float:
    """For how long a drug for fever can hide one."""
    return rules()[RULE].number("antipyretic_hours_most")


def heard(sign: str, product: Therapy | None) -> list[Heard]:
    """What each source says of a sign; those written of the product's kind first."""
    one = home.sign(sign)
    if one.products and product is not None and product.inn not in one.products:
        return []
    kind = patients.kind_of(product).id if product is not None else None
    voices = [voice for voice in patients.facts().voice if voice.id in one.says]
    return [
        Heard(sign=sign, says=one.says[voice.id], voice=voice.id, title=voice.title, of=voice.of, source=voice.source,
              evidence=voice.evidence)
        for voice in sorted(voices, key=lambda each: each.of not in (kind, "all"))
    ]  # fmt: skip


def _old(there: Sequence[Row], now_s: int) -> list[Old]:
    """The newest reading of each quantity, where it is older than a reading at home stands."""
    made = []
    for one in home.facts().reading:
        limit = carry().limits_hours[one.stands].home
        times = [row["at_s"] for row in there if row["quantity"] == one.quantity]
        if times and not one.every and now_s - max(times) > limit * HOUR_S:
            hours = round((now_s - max(times)) / HOUR_S, 1)
            made.append(Old(quantity=one.quantity, hours=hours, stands_hours=limit))
    return made
