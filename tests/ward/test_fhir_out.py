"""What we say by FHIR: the same grade as the board, valid resources, each with who decided and from what."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from leeward.ward import tables
from leeward.ward.access import Person
from leeward.ward.clock import SetClock
from leeward.ward.world import World
from tests.report.test_plan_fhir import VALIDATE, installed

from .conftest import NOW
from .fhir_sent import HEADERS, LOINC, UCUM, Said, at, bundle, infusion, person, pressure, put, send, temperature
from .taken import said, take


@pytest.fixture
def handle(client: TestClient, world: World) -> str:
    """A patient with fever and low pressure after a therapy, all by FHIR; the oxygen is not charted."""
    send(client, bundle("transaction", put(person()), put(infusion()), put(temperature(39.1)), put(pressure(80))))
    return world.store.handle_of("007") or ""


def listed(client: TestClient, kind: str, handle: str, **more: str) -> list[Said]:
    """The resources of a search by handle."""
    answer = client.get(f"/fhir/{kind}", params={"patient": handle, **more})
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def grade(client: TestClient, handle: str, scale: str = "astct-2019-crs") -> Said:
    """The grade on one scale."""
    [one] = listed(client, "Observation", handle, category="leeward-grade", code=f"urn:leeward:scale|{scale}")
    return one


def test_a_grade_says_its_range_its_sources_and_what_is_missing(client: TestClient, world: World, handle: str) -> None:
    """As the look says it; derivedFrom names the observations that came by FHIR."""
    now = world.grader.look("007").answer.now["crs"]
    one = grade(client, handle)
    assert one["valueRange"] == {"low": {"value": now.at_least}, "high": {"value": now.at_most}}
    assert [part["valueInteger"] for part in one["component"]] == [now.at_least, now.at_most]
    assert [part["reference"] for part in one["derivedFrom"]] == ["Observation/p1", "Observation/t1"]
    assert "oxygen-device" in one["note"][0]["text"]
    assert one["subject"]["reference"] == "Patient/007"


def test_a_sure_grade_is_a_number_and_no_grade_is_said_to_be_absent(client: TestClient, world: World) -> None:
    """Never nothing, and never 0 for want of a therapy."""
    send(client, temperature())
    one = grade(client, world.store.handle_of("007") or "")
    assert one["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert not [name for name in one if name.startswith("value")]
    send(client, infusion())
    send(client, pressure())
    take(world, said("007", "oxygen-device", NOW - timedelta(hours=1), "room-air"))
    assert grade(client, world.store.handle_of("007") or "")["valueInteger"] == 1


def test_the_same_id_gives_the_same_answer_for_good(
    client: TestClient, world: World, clock: SetClock, handle: str
) -> None:
    """Worked out again as known then, whatever came since."""
    before = grade(client, handle)
    clock.advance(timedelta(hours=1))
    send(client, temperature(39.1, status="entered-in-error"))
    assert grade(client, handle)["id"] != before["id"]
    assert client.get(f"/fhir/Observation/{before['id']}").json() == before
    [where] = client.get("/fhir/Provenance", params={"target": f"Observation/{before['id']}"}).json()["entry"]
    made = where["resource"]
    assert {part["what"].get("reference") for part in made["entity"]} >= {"Observation/t1", "Observation/p1"}
    assert made["agent"][0]["who"]["reference"] == "Device/leeward"
    assert world.grader.look("007").answer.edition in made["agent"][0]["who"]["display"]
    assert client.get(f"/fhir/Provenance/{made['id']}").json() == made


def test_what_came_by_another_door_is_named_and_can_be_read(
    client: TestClient, world: World, clock: SetClock, handle: str
) -> None:
    """A device charted at the bedside, a pressure below a bound: each an Observation of ours, the same for good."""
    take(world, said("007", "oxygen-device", NOW, "non-rebreather"), said("007", "oxygen-flow", NOW, 15, "L/min"),
         said("007", "systolic-bp", NOW, 78, "mm[Hg]"), source="bedside", door="bedside")  # fmt: skip
    one = grade(client, handle)
    ours = [part["reference"] for part in one["derivedFrom"] if "/lwf." in part["reference"]]
    assert len(ours) >= 2
    assert all("007" not in name and "rebreather" not in name for name in ours)
    read = {name: client.get(f"/fhir/{name}") for name in ours}
    assert {answer.status_code for answer in read.values()} == {200}
    by_code = {answer.json()["code"]["coding"][0]["code"]: answer.json() for answer in read.values()}
    assert by_code["oxygen-device"]["valueString"] == "non-rebreather"
    assert by_code["oxygen-device"]["subject"]["reference"] == "Patient/007"
    clock.advance(timedelta(hours=1))
    send(client, temperature(39.4, "t2"))
    assert {part["reference"] for part in grade(client, handle)["derivedFrom"]} >= set(ours)
    for name, before in read.items():
        assert client.get(f"/fhir/{name}").json() == before.json()
    assert client.get(f"/fhir/Observation/lwf.{'0' * 20}.{handle}.hgdgneqdc0").status_code == 404
    with world.engine.connect() as connection:
        actions = {row.action for row in connection.execute(select(tables.audit)) if row.patient == "007"}
    assert "export" in actions


@pytest.mark.parametrize("id_", ["lwo.nothing.{}.hgdgneqdc0", "lwo.astct-2019-crs.0123456789abcdef01234567.hgdgneqdc0",
                                 "lwx.astct-2019-crs.{}.hgdgneqdc0"])  # fmt: skip
def test_an_id_that_we_did_not_give_is_nothing(client: TestClient, handle: str, id_: str) -> None:
    """404 each."""
    assert client.get(f"/fhir/Observation/{id_.format(handle)}").status_code == 404


def test_scores_issues_and_refusals_are_said(client: TestClient, handle: str) -> None:
    """Each score a range; what was refused is an issue."""
    send(client, temperature(101.3, "t9"))
    scores = {one["method"]["coding"][0]["code"]: one for one in listed(client, "RiskAssessment", handle)}
    assert " to " in scores["hlh-2004"]["prediction"][0]["qualitativeRisk"]["text"]
    assert scores["hscore"]["prediction"][0]["probabilityRange"]["high"]["value"] <= 100
    texts = [one["code"]["text"] for one in listed(client, "DetectedIssue", handle)]
    assert "refused: implausible-for-unit" in texts


def laboratory(hours: float = 178) -> Said:
    """Blood of more than five days before the infusion: what EASIX and CAR-HEMATOTOX are made of, but for the CRP."""
    drawn = {"l1": ("2532-0", 400, "U/L"), "l2": ("2160-0", 1.0, "mg/dL"), "l3": ("777-3", 120, "10*9/L"),
             "l4": ("2276-4", 1200, "ug/L")}  # fmt: skip
    return bundle("transaction", *(
        put({"resourceType": "Observation", "id": name, "status": "final", "effectiveDateTime": at(hours=hours),
             "code": {"coding": [{"system": LOINC, "code": code}]}, "subject": {"reference": "Patient/007"},
             "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit}})
        for name, (code, value, unit) in drawn.items()
    ))  # fmt: skip


def test_risk_scores_before_the_therapy_are_said_with_what_they_are_made_of(client: TestClient, handle: str) -> None:
    """As `leeward risk` says them: EASIX is 400 x 1.0 / 120; what is missing widens; each names its source."""
    send(client, laboratory())
    scores = {one["method"]["coding"][0]["code"]: one for one in listed(client, "RiskAssessment", handle)}
    easix = scores["easix"]
    assert easix["prediction"][0]["qualitativeRisk"]["text"] == "3.33333"
    assert {part["reference"] for part in easix["basis"]} == {f"Observation/l{number}" for number in (1, 2, 3)}
    assert easix["status"] == "final"
    assert easix["method"]["text"].endswith(", before lymphodepletion")
    counts = scores["car-hematotox"]
    assert (counts["status"], " to " in counts["prediction"][0]["qualitativeRisk"]["text"]) == ("preliminary", True)
    notes = " ".join(note["text"] for note in counts["note"])
    assert "Missing, and never taken as normal: " in notes
    assert "C-reactive protein" in notes
    assert "Rejeski" in notes
    assert "recalled" in notes
    assert "davila-2014-crp" not in scores  # nothing that it is made of is on record
    again = client.get(f"/fhir/RiskAssessment/{easix['id']}").json()
    assert again == easix
    [where] = client.get("/fhir/Provenance", params={"target": f"RiskAssessment/{easix['id']}"}).json()["entry"]
    assert {part["what"]["reference"] for part in where["resource"]["entity"]} == {
        "Observation/l1", "Observation/l2", "Observation/l3"}  # fmt: skip


def test_the_audit_is_for_administrators(
    client: TestClient, world: World, handle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the patient is an AuditEvent with its place in the chain."""
    events = listed(client, "AuditEvent", handle)
    assert {one["outcome"] for one in events} == {"0"}
    assert all(one["entity"][0]["what"]["reference"] == "Patient/007" for one in events)
    for role in ("viewer", "clinician", "integrator"):
        one = Person(id=role, name=role, role=role)
        monkeypatch.setattr(world.access, "person_of", lambda _request, one=one: one)
        assert client.get("/fhir/AuditEvent").status_code == 403


