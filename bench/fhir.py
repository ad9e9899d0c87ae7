"""FHIR R4: bulk NDJSON of Observations from the virtual ward, and one patient's Bundle."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from home import made
from ward import HOUR_US, Block, block, watched
from ward import VERSION as WARD_VERSION

SIGNS = (
    # LOINC code, its name, the ward's array, decimals, UCUM unit
    ("8310-5", "Body temperature", "temperature", 1, "Cel"),
    ("8867-4", "Heart rate", "heart_rate", 0, "/min"),
    ("9279-1", "Respiratory rate", "respiratory_rate", 0, "/min"),
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "spo2", 0, "%"),
)
LABS = (
    ("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", 30.0, "mg/L"),
    ("2276-4", "Ferritin [Mass/volume] in Serum or Plasma", 900.0, "ng/mL"),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", 0.9, "mg/dL"),
)
VERSION = f"{WARD_VERSION}.1"
UCUM = "http://unitsofmeasure.org"
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"


def observations_file(count: int) -> Path:
    """A cached NDJSON file of `count` Observations."""
    return made(f"observations-{VERSION}-{count}.ndjson", lambda path: _write(path, count))


def _write(path: Path, count: int) -> None:
    lines = (json.dumps(each, separators=(",", ":")) for each in _observations())
    with path.open("w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in islice(lines, count))


def _observations() -> Any:
    """Observations without end, patient by patient and round by round."""
    number = 0
    while True:
        one = block(number)
        for patient in range(len(one.severity)):
            yield from _of_patient(one, patient)
        number += 1


def _of_patient(one: Block, patient: int) -> Any:
    """One patient's rounds: four single signs and a blood pressure panel each, and a small panel of labs at six."""
    name = f"patient-{patient + one.first_patient:07d}"
    for hour in np.nonzero(watched(one)[patient])[0]:
        moment = datetime.fromtimestamp((one.infused_us[patient] + hour * HOUR_US) / 1_000_000, UTC)
        for code, title, array, decimals, unit in SIGNS:
            value = round(float(getattr(one, array)[patient, hour]), decimals)
            yield _observation(name, moment, (code, title), "vital-signs", _quantity(value, unit))
        yield _pressure(name, moment, float(one.systolic[patient, hour]), float(one.diastolic[patient, hour]))
        if hour % 24 == 6:
            for code, title, usual, unit in LABS:
                value = round(usual * float(1 + 3 * one.storm[patient, hour]), 1)
                yield _observation(name, moment, (code, title), "laboratory", _quantity(value, unit))


def _observation(patient: str, at: datetime, code: tuple[str, str], category: str, value: Any) -> dict[str, Any]:
    return _shell(patient, at, code, category) | {"valueQuantity": value}


def _pressure(patient: str, at: datetime, systolic: float, diastolic: float) -> dict[str, Any]:
    parts = (("8480-6", "Systolic blood pressure", systolic), ("8462-4", "Diastolic blood pressure", diastolic))
    components = [
        {"code": _code((code, title)), "valueQuantity": _quantity(round(value), "mm[Hg]")}
        for code, title, value in parts
    ]
    title = "Blood pressure panel with all children optional"
    return _shell(patient, at, ("85354-9", title), "vital-signs") | {"component": components}


def _shell(patient: str, at: datetime, code: tuple[str, str], category: str) -> dict[str, Any]:
    """What every Observation of a hospital's export carries."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return {
        "resourceType": "Observation",
        "id": f"{patient}-{code[0]}-{int(at.timestamp())}",
        "meta": {"versionId": "1", "lastUpdated": stamp},
        "status": "final",
        "category": [{"coding": [{"system": CATEGORIES, "code": category}]}],
        "code": _code(code),
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{patient}-1"},
        "effectiveDateTime": stamp,
        "issued": stamp,
    }


def _code(code: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code[0], "display": code[1]}], "text": code[1]}


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def bundle_patient() -> int:
    """The patient of the Bundle: the gravest course of the first block."""
    return int(np.argmax(block(0).severity))


def bundle(observations: int = 200) -> bytes:
    """One patient with a therapy and `observations` Observations, as a Bundle in JSON."""
    one = block(0)
    patient = bundle_patient()
    name = f"patient-{patient:07d}"
    entries: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": name, "gender": "female", "birthDate": "1961-04-05"},
        _therapy(name, datetime.fromtimestamp(one.infused_us[patient] / 1_000_000, UTC)),
        *islice(_of_patient(one, patient), observations),
    ]
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in entries]}
    ).encode()


def _therapy(patient: str, at: datetime) -> dict[str, Any]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return {
        "resourceType": "MedicationAdministration",
        "id": f"{patient}-therapy",
        "status": "completed",
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1986808"}],
            "text": "axicabtagene ciloleucel",
        },
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": stamp,
    }
