"""SMART on FHIR launches from an EHR that runs here, and asking nobody who is not listed."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from leeward.ward.access.outside import NotAsked, Outside, within
from leeward.ward.access.settings import origin
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.ward.conftest import NOW
from tests.ward.signed import public, token
from tests.ward.small import app_of
from tests.ward.taken import said, take

HOME = "http://127.0.0.1:8321"
KEY = RSAKey.generate_key(2048, {"kid": "ehr-1"})


class Ehr:
    """An EHR's sign-in: what it says of itself, and the token it gives for a code with the right verifier."""

    def __init__(self) -> None:
        ehr = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ehr.asked.append(self.path)
                self.say(ehr.pages.get(self.path))

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                self.say(ehr.redeem({key: value[0] for key, value in form.items()}))

            def say(self, held: Any) -> None:
                if isinstance(held, str):
                    self.send_response(302)
                    self.send_header("location", held)
                    self.end_headers()
                    return
                self.send_response(200 if held is not None else 404)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(held).encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.at = f"http://127.0.0.1:{self.server.server_port}"
        self.asked: list[str] = []
        self.challenge = self.nonce = ""
        self.answer: dict[str, Any] = {"patient": "A", "scope": "launch openid fhirUser patient/*.rs"}
        self.claims: dict[str, Any] = {"fhirUser": "Practitioner/7"}
        self.pages: dict[str, Any] = {
            "/fhir/.well-known/smart-configuration": {
                "issuer": self.at, "jwks_uri": f"{self.at}/keys", "token_endpoint": f"{self.at}/token",
                "authorization_endpoint": f"{self.at}/authorize", "code_challenge_methods_supported": ["S256"],
            },
            "/keys": public(KEY),
        }  # fmt: skip
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def redeem(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The token for a code, when the verifier is the one whose digest we were shown."""
        made = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if form["code"] != "good" or made != self.challenge or form["client_id"] != "leeward":
            return None
        at = int(NOW.timestamp())
        claims = {"iss": self.at, "aud": "leeward", "sub": "7", "iat": at, "exp": at + 300, "nonce": self.nonce}
        return {"access_token": "x", "id_token": token(KEY, claims | self.claims, "RS256"), **self.answer}


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    """An EHR that listens."""
    made = Ehr()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def ward(ehr: Ehr, settings: WardSettings, clock: SetClock) -> Iterator[World]:
    """A ward that this EHR may launch, with patients A and B."""
    smart = [{"iss": f"{ehr.at}/fhir", "client": "leeward", "reach": "loopback"}]
    world = World(msgspec.structs.replace(settings, demo=False, sign_in={"service": HOME, "smart": smart}), clock)
    for patient in ("A", "B"):
        moves = [Move(kind="placed", patient=patient, at=NOW, unit="7 West", bed="1")]
        take(world, said(patient, "body-temperature", NOW, 38.2, "Cel"), moves=moves, message=patient)
    yield world
    world.engine.dispose()


def launched(ward: World, ehr: Ehr, **more: str) -> tuple[TestClient, dict[str, str], Any]:
    """A browser after a launch, what was asked of the EHR, and our answer to the way back."""
    client = TestClient(app_of(ward), base_url=HOME, follow_redirects=False)
    out = client.get("/launch", params={"iss": f"{ehr.at}/fhir"} | more)
    assert out.status_code == 303, out.text
    asked = {key: value[0] for key, value in parse_qs(urlsplit(out.headers["location"]).query).items()}
    ehr.challenge, ehr.nonce = asked["code_challenge"], ehr.nonce or asked["nonce"]
    return client, asked, client.get("/sign-in/back", params={"state": asked["state"], "code": "good"})


def why(ward: World) -> str | None:
    """Why the last sign-in was refused, by the audit."""
    *_, record = [held for held in ward.audit.records() if held.action == "sign-in"]
    return record.detail


def test_an_ehr_s_launch_shows_its_patient_and_nobody_else(ward: World, ehr: Ehr) -> None:
    client, asked, back = launched(ward, ehr, launch="abc")
    assert (asked["launch"], asked["aud"], asked["scope"].split()[0]) == ("abc", f"{ehr.at}/fhir", "launch")
    assert (back.status_code, back.headers["location"]) == (303, "/")
    assert client.get("/patient/A").json() == {"patient": "A", "for": "Practitioner/7"}
    assert client.get("/patient/B").status_code == 404
    record = next(held for held in ward.audit.records() if held.action == "sign-in")
    assert (record.patient, record.detail) == ("A", "smart")


def test_a_standalone_launch_asks_for_a_patient(ward: World, ehr: Ehr) -> None:
    client, asked, _ = launched(ward, ehr)
    assert ("launch" in asked, asked["scope"].split()[0]) == (False, "launch/patient")
    assert client.get("/patient/A").status_code == 200


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ({"patient": "B", "scope": "patient/Observation.read"}, {"A": 404, "B": 200}),
        ({"scope": "patient/*.rs"}, {"A": 404, "B": 404}),
        ({"scope": "user/*.rs"}, {"A": 200, "B": 200}),
        ({"patient": "A", "scope": "user/*.rs"}, {"A": 200, "B": 404}),
        ({"patient": "A", "scope": "openid fhirUser"}, {"A": 401, "B": 401}),
        ({"patient": "A", "scope": "patient/Condition.rs"}, {"A": 401, "B": 401}),
    ],
)
def test_what_the_ehr_granted_is_what_is_seen(
    ward: World, ehr: Ehr, answer: dict[str, str], seen: dict[str, int]
) -> None:
    ehr.answer = answer
    client, _, _ = launched(ward, ehr)
    assert {patient: client.get(f"/patient/{patient}").status_code for patient in seen} == seen


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("another's nonce", {"nonce": "made-up"}, "nonce"),
    ("for another app", {"claims": {"aud": "other"}}, "identity-audience"),
    ("from another issuer", {"claims": {"iss": "https://evil.example"}}, "identity-issuer"),
    ("expired", {"claims": {"exp": int(NOW.timestamp()) - 100}}, "identity-expired"),
    ("another's party", {"claims": {"azp": "other"}}, "subject"),
    ("without who it is", {"answer": {"id_token": None}}, "no-id-token"),
]


@pytest.mark.parametrize(("held", "reason"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_an_identity_that_is_not_believed_lets_nobody_in(
    ward: World, ehr: Ehr, held: dict[str, Any], reason: str
) -> None:
    for name, value in held.items():
        now = getattr(ehr, name)
        setattr(ehr, name, now | value if isinstance(now, dict) else value)
    client, _, back = launched(ward, ehr, launch="abc")
    assert (back.status_code, client.get("/list").status_code, why(ward)) == (401, 401, reason)


def test_41_an_ehr_that_is_not_listed_is_never_asked(ward: World, ehr: Ehr) -> None:
    client = TestClient(app_of(ward), base_url=HOME, follow_redirects=False)
    for iss in ("http://169.254.169.254/latest", "http://localhost:22", "https://evil.example", f"{ehr.at}/other"):
        assert client.get("/launch", params={"iss": iss, "launch": "x"}).status_code == 401
        assert why(ward) == "iss-not-listed"
    assert ehr.asked == []


def test_41_a_listed_server_leads_to_no_other(ward: World, ehr: Ehr) -> None:
    """Neither by a redirect nor by an address that it names."""
    path = "/fhir/.well-known/smart-configuration"
    good, client = ehr.pages[path], TestClient(app_of(ward), base_url=HOME, follow_redirects=False)
    ehr.pages[path] = f"{ehr.at}/keys"
    assert client.get("/launch", params={"iss": f"{ehr.at}/fhir"}).status_code == 401
    assert ehr.asked == [path]
    ehr.pages[path] = good | {"token_endpoint": "http://127.0.0.1:9/token"}
    _, _, back = launched(ward, ehr)
    assert (back.status_code, why(ward)) == (401, "token-endpoint")


REACHES = [
    ("93.184.216.34", {"public"}),
    ("10.1.2.3", {"private"}),
    ("192.168.0.9", {"private"}),
    ("127.0.0.1", {"loopback"}),
    ("::1", {"loopback"}),
    ("::ffff:127.0.0.1", {"loopback"}),
    ("::ffff:169.254.169.254", set()),
    ("169.254.169.254", set()),
    ("fe80::1", set()),
    ("0.0.0.0", set()),  # noqa: S104  an address that must not be reached
    ("224.0.0.1", set()),
    ("fd00::1", {"private"}),
]


@pytest.mark.parametrize(("address", "reaches"), REACHES)
def test_41_where_an_address_may_lie(address: str, reaches: set[str]) -> None:
    assert {one for one in ("public", "private", "loopback") if within(ip_address(address), one)} == reaches


def test_41_a_name_that_resolves_elsewhere_is_not_asked(ehr: Ehr) -> None:
    """The very server that is asked when its reach allows it."""
    for reach, asked in (("loopback", True), ("public", False), ("private", False)):
        outside = Outside({origin(ehr.at): reach}, wait_s=5, most_bytes=10_000)  # type: ignore[dict-item]
        if asked:
            assert outside.get(f"{ehr.at}/keys") == public(KEY)
            continue
        with pytest.raises(NotAsked, match="resolves to where it may not"):
            outside.get(f"{ehr.at}/keys")


def test_41_an_answer_too_long_is_not_read_on(ehr: Ehr) -> None:
    ehr.pages["/keys"] = ["x" * 100] * 1000
    with pytest.raises(NotAsked, match="too long"):
        Outside({origin(ehr.at): "loopback"}, wait_s=5, most_bytes=10_000).get(f"{ehr.at}/keys")


def test_41_a_password_in_an_address_or_another_port_is_not_asked(ehr: Ehr) -> None:
    outside = Outside({origin(ehr.at): "loopback"}, wait_s=5, most_bytes=10_000)
    for url in (
        ehr.at.replace("//", "//user@") + "/keys",
        "http://127.0.0.1:9/keys",
        ehr.at.replace("http:", "https:"),
    ):
        with pytest.raises(NotAsked, match="not listed"):
            outside.get(url)