def everything(client: TestClient, handle: str) -> list[Said]:
    """Every resource that is sent, of every kind."""
    send(client, temperature(101.3, "t9"))
    send(client, laboratory())
    made = [client.get("/fhir/metadata").json(), client.get("/fhir/Device/leeward").json()]
    asked = [("Observation", {"category": "leeward-grade"}), ("RiskAssessment", {}), ("DetectedIssue", {}),
             ("CarePlan", {}), ("AuditEvent", {}), ("Observation", {}), ("MedicationAdministration", {})]  # fmt: skip
    for kind, more in asked:
        made.append(client.get(f"/fhir/{kind}", params={"patient": handle, **more}).json())
    for one in made[2]["entry"][:1] + made[3]["entry"][:1] + made[4]["entry"][:1]:
        target = f"{one['resource']['resourceType']}/{one['resource']['id']}"
        made.append(client.get("/fhir/Provenance", params={"target": target}).json())
    made.append(client.get("/fhir/Patient/007").json())
    made.append(client.get("/fhir/Observation/t1/_history").json())
    made.append(client.get("/fhir/Observation/none").json())
    made.append(client.post("/fhir/Patient/_search", data={"identifier": "urn:mrn|MRN-007"}).json())
    made.append(send(client, bundle("batch", put(temperature(38.9)), put(temperature(x=1)))).json())
    made.append(client.put("/fhir/Observation/t1", json=temperature(x=1), headers=HEADERS).json())
    return made


