"""CDS Hooks: discovery, what a card is, what each way of prefetch is answered with, and feedback; by row number."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from leeward.ward.cards.card import SUMMARY_MOST, Basis, Card, Cited, Origin, escaped, fitting, imperative, plain_text
from leeward.ward.cards.services import SERVICES as OFFERED
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.record.fhir_bedside import bundle
from tests.ward import hooks
from tests.ward.hooks import Json, cards, charted, prefetch, request

FEVER = [charted("temperature", 39.1, 1), charted("pressure", 118, 1), hooks.device("room air", 1)]
AT = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
BASIS: Json = {
    "findings": (Cited("body-temperature", 39.1, "Cel", AT),), "rule": "astct-2019-crs", "edition": "e1",
    "source": Origin("Lee 2019", "https://doi.org/10.1016/j.bbmt.2018.12.758"), "missing": (), "as_of": AT,
}  # fmt: skip


def told(client: TestClient, body: Any, hook: str = "patient-view") -> tuple[int, Json]:
    """Status and body of an answer."""
    text = body if isinstance(body, str) else json.dumps(body)
    path = f"/cds-services/{hooks.SERVICES[hook]}"
    answer = client.post(path, content=text, headers={"Content-Type": "application/json"})
    return answer.status_code, answer.json()


def why(client: TestClient, body: Any, status: int, hook: str = "patient-view") -> str:
    """The words of an OperationOutcome."""
    found, said = told(client, body, hook)
    assert found == status, said
    assert said["resourceType"] == "OperationOutcome"
    return str(said["issue"][0]["details"]["text"])


# ---------------------------------------------------------------- discovery and form


def test_discovery_lists_a_service_for_each_hook(client: TestClient) -> None:
    """Each with the templates of what it wants to be sent, in the terms of CDS Hooks 2.0."""
    services = client.get("/cds-services").json()["services"]
    assert {one["hook"]: one["id"] for one in services} == hooks.SERVICES
    for one in services:
        assert {"title", "description", "prefetch"} <= one.keys()
        for template in one["prefetch"].values():
            assert "{{context.patientId}}" in template
            assert re.fullmatch(
                r"[A-Z][A-Za-z]+(/\{\{context\.patientId\}\}|\?patient=\{\{context\.patientId\}\}[^{}]*)", template
            )


def test_a_fever_is_told_with_its_reasons(client: TestClient) -> None:
    """The form of a card of CDS Hooks, and what it rests on for programs."""
    found = cards(client, request("patient-view", prefetch(FEVER)))
    first = found[0]
    assert first["summary"].startswith("CRS grade 1 (ASTCT 2019) since ")
    assert first["source"]["url"] == "https://doi.org/10.1016/j.bbmt.2018.12.758"
    assert {card["indicator"] for card in found} <= {"info", "warning"}
    assert "temperature 39.1 °C (2026-03-05 11:00 UTC, 60 min ago)" in first["detail"]
    assert first["extension"]["leeward.basis"]["rule"] == "astct-2019-crs"
    assert "suggestions" not in first
    assert UUID(first["uuid"])


def test_the_same_call_has_the_same_cards(client: TestClient) -> None:
    """A card's id is made of its call's, so that feedback and audit can be brought together."""
    once, twice = (cards(client, request("patient-view", prefetch(FEVER))) for _ in range(2))
    assert once == twice
    other = cards(client, request("patient-view", prefetch(FEVER), hookInstance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"))
    assert {one["uuid"] for one in once}.isdisjoint(one["uuid"] for one in other)


def test_nothing_to_say_is_no_card(client: TestClient) -> None:
    """All well after cells; and nobody whom anything was given to."""
    well = [charted("temperature", 36.8, 1), charted("pressure", 121, 1), hooks.device("room air", 1)]
    assert cards(client, request("patient-view", prefetch(well))) == []
    assert cards(client, request("patient-view", prefetch(FEVER, since=None))) == []


def test_cards_are_few(client: TestClient, world: World) -> None:
    """However much there would be to say."""
    state = [*FEVER, charted("ferritin", 40000, 1)]
    assert len(cards(client, request("patient-view", prefetch(state)))) <= world.settings.number(
        "cds_hooks", "cards_most"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hook": "order-sign"}, "hook"),
        ({"hookInstance": "not-a-uuid"}, "hookInstance"),
        ({"surprise": 1}, "unknown field"),
        ({"context": {"userId": "Practitioner/1"}}, "patientId"),
        ({"context": {"userId": "Practitioner/1", "patientId": "a b"}}, "patientId"),
        ({"context": {"userId": "Practitioner/1", "patientId": "hook-1", "draftOrders": {}}}, "no orders"),
        ({"prefetch": {"surprise": None}}, "did not ask for"),
        ({"prefetch": {"patient": [1]}}, "neither null nor"),
    ],
)
def test_a_call_in_another_form_is_refused(client: TestClient, change: Json, said: str) -> None:
    """With an OperationOutcome that names the place, and nothing of what stood there."""
    assert said in why(client, {**request("patient-view", prefetch(FEVER)), **change}, 400)


def test_what_is_no_json_is_refused(client: TestClient) -> None:
    """Before anything is read."""
    assert (
        client.post(
            "/cds-services/leeward-course", content="{", headers={"Content-Type": "application/json"}
        ).status_code
        == 400
    )


def test_a_service_that_is_not_offered_is_not_found(client: TestClient) -> None:
    """The same answer as for any other address."""
    assert client.post("/cds-services/other", json={}).status_code == 404


# ---------------------------------------------------------------- 39: no card without its basis


@pytest.mark.parametrize("lack", ["findings", "rule", "edition", "source", "instant"])
def test_39_a_card_without_a_basis_cannot_be_made(lack: str) -> None:
    """Not without findings with their times, rule, edition and source; the list of what is missing is always there."""
    every: dict[str, Json] = {
        "findings": {"findings": ()}, "rule": {"rule": ""}, "edition": {"edition": ""},
        "source": {"source": Origin("")},
        "instant": {"findings": (Cited("spo2", 90, "%", AT.replace(tzinfo=None)),)},
    }  # fmt: skip
    with pytest.raises(ValueError, match="card"):
        Basis(**{**BASIS, **every[lack]})
    with pytest.raises(TypeError):
        Card(name="x", summary="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Basis(**{key: value for key, value in BASIS.items() if key != "missing"})


@pytest.mark.parametrize(
    "summary", ["", " ", "x" * 140, "two\nlines", "Give tocilizumab", "please look", "Do not sign"]
)
def test_39_a_card_does_not_order_and_is_short(summary: str) -> None:
    """Empty, too long, of two lines, or beginning as an order does."""
    with pytest.raises(ValueError, match="summary"):
        Card(name="x", summary=summary, basis=Basis(**BASIS))


def test_39_every_card_that_is_sent_has_its_basis(client: TestClient) -> None:
    """Findings with instants, rule, edition, source and what is missing, in words and for programs."""
    low = [charted("temperature", 39.4, 1), charted("weight", 70, 20)]
    calls = [
        request("patient-view", prefetch(low)),
        request("order-sign", prefetch(low, [hooks.dose("612865", 560, 2)]), hooks.ordered()),
    ]
    for call in calls:
        found = cards(client, call)
        assert found
        for card in found:
            basis = msgspec.convert(card["extension"]["leeward.basis"], Basis)
            assert basis.findings
            assert "Missing: " in card["detail"]
            assert "not a medical device" in card["detail"]
            assert basis.edition in card["detail"]
            assert len(card["summary"]) <= SUMMARY_MOST


@given(st.lists(st.text(max_size=200), min_size=1, max_size=3))
def test_39_a_fitted_summary_fits(wordings: list[str]) -> None:
    """Whatever is told."""
    assert len(fitting(*map(plain_text, wordings))) <= SUMMARY_MOST


@given(st.sampled_from(["give", "Hold", "CHECK", "please", "do not", "Start"]), st.text(max_size=60))
def test_39_an_order_is_known_as_one(verb: str, rest: str) -> None:
    """Whatever follows the verb."""
    assert imperative(f"{verb} {rest}")


# ---------------------------------------------------------------- 45: four ways of prefetch, four answers


def test_45_a_key_that_is_absent_is_412_where_no_server_may_be_asked(client: TestClient) -> None:
    """No server; a server that nobody listed; a server without a token."""
    sent = prefetch(FEVER)
    del sent["given"]
    token = {"access_token": "secret-token", "token_type": "Bearer", "expires_in": 300, "scope": "s", "subject": "c"}
    assert "given" in why(client, request("patient-view", sent), 412)
    assert "given" in why(client, request("patient-view", sent, fhirServer="https://ehr.example/fhir"), 412)
    said = why(
        client, request("patient-view", sent, fhirServer="https://ehr.example/fhir", fhirAuthorization=token), 412
    )
    assert "listed" in said
    assert "secret-token" not in said


def test_45_null_is_nothing_on_record(client: TestClient) -> None:
    """Drugs that were looked for and are not there: the grade is sure without them."""
    found = cards(client, request("patient-view", prefetch(FEVER, encounters=None) | {"given": None}))
    assert found[0]["summary"].startswith("CRS grade 1 (")
    assert "did not arrive" not in found[0]["detail"]


def test_45_an_operation_outcome_is_412_with_its_code(client: TestClient) -> None:
    """The client's own reason; its free text, which may name somebody, is not repeated."""
    issue = {"severity": "error", "code": "forbidden", "diagnostics": "Jane Roe, MRN 4711"}
    failed = {"resourceType": "OperationOutcome", "issue": [issue]}
    said = why(client, request("patient-view", prefetch(FEVER) | {"given": failed}), 412)
    assert "forbidden" in said
    assert "Roe" not in said


