"""Whose a FHIR resource is: no statement without a patient, and none that could be another's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.record.fhir_bedside import Json, administration, bundle, observation, patient, tell, told

A, B = "https://a.example/fhir", "https://b.example/fhir"


def write(folder: Path, name: str, content: Json) -> None:
    """One document."""
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/007"},
        {"reference": f"{A}/Patient/007"},
        {"reference": f"{A}/Patient/007/_history/3"},
        {"reference": "urn:uuid:007"},
    ],
)
def test_references_to_a_patient(tmp_path: Path, subject: Json) -> None:
    """However it is written, the logical id is the patient."""
    assert tell(tmp_path, observation(subject=subject)).finding()["patient"] == "007"


@pytest.mark.parametrize(
    ("subject", "detail"),
    [
        (None, "no subject"),
        ({"display": "Amy"}, "a subject without reference"),
        ({"reference": "Group/1"}, "the subject is not one Patient: Group"),
        ({"reference": "#p"}, "a contained subject"),
        ({"reference": "Patient?identifier=7"}, "the subject is not one Patient: P"),
        ({"reference": ""}, "the subject is not one Patient: "),
    ],
)
def test_references_to_nobody(tmp_path: Path, subject: Json | None, detail: str) -> None:
    """Refused with the reason, once per resource; no name is repeated in it."""
    both = tell(tmp_path, observation(subject=subject), administration(subject=subject))
    assert both.findings == []
    assert [(r["reason"], r["patient"]) for r in both.refusals] == [("patient-missing", None)] * 2
    assert both.refusals[0]["detail"] == detail


def test_temporary_addresses_hold_within_their_bundle(tmp_path: Path) -> None:
    """The same temporary address in another bundle is another patient."""
    for name, key in (("a.json", "1"), ("b.json", "2")):
        there = observation(id=key, subject={"reference": "urn:uuid:p"})
        write(tmp_path, name, bundle(there, patient(key, gender="male"), addresses=[None, "urn:uuid:p"]))
    found = [f for f in told(tmp_path).findings if f["quantity"] == "body-temperature"]
    assert {f["record"]: f["patient"] for f in found} == {"Observation/1": "1", "Observation/2": "2"}


def test_a_patient_without_id_goes_by_the_address(tmp_path: Path) -> None:
    """A patient about to be created has no id yet."""
    new = {"resourceType": "Patient", "gender": "female"}
    write(
        tmp_path, "t.json", bundle(new, observation(subject={"reference": "urn:uuid:x-1"}), addresses=["urn:uuid:x-1"])
    )
    assert {f["patient"] for f in told(tmp_path).findings} == {"x-1"}


@pytest.mark.parametrize(
    ("one", "two", "addresses"),
    [
        ({}, {}, [f"{A}/Patient/007", f"{B}/Patient/007"]),
        ({"identifier": [{"system": "a", "value": "1"}]}, {"identifier": [{"system": "b", "value": "1"}]}, []),
        ({"birthDate": "1961-04-02"}, {"birthDate": "1961-04-03"}, []),
        ({"gender": "male"}, {"gender": "female"}, ["urn:uuid:1", "urn:uuid:2"]),
    ],
)
def test_two_patients_with_one_id_are_refused_whole(tmp_path: Path, one: Json, two: Json, addresses: list[str]) -> None:
    """In one bundle: nothing of either is found, and nothing moves from one to the other."""
    others = [observation(), administration(), observation(id="o9", subject={"reference": "Patient/8"})]
    write(tmp_path, "b.json", bundle(patient(**one), patient(**two), *others, addresses=addresses))
    both = told(tmp_path)
    assert {f["patient"] for f in both.findings} == {"8"}
    assert set(both.reasons()) == {"ambiguous-patient"}
    assert {"loinc|8310-5", "rxnorm|612865"} <= {r["detail"] for r in both.refusals}


@pytest.mark.parametrize("order", [("a.json", "b.json"), ("b.json", "a.json")])
def test_two_patients_with_one_id_in_two_bundles(tmp_path: Path, order: tuple[str, str]) -> None:
    """Also where the second one is read last."""
    for name, system in zip(order, ("here", "there"), strict=True):
        write(tmp_path, name, bundle(patient(identifier=[{"system": system, "value": "1"}]), observation(id=system)))
    both = told(tmp_path)
    assert both.findings == []
    assert set(both.reasons()) == {"ambiguous-patient"}


def test_two_patients_with_one_id_in_lines(tmp_path: Path) -> None:
    """Patients are read first, whatever their file is called."""
    both = tell(tmp_path, patient(birthDate="1961-04-02"), patient(birthDate="1971-04-02"), observation())
    assert both.findings == []
    assert set(both.reasons()) == {"ambiguous-patient"}


def test_two_servers_with_one_id(tmp_path: Path) -> None:
    """References alone may show that one id stands for two patients."""
    both = tell(tmp_path, *(observation(id=b, subject={"reference": f"{b}/Patient/007"}) for b in (A, B)))
    assert both.findings == []
    assert set(both.reasons()) == {"ambiguous-patient"}


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({}, {}),
        ({"birthDate": "1961-04-02"}, {"gender": "male"}),
        (
            {"identifier": [{"system": "a", "value": "1"}], "birthDate": "1961-04-02"},
            {"identifier": [{"system": "b", "value": "9"}, {"system": "a", "value": "1"}], "birthDate": "1961-04-03"},
        ),
    ],
)
def test_one_patient_said_twice(tmp_path: Path, one: Json, two: Json) -> None:
    """A repeated or corrected patient is still one."""
    both = tell(tmp_path, patient(**one), patient(**two), observation())
    assert "ambiguous-patient" not in both.reasons()
    assert "body-temperature" in {f["quantity"] for f in both.findings}


def test_duplicates_keep_their_patients_apart(tmp_path: Path) -> None:
    """One observation id under two patients is two records, and neither moves."""
    both = tell(tmp_path, observation(), observation(subject={"reference": "Patient/8"}))
    assert [(f["patient"], f["revised"]) for f in both.findings] == [("007", False), ("8", False)]
