"""AuditEvent for each record of the audit, shaped as IHE's Basic Audit Log Patterns, with its place in the chain."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from leeward.ward.audit import Record
from leeward.ward.fhir.out.course import DEVICE, Resource, coded
from leeward.ward.fhir.posted import stamp

_EVENT = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_DOES = "http://hl7.org/fhir/restful-interaction"
_ENTITY, _ROLE = (f"http://terminology.hl7.org/CodeSystem/{name}" for name in ("audit-entity-type", "object-role"))
_AGENT = "http://dicom.nema.org/resources/ontology/DCM"
_INTERACTIONS = {"read": ("read", "R"), "export": ("read", "R"), "write": ("create", "C"), "override": ("update", "U")}
"""FHIR's word and letter for what was done; anything else was carried out (E)."""
ACTIONS = "urn:leeward:action"


def event(record: Record, patient: Resource | None) -> Resource:
    """One record. patient: a reference to the patient, where the record names one."""
    word, letter = _INTERACTIONS.get(record.action, (None, "E"))
    subtypes = [{"system": ACTIONS, "code": record.action}]
    subtypes += [{"system": _DOES, "code": word}] if word else []
    refused = record.outcome == "refused"
    made: Resource = {
        "resourceType": "AuditEvent", "id": f"{record.seq}",
        "type": {"system": _EVENT, "code": "rest", "display": "RESTful Operation"}, "subtype": subtypes,
        "action": letter, "recorded": stamp(record.moment), "outcome": "4" if refused else "0",
        "outcomeDesc": record.outcome or "answered",
        "agent": [{
            "type": coded(_AGENT, "110153", "Source Role ID"), "requestor": True,
            "who": {"identifier": {"value": record.person or "nobody"}},
            "role": [coded("urn:leeward:role", record.role)] if record.role else [{"text": "none"}],
        }],
        "source": {"observer": {"reference": f"Device/{DEVICE}", "display": "Leeward"}},
    }  # fmt: skip
    if record.why:
        made["purposeOfEvent"] = [{"text": record.why}]
    return made | {"entity": _entities(record, patient)}


def _entities(record: Record, patient: Resource | None) -> list[dict[str, Any]]:
    """The patient, and the record's place in the chain."""
    chain = [
        {"type": "edition", "valueString": record.edition},
        {"type": "digest", "valueBase64Binary": b64encode(record.digest).decode()},
        {"type": "digest before", "valueBase64Binary": b64encode(record.before).decode()},
    ]
    if record.detail:
        chain.append({"type": "detail", "valueString": record.detail})
    place = {"type": {"system": _ENTITY, "code": "2"}, "what": {"identifier": {"value": str(record.seq)}},
             "detail": chain}  # fmt: skip
    if patient is None:
        return [place]
    whose = {"what": patient, "type": {"system": _ENTITY, "code": "1"}, "role": {"system": _ROLE, "code": "1"}}
    return [whose, place]
