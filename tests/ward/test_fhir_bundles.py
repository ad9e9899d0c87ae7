"""Bundles: a transaction whole or not at all, about one patient; a batch each by itself; notifications; who is whom."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from leeward.ward.world import World

from .conftest import NOW
from .fhir_sent import HEADERS, Said, at, bundle, codes, infusion, person, post, pressure, put, send, temperature

LINK = {"other": {"reference": "Patient/007"}, "type": "replaced-by"}


def statuses(answer: Any) -> list[str]:
    """What became of each entry."""
    return [entry["response"]["status"] for entry in answer.json()["entry"]]


def stay(status: str = "in-progress", id_: str = "e1", start: str | None = None, **more: Any) -> Said:
    """A stay on ward 7, bed 12."""
    beds = [
        {"location": {"reference": "Location/w7"}, "status": "active"},
        {"location": {"display": "12"}, "physicalType": {"coding": [{"code": "bd"}]}, "status": "active"},
    ]
    return {
        "resourceType": "Encounter", "id": id_, "status": status, "class": {"code": "IMP"},
        "subject": {"reference": "Patient/007"}, "period": {"start": start or at(hours=50)}, "location": beds, **more,
    }  # fmt: skip


WARD = {"resourceType": "Location", "id": "w7", "name": "Ward 7", "physicalType": {"coding": [{"code": "wa"}]}}


def test_a_transaction_gives_its_own_ids_and_follows_them(client: TestClient, world: World) -> None:
    """Also twice, with other temporary addresses: the same ids, nothing new."""

    def sent(mark: str) -> Any:
        person_, one = {**person(), "id": "ignored"}, temperature(patient="x")
        one["subject"] = {"reference": f"urn:uuid:{mark}-p"}
        return send(client, bundle("transaction", post(one, f"urn:uuid:{mark}-t"), post(person_, f"urn:uuid:{mark}-p")))

    first, again = sent("a"), sent("b")
    assert (statuses(first), statuses(again)) == (["201", "201"], ["200", "200"])
    places = [[e["response"]["location"] for e in one.json()["entry"]] for one in (first, again)]
    assert places[0] == places[1]
    [held] = world.store.patients()
    assert held.patient in places[0][1]
    assert world.store.findings_of(held.patient)["quantity"].to_pylist().count("body-temperature") == 1


def test_a_transaction_is_all_or_nothing(client: TestClient, world: World) -> None:
    """One bad entry, named by its place, and nothing of the others is kept."""
    bad = temperature(id_="t2", effectiveDatetime="x")
    answer = send(client, bundle("transaction", put(temperature()), put(infusion()), put(bad)))
    place = "Bundle.entry[2].resource.effectiveDatetime"
    assert (answer.status_code, codes(answer)) == (422, [("structure", place)])
    assert client.get("/fhir/Observation/t1").status_code == 404
    assert world.store.patients() == []


def test_a_batch_takes_each_by_itself(client: TestClient, world: World) -> None:
    """Two patients, a bad entry, a read and a search of what is there."""
    send(client, temperature(id_="t0"))
    read = {"request": {"method": "GET", "url": "Observation/t0"}}
    seek = {"request": {"method": "GET", "url": "Observation?patient=007&code=8310-5"}}
    entries = [put(temperature()), put(temperature(id_="b", patient="8")), post(WARD | {"x": 1}), read, seek,
               {"request": {"method": "GET", "url": "Observation/none"}}]  # fmt: skip
    answer = send(client, bundle("batch", *entries))
    assert statuses(answer) == ["201", "201", "422", "200", "200", "404"]
    assert answer.json()["entry"][2]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[2].resource.x"]
    assert answer.json()["entry"][4]["resource"]["total"] == 2
    assert {held.patient for held in world.store.patients()} == {"007", "8"}


def test_a_reference_by_identifier_finds_whom_it_means(client: TestClient, world: World) -> None:
    """Within a Bundle only; nobody: the whole is refused."""
    send(client, person())
    one = temperature() | {"subject": {"reference": "Patient?identifier=urn:mrn|MRN-007"}}
    assert statuses(send(client, bundle("transaction", put(one)))) == ["201"]
    assert world.store.findings_of("007")["quantity"].to_pylist().count("body-temperature") == 1
    one = temperature(id_="t2") | {"subject": {"reference": "Patient?identifier=urn:mrn|nobody"}}
    answer = send(client, bundle("transaction", put(one)))
    assert (answer.status_code, codes(answer)[0][0]) == (412, "not-found")
    assert "nobody" not in answer.text


def test_26_a_transaction_of_two_patients_is_refused_whole(client: TestClient, world: World) -> None:
    """Nothing of either is kept."""
    answer = send(client, bundle("transaction", put(temperature()), put(pressure(patient="8"))))
    assert (answer.status_code, codes(answer)) == (422, [("business-rule", "Bundle.entry[1].resource.subject")])
    assert world.store.patients() == []


def test_26_a_transaction_with_an_entry_of_nobody_is_refused_whole(client: TestClient, world: World) -> None:
    """A missing subject."""
    nobody = {name: held for name, held in pressure().items() if name != "subject"}
    answer = send(client, bundle("transaction", put(temperature()), put(nobody)))
    assert (answer.status_code, codes(answer)) == (422, [("required", "Bundle.entry[1].resource.subject")])
    assert world.store.patients() == []


def test_26_ids_are_text(client: TestClient, world: World) -> None:
    """007 is not 7, and an id that is a number is refused."""
    send(client, temperature(patient="007"))
    send(client, temperature(id_="t2", patient="7"))
    assert [held.patient for held in world.store.patients()] == ["007", "7"]
    answer = client.put("/fhir/Patient/7", json={"resourceType": "Patient", "id": 7}, headers=HEADERS)
    assert answer.status_code in (400, 422)


def test_26_nothing_moves_to_another_patient(client: TestClient, world: World) -> None:
    """An update that names another is refused, and so is another person under an id."""
    send(client, temperature())
    answer = send(client, temperature(patient="8"))
    assert (answer.status_code, codes(answer)) == (409, [("business-rule", "Observation.subject")])
    send(client, person())
    other = person() | {"identifier": [{"system": "urn:mrn", "value": "other"}], "birthDate": "1990-01-01"}
    answer = send(client, other)
    assert (answer.status_code, codes(answer)) == (409, [("business-rule", "Patient.identifier")])
    assert [held.patient for held in world.store.patients()] == ["007"]


def test_26_a_link_merges_and_its_end_parts(client: TestClient, world: World) -> None:
    """Said of the one who goes; both read as one until it is taken back."""
    send(client, bundle("transaction", put(person()), put(temperature())))
    send(client, bundle("transaction", put(person("old")), put(pressure(patient="old"))))
    send(client, person("old", active=False, link=[LINK]))
    held = {one.patient: one.merged_into for one in world.store.patients()}
    assert held == {"007": None, "old": "007"}
    handle = world.store.handle_of("007")
    assert client.get(f"/fhir/Observation?patient={handle}").json()["total"] == 2
    send(client, person("old"))
    assert [one.merged_into for one in world.store.patients()] == [None, None]
    assert client.get(f"/fhir/Observation?patient={handle}").json()["total"] == 1


def test_26_one_transaction_may_name_both_when_it_merges_them(client: TestClient, world: World) -> None:
    """The link in it says that they are one."""
    sent = bundle("transaction", put(person("old", link=[LINK])), put(temperature()), put(pressure(patient="old")))
    assert statuses(send(client, sent)) == ["201", "201", "201"]
    assert {one.patient: one.merged_into for one in world.store.patients()} == {"007": None, "old": "007"}


def test_a_stay_places_and_its_end_discharges(client: TestClient, world: World) -> None:
    """Unit and bed from the places of the encounter; another visit of the same patient changes neither."""
    send(client, person())
    send(client, WARD)
    send(client, stay())
    held = world.store.patient("007")
    assert held is not None
    assert (held.unit, held.bed, held.label) == ("Ward 7", "12", "AM, 64")
    send(client, stay("finished", "visit", start=at(hours=80)))
    assert (held := world.store.patient("007")) is not None
    assert held.discharged_at is None
    send(client, stay("finished"))
    assert (held := world.store.patient("007")) is not None
    assert held.discharged_at == NOW
    send(client, stay("in-progress"))
    assert (held := world.store.patient("007")) is not None
    assert (held.discharged_at, held.unit) == (None, "Ward 7")


def test_a_visit_as_outpatient_places_nobody(client: TestClient, world: World) -> None:
    """Its class says so."""
    send(client, WARD)
    send(client, stay() | {"class": {"code": "AMB"}})
    held = world.store.patient("007")
    assert held is not None
    assert held.unit is None


@pytest.mark.parametrize("most", [500])
def test_43_a_bundle_of_more_entries_than_allowed_is_refused(client: TestClient, world: World, most: int) -> None:
    """One more than the limit: 413, and nothing of it is kept; the limit itself is taken."""
    entries = [put(temperature(36 + number / 1000, f"t{number}")) for number in range(most + 1)]
    answer = send(client, bundle("transaction", *entries))
    assert (answer.status_code, codes(answer)) == (413, [("too-costly", "Bundle.entry")])
    assert world.store.patients() == []
    assert set(statuses(send(client, bundle("transaction", *entries[:most])))) == {"201"}
    assert world.store.findings_of("007").num_rows == most


def test_43_ten_thousand_and_one_entries_are_refused_before_they_are_read(client: TestClient) -> None:
    """By the shape of the body alone."""
    answer = send(client, bundle("batch", *[{"x": 1}] * 10_001))
    assert answer.status_code == 413


@pytest.mark.parametrize("sent", [bundle("history"), bundle("document"), {"resourceType": "Bundle"},
                                  {"resourceType": "Bundle", "type": "batch", "entry": {}},
                                  bundle("batch") | {"entry": [1]}])  # fmt: skip
def test_other_bundles_are_refused(client: TestClient, sent: Said) -> None:
    """Each with a code."""
    answer = send(client, sent)
    assert answer.status_code == 400
    assert codes(answer)[0][0] in ("not-supported", "structure")


def test_a_name_twice_in_a_transaction_is_refused(client: TestClient) -> None:
    """FHIR allows each resource once."""
    answer = send(client, bundle("transaction", put(temperature()), put(temperature(39))))
    assert codes(answer) == [("duplicate", "Bundle.entry")]


# ---------------------------------------------------------------- notifications


def notify(client: TestClient, one: Said, feed: str = "") -> Any:
    """Another server's Subscription tells us."""
    return client.post(f"/fhir/$notification{feed}", json=one, headers=HEADERS)


