"""A preparation as FHIR R4: a CarePlan whose activities are the checklist, the doses and the rules, with Provenance.

It is a draft and a proposal: no order, no request. What is open, held or undated is words.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from leeward.plan.checklist import Checked
from leeward.plan.prepare import Ends, Preparation
from leeward.plan.schedule import Step, StepUp
from leeward.report.prepare_in_words import asks, late, population, rule, shown, step_up, study, watch

Resource = dict[str, Any]
_NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "urn:leeward:prepare")
_STATUS = {"done": "completed", "defers": "on-hold"}
"""An item's state in FHIR's words; everything else has not started."""


def bundle(one: Preparation) -> Resource:
    """A collection of the plan and where it comes from; without entries where nothing was answered."""
    made: Resource = {"resourceType": "Bundle", "type": "collection"}
    if one.as_of is not None:
        made["timestamp"] = _moment(one.as_of)
    if one.refused:
        return made
    plan = care_plan(one)
    entries = [plan, _provenance(one, plan)]
    return {**made, "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in entries]}


def care_plan(one: Preparation) -> Resource:
    """What sources say around the dose."""
    notes = [one.standing, *one.notes, *(" ".join(study(each)) for each in one.prophylaxis)]
    notes += late(one) + ([one.no_gap_rule] if one.no_gap_rule else [])
    notes += [population(row) for row in one.published]
    plan: Resource = {
        "resourceType": "CarePlan", "id": _id(one, "plan"), "status": "draft", "intent": "proposal",
        "title": f"Before {one.title}: what sources say", "subject": _subject(one),
        "note": [{"text": text} for text in notes],
        "activity": [{"detail": detail} for detail in _details(one)],
    }  # fmt: skip
    if one.as_of is not None:
        plan["created"] = _moment(one.as_of)
    if one.day is not None:
        plan["period"] = {"start": one.day.isoformat()}
    return plan


def _details(one: Preparation) -> Iterator[Resource]:
    """Every activity."""
    yield from (_item(item) for item in one.checklist)
    yield from (_dose(line, step) for line in one.step_up for step in line.steps)
    for line in one.around:
        yield {"code": {"text": line.about}, "status": "not-started", "description": rule(line)}
    yield from (_stay(each) for each in one.stay)
    for each in one.watching:
        yield {"code": {"text": each.title}, "status": "not-started", "description": watch(each)}


def _item(item: Checked) -> Resource:
    """An item of the checklist."""
    why = [item.told, *(shown(found) for found in item.because)]
    why += [f"missing: {name}" for name in item.missing]
    return {
        "code": {"text": item.title}, "status": _STATUS.get(item.state, "not-started"),
        "statusReason": {"text": "; ".join(why)}, "description": " ".join(f"{asks(line)}." for line in item.asks),
    }  # fmt: skip


def _dose(line: StepUp, step: Step) -> Resource:
    """A dose of a schedule, on its date where it has one."""
    made: Resource = {
        "code": {"text": f"{step.when}: {step.amount:g} {step.unit}"}, "status": "not-started",
        "description": step_up(line),
    }  # fmt: skip
    if step.note:
        made["statusReason"] = {"text": step.note}
    if step.day is None:
        return made
    start = step.at.isoformat() if step.at else step.day.isoformat()
    period = {"start": start, **({"end": step.last_day.isoformat()} if step.last_day else {})}
    return {**made, "scheduledPeriod": period}


def _stay(each: Ends) -> Resource:
    """A rule about staying near, being watched, driving."""
    made: Resource = {"code": {"text": each.rule.about}, "status": "not-started", "description": rule(each.rule)}
    end = each.until_at.isoformat() if each.until_at else each.until_day.isoformat() if each.until_day else None
    if end is None or each.from_day is None:
        return made
    return {**made, "scheduledPeriod": {"start": each.from_day.isoformat(), "end": end}}


def _provenance(one: Preparation, plan: Resource) -> Resource:
    """Where the plan comes from: its publications, and the edition of the knowledge that repeats them."""
    cited = [line.source for item in one.checklist for line in item.asks]
    cited += [line.source for line in one.step_up] + [line.source for line in one.around]
    cited += [line.source for line in one.gap_rules] + [line.source for line in one.gap_rules_unread]
    cited += [line.source for line in one.prophylaxis] + [line.source for line in one.published]
    cited += [each.rule.source for each in one.stay] + [line.source for line in one.watching]
    return {
        "resourceType": "Provenance", "id": _id(one, "provenance"),
        "target": [{"reference": f"urn:uuid:{plan['id']}"}],
        "recorded": _moment(one.as_of or datetime(1970, 1, 1, tzinfo=UTC)),
        "agent": [{"who": {"display": f"Leeward, knowledge edition {one.edition}"}}],
        "entity": [{"role": "source", "what": {"display": source}} for source in dict.fromkeys(cited)],
    }  # fmt: skip


def _subject(one: Preparation) -> Resource:
    """The patient, by the record's own id."""
    return {"type": "Patient", "identifier": {"value": one.patient}}


def _id(one: Preparation, what: str) -> str:
    """The same id for the same thing, whenever it is asked for."""
    day = one.at.isoformat() if one.at else str(one.day)
    return str(uuid.uuid5(_NAMES, "|".join((one.patient, one.product, day, str(one.as_of), one.edition, what))))


def _moment(at: datetime) -> str:
    """A moment as FHIR spells it."""
    return at.isoformat().replace("+00:00", "Z")
