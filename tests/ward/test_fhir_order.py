"""The same resources in any order, any number of times, alone or in Bundles: the same state and the same history."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from leeward.ward.alerts.record import standing
from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .conftest import NOW
from .fhir_sent import HEADERS, Said, at, bundle, infusion, person, post, pressure, put, send, temperature

WARD = {"resourceType": "Location", "id": "w7", "name": "Ward 7", "physicalType": {"coding": [{"code": "wa"}]}}


def stamped(one: Said, minutes: float) -> Said:
    """A resource in the version of a moment."""
    return one | {"meta": {"lastUpdated": at(minutes=minutes)}}


def stay(status: str) -> Said:
    """A stay on ward 7."""
    return {"resourceType": "Encounter", "id": "e1", "status": status, "class": {"code": "IMP"},
            "subject": {"reference": "Patient/007"}, "period": {"start": at(hours=50)},
            "location": [{"location": {"display": "Ward 7"},
                          "physicalType": {"coding": [{"code": "wa"}]}}]}  # fmt: skip


VERSIONS: list[Said] = [
    stamped(person(), 50),
    stamped(person("old"), 49),
    stamped(person("old", link=[{"other": {"reference": "Patient/007"}, "type": "replaced-by"}]), 20),
    stamped(infusion(), 48),
    stamped(temperature(38.6), 40), stamped(temperature(36.8, status="corrected"), 30),
    stamped(temperature(39.2, "t2"), 40), stamped(temperature(39.2, "t2", status="entered-in-error"), 25),
    stamped(pressure(80), 40), stamped(pressure(92), 35), stamped(pressure(110, "p2", "old"), 35),
    stamped(stay("in-progress"), 45), stamped(stay("finished"), 15),
]  # fmt: skip
"""Two versions of several resources, a withdrawal, a merge, a stay and its end."""


QUICKLY = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking, which takes minutes where each example is a ward; the failing delivery is printed as it is."""


@contextmanager
def ward() -> Iterator[tuple[TestClient, World]]:
    """A ward of its own for one example."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(WardSettings(database=f"sqlite:///{Path(folder) / 'ward.db'}", demo=True), SetClock(NOW))
        with TestClient(create_app(world, start=False)) as client:
            yield client, world
        world.engine.dispose()


def state(client: TestClient, world: World) -> dict[str, Any]:
    """Everything that may not depend on the order: findings, what stands, places, resources and their versions."""
    record = world.store.known(["007"]).findings
    told = record.drop_columns(["received_at"]).to_pylist()
    histories = [client.get(f"/fhir/{one['resourceType']}/{one['id']}/_history").json() for one in VERSIONS]
    return {
        "findings": sorted(map(repr, told)),
        "stands": sorted(map(repr, standing(record, NOW))),
        "places": sorted((h.patient, h.unit, h.bed or None, h.label, h.merged_into, h.discharged_at is None)
                         for h in world.store.patients()),
        "now": [_bare(client.get(f"/fhir/{one['resourceType']}/{one['id']}").json()) for one in VERSIONS],
        "versions": [sorted(repr(_bare(entry["resource"])) for entry in one["entry"]) for one in histories],
    }  # fmt: skip


def _bare(one: Said) -> Said:
    """A resource without our number of its version."""
    return {name: held for name, held in one.items() if name != "meta"}


def deliver(client: TestClient, order: list[int], cuts: set[int], kind: str) -> None:
    """Send versions in an order, cut into Bundles."""
    part: list[int] = []
    for place, number in enumerate(order):
        part.append(number)
        if place in cuts or place == len(order) - 1:
            if len(part) == 1 and kind != "history":
                assert send(client, VERSIONS[part[0]]).status_code in (200, 201)
            elif kind == "history":
                sent = bundle("history", *(put(VERSIONS[one]) for one in part))
                assert client.post("/fhir/$notification", json=sent, headers=HEADERS).status_code == 200
            else:
                answer = send(client, bundle("batch", *(put(VERSIONS[one]) for one in part)))
                assert {entry["response"]["status"] for entry in answer.json()["entry"]} <= {"200", "201"}
            part = []


@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=QUICKLY)
def test_20_any_order_any_batches_any_number_of_times(data: st.DataObject) -> None:
    """The final state is that of the orderly delivery."""
    order = data.draw(st.permutations(range(len(VERSIONS))))
    again = data.draw(st.lists(st.sampled_from(range(len(VERSIONS))), max_size=6))
    cuts = data.draw(st.sets(st.sampled_from(range(len(VERSIONS) + len(again)))))
    kind = data.draw(st.sampled_from(["batch", "history"]))
    with ward() as (client, world):
        deliver(client, [*order, *again], cuts, kind)
        assert state(client, world) == orderly()


_ORDERLY: list[dict[str, Any]] = []


def orderly() -> dict[str, Any]:
    """The state after one by one, oldest first, once each; worked out once."""
    if not _ORDERLY:
        with ward() as (client, world):
            deliver(client, list(range(len(VERSIONS))), set(range(len(VERSIONS))), "batch")
            _ORDERLY.append(state(client, world))
    return _ORDERLY[0]


def test_20_the_orderly_state_is_what_it_should_be() -> None:
    """Else the property would hold for nothing."""
    said = orderly()
    assert len([one for one in said["stands"] if "body-temperature" in one]) == 1
    assert "36.8" in next(one for one in said["stands"] if "body-temperature" in one)
    assert len([one for one in said["stands"] if "systolic-bp" in one]) == 2
    assert said["places"] == [
        ("007", "Ward 7", None, "AM, 64", None, False),
        ("old", None, None, "AM, 64", "007", True),
    ]


@given(parts=st.lists(st.sampled_from([temperature(), infusion(), pressure()]), min_size=1, max_size=5))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_20_creating_the_same_again_makes_nothing_new(parts: list[Said]) -> None:
    """Whoever creates without an id, twice: one resource each, one finding each."""
    with ward() as (client, world):
        for one in parts:
            send(client, bundle("transaction", post({name: held for name, held in one.items() if name != "id"})))
        assert world.store.findings_of("007").num_rows == len({one["id"] for one in parts})
