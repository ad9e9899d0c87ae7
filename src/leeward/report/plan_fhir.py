"""A plan as FHIR R4: a RequestGroup of what sources say, doses as MedicationRequest proposals, each with Provenance.

Nothing in it is an order: status is draft, intent is proposal, and a dose that is held back is words only.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from leeward.plan.plan import Plan
from leeward.plan.suggestions import Suggestion
from leeward.report.plan_in_words import condition, told

Resource = dict[str, Any]
_NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "urn:leeward:plan")
_UCUM = "http://unitsofmeasure.org"
_ROUTES = {
    "intravenous": ("47625008", "Intravenous route"),
    "oral": ("26643006", "Oral route"),
    "subcutaneous": ("34206005", "Subcutaneous route"),
    "intrathecal": ("72607000", "Intrathecal route"),
}


def bundle(plan: Plan) -> Resource:
    """A collection: one RequestGroup, a MedicationRequest per dose that applies and nothing holds back, Provenance."""
    if plan.as_of is None:
        return {"resourceType": "Bundle", "type": "collection"}
    doses = [one for one in plan.suggestions if one.dose is not None and one.blocked is None and not one.needs]
    requests = {id(one): _request(plan, one, place) for place, one in enumerate(doses)}
    group = _group(plan, requests)
    provenance = [_provenance(plan, request, one) for one in doses for request in [requests[id(one)]]]
    provenance.append(_provenance(plan, group, None))
    entries = [group, *requests.values(), *provenance]
    return {
        "resourceType": "Bundle", "type": "collection", "timestamp": _moment(plan.as_of),
        "entry": [{"fullUrl": _address(one), "resource": one} for one in entries],
    }  # fmt: skip


def _id(plan: Plan, *parts: object) -> str:
    """The same id for the same thing, whenever it is asked for."""
    return str(uuid.uuid5(_NAMES, "|".join(map(str, (plan.patient, _moment(plan.as_of), plan.edition, *parts)))))


def _address(resource: Resource) -> str:
    """A resource's full URL."""
    return f"urn:uuid:{resource['id']}"


def _moment(at: datetime | None) -> str:
    """A moment as FHIR spells it."""
    assert at is not None, "nothing is proposed to a patient who is not graded"
    return at.isoformat().replace("+00:00", "Z")


def _subject(plan: Plan) -> Resource:
    """The patient, by the record's own id."""
    return {"type": "Patient", "identifier": {"value": plan.patient}}


def _group(plan: Plan, requests: dict[int, Resource]) -> Resource:
    """What each source says, an action per source with an action per step in it."""
    said = groupby(plan.suggestions, key=lambda one: one.source_id)
    group: Resource = {
        "resourceType": "RequestGroup", "id": _id(plan, "group"), "status": "draft", "intent": "proposal",
        "priority": "routine", "subject": _subject(plan), "authoredOn": _moment(plan.as_of),
        "note": [{"text": text} for text in _notes(plan)],
    }  # fmt: skip
    actions = [_source(list(steps), requests) for _, steps in said]
    return {**group, "action": actions} if actions else group


def _notes(plan: Plan) -> Iterable[str]:
    """What this is, where sources differ, what was taken for granted."""
    yield plan.standing
    for one in plan.disagreements:
        yield f"Sources differ: {one.says} " + " ".join(
            f"{', '.join(side.sources)}: {side.says}." for side in one.sides
        )
    yield from plan.assumptions


def _source(steps: list[Suggestion], requests: dict[int, Resource]) -> Resource:
    """One source."""
    first = steps[0]
    return {
        "title": f"{first.source} says", "documentation": _cited(steps), "groupingBehavior": "logical-group",
        "selectionBehavior": "any", "action": [_step(one, requests.get(id(one))) for one in steps],
    }  # fmt: skip


def _cited(steps: list[Suggestion]) -> list[Resource]:
    """The publications that steps come from, each once."""
    return [{"type": "citation", "citation": citation} for citation in dict.fromkeys(one.citation for one in steps)]


def _step(one: Suggestion, request: Resource | None) -> Resource:
    """One step, with the dose it proposes where there is one."""
    words = f"{condition(one)}{told(one)}"
    action: Resource = {
        "title": one.says, "description": f"{words} ({one.evidence}; {one.where})", "textEquivalent": words,
        "priority": "routine",
    }  # fmt: skip
    if one.strength == "option":
        action["precheckBehavior"] = "no"
    if request is not None:
        action["resource"] = {"reference": _address(request)}
    return action


def _request(plan: Plan, one: Suggestion, place: int) -> Resource:
    """A dose as a proposal."""
    notes = [one.arithmetic, *one.warnings, plan.standing]
    return {
        "resourceType": "MedicationRequest", "id": _id(plan, one.row, one.drug, one.as_grade, place), "status": "draft",
        "intent": "proposal", "medicationCodeableConcept": {"text": one.drug}, "subject": _subject(plan),
        "authoredOn": _moment(plan.as_of), "reasonCode": [{"text": f"{one.source}: {condition(one)}{one.says}"}],
        "note": [{"text": note} for note in notes if note], "dosageInstruction": [_dosage(one)],
    }  # fmt: skip


def _dosage(one: Suggestion) -> Resource:
    """Amount, route and interval."""
    dosage: Resource = {"text": told(one)}
    if one.interval_hours:
        repeat: Resource = {"frequency": 1, "period": one.interval_hours, "periodUnit": "h"}
        if one.interval_to_hours:
            repeat["periodMax"] = one.interval_to_hours
        if one.earliest is not None:
            repeat["boundsPeriod"] = {"start": _moment(one.earliest)}
        dosage["timing"] = {"repeat": repeat}
    code = _ROUTES.get(one.route or "")
    coding = {"coding": [{"system": "http://snomed.info/sct", "code": code[0], "display": code[1]}]} if code else {}
    dosage["route"] = {**coding, "text": one.route}
    dosage["doseAndRate"] = [_amount(one)]
    return dosage


def _amount(one: Suggestion) -> Resource:
    """A dose, or a range of doses, in UCUM."""
    unit = {"unit": one.unit, "system": _UCUM, "code": one.unit}
    if one.dose_to is None:
        return {"doseQuantity": {"value": one.dose, **unit}}
    return {"doseRange": {"low": {"value": one.dose, **unit}, "high": {"value": one.dose_to, **unit}}}


def _provenance(plan: Plan, target: Resource, one: Suggestion | None) -> Resource:
    """Where a resource comes from: the publication, and the edition of the knowledge that repeats it."""
    said = [one] if one else plan.suggestions
    sources = dict.fromkeys(step.citation for step in said)
    return {
        "resourceType": "Provenance", "id": _id(plan, "provenance", target["id"]),
        "target": [{"reference": _address(target)}], "recorded": _moment(plan.as_of),
        "agent": [{"who": {"display": f"Leeward, knowledge edition {plan.edition}"}}],
        "entity": [{"role": "source", "what": {"display": source}} for source in sources]
        or [{"role": "source", "what": {"display": "no source says anything for this state"}}],
    }  # fmt: skip
