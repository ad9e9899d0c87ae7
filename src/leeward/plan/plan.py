"""One patient's plan: every published answer at one moment, what blocks a step, what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from leeward.knowledge import edition
from leeward.knowledge.guidelines import Guideline
from leeward.knowledge.therapies import Rule as StayRule
from leeward.knowledge.vocabulary import ORDERED
from leeward.plan import bundle, stay
from leeward.plan.fires import Rule
from leeward.plan.given import listed_drugs
from leeward.plan.numbers import number
from leeward.plan.patient import Given, Patient
from leeward.plan.suggestions import (
    Disagreement,
    Later,
    Suggestion,
    Warned,
    disagreements,
    later,
    situation,
    suggestions,
    warnings,
)
from leeward.timeline.settings import HOUR_S

NO_TRIGGER = "no trigger on record, or death: nothing is graded"
NONE_ON_RECORD = "a drug that is not on record was read as not given"
ALTERNATIVES = (
    "Sources are alternatives: each dose is worked out from what was given, and none counts what another one suggests."
)
STANDING = "what published sources say, for a clinician's review; no order, no medical device"


class Range(msgspec.Struct, frozen=True):
    """A grade as a range, on one scale."""

    scale: str
    at_least: int
    at_most: int


class Stay(msgspec.Struct, frozen=True):
    """A rule on staying near, driving or monitoring that was in force when the therapy was given."""

    about: str
    region: str
    for_: str | None = msgspec.field(name="for")
    says: str
    source: str
    evidence: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything sources say of one patient at one moment (docs/plan.md).

    `recalled`: what is only recalled of a source; shown apart, never with a dose. `not_graded`: why nothing is said.
    """

    patient: str
    as_of: datetime | None
    not_graded: str | None
    standing: str
    crs: list[Range]
    icans: Range | None
    product: str | None
    suggestions: list[Suggestion]
    disagreements: list[Disagreement]
    warnings: list[Warned]
    later: list[Later]
    bundle: list[bundle.Timed]
    stay: list[Stay]
    recalled: list[Suggestion]
    assumptions: list[str]
    refused: dict[str, int]
    protocol: str | None
    edition: str


Rows = dict[str, list[dict[str, Any]]]


class Lost(msgspec.Struct, frozen=True):
    """What of a patient's record was not understood: how much by reason, and the drugs some giving of which is lost."""

    refused: dict[str, int] = {}
    drugs: frozenset[str] = frozenset()


NOTHING_LOST = Lost()
_KEPT_AS_GIVEN = ("order-only", "unit-unknown", "rate-missing-weight")
"""Refusals beside which the drug stays on record as given, or was never given."""


def lost(refusals: Iterable[dict[str, Any]]) -> dict[str, Lost]:
    """What was lost, by patient, from the rows of REFUSAL: a dose that was refused may have been given."""
    counts: dict[str, dict[str, int]] = {}
    drugs: dict[str, set[str]] = {}
    named = {quantity: drug for drug, quantity in listed_drugs().items()}
    for row in refusals:
        if row["patient"] is None:
            continue
        mine = counts.setdefault(row["patient"], {})
        mine[row["reason"]] = mine.get(row["reason"], 0) + 1
        if row["quantity"] in named and row["reason"] not in _KEPT_AS_GIVEN:
            drugs.setdefault(row["patient"], set()).add(named[row["quantity"]])
    return {
        patient: Lost(dict(sorted(by.items())), frozenset(drugs.get(patient, ()))) for patient, by in counts.items()
    }


def plan(
    patient: str, rows: Rows, rules: Sequence[Rule], *, assumptions: Sequence[str] = (),
    lost: Lost = NOTHING_LOST, protocol: Guideline | None = None,
) -> Plan:  # fmt: skip
    """The plan from one patient's rows of plan_state, plan_fired, plan_graded, plan_given; `lost`: what was refused."""
    if not rows["plan_state"]:
        return _nothing(patient, assumptions, lost, protocol)
    state = rows["plan_state"][0]
    facts = facts_of(state, rows["plan_given"], lost.drugs)
    now = situation(rows["plan_state"], rows["plan_fired"], facts, rules)
    told, recalled = suggestions(now)
    return Plan(
        patient=patient, as_of=datetime.fromtimestamp(state["at_s"], UTC), not_graded=None, standing=STANDING,
        crs=[Range(row["scale"], row["crs_low"], row["crs_high"]) for row in sorted(rows["plan_graded"], key=_scale)],
        icans=_icans(rows["plan_graded"]), product=state["product"], suggestions=told,
        disagreements=disagreements(now), warnings=warnings(now, told), later=later(now),
        bundle=bundle.clock(rows["plan_given"], _open_since(state), state["at_s"]), stay=_stay(state),
        recalled=recalled,
        assumptions=[*assumptions, NONE_ON_RECORD, *_ranged(rows["plan_graded"])], refused=lost.refused,
        protocol=protocol.speaks_as if protocol else None,
        edition=edition(),
    )  # fmt: skip


