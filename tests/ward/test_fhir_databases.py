"""The FHIR door on both databases, and under two writers at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .conftest import NOW
from .fhir_sent import bundle, codes, person, pressure, put, send, temperature


@pytest.fixture
def two(any_database: str) -> Iterator[list[tuple[TestClient, World]]]:
    """Two workers of one ward."""
    worlds = [World(WardSettings(database=any_database, demo=True), SetClock(NOW)) for _ in range(2)]
    clients = [TestClient(create_app(world, start=False)) for world in worlds]
    yield list(zip(clients, worlds, strict=True))
    for world in worlds:
        world.engine.dispose()


def test_what_one_worker_takes_the_other_reads(two: list[tuple[TestClient, World]]) -> None:
    """Versions, history, withdrawal and search."""
    (one, world), (other, _) = two
    assert send(one, bundle("transaction", put(person()), put(temperature()), put(pressure()))).status_code == 200
    assert send(other, temperature(39)).headers["etag"] == 'W/"2"'
    assert one.get("/fhir/Observation/t1/_history").json()["total"] == 2
    assert other.delete("/fhir/Observation/t1").status_code == 204
    handle = world.store.handle_of("007")
    assert one.get(f"/fhir/Observation?patient={handle}&code=8480-6").json()["total"] == 1
    assert one.get(f"/fhir/Observation?patient={handle}").json()["total"] == 1


def test_two_writers_of_one_resource_lose_nothing(two: list[tuple[TestClient, World]]) -> None:
    """Each version is kept under a number of its own, or refused as in conflict."""
    values = [36.0 + number / 10 for number in range(16)]

    def write(number: int) -> int:
        answer = send(two[number % 2][0], temperature(values[number]))
        assert answer.status_code in (200, 201, 409), answer.text
        assert answer.status_code != 409 or codes(answer) == [("conflict", None)]
        return int(answer.status_code)

    with ThreadPoolExecutor(4) as several:
        kept = [code for code in several.map(write, range(len(values))) if code != 409]
    past = two[0][0].get("/fhir/Observation/t1/_history").json()
    assert past["total"] == len(kept)
    assert kept.count(201) == 1
    numbers = [entry["resource"]["meta"]["versionId"] for entry in past["entry"]]
    assert sorted(map(int, numbers)) == list(range(1, len(kept) + 1))
