"""CapabilityStatement: exactly what is taken in, sought and said, made from the same tables as the routes."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from typing import Any

from leeward.ward.fhir import posted as p
from leeward.ward.fhir import search
from leeward.ward.fhir.out.ours import READ
from leeward.ward.fhir.posted import stamp

Said = dict[str, Any]
_KINDS = {"patient": "reference", "subject": "reference", "target": "reference", "date": "date",
          "identifier": "token", "_id": "token", "code": "token", "category": "token"}  # fmt: skip
_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OURS = ("RiskAssessment", "DetectedIssue", "CarePlan", "Provenance", "AuditEvent")
_DOCS = {
    "Patient": "Kept without name, address, telephone and picture (SUBSETTED). Link replaced-by or replaces merges.",
    "Observation": "category=leeward-grade: our grades, worked out for the moment of asking.",
    "Encounter": "Places a patient in a bed of a unit, or discharges.",
    "AuditEvent": "For administrators.",
    "CarePlan": "Drafts: what each published source says; with RequestGroup, MedicationRequest and Provenance beside.",
    "Subscription": "Grades only: criteria Observation?category=leeward-grade; rest-hook to a listed address, "
    "after a handshake.",
}


def statement(home: str, at: datetime, *, hooks: bool) -> Said:
    """What this service does."""
    resources = [_taken(kind) for kind in sorted(p.KINDS)] + [_said(kind) for kind in _OURS]
    if hooks:
        resources.append(_subscription())
    return {
        "resourceType": "CapabilityStatement", "id": "leeward", "status": "active", "date": stamp(at),
        "kind": "instance",        "fhirVersion": "4.0.1", "format": ["application/fhir+json"],
        "software": {"name": "Leeward", "version": version("leeward")},
        "implementation": {"description": "A ward's course of cytokine release", "url": home},
        "rest": [{
            "mode": "server",
            "documentation": "In an address a patient goes by the handle; ids and identifiers are sent in bodies.",
            "security": {"service": [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}]},
            "resource": sorted(resources, key=lambda one: str(one["type"])),
            "interaction": [{"code": "transaction", "documentation": "About one patient; all or nothing."},
                            {"code": "batch", "documentation": "Each entry by itself."}],
        }],
    }  # fmt: skip


def _taken(kind: str) -> Said:
    """A type that is taken in."""
    does = ["create", "update", "read", "vread", "history-instance"]
    does += ["delete"] if kind in p.WHOSE else []
    sought = kind in p.WHOSE or kind == "Patient"
    does += ["search-type"] if sought else []
    made: Said = {
        "type": kind, "interaction": [{"code": code} for code in does], "versioning": "versioned-update",
        "readHistory": True, "updateCreate": True, "conditionalCreate": True,
        "conditionalUpdate": kind != "Patient", "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "enforced"] if kind not in ("Patient", "Device", "Location") else ["literal"],
    }  # fmt: skip
    if sought:
        names = search.OF_PATIENTS if kind == "Patient" else search.CLINICAL
        made["searchParam"] = _params(names)
    return made | ({"documentation": _DOCS[kind]} if kind in _DOCS else {})


def _said(kind: str) -> Said:
    """A type that we say."""
    does = ["search-type"] + (["read"] if kind not in ("CarePlan", "AuditEvent") else [])
    made: Said = {"type": kind, "interaction": [{"code": code} for code in does], "searchParam": _params(READ[kind])}
    return made | ({"documentation": _DOCS[kind]} if kind in _DOCS else {})


def _subscription() -> Said:
    does = ("create", "read", "delete")
    return {"type": "Subscription", "interaction": [{"code": code} for code in does],
            "documentation": _DOCS["Subscription"]}  # fmt: skip


def _params(names: tuple[str, ...]) -> list[Said]:
    return [{"name": name, "type": _KINDS[name]} for name in names if name in _KINDS]
