"""What a test sends by FHIR, and how it asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from .conftest import NOW

Said = dict[str, Any]
FHIR = "application/fhir+json"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
HEADERS = {"Content-Type": FHIR}


def at(**ago: float) -> str:
    """A moment before now, as FHIR spells it."""
    return (NOW - timedelta(**ago)).isoformat().replace("+00:00", "Z")


def temperature(value: object = 38.6, id_: str = "t1", patient: str = "007", **more: Any) -> Said:
    """A body temperature an hour ago."""
    return {
        "resourceType": "Observation", "id": id_, "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "8310-5"}]},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": at(hours=1),
        "valueQuantity": {"value": value, "unit": "Cel", "system": UCUM, "code": "Cel"}, **more,
    }  # fmt: skip


def pressure(value: float = 120, id_: str = "p1", patient: str = "007") -> Said:
    """A systolic pressure an hour ago."""
    return {
        "resourceType": "Observation", "id": id_, "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": at(hours=1),
        "valueQuantity": {"value": value, "unit": "mm[Hg]", "system": UCUM, "code": "mm[Hg]"},
    }  # fmt: skip


def infusion(id_: str = "i1", patient: str = "007") -> Said:
    """Axicabtagene ciloleucel two days ago."""
    return {
        "resourceType": "MedicationAdministration", "id": id_, "status": "completed",
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1986803"}],
            "text": "axicabtagene ciloleucel",
        },
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": at(hours=48),
    }  # fmt: skip


def person(id_: str = "007", **more: Any) -> Said:
    """A patient with a name that must not be kept."""
    return {
        "resourceType": "Patient", "id": id_, "identifier": [{"system": "urn:mrn", "value": f"MRN-{id_}"}],
        "name": [{"family": "Mendez", "given": ["Ana"]}], "birthDate": "1961-04-02", **more,
    }  # fmt: skip


def bundle(kind: str, *entries: Said) -> Said:
    """A Bundle of entries."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def put(one: Said) -> Said:
    """An entry that updates."""
    return {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}


def post(one: Said, address: str | None = None, **request: str) -> Said:
    """An entry that creates."""
    made: Said = {"resource": one, "request": {"method": "POST", "url": one["resourceType"], **request}}
    return made | ({"fullUrl": address} if address else {})


def send(client: TestClient, one: Said, **headers: str) -> Any:
    """Update a resource by its id; send a Bundle."""
    where = "/fhir" if one["resourceType"] == "Bundle" else f"/fhir/{one['resourceType']}/{one['id']}"
    method = client.post if one["resourceType"] == "Bundle" else client.put
    return method(where, json=one, headers=HEADERS | headers)


def codes(answer: Any) -> list[tuple[str, str | None]]:
    """Code and place of each issue of an answer."""
    return [(one["code"], one.get("expression", [None])[0]) for one in answer.json()["issue"]]


def moments(value: str) -> datetime:
    """A FHIR instant as a moment."""
    return datetime.fromisoformat(value)
