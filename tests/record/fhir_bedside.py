"""Small FHIR resources, and what reading them gives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from leeward.record.read import read

AT = "2026-03-01T08:00:00+01:00"
NOW = datetime(2026, 3, 10, tzinfo=UTC)
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

Json = dict[str, Any]


class Told(NamedTuple):
    """What a record told: findings and refusals as rows."""

    findings: list[Json]
    refusals: list[Json]

    def finding(self) -> Json:
        """The one finding of a record in which nothing is refused."""
        assert self.refusals == []
        assert len(self.findings) == 1
        return self.findings[0]

    def refusal(self) -> Json:
        """The one refusal of a record in which nothing is found."""
        assert self.findings == []
        assert len(self.refusals) == 1
        return self.refusals[0]

    def reasons(self) -> list[str]:
        """The reasons of all refusals, sorted."""
        return sorted(refusal["reason"] for refusal in self.refusals)

    def values(self) -> dict[str, Any]:
        """The value or word of each quantity, where each was found once."""
        assert len({f["quantity"] for f in self.findings}) == len(self.findings)
        return {f["quantity"]: f["text"] if f["low"] is None else f["low"] for f in self.findings}


def told(path: Path, **settings: Any) -> Told:
    """What a path tells."""
    record = read(path, now=NOW, **settings)
    return Told(record.findings.to_pylist(), record.refusals.to_pylist())


def tell(folder: Path, *resources: Json, **settings: Any) -> Told:
    """What some resources tell, as lines."""
    path = folder / "record.ndjson"
    path.write_bytes(ndjson(resources))
    return told(path, **settings)


def ndjson(resources: Iterable[Json]) -> bytes:
    """One resource a line."""
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


def bundle(*resources: Json, addresses: Iterable[str | None] = (), **parts: Any) -> Json:
    """Resources as one Bundle, with their addresses."""
    given = [*addresses, *[None] * len(resources)]
    entries = [
        {"resource": resource} | ({"fullUrl": address} if address else {})
        for resource, address in zip(resources, given, strict=False)
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries, **parts}


def concept(code: str, system: str = LOINC, display: str | None = None) -> Json:
    """One coding."""
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


def quantity(value: object, unit: str, system: str = UCUM) -> Json:
    """A number with a unit."""
    return {"value": value, "unit": unit, "system": system, "code": unit}


def observation(code: str | Json = "8310-5", **parts: Any) -> Json:
    """A temperature of 38.5 Cel at eight o'clock, unless said otherwise; a part that is None is left out."""
    whole = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": concept(code) if isinstance(code, str) else code,
        "subject": {"reference": "Patient/007"},
        "effectiveDateTime": AT,
        "valueQuantity": quantity(38.5, "Cel"),
        **parts,
    }
    return {name: part for name, part in whole.items() if part is not None}


def patient(key: str = "007", **parts: Any) -> Json:
    """A patient of whom nothing is known but the id, unless said otherwise."""
    return {"resourceType": "Patient", "id": key, **parts}


def administration(**parts: Any) -> Json:
    """Tocilizumab 560 mg, unless said otherwise; a part that is None is left out."""
    whole = {
        "resourceType": "MedicationAdministration",
        "id": "m1",
        "status": "completed",
        "medicationCodeableConcept": concept("612865", RXNORM),
        "subject": {"reference": "Patient/007"},
        "effectiveDateTime": AT,
        "dosage": {"dose": quantity(560, "mg")},
        **parts,
    }
    return {name: part for name, part in whole.items() if part is not None}
