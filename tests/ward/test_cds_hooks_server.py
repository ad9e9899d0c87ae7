"""A client's FHIR server asked for what was not sent: slow, failing, half a page; and addresses never asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from starlette.testclient import TestClient

from leeward.record.errors import BadSetting
from leeward.ward.cards.settings import cds_hooks
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from tests.record.fhir_bedside import bundle
from tests.ward import hooks
from tests.ward.hooks import Json, cards, charted, infusion, prefetch, request

STATE = [charted("temperature", 39.1, 1), charted("pressure", 118, 1), hooks.device("room air", 1)]
TOKEN = {
    "access_token": "t0k",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "leeward",
}
Answer = Callable[[BaseHTTPRequestHandler], None]


class Ehr:
    """A FHIR server on loopback; `answers` says what it does for each type of resource; `asked`: what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Json] = {}
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()
        ehr = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ehr.asked.append(self.path)
                ehr.tokens.add(self.headers.get("Authorization"))
                kind = urlsplit(self.path).path.split("/")[2]
                told = ehr.answers.get(kind, hooks.EMPTY)
                told(self) if callable(told) else say(self, told)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/fhir"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


def say(to: BaseHTTPRequestHandler, body: Json, status: int = 200, **headers: str) -> None:
    """A whole answer."""
    text = json.dumps(body).encode()
    to.send_response(status)
    for name, value in headers.items():
        to.send_header(name, value)
    to.send_header("Content-Length", str(len(text)))
    to.end_headers()
    to.wfile.write(text)


def half(to: BaseHTTPRequestHandler) -> None:
    """Half an answer, then nothing."""
    text = json.dumps(bundle(*STATE)).encode()
    to.send_response(200)
    to.send_header("Content-Length", str(len(text)))
    to.end_headers()
    to.wfile.write(text[: len(text) // 2])


def slow(to: BaseHTTPRequestHandler) -> None:
    """A whole answer, later than anybody waits."""
    time.sleep(1.5)
    with suppress(OSError):
        say(to, hooks.EMPTY)


def failing(status: int) -> Answer:
    """A server that has a fault."""
    return lambda to: say(to, {"resourceType": "OperationOutcome", "issue": []}, status)


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    """The client's FHIR server."""
    made = Ehr()
    yield made
    made.stop()


@pytest.fixture
def settings(settings: WardSettings, ehr: Ehr) -> WardSettings:
    """A ward that has listed it, and gives it two seconds less a half."""
    listed = {"fhir_servers": [{"address": ehr.address, "reach": "loopback"}]}
    return msgspec.structs.replace(settings, cds_hooks=listed)


def call(ehr: Ehr, *absent: str, **parts: Any) -> Json:
    """A call without some parts, with the server and its token."""
    sent = {key: part for key, part in prefetch(STATE).items() if key not in absent}
    return request("patient-view", sent, **{"fhirServer": ehr.address, "fhirAuthorization": TOKEN, **parts})


def test_45_an_absent_key_is_fetched_from_a_listed_server(client: TestClient, ehr: Ehr) -> None:
    """With the token that came, by the very template that was offered."""
    ehr.answers = {"Observation": bundle(*STATE), "Procedure": bundle(infusion(70))}
    found = cards(client, call(ehr, "observations", "procedures"))
    assert found[0]["summary"].startswith("CRS grade 1 (")
    assert min(ehr.asked) == f"/fhir/Observation?patient={hooks.PATIENT}&_sort=-date&_count=500"
    assert ehr.tokens == {"Bearer t0k"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [(slow, "in time"), (failing(429), "429"), (failing(500), "500"), (half, "broke off")],
    ids=["slow", "429", "500", "half a page"],
)
def test_46_what_does_not_come_leaves_the_grade_open(client: TestClient, ehr: Ehr, answer: Answer, said: str) -> None:
    """Inside the deadline, as a range, with what is missing and why; what came is told as what it is."""
    cards(client, request("patient-view", prefetch(STATE)))  # what is compiled once is not waited for here
    ehr.answers = {"MedicationAdministration": answer}
    begun = time.monotonic()
    card = cards(client, call(ehr, "given"))[0]
    assert time.monotonic() - begun < 1.4
    assert card["summary"].startswith("CRS grade 0 to 4 (ASTCT 2019) is possible")
    assert card["summary"].endswith("what did says 1")
    assert said in card["detail"]
    assert any("drugs given" in one for one in card["extension"]["leeward.basis"]["missing"])


def test_46_pages_are_followed_on_the_same_server(client: TestClient, ehr: Ehr) -> None:
    """And what only a later page holds counts."""
    first = bundle(STATE[1], link=[{"relation": "next", "url": f"{ehr.address}/Observation?page=2"}])
    ehr.answers = {"Observation": lambda to: say(to, bundle(STATE[0], STATE[2]) if "page=2" in to.path else first)}
    assert cards(client, call(ehr, "observations"))[0]["summary"].startswith("CRS grade 1 (")


def test_46_of_a_search_that_breaks_off_the_newer_half_suffices(client: TestClient, ehr: Ehr) -> None:
    """Newest first, two days back and more: only older values are missing, and the grade of now stands."""
    old = [charted("temperature", 37.0, hours) for hours in (30, 47, 50)]
    first = bundle(*STATE, *old, link=[{"relation": "next", "url": f"{ehr.address}/Observation?page=2"}])
    ehr.answers = {"Observation": lambda to: failing(500)(to) if "page=2" in to.path else say(to, first)}
    card = cards(client, call(ehr, "observations"))[0]
    assert card["summary"].startswith("CRS grade 1 (")
    assert "500" in card["detail"]


def test_46_a_server_that_fails_is_left_alone_for_a_while(client: TestClient, ehr: Ehr, clock: SetClock) -> None:
    """After some faults in a row it is not asked, so that nobody waits in vain; later it is asked again."""
    ehr.answers = {"MedicationAdministration": failing(500)}
    for _ in range(3):
        cards(client, call(ehr, "given"))
    assert len(ehr.asked) == 3
    card = cards(client, call(ehr, "given"))[0]
    assert len(ehr.asked) == 3
    assert "left alone" in card["detail"]
    assert "0 to 4" in card["summary"]
    ehr.answers = {}
    clock.advance(timedelta(seconds=31))
    assert cards(client, call(ehr, "given"))[0]["summary"].startswith("CRS grade 1 (")


def test_46_nothing_that_was_fetched_is_kept(client: TestClient, ehr: Ehr) -> None:
    """The next call that cannot fetch does not show the last one's grade."""
    ehr.answers = {"Observation": bundle(*STATE)}
    assert cards(client, call(ehr, "observations"))[0]["summary"].startswith("CRS grade 1 (")
    ehr.answers = {"Observation": failing(500)}
    card = cards(client, call(ehr, "observations"))[0]
    assert "39.1" not in card["detail"]
    assert "0 to 4" in card["summary"]


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest", "http://localhost:9/fhir", "https://ehr.example/fhir", "file:///etc/passwd",
     "http://127.0.0.1:1/fhir", "http://name@127.0.0.1/fhir", ""],
)  # fmt: skip
def test_41_a_server_that_is_not_listed_is_never_asked(client: TestClient, ehr: Ehr, address: str) -> None:
    """This machine, the metadata of a cloud, another host or port, no address at all."""
    answer = client.post("/cds-services/leeward-course", json=call(ehr, "given", fhirServer=address))
    assert answer.status_code == 412
    assert ehr.asked == []