@pytest.mark.parametrize("part", ["patient", "observations", "given", "nobody"])
def test_26_45_another_patient_is_refused_whole(client: TestClient, part: str) -> None:
    """One resource of another patient, or of nobody, and nothing is graded."""
    stranger = charted("temperature", 39, 1, subject={"reference": "Patient/other"})
    sent = {
        "patient": prefetch(FEVER, patient={"resourceType": "Patient", "id": "other"}),
        "observations": prefetch([*FEVER, stranger]),
        "given": prefetch(FEVER, [hooks.dose("612865", 560, 3, subject={"reference": "Patient/other"})]),
        "nobody": prefetch([*FEVER, charted("temperature", 39, 2, subject=None)]),
    }[part]
    assert "patient" in why(client, request("patient-view", sent), 422)


def test_26_45_an_order_for_another_patient_is_refused(client: TestClient) -> None:
    """And one for nobody."""
    for subject in ({"reference": "Patient/other"}, None):
        call = request("order-sign", prefetch(FEVER), hooks.ordered(subject=subject))
        assert "draftOrders" in why(client, call, 422, "order-sign")


# ---------------------------------------------------------------- 47: text of a record does nothing

NASTY = [
    "<script>alert(1)</script>",
    "[click](https://evil.example)",
    "![x](x)",
    "**b**",
    "www.evil.example",
    "a|b",
    "# h",
    "`c`",
]


