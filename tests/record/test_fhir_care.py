"""FHIR patients, stays, procedures, devices and diagnoses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.record.fhir_bedside import AT, Json, concept, patient, tell

SNOMED = "http://snomed.info/sct"
PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
CM = "http://hl7.org/fhir/sid/icd-10-cm"
PERIOD = {"start": "2026-03-01T08:00:00Z", "end": "2026-03-03T12:00:00Z"}
START, END = datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)


def about(kind: str, **parts: Any) -> Json:
    """A resource about patient 007."""
    return {"resourceType": kind, "id": "x", "subject": {"reference": "Patient/007"}, **parts}


def encounter(code: str | None = "IMP", **parts: Any) -> Json:
    """A stay."""
    kind = {"class": {"code": code}} if code else {}
    return about("Encounter", **{"status": "finished", "period": PERIOD, **kind, **parts})


def test_who(tmp_path: Path) -> None:
    """Date of birth and sex need no time."""
    assert tell(tmp_path, patient(birthDate="1961-04-02", gender="female")).values() == {
        "birth-date": "1961-04-02",
        "sex": "female",
    }


def test_ids_are_text(tmp_path: Path) -> None:
    """007 is not 7."""
    assert tell(tmp_path, patient(gender="male")).finding()["patient"] == "007"


def test_death(tmp_path: Path) -> None:
    """When, and that no cause is stated."""
    found = tell(tmp_path, patient(deceasedDateTime=AT)).finding()
    assert (found["quantity"], found["text"], found["measured_at"].hour) == ("death", "unstated", 7)


def test_death_without_time(tmp_path: Path) -> None:
    """That a patient died at some time cannot be placed in a course."""
    assert tell(tmp_path, patient(deceasedBoolean=True)).refusal()["reason"] == "time-missing"
    assert tell(tmp_path, patient(deceasedBoolean=False)).refusals == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [("IMP", "ward"), ("ACUTE", "ward"), ("EMER", "ward"), ("AMB", "ward"), ("HH", "home")],
)
def test_stays_by_class(tmp_path: Path, code: str, expected: str) -> None:
    """A visit counts as ward: its measurements age faster than those at home."""
    found = tell(tmp_path, encounter(code)).finding()
    assert (found["quantity"], found["text"]) == ("care-setting", expected)
    assert (found["measured_at"], found["measured_until"]) == (START, END)


def test_stays_that_are_nowhere(tmp_path: Path) -> None:
    """A virtual visit says nothing about a place; a class nobody knows is refused."""
    assert tell(tmp_path, encounter("VR")).findings == []
    assert tell(tmp_path, encounter("spaceship")).refusal()["reason"] == "word-unknown"


@pytest.mark.parametrize("status", ["planned", "cancelled"])
def test_stays_that_never_were(tmp_path: Path, status: str) -> None:
    """Planned is not there."""
    assert tell(tmp_path, encounter(status=status)).refusal()["reason"] == "status-not-usable"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"name": "Medical Intensive Care Unit (MICU)"}, "icu"),
        ({"name": "CCU"}, "icu"),
        ({"name": "7 West", "type": [concept("ICU", "http://terminology.hl7.org/CodeSystem/v3-RoleCode")]}, "icu"),
        ({"name": "Neuro Intermediate ICU"}, None),
        ({"name": "Neuro Stepdown"}, None),
        ({"name": "Difficult ward"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_intensive_care_within_a_stay(tmp_path: Path, place: Json, expected: str | None, *, late: bool) -> None:
    """By the type or the name of the place, wherever it stands in the file."""
    period = {"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T20:00:00Z"}
    there = {"resourceType": "Location", "id": "l1", **place}
    stay = encounter(location=[{"location": {"reference": "Location/l1"}, "period": period}])
    found = tell(tmp_path, *([stay, there] if late else [there, stay])).findings
    assert [f["text"] for f in found] == ["ward", *([expected] if expected else [])]
    if expected:
        assert (found[1]["measured_at"].day, found[1]["measured_until"].hour) == (2, 20)
        assert found[1]["record"] != found[0]["record"]


def test_intensive_care_by_the_name_beside_the_reference(tmp_path: Path) -> None:
    """The place itself need not be in the record."""
    stay = encounter(location=[{"location": {"reference": "Location/9", "display": "Surgical ICU"}}])
    assert [f["text"] for f in tell(tmp_path, stay).findings] == ["ward", "icu"]


def test_a_place_that_is_not_in_the_record(tmp_path: Path) -> None:
    """The stay is read all the same."""
    stay = encounter(location=[{"location": {"reference": "Location/9"}}])
    assert tell(tmp_path, stay).finding()["text"] == "ward"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (concept("XW033J7", PCS), ("trigger", "tisagenlecleucel")),
        (concept("5A1955Z", PCS), ("oxygen-device", "ventilator")),
        (concept("112798008", SNOMED), ("oxygen-device", "ventilator")),
        (concept("428311008", "http://snomed.info/sct/731000124108"), ("oxygen-device", "bipap")),
    ],
)
def test_procedures(tmp_path: Path, code: Json, expected: tuple[str, str]) -> None:
    """A cell infusion, a ventilation, from when to when."""
    done = about("Procedure", status="completed", code=code, performedPeriod=PERIOD)
    found = tell(tmp_path, done).finding()
    assert (found["quantity"], found["text"]) == expected
    assert (found["measured_at"], found["measured_until"]) == (START, END)


@pytest.mark.parametrize("status", ["not-done", "preparation", "unknown"])
def test_procedures_that_were_not(tmp_path: Path, status: str) -> None:
    """Not done is not done."""
    done = about("Procedure", status=status, code=concept("XW033J7", PCS), performedDateTime=AT)
    assert tell(tmp_path, done).refusal()["reason"] == "status-not-usable"


@pytest.mark.parametrize(
    "device",
    [
        {"type": concept("261352009", SNOMED)},
        {"type": {"text": "Simple face mask"}},
        {"deviceName": [{"name": "Face mask", "type": "user-friendly-name"}]},
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_devices_for_oxygen(tmp_path: Path, device: Json, *, inside: bool) -> None:
    """By code, by type, by name; beside the statement or inside it."""
    what = {"resourceType": "Device", "id": "d1", **device}
    used = about("DeviceUseStatement", status="active", timingPeriod=PERIOD)
    used["device"] = {"reference": "#d1" if inside else "Device/d1"}
    record = [{**used, "contained": [what]}] if inside else [used, what]
    found = tell(tmp_path, *record).finding()
    assert (found["text"], found["measured_at"], found["measured_until"]) == ("simple-mask", START, END)


@pytest.mark.parametrize("display", ["Zorblax mask 9000", "O2 thing", "Positive airway pressure helmet"])
def test_a_device_that_may_give_oxygen_ends_the_one_before(tmp_path: Path, display: str) -> None:
    """Room air charted an hour ago must not stand beside a mask nobody knows."""
    record = tell(
        tmp_path, about("DeviceUseStatement", status="active", timingPeriod=PERIOD, device={"display": display})
    )
    [finding], [refused] = record.findings, record.refusals
    assert (finding["quantity"], finding["text"]) == ("oxygen-device", "unrecognised")
    assert (refused["reason"], refused["detail"]) == ("word-unknown", display)


def test_devices_for_anything_else(tmp_path: Path) -> None:
    """A wheelchair does not end the oxygen."""
    used = about("DeviceUseStatement", status="active", timingPeriod=PERIOD, device={"display": "Wheelchair"})
    assert tell(tmp_path, used).refusal()["reason"] == "code-unknown"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("D89.832", ("documented-crs-grade", 2.0, 2.0)),
        ("D89832", ("documented-crs-grade", 2.0, 2.0)),
        ("D89.839", ("documented-crs-grade", 1.0, 5.0)),
        ("G92.04", ("documented-icans-grade", 4.0, 4.0)),
    ],
)
def test_documented_grades(tmp_path: Path, code: str, expected: tuple[str, float, float]) -> None:
    """With or without the dot; unspecified is a range."""
    found = tell(tmp_path, about("Condition", code=concept(code, CM), onsetDateTime=AT)).finding()
    assert (found["quantity"], found["low"], found["high"]) == expected


@pytest.mark.parametrize(
    ("verified", "reason"), [("refuted", "status-not-usable"), ("differential", "status-not-usable"), ("confirmed", "")]
)
def test_diagnoses_that_may_not_be(tmp_path: Path, verified: str, reason: str) -> None:
    """A diagnosis under discussion is none."""
    said = about("Condition", code=concept("D89.832", CM), recordedDate=AT, verificationStatus=concept(verified, "s"))
    assert tell(tmp_path, said).reasons() == ([reason] if reason else [])


def test_other_resources_are_counted(tmp_path: Path) -> None:
    """What is not read is said, once per type."""
    claims = [{"resourceType": "Claim", "id": str(n)} for n in range(3)]
    refused = tell(tmp_path, *claims, patient(gender="male")).refusals
    assert [(r["reason"], r["detail"]) for r in refused] == [
        ("resource-not-read", "Claim: 3, of a type that grades nothing")
    ]


@pytest.mark.parametrize(
    "code",
    [
        {"text": "Infusion of tisagenlecleucel (Kymriah)"},
        {"coding": [{"system": "urn:local", "code": "77", "display": "CAR-T: Kymriah"}]},
    ],
)
def test_a_product_that_only_a_text_names_is_said_and_not_taken_as_given(tmp_path: Path, code: Json) -> None:
    """A talk about it reads alike, so nothing is graded from it; but nobody has to search for it."""
    refusal = tell(tmp_path, about("Procedure", code=code, status="completed", performedDateTime=AT)).refusal()
    assert (refusal["reason"], refusal["patient"]) == ("product-in-text-only", "007")
    assert "tisagenlecleucel" in refusal["detail"]


def test_a_product_that_was_not_given_gives_no_hint(tmp_path: Path) -> None:
    """A procedure that was not done is none."""
    done = about("Procedure", code={"text": "Kymriah"}, status="not-done", performedDateTime=AT)
    assert tell(tmp_path, done).refusal()["reason"] != "product-in-text-only"
