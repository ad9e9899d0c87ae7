"""Resources that are brought by FHIR: kept as they came, read as findings, refused with a code and a place."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from leeward.ward.alerts.record import standing
from leeward.ward.clock import SetClock
from leeward.ward.world import World

from .conftest import NOW
from .fhir_sent import FHIR, HEADERS, at, codes, infusion, person, pressure, send, temperature


def fevers(world: World, patient: str = "007") -> list[Any]:
    """The temperatures that stand now."""
    found = standing(world.store.known([patient]).findings, world.clock.now())
    return [one.value for one in found if one.quantity == "body-temperature"]


def rows(world: World, patient: str = "007") -> list[dict[str, Any]]:
    """Everything on record of a patient."""
    held: list[dict[str, Any]] = world.store.findings_of(patient).to_pylist()
    return held


def test_a_temperature_is_kept_and_read(client: TestClient, world: World) -> None:
    """The resource comes back as it was sent, each digit of it; the finding names it as its place."""
    sent = json.dumps(temperature()).replace("38.6", "38.60")
    answer = client.put("/fhir/Observation/t1", content=sent, headers=HEADERS)
    assert answer.status_code == 201
    assert answer.headers["etag"] == 'W/"1"'
    [row] = rows(world)
    assert (row["low"], row["place"], row["record"], row["source"]) == (
        pytest.approx(38.6), "Observation/t1", "Observation/t1", "fhir",
    )  # fmt: skip
    back = client.get("/fhir/Observation/t1")
    assert back.headers["content-type"] == FHIR
    assert "38.60" in back.text
    assert back.json()["meta"]["versionId"] == "1"


def test_the_same_again_changes_nothing(client: TestClient, world: World) -> None:
    """By PUT and by POST, which gives the same content the same id."""
    first, again = send(client, temperature()), send(client, temperature())
    assert (first.status_code, again.status_code, again.headers["etag"]) == (201, 200, 'W/"1"')
    bare = {name: held for name, held in temperature().items() if name != "id"}
    made = [client.post("/fhir/Observation", json=bare, headers=HEADERS) for _ in range(2)]
    assert [one.status_code for one in made] == [201, 200]
    assert made[0].headers["location"] == made[1].headers["location"]
    assert len(rows(world)) == 2


def test_what_grades_nothing_is_said(client: TestClient, world: World) -> None:
    """A unit that cannot be: kept, refused by reason, told as a warning without the value."""
    answer = send(client, temperature(101.3))
    assert answer.status_code == 201
    [issue] = answer.json()["issue"]
    assert (issue["severity"], issue["details"]["coding"][0]["code"]) == ("warning", "implausible-for-unit")
    assert "101.3" not in answer.text
    for wish in ("minimal", "representation"):
        again = send(client, temperature(101.3, id_=wish), Prefer=f"return={wish}")
        assert "implausible-for-unit" in again.text + again.headers.get("warning", "")
    assert world.store.known(["007"]).refusals.num_rows == 3


@pytest.mark.parametrize(("wish", "kind"), [("minimal", None), ("representation", "Observation"),
                                            ("OperationOutcome", "OperationOutcome")])  # fmt: skip
def test_prefer_says_what_comes_back(client: TestClient, wish: str, kind: str | None) -> None:
    """Nothing, the resource, or how it went."""
    answer = send(client, temperature(), Prefer=f"return={wish}")
    assert (answer.json()["resourceType"] if answer.content else None) == kind


def test_if_match_names_the_version_on_record(client: TestClient) -> None:
    """Another: 412, and nothing is changed."""
    send(client, temperature())
    assert send(client, temperature(39), **{"If-Match": 'W/"1"'}).status_code == 200
    late = send(client, temperature(40), **{"If-Match": 'W/"1"'})
    assert (late.status_code, codes(late)) == (412, [("conflict", None)])
    assert client.get("/fhir/Observation/t1").json()["valueQuantity"]["value"] == 39


def test_create_and_update_by_identifier(client: TestClient, world: World) -> None:
    """None there: made; one there: found, or updated; several: 412."""
    named = temperature(identifier=[{"system": "urn:lab", "value": "7"}])
    del named["id"]
    unless = HEADERS | {"If-None-Exist": "identifier=urn:lab|7"}
    made, found = (client.post("/fhir/Observation", json=named, headers=unless) for _ in range(2))
    assert (made.status_code, found.status_code, made.headers["location"]) == (201, 200, found.headers["location"])
    newer = named | {"valueQuantity": {**named["valueQuantity"], "value": 39.4}}
    updated = client.put("/fhir/Observation?identifier=urn:lab%7C7", json=newer, headers=HEADERS)
    assert (updated.status_code, updated.headers["etag"]) == (200, 'W/"2"')
    assert fevers(world) == [39.4]
    send(client, temperature(id_="other", identifier=[{"system": "urn:lab", "value": "7"}]))
    several = client.put("/fhir/Observation?identifier=urn:lab%7C7", json=newer, headers=HEADERS)
    assert (several.status_code, codes(several)) == (412, [("multiple-matches", None)])
    by_mrn = client.put("/fhir/Patient?identifier=urn:mrn%7C1", json=person(), headers=HEADERS)
    assert (by_mrn.status_code, codes(by_mrn)) == (400, [("security", "http.identifier")])


def test_19_a_time_in_the_future_is_refused_and_counted(client: TestClient, world: World) -> None:
    """A clock that runs two hours ahead: kept apart, told, and grades nothing."""
    answer = send(client, temperature(effectiveDateTime=(NOW + timedelta(hours=2)).isoformat()))
    assert [one["details"]["coding"][0]["code"] for one in answer.json()["issue"]] == ["future-time"]
    assert fevers(world) == []


def test_21_a_late_result_counts_when_it_was_measured_and_from_when_it_reached_us(
    client: TestClient, world: World, clock: SetClock
) -> None:
    """What was known before it came does not hold it."""
    clock.advance(timedelta(hours=6))
    send(client, temperature())
    assert fevers(world) == [38.6]
    assert world.store.findings_of("007", known_at=NOW + timedelta(hours=5)).num_rows == 0


def test_22_measured_and_reported_are_both_kept(client: TestClient, world: World) -> None:
    """The one grades, the other orders versions."""
    send(client, temperature(issued=at(minutes=10)))
    [row] = rows(world)
    assert (row["measured_at"], row["reported_at"]) == (NOW - timedelta(hours=1), NOW - timedelta(minutes=10))


@pytest.mark.parametrize("by", ["lastUpdated", "versionId", "issued"])
def test_23_a_final_then_corrected_value_and_an_older_message_after_the_newer(
    client: TestClient, world: World, by: str
) -> None:
    """The newest by the sender's own version wins, whatever comes last; both stay in the history."""

    def version(value: float, number: int, status: str) -> dict[str, Any]:
        said: Any = str(number) if by == "versionId" else at(minutes=30 - number)
        return temperature(value, status=status) | ({by: said} if by == "issued" else {"meta": {by: said}})

    send(client, version(36.8, 2, "corrected"))
    late = send(client, version(39.9, 1, "final"))
    assert [one["code"] for one in late.json()["issue"]] == ["informational"]
    assert fevers(world) == [36.8]
    assert client.get("/fhir/Observation/t1").json()["valueQuantity"]["value"] == 36.8
    assert client.get("/fhir/Observation/t1/_history").json()["total"] == 2
    assert client.get("/fhir/Observation/t1/_history/2").json()["valueQuantity"]["value"] == 39.9