@pytest.mark.parametrize("text", NASTY)
def test_47_text_of_a_record_is_shown_and_does_nothing(text: str) -> None:
    """No tag, link, picture, emphasis, table or heading comes of it."""
    said = escaped(text)
    assert "<" not in said
    assert not re.search(r"(?<!\\)(\[|\*\*|`|\||!\[)", said)
    assert not said.startswith("#")
    assert "www.evil" not in said
    assert "https://" not in said


def test_47_nothing_of_an_order_s_text_reaches_a_card_as_markup(client: TestClient) -> None:
    """A unit and a medication's name of the record's own."""
    order = hooks.ordered(unit="<img src=x onerror=alert(1)>")
    order["medicationCodeableConcept"]["text"] = "<script>alert(2)</script>"
    for card in cards(client, request("order-sign", prefetch([*FEVER, charted("weight", 70, 9)]), order)):
        assert "<" not in card["detail"] + card["summary"]


@given(st.text(max_size=80))
def test_47_escaped_text_has_no_tag_and_is_one_line(text: str) -> None:
    """Whatever is written."""
    said = escaped(text)
    assert not set("<>\n\r\t") & set(said)


# ---------------------------------------------------------------- feedback, audit, pages of others


def test_49_a_call_and_its_feedback_stand_in_the_audit(client: TestClient, world: World) -> None:
    """Who had whom graded for which hook; and what became of the card."""
    card = cards(client, request("patient-view", prefetch(FEVER)))[0]
    reason = {
        "reason": {"code": "other-cause", "system": "urn:leeward:override-reason"},
        "userComment": "line infection",
    }
    said = {
        "card": card["uuid"],
        "outcome": "overridden",
        "outcomeTimestamp": "2026-03-05T12:01:00Z",
        "overrideReason": reason,
    }
    answer = client.post("/cds-services/leeward-course/feedback", json={"feedback": [said]})
    assert (answer.status_code, answer.json()) == (200, {})
    kept = list(world.audit.records())
    graded = [one for one in kept if one.patient == hooks.PATIENT]
    assert [(one.action, one.why) for one in graded] == [("grade", f"CDS Hooks patient-view {hooks.INSTANCE}")]
    fate = kept[-1].why or ""
    assert all(word in fate for word in (card["uuid"], "overridden", "other-cause", "line infection"))


