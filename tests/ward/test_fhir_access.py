"""Whose record it is decides at every address of FHIR: another's patient and nobody's are the same 404."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from leeward.ward.access import Person
from leeward.ward.world import World

from .fhir_sent import HEADERS, Said, bundle, infusion, person, pressure, put, send, temperature

MINE = Person(id="app", name="App", role="clinician", patients=frozenset({"A"}))


@pytest.fixture
def ours(client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Patients A and B on record; whoever asks may see A only. Their handles."""
    for name in ("A", "B"):
        entries = [put(person(name)), put(infusion(f"i{name}", name)), put(temperature(38.6, f"t{name}", name))]
        send(client, bundle("transaction", *entries))
    handles = {name: world.store.handle_of(name) or "" for name in ("A", "B")}
    grades = client.get(f"/fhir/Observation?patient={handles['B']}&category=leeward-grade").json()
    handles["grade of B"] = grades["entry"][0]["resource"]["id"]
    monkeypatch.setattr(world.access, "person_of", lambda _request: MINE)
    return handles


def reads(handles: dict[str, str], name: str, of: str) -> list[tuple[str, str, Any]]:
    """Every way to ask for a patient: `name` their id, `of` the ending of the ids of their resources."""
    handle = handles.get(name, "f" * 24)
    grade = handles["grade of B"].replace(handles["B"], handle)
    kinds = ("Observation", "MedicationAdministration", "Procedure", "Condition", "Encounter", "RiskAssessment",
             "DetectedIssue", "CarePlan")  # fmt: skip
    return [
        ("GET", f"/fhir/Patient/{name}", None), ("GET", f"/fhir/Patient/{handle}", None),
        ("GET", f"/fhir/Patient/{name}/_history", None), ("GET", f"/fhir/Patient/{name}/_history/1", None),
        ("GET", f"/fhir/Observation/t{of}", None), ("GET", f"/fhir/Observation/t{of}/_history", None),
        ("GET", f"/fhir/Observation/t{of}/_history/1", None), ("GET", f"/fhir/Observation/{grade}", None),
        ("GET", f"/fhir/Provenance?target=Observation/{grade}", None),
        ("GET", f"/fhir/Observation?patient={handle}&category=leeward-grade", None),
        *(("GET", f"/fhir/{kind}?patient={handle}", None) for kind in kinds),
        ("POST", "/fhir/Observation/_search", {"patient": name}),
        ("DELETE", f"/fhir/Observation/t{of}", None),
    ]  # fmt: skip


def ask(client: TestClient, method: str, where: str, form: Any) -> tuple[int, Any]:
    """Status and body."""
    answer = client.request(method, where, data=form)
    return answer.status_code, answer.json() if answer.content else None


def test_42_anothers_patient_is_as_nobody_at_every_address(client: TestClient, ours: dict[str, str]) -> None:
    """The same status and the same words for B and for somebody who does not exist."""
    others = reads(ours, "B", "B")
    nobody = reads(ours, "nobody", "none")
    for asked, beside in zip(others, nobody, strict=True):
        status, body = ask(client, *asked)
        assert status in (403, 404), asked
        assert (status, body) == ask(client, *beside), asked


def test_42_ones_own_patient_is_answered(client: TestClient, ours: dict[str, str]) -> None:
    """Else the test above would hold for nothing."""
    for method, where, form in reads(ours, "A", "A"):
        if "CarePlan" not in where and "DetectedIssue" not in where:  # they take long, and go the same way
            assert ask(client, method, where, form)[0] in (200, 204), where


WRITES: list[Said] = [temperature(39, "tB", "A"), temperature(39, "new", "B"), person("B"), pressure(90, "p", "nobody"),
                      person("A", link=[{"other": {"reference": "Patient/B"}, "type": "replaced-by"}])]  # fmt: skip


@pytest.mark.parametrize("one", WRITES, ids=["his to mine", "new of his", "himself", "new of nobody", "a merge"])
def test_42_nothing_is_written_of_anothers_patient(
    client: TestClient, world: World, ours: dict[str, str], one: Said
) -> None:
    """Neither by itself nor in a Bundle, and nothing beside it in a transaction."""
    before = world.store.findings_of("B").num_rows
    assert send(client, one).status_code in (404, 409)
    assert send(client, bundle("transaction", put(pressure(90, "pA", "A")), put(one))).status_code in (404, 409, 422)
    [entry] = send(client, bundle("batch", put(one))).json()["entry"]
    assert entry["response"]["status"] in ("404", "409")
    told = client.post("/fhir/$notification", json=bundle("history", put(one)), headers=HEADERS)
    assert told.status_code in (404, 409)
    assert world.store.findings_of("B").num_rows == before
    assert client.get("/fhir/Observation/pA").status_code == 404
    assert {held.merged_into for held in world.store.patients()} == {None}


def test_42_a_bundle_reads_only_ones_own(client: TestClient, ours: dict[str, str]) -> None:
    """Each entry asks for itself."""
    urls = ("Observation/tA", "Observation/tB", "Observation/none", "Observation?patient=B", "Patient/B/_history")
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    told = send(client, bundle("batch", *entries)).json()["entry"]
    assert [entry["response"]["status"] for entry in told] == ["200", "404", "404", "404", "404"]


def test_42_a_search_by_identifier_finds_only_ones_own(client: TestClient, ours: dict[str, str]) -> None:
    """B's identifier finds nobody."""
    found = [client.post("/fhir/Patient/_search", data={"identifier": f"urn:mrn|MRN-{name}"}).json()["total"]
             for name in ("A", "B", "none")]  # fmt: skip
    assert found == [1, 0, 0]


@pytest.mark.parametrize(("role", "reads_", "writes", "exports"), [
    ("viewer", 200, 403, 403), ("clinician", 200, 200, 200), ("integrator", 200, 200, 200),
])  # fmt: skip
def test_roles_decide_what_may_be_done(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch, role: Any, reads_: int, writes: int, exports: int
) -> None:
    """A viewer reads; taking a course out is for those who may."""
    send(client, temperature())
    handle = world.store.handle_of("007")
    monkeypatch.setattr(world.access, "person_of", lambda _: Person(id=role, name=role, role=role))
    assert client.get(f"/fhir/Observation?patient={handle}").status_code == reads_
    assert send(client, temperature(39)).status_code == writes
    assert client.get(f"/fhir/Observation?patient={handle}&category=leeward-grade").status_code == exports
