"""Resources broken in one place each: taken or refused in FHIR's words, and never a fault of ours."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .conftest import NOW
from .fhir_sent import HEADERS, Said, at, bundle, infusion, person, post, put, temperature

WHOLE: list[Said] = [
    person(link=[{"other": {"reference": "Patient/old"}, "type": "replaces"}], meta={"tag": [{"code": "x"}]}),
    temperature(meta={"lastUpdated": at(minutes=5)}, identifier=[{"system": "urn:x", "value": "1"}], issued=at(hours=1))
    | {"component": []},
    infusion() | {"dosage": {"dose": {"value": 1, "unit": "mg"}}},
    {"resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "IMP"},
     "subject": {"reference": "Patient/007"}, "period": {"start": at(hours=50), "end": at(hours=1)},
     "location": [{"location": {"reference": "Location/w7", "display": "7"}, "period": {"start": at(hours=9)},
                   "physicalType": {"coding": [{"code": "wa"}]}, "status": "active"}]},
    {"resourceType": "Location", "id": "w7", "name": "Ward 7", "partOf": {"reference": "Location/w7"},
     "physicalType": {"coding": [{"code": "wa"}]}},
    {"resourceType": "Medication", "id": "m1", "ingredient": [{"itemReference": {"reference": "Medication/m1"}}]},
    {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/007"}, "code": {"text": "x"},
     "verificationStatus": {"coding": [{"code": "confirmed"}]}, "onsetDateTime": at(hours=9)},
    bundle("transaction", post(temperature(), "urn:uuid:1", ifNoneExist="identifier=x|1"), put(person())),
    bundle("batch", put(temperature()), {"request": {"method": "GET", "url": "Observation?patient=007&date=2026"}}),
    bundle("history", {"resource": {"resourceType": "Parameters"}}, put(temperature())),
]  # fmt: skip
JSON = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}), st.just([None]),
    st.just([1]), st.just({"x": 1}), st.just("2026-99-99"), st.just("Patient/"),
    st.just("x" * 70), st.just([[]]), st.just(""),
)  # fmt: skip


def places(held: Any, at_: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a resource."""
    inside = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
    for name, one in inside:
        yield (*at_, name)
        yield from places(one, (*at_, name))


def broken(whole: Said, place: tuple[Any, ...], value: Any) -> Said:
    """A resource with something else at a place."""
    made = copy.deepcopy(whole)
    held: Any = made
    for name in place[:-1]:
        held = held[name]
    held[place[-1]] = value
    return made


@pytest.fixture(scope="module")
def ward() -> Iterator[TestClient]:
    """One ward for all."""
    with tempfile.TemporaryDirectory() as folder:
        limits = {"limits": {"burst": 1e6, "requests_a_minute": 1e6, "address_a_minute": 1e6}}
        database = f"sqlite:///{Path(folder) / 'ward.db'}"
        world = World(WardSettings(database=database, demo=True, limits=limits), SetClock(NOW))
        with TestClient(create_app(world, start=False), raise_server_exceptions=False) as client:
            yield client
        world.engine.dispose()


def send(client: TestClient, whole: Said, one: Said) -> Any:
    """As it would be sent if it were whole."""
    kind = whole["resourceType"]
    if kind == "Bundle":
        return client.post("/fhir/$notification" if whole["type"] == "history" else "/fhir", json=one, headers=HEADERS)
    return client.put(f"/fhir/{kind}/{whole['id']}", json=one, headers=HEADERS)


@given(data=st.data())
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck),
          phases=(Phase.explicit, Phase.generate))  # fmt: skip
def test_43_a_resource_broken_in_one_place_is_no_fault_of_ours(ward: TestClient, data: st.DataObject) -> None:
    """Any place, any JSON."""
    whole = data.draw(st.sampled_from(WHOLE))
    place = data.draw(st.sampled_from(list(places(whole))))
    answer = send(ward, whole, broken(whole, place, data.draw(JSON)))
    assert answer.status_code < 500, (place, answer.text)
    assert answer.json()["resourceType"] in ("OperationOutcome", "Bundle")


@pytest.mark.slow
def test_43_every_place_of_every_resource(ward: TestClient) -> None:
    """Each once with each of some values."""
    wrong = []
    for whole in WHOLE:
        for place in places(whole):
            for value in (None, 7, "x", [], {}, [None], [1], {"x": [1]}, "2026-99-99", "Patient/", ""):
                answer = send(ward, whole, broken(whole, place, value))
                if answer.status_code >= 500:
                    wrong.append((whole["resourceType"], place, value))
    assert wrong == []