def test_41_no_redirect_is_followed(client: TestClient, ehr: Ehr) -> None:
    """Not even to the same server."""
    ehr.answers = {"MedicationAdministration": lambda to: say(to, {}, 302, Location=f"{ehr.address}/Patient/x")}
    card = cards(client, call(ehr, "given"))[0]
    assert len(ehr.asked) == 1
    assert "302" in card["detail"]


@pytest.mark.parametrize("there", ["http://169.254.169.254/fhir/Patient", "http://127.0.0.1:1/x", "//evil.example/x"])
def test_41_a_next_page_elsewhere_is_not_fetched(client: TestClient, ehr: Ehr, there: str) -> None:
    """Whether we fetched the first page or the client sent it."""
    page = bundle(*STATE, link=[{"relation": "next", "url": there}])
    ehr.answers = {"Observation": page}
    assert "elsewhere" in cards(client, call(ehr, "observations"))[0]["detail"]
    assert len(ehr.asked) == 1
    sent = prefetch(STATE) | {"observations": page}
    body = request("patient-view", sent, fhirServer=ehr.address, fhirAuthorization=TOKEN)
    assert "elsewhere" in cards(client, body)[0]["detail"]
    assert len(ehr.asked) == 1


def test_45_a_server_that_refuses_is_412(client: TestClient, ehr: Ehr) -> None:
    """An OperationOutcome in place of a Bundle."""
    ehr.answers = {"MedicationAdministration": {"resourceType": "OperationOutcome", "issue": [{"code": "forbidden"}]}}
    answer = client.post("/cds-services/leeward-course", json=call(ehr, "given"))
    assert answer.status_code == 412
    assert "forbidden" in answer.text


def test_26_another_patient_of_the_server_is_refused(client: TestClient, ehr: Ehr) -> None:
    """What is fetched is held to the same as what is sent."""
    stranger = charted("temperature", 39, 1, subject={"reference": "Patient/other"})
    ehr.answers = {"Observation": bundle(*STATE, stranger)}
    assert client.post("/cds-services/leeward-course", json=call(ehr, "observations")).status_code == 422
    other = {**TOKEN, "patient": "other"}
    answer = client.post("/cds-services/leeward-course", json=call(ehr, "observations", fhirAuthorization=other))
    assert answer.status_code == 422


@pytest.mark.parametrize("address", ["http://ehr.example/fhir", "ftp://ehr.example", "ehr.example"])
def test_a_server_without_tls_cannot_be_listed(settings: WardSettings, address: str) -> None:
    """But for one on this machine."""
    wrong = msgspec.structs.replace(settings, cds_hooks={"fhir_servers": [{"address": address}]})
    with pytest.raises(BadSetting, match="https"):
        cds_hooks(wrong)
