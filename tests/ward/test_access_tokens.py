"""Tokens of other systems: every fault is the same 401, and why stands in the audit only."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.ward.conftest import NOW
from tests.ward.signed import (
    CALLER_KEY,
    CLIENT_KEY,
    CLIENT_RSA,
    HOME,
    SERVER_KEY,
    STRANGER_KEY,
    access_token,
    assertion,
    hooks_claims,
    public,
    sign_in,
    token,
)
from tests.ward.small import small
from tests.ward.taken import said, take

HOOK = "/cds-services/grade"


@pytest.fixture
def guarded(settings: WardSettings, clock: SetClock) -> Iterator[World]:
    """A ward with sign-in and one patient."""
    world = World(msgspec.structs.replace(settings, demo=False, sign_in=sign_in()), clock)
    take(world, said("A", "body-temperature", NOW, 38.2, "Cel"),
         moves=[Move(kind="placed", patient="A", at=NOW, unit="7 West", bed="1")])  # fmt: skip
    yield world
    world.engine.dispose()


def claims(**more: Any) -> dict[str, Any]:
    """What a good call says; None leaves a claim out."""
    return {key: value for key, value in hooks_claims(NOW, HOOK, **more).items() if value is not None}


def called(world: World, held: str) -> Any:
    return small(world).post(HOOK, headers={"Authorization": f"Bearer {held}"}, json={"patient": "A"})


def written(algorithm: str, held: dict[str, Any], secret: bytes) -> str:
    """A token written by hand, for libraries refuse to: `none`, or HS256 with the public key's text as the secret."""
    parts = ({"alg": algorithm, "typ": "JWT", "kid": "caller-1"}, held)
    said = ".".join(urlsafe_b64encode(msgspec.json.encode(one)).rstrip(b"=").decode() for one in parts)
    mark = hmac.new(secret, said.encode(), hashlib.sha256).digest() if secret else b""
    return f"{said}.{urlsafe_b64encode(mark).rstrip(b'=').decode()}"


AT = int(NOW.timestamp())
FAULTS: list[tuple[str, Callable[[], str], str]] = [
    ("none", lambda: written("none", claims(), b""), "signature-or-key"),
    ("HS256 with the public key", lambda: written("HS256", claims(), CALLER_KEY.as_pem(private=False)),
     "signature-or-key"),
    ("expired", lambda: token(CALLER_KEY, claims(exp=AT - 61)), "expired"),
    ("exp a day ahead", lambda: token(CALLER_KEY, claims(exp=AT + 86400)), "lives-too-long"),
    ("exp just too far ahead", lambda: token(CALLER_KEY, claims(exp=AT + 361)), "lives-too-long"),
    ("no exp", lambda: token(CALLER_KEY, claims(exp=None)), "no-exp"),
    ("exp is true", lambda: token(CALLER_KEY, claims(exp=True)), "no-exp"),
    ("no iat", lambda: token(CALLER_KEY, claims(iat=None)), "no-iat"),
    ("iat ahead", lambda: token(CALLER_KEY, claims(iat=AT + 120)), "not-yet-valid"),
    ("nbf ahead", lambda: token(CALLER_KEY, claims(nbf=AT + 120)), "not-yet-valid"),
    ("another service's aud", lambda: token(CALLER_KEY, claims(aud="https://other.example/cds")), "audience"),
    ("aud is the service alone", lambda: token(CALLER_KEY, claims(aud=HOME)), "audience"),
    ("no aud", lambda: token(CALLER_KEY, claims(aud=None)), "audience"),
    ("unlisted iss", lambda: token(CALLER_KEY, claims(iss="https://evil.example")), "issuer-not-listed"),
    ("no iss", lambda: token(CALLER_KEY, claims(iss=None)), "issuer-not-listed"),
    ("no jti", lambda: token(CALLER_KEY, claims(jti=None)), "no-jti"),
    ("unknown kid", lambda: token(CALLER_KEY, claims(), kid="caller-9"), "signature-or-key"),
    ("no kid", lambda: token(CALLER_KEY, claims(), kid=None), "no-kid"),
    ("a stranger's key under a known kid", lambda: token(STRANGER_KEY, claims()), "signature-or-key"),
    ("a jku that is not listed", lambda: token(CALLER_KEY, claims(), jku="http://169.254.169.254/k"), "jku-not-listed"),
    ("a key brought along", lambda: token(STRANGER_KEY, claims(), jwk=public(STRANGER_KEY)["keys"][0]),
     "signature-or-key"),
    ("cut", lambda: token(CALLER_KEY, claims())[:-4], "signature-or-key"),
    ("three words", lambda: "a.b.c", "not-a-token"),
    ("ten kilobytes", lambda: "a" * 10_000 + ".b.c", "too-long"),
    ("a program's token", lambda: access_token(NOW), "issuer-not-listed"),
]  # fmt: skip


