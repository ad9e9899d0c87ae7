"""Every address of the service, in one table: who may ask it; another's patient is as one who does not exist."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from leeward.ward.access.people import ALLOWED, Action
from leeward.ward.app import create_app
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.ward.conftest import NOW
from tests.ward.signed import access_token, sign_in
from tests.ward.taken import said, take


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One address of routes.toml."""

    path: str
    action: Action
    method: str = "GET"
    patient: str | None = None
    sent: str | None = None
    form: bool = False
    query: str = ""
    kind: str = "Patient"
    first: str | None = None
    why: str | None = None


TABLE = tomllib.loads((Path(__file__).parent / "routes.toml").read_text(encoding="utf-8"))["route"]
ROUTES = msgspec.convert(TABLE, list[Listed])
SHUT = [one for one in ROUTES if one.action != "open"]
OF_ONE = [one for one in SHUT if one.patient is not None and one.first is None]
GROUPS = {"viewer": "staff", "clinician": "ward", "administrator": "hospital"}
ABSENT = "nobody-of-that-name"


def named(one: Listed) -> str:
    return f"{one.method} {one.path}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ward with sign-in, and patients A and B on one unit; every token is for one patient where it names one."""
    database = f"sqlite:///{tmp_path_factory.mktemp('routes') / 'ward.db'}"
    limits = {"limits": {"burst": 100_000.0}}
    said_in = WardSettings(database=database, sign_in=sign_in(one_patient=True), limits=limits)
    world = World(said_in, SetClock(NOW))
    for patient in ("A", "B"):
        moves = [Move(kind="placed", patient=patient, at=NOW, unit="7 West", bed="1", label=patient)]
        trigger = said(patient, "trigger", NOW.replace(day=3), "axicabtagene ciloleucel")
        take(world, trigger, said(patient, "body-temperature", NOW, 38.2, "Cel"), moves=moves, message=patient)
    yield world
    world.engine.dispose()


@pytest.fixture(scope="module")
def app(guarded: World) -> FastAPI:
    """The whole service."""
    return create_app(guarded, start=False)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """Somebody who asks it."""
    return TestClient(app, follow_redirects=False)


