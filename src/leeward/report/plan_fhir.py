"""A plan as FHIR R4: a RequestGroup of what sources say, a CarePlan for each, doses as MedicationRequest proposals.

Nothing in it is an order: status is draft, intent is proposal. A dose that is held back, that depends on something not
on record, or that holds only at one end of a range of grades, is words only. Provenance leads each to its publication.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from leeward.plan.plan import ALTERNATIVES, Plan
from leeward.plan.suggestions import Suggestion
from leeward.report.drug_codes import codings
from leeward.report.plan_in_words import condition, told, unsure

Resource = dict[str, Any]
BOTH = 2
"""The ends of a range of grades; where the grade is sure, a suggestion holds at both."""
_NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "urn:leeward:plan")
_UCUM = "http://unitsofmeasure.org"
_ROUTES = {
    "intravenous": ("47625008", "Intravenous route"),
    "oral": ("26643006", "Oral route"),
    "subcutaneous": ("34206005", "Subcutaneous route"),
    "intrathecal": ("72607000", "Intrathecal route"),
}


def bundle(plan: Plan) -> Resource:
    """A collection: the group, what each source says, a request per dose that applies and nothing holds back."""
    if plan.as_of is None:
        return {"resourceType": "Bundle", "type": "collection"}
    doses = [one for one in plan.suggestions if _proposed(one)]
    requests = {id(one): _request(plan, one, place) for place, one in enumerate(doses)}
    by_source = [list(steps) for _, steps in groupby(plan.suggestions, key=lambda one: one.source_id)]
    said = [(_care(plan, steps, requests), steps) for steps in by_source]
    group = _group(plan, said)
    cited = [(group, plan.suggestions), *said, *((requests[id(one)], [one]) for one in doses)]
    entries = [*(resource for resource, _ in cited), *(_provenance(plan, target, steps) for target, steps in cited)]
    return {
        "resourceType": "Bundle", "type": "collection", "timestamp": _moment(plan.as_of),
        "entry": [{"fullUrl": _address(one), "resource": one} for one in entries],
    }  # fmt: skip


def _proposed(one: Suggestion) -> bool:
    """Whether a suggestion is a dose that applies whatever is missing, and that nothing holds back."""
    sure = not one.needs and len(one.ends) == BOTH and one.evidence != "recalled"
    return sure and one.dose is not None and one.blocked is None


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


def _group(plan: Plan, said: list[tuple[Resource, list[Suggestion]]]) -> Resource:
    """All sources, an action for each; an action of a RequestGroup holds one resource (rqg-1)."""
    group: Resource = {
        "resourceType": "RequestGroup", "id": _id(plan, "group"), "status": "draft", "intent": "proposal",
        "priority": "routine", "subject": _subject(plan), "authoredOn": _moment(plan.as_of),
        "note": [{"text": text} for text in _notes(plan)],
    }  # fmt: skip
    actions = [
        {"title": care["title"], "documentation": _cited(steps), "selectionBehavior": "any",
         "resource": {"reference": _address(care)}}
        for care, steps in said
    ]  # fmt: skip
    return {**group, "action": actions} if actions else group


def _notes(plan: Plan) -> Iterable[str]:
    """What this is, where sources differ, what was taken for granted."""
    yield plan.standing
    yield ALTERNATIVES
    for one in plan.disagreements:
        yield f"Sources differ: {one.says} " + " ".join(
            f"{', '.join(side.sources)}: {side.says} ({side.evidence})." for side in one.sides
        )
    yield from plan.assumptions


def _care(plan: Plan, steps: list[Suggestion], requests: dict[int, Resource]) -> Resource:
    """What one source says: doses that apply by reference, all else in words."""
    first = steps[0]
    return {
        "resourceType": "CarePlan", "id": _id(plan, "source", first.source_id), "status": "draft",
        "intent": "proposal", "title": f"{first.source.rstrip(',')} says", "subject": _subject(plan),
        "created": _moment(plan.as_of), "note": [{"text": plan.standing}],
        "activity": [_step(one, requests.get(id(one))) for one in steps],
    }  # fmt: skip


def _cited(steps: list[Suggestion]) -> list[Resource]:
    """The publications that steps come from, each once."""
    return [{"type": "citation", "citation": citation} for citation in dict.fromkeys(one.citation for one in steps)]


def _step(one: Suggestion, request: Resource | None) -> Resource:
    """One step: its request, or its words with what it waits for."""
    if request is not None:
        return {"reference": {"reference": _address(request)}}
    end = "" if len(one.ends) == BOTH else f"holds {condition(one).split(':')[0]} of a range of grades"
    waits = [reason for reason in (end, unsure(one.needs) if one.needs else "", one.blocked) if reason]
    option = ", an option" if one.strength == "option" else ""
    detail: Resource = {
        "code": {"text": one.says}, "description": f"{condition(one)}{told(one)} ({one.evidence}; {one.where}{option})",
        "status": "unknown" if one.needs or end else "on-hold" if one.blocked else "not-started",
        "doNotPerform": one.kind == "avoid",
    }  # fmt: skip
    return {"detail": {**detail, "statusReason": {"text": "; ".join(waits)}} if waits else detail}


def _request(plan: Plan, one: Suggestion, place: int) -> Resource:
    """A dose as a proposal."""
    notes = [one.arithmetic, *one.warnings, plan.standing]
    return {
        "resourceType": "MedicationRequest", "id": _id(plan, one.row, one.drug, one.as_grade, place), "status": "draft",
        "intent": "proposal", "medicationCodeableConcept": _medication(one.drug or ""), "subject": _subject(plan),
        "authoredOn": _moment(plan.as_of), "reasonCode": [{"text": f"{one.source}: {condition(one)}{one.says}"}],
        "note": [{"text": note} for note in notes if note], "dosageInstruction": [_dosage(one)],
    }  # fmt: skip


def _medication(drug: str) -> Resource:
    """A drug by its name, with the codes that name it alone."""
    coding = [{"system": system, "code": code} for system, code in codings(drug)]
    return {"coding": coding, "text": drug} if coding else {"text": drug}


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


def _provenance(plan: Plan, target: Resource, said: Iterable[Suggestion]) -> Resource:
    """Where a resource comes from: the publications, and the edition of the knowledge that repeats them."""
    sources = dict.fromkeys(step.citation for step in said)
    return {
        "resourceType": "Provenance", "id": _id(plan, "provenance", target["id"]),
        "target": [{"reference": _address(target)}], "recorded": _moment(plan.as_of),
        "agent": [{"who": {"display": f"Leeward, knowledge edition {plan.edition}"}}],
        "entity": [{"role": "source", "what": {"display": source}} for source in sources]
        or [{"role": "source", "what": {"display": "no source says anything for this state"}}],
    }  # fmt: skip