def test_23_an_update_without_a_version_replaces(client: TestClient, world: World) -> None:
    """And so does going back to what was said first."""
    for value in (38.6, 39.0, 38.6):
        send(client, temperature(value))
    assert fevers(world) == [38.6]
    assert client.get("/fhir/Observation/t1/_history").json()["total"] == 3


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=24)])
def test_24_what_is_taken_back_grades_nothing_and_stays_in_the_history(
    client: TestClient, world: World, ahead: timedelta
) -> None:
    """By DELETE, also of a sender whose clock is ahead of ours."""
    send(client, temperature(meta={"lastUpdated": (NOW + ahead).isoformat()}))
    assert client.delete("/fhir/Observation/t1").status_code == 204
    assert client.delete("/fhir/Observation/t1").status_code == 204
    assert fevers(world) == []
    gone = client.get("/fhir/Observation/t1")
    assert (gone.status_code, codes(gone)) == (410, [("deleted", None)])
    past = client.get("/fhir/Observation/t1/_history").json()
    assert [one["request"]["method"] for one in past["entry"]] == ["DELETE", "POST"]


def test_24_entered_in_error_takes_back(client: TestClient, world: World) -> None:
    """By status, of an observation and of a dose."""
    for one in (temperature(), infusion()):
        send(client, one)
        send(client, one | {"status": "entered-in-error"})
    assert standing(world.store.known(["007"]).findings, NOW) == []