def walked(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every method and address that the application has, as it routes them."""
    for route in app.routes:
        contexts = route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]
        for one in contexts:
            for method in sorted((getattr(one, "methods", None) or {"GET"}) - {"HEAD", "OPTIONS"}):
                yield method, str(getattr(one, "path", "?"))


def asked(client: TestClient, world: World, one: Listed, patient: str, token: dict[str, str]) -> Any:
    """What an address answers, asked about a patient."""
    word = world.store.handle_of(patient) or patient if one.patient == "handle" else patient
    path = re.sub(r"\{kind:[^}]*\}", one.kind, one.path)
    path = re.sub(r"\{(patient|handle|id)[^}]*\}", word if one.patient else "1", path)
    path = re.sub(r"\{[^}]*\}", "1", path) + f"?{one.query.replace('PATIENT', word)}" * bool(one.query)
    path += "/" * (one.path == "/mcp")  # mounted: without the slash it only says where it is
    sent = (one.sent or "{}").replace("PATIENT", word)
    if one.method == "GET":
        with client.stream("GET", path, headers=token) as answer:
            answer.read()
            return answer
    if one.form:
        return client.request(one.method, path, headers=token, data=msgspec.json.decode(sent))
    return client.request(one.method, path, headers=token | {"Content-Type": "application/json"}, content=sent)


def bearer(role: str, patient: str) -> dict[str, str]:
    """A program that acts for a person of a role, for one patient."""
    return {"Authorization": f"Bearer {access_token(NOW, groups=[GROUPS[role]], patient_only=patient)}"}


def test_42_every_route_is_listed(app: FastAPI) -> None:
    """Those that are missing, as they would be written."""
    listed = {(one.method, one.path) for one in ROUTES}
    assert len(listed) == len(ROUTES), "an address stands twice in routes.toml"
    missing = [
        f'[[route]]\npath = "{path}"\nmethod = "{method}"\naction = "…"\n'
        for method, path in sorted(set(walked(app)) - listed)
    ]
    assert missing == [], "add to tests/ward/routes.toml:\n\n" + "\n".join(missing)


def test_42_every_route_listed_exists(app: FastAPI) -> None:
    """The demo's own addresses exist in the demo only."""
    gone = {(one.method, one.path) for one in ROUTES} - set(walked(app))
    assert [named for named in sorted(gone) if not named[1].startswith("/demo/")] == []


@pytest.mark.parametrize("one", SHUT, ids=named)
def test_42_nobody_is_told_to_sign_in_and_nothing_else(client: TestClient, guarded: World, one: Listed) -> None:
    answered = asked(client, guarded, one, "A", {})
    assert answered.status_code == 401, answered.text
    assert len(answered.content) < 200
    assert answered.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("one", [one for one in SHUT if not one.path.startswith("/cds-services")], ids=named)
def test_42_a_role_that_may_not_is_403(client: TestClient, guarded: World, one: Listed) -> None:
    below = [role for role in GROUPS if one.action not in ALLOWED[role]]  # type: ignore[index]
    for role in below:
        assert asked(client, guarded, one, "A", bearer(role, "A")).status_code == 403
    assert below or one.action == "read"


@pytest.mark.slow  # the first page of a patient compiles every scale
@pytest.mark.parametrize("one", OF_ONE, ids=named)
def test_42_token_for_a_asks_b_as_if_there_were_no_b(client: TestClient, guarded: World, one: Listed) -> None:
    token = bearer("administrator", "A")
    own = asked(client, guarded, one, "A", token)
    assert own.status_code not in (401, 403, 404), own.text
    other, nobody = (asked(client, guarded, one, patient, token) for patient in ("B", ABSENT))
    assert other.status_code == nobody.status_code == 404
    assert other.content == nobody.content


@pytest.mark.parametrize("one", [one for one in ROUTES if one.action == "open"], ids=named)
def test_42_what_is_open_tells_of_no_patient(client: TestClient, guarded: World, one: Listed) -> None:
    before = guarded.audit.head().seq
    answered = asked(client, guarded, one, "A", {})
    assert answered.status_code < 500
    words = [guarded.store.handle_of(patient) or "?" for patient in ("A", "B")]
    assert not any(word in answered.text for word in [*words, "7 West"])
    assert all(record.action in ("sign-in", "token") for record in guarded.audit.records(after=before))


@pytest.mark.slow
@pytest.mark.parametrize(
    "one",
    [one for one in SHUT if one.action == "read" and one.method == "GET" and not one.first and one.path != "/events"],
    ids=named,
)
def test_42_a_list_holds_nobody_else_s_patients(client: TestClient, guarded: World, one: Listed) -> None:
    """Also where the address names nobody: what comes is filtered, by patient as by unit.

    /events is a stream without end; tests/ward/test_events.py filters it.
    """
    theirs = guarded.store.handle_of("B")
    assert theirs is not None
    answered = asked(client, guarded, one, "A", bearer("administrator", "A"))
    assert theirs not in answered.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "one", [one for one in SHUT if not one.path.startswith(("/cds-services", "/events")) and not one.first], ids=named
)
def test_49_every_answer_is_in_the_audit_first(client: TestClient, guarded: World, one: Listed) -> None:
    """An answer to somebody adds to the chain: who, what, and whose record where there is one."""
    before = guarded.audit.head().seq
    answered = asked(client, guarded, one, "A", bearer("administrator", "A"))
    added = list(guarded.audit.records(after=before))
    if answered.status_code < 400:
        assert added
        assert all(record.person == "https://sign-in.example#person-1" for record in added)
        assert one.patient is None or any(record.patient == "A" for record in added)