STATUS = {"resource": {"resourceType": "Parameters", "parameter": [{"name": "type", "valueCode": "handshake"}]}}


def test_a_notification_brings_what_changed(client: TestClient, world: World) -> None:
    """With its status first, as R4 has it; a deletion takes back; a handshake alone is fine."""
    assert notify(client, bundle("history", STATUS)).status_code == 200
    event = bundle("history", STATUS, put(temperature()), put(pressure(patient="8")))
    assert notify(client, event).status_code == 200
    assert {held.patient for held in world.store.patients()} == {"007", "8"}
    gone = {"request": {"method": "DELETE", "url": "Observation/t1"}}
    assert notify(client, bundle("history", gone)).status_code == 200
    assert client.get("/fhir/Observation/t1").status_code == 410
    assert notify(client, temperature(39, "t9")).status_code == 200
    assert client.get("/fhir/Observation/t9").json()["valueQuantity"]["value"] == 39


def test_what_a_notification_lacks_is_said_and_counted(client: TestClient, world: World) -> None:
    """An entry without resource; a resource of nobody, kept apart; nothing at all that can be taken."""
    nobody = {name: held for name, held in pressure().items() if name != "subject"}
    empty = {"fullUrl": "https://ehr.example/fhir/Observation/9"}
    answer = notify(client, bundle("history", STATUS, put(temperature()), put(nobody), empty))
    assert answer.status_code == 200
    assert codes(answer) == [("incomplete", "Bundle.entry[3].resource"),
                             ("required", "Bundle.entry[2].resource.subject"), ("informational", None)][:2]  # fmt: skip
    alone = notify(client, nobody)
    assert (alone.status_code, codes(alone)) == (422, [("required", "Observation.subject")])
    assert client.post("/fhir/$notification", headers=HEADERS).status_code == 200


def test_a_notification_for_a_feed_that_is_not_set_is_refused(client: TestClient) -> None:
    """404, as an OperationOutcome."""
    assert codes(notify(client, temperature(), "/nowhere")) == [("not-found", None)]