@pytest.mark.parametrize(("status", "grades"), [("preliminary", True), ("registered", False), ("unknown", False)])
def test_25_a_status_grades_by_rule(client: TestClient, world: World, status: str, grades: bool) -> None:
    """Preliminary may grade; registered and unknown never."""
    send(client, temperature(status=status))
    assert bool(fevers(world)) is grades


def test_27_one_value_from_two_sources_within_a_minute_is_kept_twice(client: TestClient, world: World) -> None:
    """The monitor's and the nurse's stand beside each other; which one counts is the rule's to say, not the door's."""
    send(client, temperature(38.6, "monitor"))
    send(client, temperature(38.4, "nurse", effectiveDateTime=at(minutes=59.5)))
    assert sorted(fevers(world)) == [38.4, 38.6]
    assert {row["place"] for row in rows(world)} == {"Observation/monitor", "Observation/nurse"}


NOBODY = {name: held for name, held in temperature().items() if name != "subject"}
REFUSED: list[tuple[str, dict[str, Any], int, tuple[str, str | None]]] = [
    ("no subject", NOBODY, 422, ("required", "Observation.subject")),
    ("a subject that is no patient", temperature() | {"subject": {"reference": "Group/1"}}, 422,
     ("value", "Observation.subject.reference")),
    ("another server's patient", temperature() | {"subject": {"reference": "https://other.example/fhir/Patient/1"}},
     422, ("value", "Observation.subject.reference")),
    ("a misspelt element", temperature(effectiveDatetime="x"), 422, ("structure", "Observation.effectiveDatetime")),
    ("a modifier", temperature() | {"valueQuantity": {"modifierExtension": [{"url": "urn:x"}]}}, 422,
     ("extension", "Observation.valueQuantity.modifierExtension")),
    ("rules elsewhere", temperature(implicitRules="urn:x"), 422, ("not-supported", "Observation.implicitRules")),
    ("a code that is a number", temperature() | {"code": {"coding": [{"code": 8310}]}}, 422,
     ("structure", "Observation.code.coding[0].code")),
    ("another id", temperature(id_="t2"), 400, ("value", "Observation.id")),
    ("another type", person("t1"), 400, ("value", "resourceType")),
    ("a medication that is not there", infusion("t1") | {"medicationReference": {"reference": "Medication/9"}}, 400,
     ("value", "resourceType")),
]  # fmt: skip


