"""The service answers as its OpenAPI description says, whatever it is asked: schemathesis draws the requests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance
from starlette.testclient import TestClient

from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .conftest import NOW
from .fhir_sent import bundle, infusion, person, pressure, put, temperature

OURS = ("/fhir", "/metrics", "/health")
"""Where every answer must be one that is declared."""
ENDLESS = ("/events",)
"""Streams, which never end by themselves."""
QUICK, LONG = 3, 60


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """One ward for all, with a patient in it; what is drawn writes into it."""
    with tempfile.TemporaryDirectory() as folder:
        limits = {"limits": {"burst": 1e6, "requests_a_minute": 1e6, "address_a_minute": 1e6}}
        database = f"sqlite:///{Path(folder) / 'ward.db'}"
        world = World(WardSettings(database=database, demo=True, limits=limits), SetClock(NOW))
        made = create_app(world, start=False)
        with TestClient(made, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
            one = bundle("transaction", put(person()), put(infusion()), put(temperature()), put(pressure()))
            assert client.post("/fhir", json=one, headers={"Content-Type": "application/fhir+json"}).status_code == 200
            yield client
        world.engine.dispose()


def described(client: TestClient) -> dict[str, Any]:
    """The description of the whole service."""
    made: dict[str, Any] = client.app.openapi()  # type: ignore[attr-defined]
    return made


def drawn(client: TestClient, path: str, method: str, examples: int, *held: CheckFunction) -> None:
    """Ask one operation for some time."""
    operation = schemathesis.openapi.from_dict(described(client))[path][method]

    @given(case=operation.as_strategy())
    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def asked(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
        if isinstance(sent.get("data"), bytes | str):
            sent["content"] = sent.pop("data")
        wanted = {name: held for name, held in sent.items() if name not in ("cookies", "files") and held is not None}
        case.validate_response(client.request(follow_redirects=False, **wanted), checks=[not_a_server_error, *held])

    asked()


def operations(client: TestClient, *, ours: bool) -> list[tuple[str, str]]:
    """Every operation, of FHIR and of operation, or the others."""
    methods = ("get", "post", "put", "delete", "patch")
    return [
        (path, method)
        for path, held in described(client)["paths"].items() if path.startswith(OURS) is ours and path not in ENDLESS
        for method in methods if method in held
    ]  # fmt: skip


def test_fhir_is_described_whole(client: TestClient) -> None:
    """Each operation declares what it refuses with, and its refusals are FHIR."""
    for path, method in operations(client, ours=True):
        if path.startswith("/fhir") and "well-known" not in path:
            answers = described(client)["paths"][path][method]["responses"]
            assert {"400", "401", "403", "404", "413", "415", "422", "429", "503"} <= set(answers), path
            assert "application/fhir+json" in answers["422"]["content"]


def test_fhir_answers_what_it_declares(client: TestClient) -> None:
    """A short run over every operation."""
    for path, method in operations(client, ours=True):
        drawn(client, path, method, QUICK, status_code_conformance, content_type_conformance)


@pytest.mark.slow
def test_fhir_answers_what_it_declares_for_long(client: TestClient) -> None:
    """The same for longer."""
    for path, method in operations(client, ours=True):
        drawn(client, path, method, LONG, status_code_conformance, content_type_conformance)


@pytest.mark.slow
def test_no_address_fails(client: TestClient) -> None:
    """Nothing that is asked of any other door is answered with a fault of ours."""
    for path, method in operations(client, ours=False):
        drawn(client, path, method, QUICK)