@pytest.mark.slow
def test_every_resource_that_is_sent_is_valid_fhir_r4(client: TestClient, world: World, handle: str) -> None:
    """By the published structure definitions, with an independent validator (npm @medplum/core), offline."""
    take(world, said("007", "oxygen-device", NOW, "nasal-cannula"), said("007", "systolic-bp", NOW, 78, "mm[Hg]"),
         said("007", "oxygen-flow", NOW, 3, "L/min"))  # fmt: skip
    sent = everything(client, handle)
    ours = [part["reference"] for part in grade(client, handle)["derivedFrom"] if "/lwf." in part["reference"]]
    assert ours
    sent += [client.get(f"/fhir/{name}").json() for name in ours]
    assert {one["resourceType"] for one in sent} >= {"Bundle", "CapabilityStatement", "OperationOutcome", "Patient"}
    folder = installed()
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, "-e", VALIDATE.replace("=> entry.resource)", "=> entry.resource).filter(Boolean)")], cwd=folder,
        input=json.dumps(sent), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "0 problems"


def test_the_capability_statement_lists_what_is_there(client: TestClient, handle: str) -> None:
    """Every search that it lists is answered, and none beside it."""
    said_ = client.get("/fhir/metadata").json()
    kinds = {one["type"]: one for one in said_["rest"][0]["resource"]}
    for kind, one in kinds.items():
        sought = "search-type" in {i["code"] for i in one["interaction"]}
        named = {"_id": "x"} if kind == "Patient" else {"patient": handle}
        if kind in ("Provenance", "CarePlan", "DetectedIssue"):  # the first needs a target, the others are slow
            continue
        status = client.get(f"/fhir/{kind}", params=named).status_code
        assert status == (200 if sought else 404), kind
    assert client.get("/fhir/Goal", params={"patient": handle}).status_code == 404