def test_40_a_good_token_is_believed_once(guarded: World) -> None:
    held = token(CALLER_KEY, claims())
    assert called(guarded, held).json() == {"for": "The EHR"}
    assert called(guarded, held).status_code == 401
    *_, record = guarded.audit.records()
    assert record.detail == "jti-used-before at POST /cds-services/grade"


@pytest.mark.parametrize(("made", "reason"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_40_every_fault_is_the_same_401(guarded: World, made: Callable[[], str], reason: str) -> None:
    held = made()
    answered = called(guarded, held)
    plain = small(guarded).post(HOOK, json={"patient": "A"})
    shape = [(k, v) for k, v in answered.headers.items() if k != "ratelimit"]
    assert (answered.status_code, answered.content) == (plain.status_code, plain.content) == (401, plain.content)
    assert shape == [(k, v) for k, v in plain.headers.items() if k != "ratelimit"]
    assert reason not in answered.text
    record, *_ = guarded.audit.records()
    assert (record.outcome, (record.detail or "").split(" ")[0]) == ("refused", reason)
    assert all(part not in str(record) for part in held.split(".") if len(part) > 8)


def test_40_used_jti_are_shared_forgotten_when_expired_and_bounded(settings: WardSettings, clock: SetClock) -> None:
    made = msgspec.structs.replace(settings, demo=False, sign_in=sign_in(), limits={"access": {"jti_most": 3.0}})
    one, two = World(made, clock), World(made, clock)
    held = token(CALLER_KEY, claims(jti="shared"))
    assert [called(world, held).status_code for world in (one, two)] == [200, 401]
    assert [called(one, token(CALLER_KEY, claims(jti=str(n)))).status_code for n in range(3)] == [200, 200, 401]
    clock.set(NOW.replace(minute=10))
    late = {"iat": AT + 600, "exp": AT + 800}
    assert called(two, token(CALLER_KEY, claims(jti="0", **late))).status_code == 200
    for world in (one, two):
        world.engine.dispose()


def test_40_one_caller_s_jti_is_not_another_s(settings: WardSettings, clock: SetClock) -> None:
    other = ECKey.generate_key("P-256", {"kid": "other-1"})
    callers = [*sign_in()["cds_hooks"], {"iss": "other", "name": "Other", "keys": public(other)}]
    world = World(msgspec.structs.replace(settings, demo=False, sign_in=sign_in(cds_hooks=callers)), clock)
    assert called(world, token(CALLER_KEY, claims(jti="1"))).status_code == 200
    assert called(world, token(other, claims(jti="1", iss="other"), "ES256")).status_code == 200
    assert called(world, token(other, claims(jti="2"), "ES256")).status_code == 401
    world.engine.dispose()


def test_a_caller_of_hooks_may_have_graded_and_nothing_else(guarded: World) -> None:
    held = token(CALLER_KEY, claims(aud=f"{HOME}/note"))
    assert small(guarded).post("/note", headers={"Authorization": f"Bearer {held}"}).status_code == 401


# ------------------------------------------------------------------ 50: audiences

AUDIENCES = [
    ("ours", {}, 200),
    ("ours among others", {"aud": ["https://x.example", HOME]}, 200),
    ("this door", {"aud": f"{HOME}/list"}, 200),
    ("another door", {"aud": f"{HOME}/mcp"}, 401),
    ("another service", {"aud": "https://other.example"}, 401),
    ("ours as a beginning", {"aud": f"{HOME}.evil.example"}, 401),
    ("none", {"aud": None}, 401),
    ("a number", {"aud": 7}, 401),
    ("nobody's role", {"groups": ["visitors"]}, 401),
    ("no role", {"groups": None}, 401),
    ("no person", {"sub": None}, 401),
    ("a day long", {"exp": AT + 86400}, 401),
]


@pytest.mark.parametrize(("more", "status"), [row[1:] for row in AUDIENCES], ids=[row[0] for row in AUDIENCES])
def test_50_a_token_of_another_audience_is_refused(guarded: World, more: dict[str, Any], status: int) -> None:
    held = access_token(NOW, **more)
    assert small(guarded).get("/list", headers={"Authorization": f"Bearer {held}"}).status_code == status


def test_50_a_claim_of_units_that_is_named_and_absent_is_no_unit(guarded: World) -> None:
    held = {"Authorization": f"Bearer {access_token(NOW, units=None)}"}
    assert small(guarded).get("/patient/A", headers=held).status_code == 404


# ------------------------------------------------------------------ backend services


def asked(world: World, held: str, **more: str) -> Any:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": held,
        "scope": "system/*.rs",
    } | more
    return small(world).post("/token", data=form)


@pytest.mark.parametrize(("key", "algorithm"), [(CLIENT_KEY, "ES384"), (CLIENT_RSA, "RS384")])
def test_a_backend_service_is_given_a_short_token(
    guarded: World, clock: SetClock, key: ECKey | RSAKey, algorithm: str
) -> None:
    answered = asked(guarded, assertion(NOW, key, algorithm))
    given = answered.json()
    assert (given["token_type"], given["expires_in"], given["scope"]) == ("bearer", 300, "system/*.rs")
    assert answered.headers["cache-control"] == "no-store"
    held = {"Authorization": f"Bearer {given['access_token']}"}
    assert small(guarded).get("/list", headers=held).json() == ["A"]
    assert small(guarded).post("/note", headers=held).status_code == 403
    clock.set(NOW.replace(minute=5))
    assert small(guarded).get("/list", headers=held).status_code == 401


def test_scopes_are_what_a_token_may_do(guarded: World) -> None:
    given = asked(guarded, assertion(NOW), scope="system/*.cud system/Patient.rs launch").json()
    assert given["scope"] == "system/*.cud"
    held = {"Authorization": f"Bearer {given['access_token']}"}
    assert small(guarded).post("/note", headers=held).status_code == 200
    assert small(guarded).get("/list", headers=held).status_code == 403


WRONG: list[tuple[str, Callable[[], str], dict[str, str], str]] = [
    ("a stranger's key", lambda: assertion(NOW, STRANGER_KEY), {}, "signature-or-key"),
    ("another algorithm", lambda: assertion(NOW, CLIENT_RSA, "RS256"), {}, "signature-or-key"),
    ("too long a life", lambda: assertion(NOW, exp=AT + 400), {}, "lives-too-long"),
    ("another's aud", lambda: assertion(NOW, aud="https://ehr.example/token"), {}, "audience"),
    ("not its own sub", lambda: assertion(NOW, sub="somebody"), {}, "subject"),
    ("not listed", lambda: assertion(NOW, iss="somebody"), {}, "client-not-listed"),
    ("no scope", lambda: assertion(NOW), {"scope": ""}, "scope"),
    ("scopes we do not give", lambda: assertion(NOW), {"scope": "system/Observation.rs user/*.rs"}, "scope"),
    ("a password", lambda: assertion(NOW), {"grant_type": "password"}, "grant"),
    ("another kind of assertion", lambda: assertion(NOW), {"client_assertion_type": "saml"}, "grant"),
    ("no assertion", lambda: "", {}, "not-a-token"),
]


@pytest.mark.parametrize(("made", "more", "reason"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_40_every_fault_of_an_assertion_is_the_same_refusal(
    guarded: World, made: Callable[[], str], more: dict[str, str], reason: str
) -> None:
    answered = asked(guarded, made(), **more)
    assert (answered.status_code, answered.json()) == (401, {"error": "invalid_client"})
    *_, record = guarded.audit.records()
    assert (record.action, record.outcome, record.detail) == ("token", "refused", reason)


def test_40_an_assertion_is_good_once(guarded: World) -> None:
    held = assertion(NOW)
    assert [asked(guarded, held).status_code for _ in range(2)] == [200, 401]


def test_what_we_say_of_ourselves_is_what_we_do(guarded: World) -> None:
    client = small(guarded)
    found = client.get("/.well-known/smart-configuration").json()
    assert found == client.get("/fhir/.well-known/smart-configuration").json()
    assert found["token_endpoint"] == f"{HOME}/token"
    assert found["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    door = client.get("/.well-known/oauth-protected-resource/mcp").json()
    assert (door["resource"], door["authorization_servers"]) == (f"{HOME}/mcp", ["https://sign-in.example"])


def test_the_signed_helper_signs_what_it_says() -> None:
    """The tests' own tokens are real ones: another reader finds in them what was put in."""
    found = jwt.decode(access_token(NOW), SERVER_KEY, algorithms=["RS256"])
    assert found.claims["aud"] == HOME
