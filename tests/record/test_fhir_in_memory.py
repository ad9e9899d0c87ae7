"""FHIR that arrives as bytes says what the same bytes say in files, and names its parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from leeward.record.fhir.in_memory import from_bytes
from leeward.record.read import read
from leeward.record.settings import Settings
from tests.record.fhir_bedside import NOW, RXNORM, administration, bundle, concept, observation, patient, quantity

Json = dict[str, Any]
SETTINGS = Settings(now=NOW)
MEDICATION = {"resourceType": "Medication", "id": "toci", "code": concept("612865", RXNORM)}
BY_REFERENCE = administration(medicationCodeableConcept=None, medicationReference={"reference": "Medication/toci"})


def texts(**parts: Json) -> dict[str, bytes]:
    """Resources as bytes."""
    return {name: json.dumps(part).encode() for name, part in parts.items()}


def rows(findings: list[Json]) -> list[Json]:
    """Without the name of the file, in an order of their own."""
    bare = [{key: value for key, value in row.items() if key != "source"} for row in findings]
    return sorted(bare, key=lambda row: json.dumps(row, default=str))


def test_bytes_say_what_files_say(tmp_path: Path) -> None:
    """A Bundle of observations and what was given, with an entry that grades nothing."""
    parts = texts(
        patient=patient("007", birthDate="1980-01-01"),
        vitals=bundle(
            observation(id="a"),
            observation("8480-6", id="b", valueQuantity=quantity(88, "mm[Hg]")),
            {"resourceType": "Claim"},
        ),
        given=bundle(MEDICATION, BY_REFERENCE),
    )
    for name, text in parts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(json.loads(text), indent=1))  # a document, not lines
    read_from_files = read(tmp_path, now=NOW)
    record = from_bytes(parts, SETTINGS)
    assert rows(record.findings.to_pylist()) == rows(read_from_files.findings.to_pylist())
    assert rows(record.refusals.to_pylist()) == rows(read_from_files.refusals.to_pylist())
    assert record.refused == {"resource-not-read": 1}


def test_a_finding_names_the_part_it_came_in() -> None:
    """The key, and the entry within it."""
    found = from_bytes(texts(vitals=bundle(observation(id="a"))), SETTINGS).findings.to_pylist()
    assert [(row["source"], row["place"], row["low"]) for row in found] == [("vitals", "entry 1", 38.5)]


def test_what_refers_to_a_later_part_waits_for_it() -> None:
    """A drug given in one part whose Medication comes in the next; without it, it is refused."""
    parts = texts(given=bundle(BY_REFERENCE), drugs=bundle(MEDICATION))
    assert [row["quantity"] for row in from_bytes(parts, SETTINGS).findings.to_pylist()] == ["tocilizumab"]
    del parts["drugs"]
    assert len(from_bytes(parts, SETTINGS)) == 0


def test_an_id_that_stands_for_two_patients_grades_nothing() -> None:
    """Whichever part the second of them comes in."""
    one, other = ({"identifier": [{"system": "urn:mrn", "value": value}]} for value in ("1", "2"))
    parts = texts(a=bundle(patient("007", **one), observation()), b=bundle(patient("007", **other)))
    record = from_bytes(parts, SETTINGS)
    assert len(record) == 0
    assert "ambiguous-patient" in record.refused


def test_a_part_that_is_no_json_is_refused_and_the_others_are_read() -> None:
    """Refused with its place and without a word of what it says."""
    record = from_bytes({"broken": b'{"resourceType": "Bundle", ', **texts(a=observation())}, SETTINGS)
    assert len(record) == 1
    refused = record.refusals.to_pylist()
    assert [(row["reason"], row["source"]) for row in refused] == [("line-unreadable", "broken")]


def test_02_a_unit_of_another_dimension_is_refused_and_the_rest_is_read() -> None:
    """A pressure in degrees, of which no arithmetic is possible, and a drug in degrees beside a rate without weight."""
    rate = administration(
        id="r", medicationCodeableConcept=concept("7512", RXNORM), dosage={"rateQuantity": quantity(5, "ug/kg/min")}
    )
    strange = administration(
        id="s", medicationCodeableConcept=concept("7512", RXNORM), dosage={"rateQuantity": quantity(5, "Cel")}
    )
    pressure = observation("8480-6", id="p", valueQuantity=quantity(88, "Cel"))
    record = from_bytes(texts(a=bundle(pressure, rate, strange, observation(id="t"))), SETTINGS)
    assert record.refused == {"rate-missing-weight": 1, "unit-unknown": 2}
    assert sorted(record.findings["quantity"].to_pylist()) == ["body-temperature", "norepinephrine", "norepinephrine"]