@pytest.mark.parametrize(("one", "status", "issue"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_refusal_names_code_and_place(
    client: TestClient, world: World, one: dict[str, Any], status: int, issue: tuple[str, str | None]
) -> None:
    """And holds no value; nothing is kept."""
    answer = client.put("/fhir/Observation/t1", json=one, headers=HEADERS)
    assert (answer.status_code, codes(answer)) == (status, [issue])
    assert "38.6" not in answer.text
    assert "007" not in answer.text
    assert world.store.patients() == []


def test_a_dose_of_what_is_not_on_record_is_refused_until_it_is(client: TestClient, world: World) -> None:
    """Without the medication nobody knows what was given."""
    given = infusion()
    coded = given.pop("medicationCodeableConcept")
    given["medicationReference"] = {"reference": "Medication/m1"}
    assert codes(send(client, given)) == [("not-found", "MedicationAdministration")]
    send(client, {"resourceType": "Medication", "id": "m1", "code": coded})
    assert send(client, given).status_code == 201
    assert [row["text"] for row in rows(world)] == ["axicabtagene ciloleucel"]


@pytest.mark.parametrize(("body", "status"), [
    ('{"resourceType":"Observation","id":"t1","status":"final","status":"amended"}', 400),
    ('{"resourceType":"Observation","id":"t1","x":' + "[" * 100 + "]" * 100 + "}", 413),
    ('{"resourceType":"Observation","id":"t1","valueQuantity":{"value":NaN}}', 400),
    ("[" * 100_000, 413), ("", 400), ("{", 400), ('"text"', 400),
])  # fmt: skip
def test_43_what_is_no_json_of_a_resource_is_refused(client: TestClient, body: str, status: int) -> None:
    """A name twice, a hundred levels, NaN, nothing: an OperationOutcome each time."""
    answer = client.put("/fhir/Observation/t1", content=body, headers=HEADERS)
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")


def test_43_a_number_beyond_all_numbers_is_refused_alone(client: TestClient, world: World) -> None:
    """1e999 is no temperature; its neighbours are kept."""
    body = json.dumps(temperature()).replace("38.6", "1e999")
    answer = client.put("/fhir/Observation/t1", content=body, headers=HEADERS)
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "not-a-number"
    send(client, pressure())
    assert [row["quantity"] for row in rows(world)] == ["systolic-bp"]


@pytest.mark.parametrize("kind", ["application/fhir+xml", "application/xml", "text/xml", "application/zip"])
def test_44_xml_and_archives_are_not_read(client: TestClient, kind: str) -> None:
    """415, whatever they hold."""
    entity = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><Observation>&y;</Observation>'
    answer = client.put("/fhir/Observation/t1", content=entity, headers={"Content-Type": kind})
    assert (answer.status_code, codes(answer)) == (415, [("not-supported", None)])


@pytest.mark.parametrize(("method", "where", "status"), [
    ("GET", "/fhir/Observation/none", 404), ("GET", "/fhir/Foo/1", 404), ("GET", "/fhir/Foo", 404),
    ("PATCH", "/fhir/Observation/t1", 405), ("DELETE", "/fhir/Medication/m1", 405), ("GET", "/fhir/nowhere_", 404),
    ("GET", "/fhir/Observation", 400), ("GET", "/fhir/metadata?_format=xml", 406),
    ("GET", "/fhir/Patient?identifier=1", 400), ("GET", "/fhir/Patient?name=x", 400),
])  # fmt: skip
def test_every_refusal_is_an_operation_outcome(client: TestClient, method: str, where: str, status: int) -> None:
    """Also where the framework itself refuses."""
    answer = client.request(method, where)
    assert (answer.status_code, answer.headers["content-type"]) == (status, FHIR)
    assert answer.json()["issue"][0]["code"]


def test_a_name_is_not_kept(client: TestClient, world: World) -> None:
    """The board is given initials and age; nothing else of a name, address or telephone stays."""
    said = person(telecom=[{"value": "555-0199"}], address=[{"city": "Springfield"}], text={"status": "generated"})
    send(client, said)
    [held] = world.store.patients()
    assert held.label == "AM, 64"
    back = client.get("/fhir/Patient/007").text
    assert not [word for word in ("Mendez", "Ana", "555-0199", "Springfield") if word in back]
    assert "SUBSETTED" in back


def test_26_one_person_under_two_ids_is_said_and_merges(client: TestClient) -> None:
    """Two records of one identifier are graded apart, with a warning, until a link says who replaces whom."""
    same = {"identifier": [{"system": "urn:mrn", "value": "MRN-1"}]}
    assert send(client, person("A", **same)).json().get("issue", [{}])[0].get("code") != "duplicate"
    second = send(client, person("B", **same), Prefer="return=OperationOutcome")
    assert second.status_code == 201
    assert ("duplicate", "Patient.identifier") in codes(second)
    linked = person("B", **same, link=[{"other": {"reference": "Patient/A"}, "type": "replaced-by"}])
    merged = send(client, linked, Prefer="return=OperationOutcome")
    assert merged.status_code < 300
    assert "duplicate" not in [code for code, _ in codes(merged)]
