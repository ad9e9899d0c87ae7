"""Calls of CDS Hooks in the shape that EHRs and Da Vinci's fixtures have them; every text and value is our own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from tests.record.fhir_bedside import RXNORM, bundle, concept, quantity
from tests.ward.conftest import NOW

Json = dict[str, Any]
PATIENT = "hook-1"
INSTANCE = "4a74b1d0-4fee-4d18-b76f-7f3bd361e4bc"
SERVICES = {
    "patient-view": "leeward-course", "order-select": "leeward-order-select", "order-sign": "leeward-order-sign",
}  # fmt: skip
EMPTY: Json = {"resourceType": "Bundle", "type": "searchset", "total": 0}
PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
CODES = {"temperature": "8310-5", "pressure": "8480-6", "flow": "3151-8", "weight": "29463-7", "ferritin": "2276-4"}
UNITS = {"temperature": "Cel", "pressure": "mm[Hg]", "flow": "L/min", "weight": "kg", "ferritin": "ng/mL"}


def at(hours: float) -> str:
    """So many hours before now, as FHIR spells it."""
    return (NOW - timedelta(hours=hours)).isoformat()


def charted(name: str, value: float, hours: float, **parts: Any) -> Json:
    """One vital sign or result, so many hours ago."""
    return {
        "resourceType": "Observation", "id": f"{name}-{hours:g}".replace(".", "p"), "status": "final",
        "code": concept(CODES[name]), "subject": {"reference": f"Patient/{PATIENT}"}, "effectiveDateTime": at(hours),
        "valueQuantity": quantity(value, UNITS[name]), **parts,
    }  # fmt: skip


def device(word: str, hours: float) -> Json:
    """The oxygen device, as text."""
    return {
        "resourceType": "Observation", "id": f"device-{hours:g}".replace(".", "p"), "status": "final",
        "code": concept("3152-6"), "subject": {"reference": f"Patient/{PATIENT}"}, "effectiveDateTime": at(hours),
        "valueString": word,
    }  # fmt: skip


def dose(code: str, amount: float, hours: float, unit: str = "mg", **parts: Any) -> Json:
    """A drug that was given, so many hours ago."""
    return {
        "resourceType": "MedicationAdministration", "id": f"dose-{code}-{hours:g}".replace(".", "p"),
        "status": "completed", "medicationCodeableConcept": concept(code, RXNORM),
        "subject": {"reference": f"Patient/{PATIENT}"}, "effectiveDateTime": at(hours),
        "dosage": {"dose": quantity(amount, unit)}, **parts,
    }  # fmt: skip


def infusion(hours: float) -> Json:
    """Axicabtagene ciloleucel, so many hours ago."""
    return {
        "resourceType": "Procedure", "id": "cells", "status": "completed", "code": concept("XW033H7", PCS),
        "subject": {"reference": f"Patient/{PATIENT}"}, "performedDateTime": at(hours),
    }  # fmt: skip


def patient(**parts: Any) -> Json:
    """An adult."""
    return {"resourceType": "Patient", "id": PATIENT, "birthDate": "1961-04-12", **parts}


def prefetch(
    observations: Iterable[Json] = (), given: Iterable[Json] = (), *, since: float | None = 70, **parts: Any
) -> Json:
    """Everything a service asks for: an adult, infused so many hours ago."""
    cells = [] if since is None else [infusion(since)]
    return {
        "patient": patient(), "observations": bundle(*observations, type="searchset"),
        "given": bundle(*given, type="searchset"), "procedures": bundle(*cells, type="searchset"),
        "encounters": None, **parts,
    }  # fmt: skip


def ordered(code: str = "612865", amount: float | None = 560, unit: str = "mg", **parts: Any) -> Json:
    """A drafted order of tocilizumab, unless said otherwise."""
    doses = [] if amount is None else [{"doseAndRate": [{"doseQuantity": quantity(amount, unit)}]}]
    return {
        "resourceType": "MedicationRequest", "id": "draft-1", "status": "draft", "intent": "order",
        "medicationCodeableConcept": concept(code, RXNORM), "subject": {"reference": f"Patient/{PATIENT}"},
        "dosageInstruction": doses, **parts,
    }  # fmt: skip


def request(hook: str, sent: Json | None, *orders: Json, **parts: Any) -> Json:
    """The body of a call."""
    context: Json = {"userId": "Practitioner/p1", "patientId": PATIENT, "encounterId": "e1"}
    if hook != "patient-view":
        context["draftOrders"] = bundle(*orders)
        if sent is not None:
            sent = {"orders": None, **sent}
    if hook == "order-select":
        context["selections"] = [f"MedicationRequest/{order['id']}" for order in orders]
    body = {"hook": hook, "hookInstance": INSTANCE, "context": context, **parts}
    return body if sent is None else {**body, "prefetch": sent}


def cards(client: TestClient, body: Json, status: int = 200) -> list[Json]:
    """The cards of a call, every one in the form of CDS Hooks."""
    told = client.post(f"/cds-services/{SERVICES[body['hook']]}", json=body)
    assert told.status_code == status, told.text
    found: list[Json] = told.json()["cards"]
    return found


def moment(text: str) -> datetime:
    """A time as a card has it."""
    return datetime.fromisoformat(text)