def _nothing(patient: str, assumptions: Sequence[str], lost: Lost, protocol: Guideline | None) -> Plan:
    """What is said of a patient who is not graded: nothing, and why."""
    return Plan(
        patient=patient, as_of=None, not_graded=NO_TRIGGER, standing=STANDING, crs=[], icans=None, product=None,
        suggestions=[], disagreements=[], warnings=[], later=[], bundle=[], stay=[], recalled=[],
        assumptions=list(assumptions), refused=lost.refused, protocol=protocol.speaks_as if protocol else None,
        edition=edition(),
    )  # fmt: skip


def _ranged(graded: list[dict[str, Any]]) -> list[str]:
    """That a grade is a range, and what is said for each of its ends."""
    ranged = [f"CRS on {row['scale']}" for row in sorted(graded, key=_scale) if row["crs_low"] != row["crs_high"]]
    icans = _icans(graded)
    ranged += ["ICANS"] if icans is not None and icans.at_least != icans.at_most else []
    return [f"the grade of {', '.join(ranged)} is a range: each end has its own plan"] if ranged else []


def _scale(row: dict[str, Any]) -> str:
    """A sort key."""
    return str(row["scale"])


def _open_since(state: dict[str, Any]) -> int | None:
    """The onset of the episode that runs, in seconds."""
    return None if state["resolved_hours"] >= 0 else state["onset_s"]


def _icans(graded: list[dict[str, Any]]) -> Range | None:
    """The range of ICANS."""
    known = [row for row in graded if row["icans_low"] is not None]
    return Range("astct-2019", known[0]["icans_low"], known[0]["icans_high"]) if known else None


def facts_of(state: dict[str, Any], given: list[dict[str, Any]], lost: frozenset[str]) -> Patient:
    """What doses are worked out from: a row of plan_state, and plan_given."""
    weighed = _last(given, "body-weight")
    measured = _last(given, "body-height")
    doses = {
        drug: tuple(_given(row) for row in given if row["quantity"] == quantity)
        for drug, quantity in listed_drugs().items()
    }
    return Patient(
        as_of_s=state["at_s"],
        weight_kg=weighed["low"] if weighed else None, weight_to_kg=weighed["high"] if weighed else None,
        weight_at_s=weighed["given_s"] if weighed else None, setting=state["setting"],
        height_cm=measured["low"] if measured and measured["low"] == measured["high"] else None,
        age_low=state["age_low"], age_high=state["age_high"], creatinine_clearance=state["creatinine_clearance"],
        dose_s=state["dose_s"], onset_s=state["onset_s"], given=doses, unknown=lost | _open_orders(state, given),
    )  # fmt: skip


def _open_orders(state: dict[str, Any], given: list[dict[str, Any]]) -> frozenset[str]:
    """Drugs with an order that is not old and after which no giving began: it may have been given uncharted."""
    since_s = state["at_s"] - number("order-open") * HOUR_S
    orders = [row for row in given if row["quantity"] == ORDERED and row["given_s"] > since_s]
    ordered_s = {row["text"]: row["given_s"] for row in sorted(orders, key=lambda row: row["given_s"])}
    done = {row["quantity"] for row in given if row["given_s"] >= ordered_s.get(row["quantity"], row["given_s"] + 1)}
    still = ordered_s.keys() - done
    return frozenset(drug for drug, quantity in listed_drugs().items() if quantity in still)


def _last(given: list[dict[str, Any]], quantity: str) -> dict[str, Any] | None:
    """The last finding of a quantity; of two at one second both bounds are kept."""
    mine = [row for row in given if row["quantity"] == quantity]
    if not mine:
        return None
    last_s = max(row["given_s"] for row in mine)
    rows = [row for row in mine if row["given_s"] == last_s]
    return {**rows[0], "low": min(row["low"] for row in rows), "high": max(row["high"] for row in rows)}


def _given(row: dict[str, Any]) -> Given:
    """A finding as a dose. A dose given over less than a day is one at its beginning; one known by its day is not."""
    by_day = row["until_s"] is not None and row["by_day"]
    return Given(row["given_s"], row["until_s"] if by_day else None, row["low"], row["high"])


def _stay(state: dict[str, Any]) -> list[Stay]:
    """The rules of the therapy that were in force on the day it was given."""
    if state["product"] is None or state["dose_s"] is None:
        return []
    given_on: date = datetime.fromtimestamp(state["dose_s"], UTC).date()
    found: tuple[StayRule, ...] = stay.rules(state["product"], given_on)
    return [Stay(rule.about, rule.region, rule.for_, rule.says, rule.source, rule.evidence) for rule in found]