# ---------------------------------------------------------------- searching


def test_a_search_by_code_and_date_in_pages(client: TestClient, world: World) -> None:
    """Each value once, whatever comes in between the pages."""
    ids = [f"t{number}" for number in range(7)]
    entries = [put(temperature(37 + number / 10, id_)) for number, id_ in enumerate(ids)]
    send(client, bundle("transaction", *entries, put(pressure())))
    handle = world.store.handle_of("007")
    where: str | None = f"/fhir/Observation?patient={handle}&code=http://loinc.org|8310-5&date=ge2026-03-05&_count=3"
    met: list[str] = []
    while where is not None:
        page = client.get(where).json()
        assert page["total"] == 7
        met += [entry["resource"]["id"] for entry in page["entry"]]
        send(client, temperature(39, "later"))
        where = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        where = where and where.replace("http://127.0.0.1:8321", "")
        assert "007" not in (where or "")
    assert met == ids


@pytest.mark.parametrize(("date", "found"), [
    ("2026-03-05", 1), ("eq2026-03", 1), ("2026-03-04", 0), ("ge2026-03-05T11:00:00Z", 1),
    ("gt2026-03-05T11:00:00Z", 0), ("le2026-03-05T11:00:00Z", 1), ("lt2026-03-05T11:00:00Z", 0),
    ("lt2026-03-05T12:00:00%2B01:00", 0), ("ge2027", 0),
])  # fmt: skip
def test_a_date_is_a_stretch(client: TestClient, world: World, date: str, found: int) -> None:
    """As FHIR compares them."""
    send(client, temperature())
    where = f"/fhir/Observation?patient={world.store.handle_of('007')}&date={date}"
    assert client.get(where).json()["total"] == found


@pytest.mark.parametrize("query", ["date=yesterday", "date=2026-02-30", "_count=x", "_count=-1", "colour=red",
                                   "_sort=code", "patient=x", "_include=*", "_count=1&_count=2"])  # fmt: skip
def test_a_search_that_is_not_understood_is_refused(client: TestClient, world: World, query: str) -> None:
    """Never answered as another question."""
    send(client, temperature())
    answer = client.get(f"/fhir/Observation?patient={world.store.handle_of('007')}&{query}")
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


def test_an_identifier_is_sought_in_a_body_only(client: TestClient, world: World) -> None:
    """And a patient's own id stands in no address of a search."""
    send(client, person())
    send(client, temperature())
    found = client.post("/fhir/Patient/_search", data={"identifier": "urn:mrn|MRN-007"}).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["007"]
    assert "MRN" not in json.dumps(found["link"])
    assert client.post("/fhir/Patient/_search", data={"identifier": "urn:mrn|x"}).json()["total"] == 0
    assert client.get("/fhir/Observation?patient=007").status_code == 404
    by_body = client.post("/fhir/Observation/_search", data={"patient": "Patient/007"})
    assert by_body.json()["total"] == 1
    assert "007" not in by_body.json()["link"][0]["url"]