@pytest.mark.parametrize("body", [{}, {"feedback": []}, {"feedback": [{"card": "x", "outcome": "accepted"}]}])
def test_feedback_in_another_form_is_refused(client: TestClient, body: Json) -> None:
    """With an OperationOutcome."""
    answer = client.post("/cds-services/leeward-course/feedback", json=body)
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


@pytest.fixture
def settings(settings: WardSettings) -> WardSettings:
    """A ward that one page of another origin may call."""
    return msgspec.structs.replace(settings, cds_hooks={"origins": ["https://sandbox.example"]})


@pytest.mark.parametrize(("origin", "allowed"), [("https://sandbox.example", True), ("https://other.example", False)])
def test_only_listed_pages_may_call_from_a_browser(client: TestClient, origin: str, allowed: bool) -> None:
    """A browser asks first, without a token."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = client.options("/cds-services/leeward-course", headers=asked)
    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
    listed = client.get("/cds-services", headers={"Origin": origin})
    assert (listed.headers.get("access-control-allow-origin") == origin) is allowed


def test_48_no_answer_of_a_refusal_names_the_patient(client: TestClient) -> None:
    """Canary text in every place of a call that is refused."""
    canary = "CANARY-4711"
    calls = [
        {
            **request("patient-view", prefetch(FEVER)),
            "context": {"userId": "Practitioner/1", "patientId": f"{canary} x"},
        },
        request("patient-view", prefetch(FEVER, patient={"resourceType": "Patient", "id": canary})),
        {**request("patient-view", prefetch(FEVER)), "hookInstance": canary},
        {**request("patient-view", prefetch(FEVER)), "prefetch": {"patient": {"resourceType": canary * 3, "id": 7}}},
        request("patient-view", {}, fhirServer=f"https://{canary}.example"),
    ]
    for call in calls:
        status, said = told(client, call)
        assert status in (400, 412, 422)
        assert canary not in json.dumps(said)


def test_every_service_wants_what_the_calls_here_send() -> None:
    """The calls of these tests are whole."""
    sent = {*prefetch(), "orders"}
    assert {key for service in OFFERED.values() for key in service.prefetch} == sent
    assert bundle()["resourceType"] == "Bundle"
