"""Others subscribe to grades: to a listed address only, told by address and never by value."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from leeward.ward import tables as t
from leeward.ward.clock import SetClock
from leeward.ward.fhir.notices import CONTENT
from leeward.ward.fhir.subscribing import Subscribing
from leeward.ward.settings import WardSettings, Webhook
from leeward.ward.world import World

from .fhir_sent import HEADERS, Said, bundle, infusion, person, pressure, put, send, temperature

HOOK = Webhook(name="ehr", url="http://127.0.0.1:9/hook", secret="whsec_" + "QUJD" * 11, reach="loopback")
CHANNEL: Said = {"type": "rest-hook", "endpoint": HOOK.url, "payload": "application/fhir+json"}


def content(asked: str) -> Said:
    """How much a notice is to say, as the backport of Subscriptions spells it."""
    return {"extension": [{"url": CONTENT, "valueCode": asked}]}


WANTED: Said = {"resourceType": "Subscription", "status": "requested", "reason": "grades",
                "criteria": "Observation?category=leeward-grade", "channel": CHANNEL}  # fmt: skip
REFUSED: list[tuple[str, Said]] = [
    ("Subscription.criteria", {"criteria": "Observation?code=8310-5"}),
    ("Subscription.channel", {"channel": CHANNEL | {"type": "email"}}),
    ("Subscription.channel.endpoint", {"channel": CHANNEL | {"endpoint": "http://169.254.169.254/"}}),
    ("Subscription.channel.header", {"channel": CHANNEL | {"header": ["Authorization: x"]}}),
    ("Subscription.filter", {"filter": "x"}),
    ("Subscription.channel.payload.extension", {"channel": CHANNEL | {"_payload": content("full-resource")}}),
    ("Subscription.end", {"end": "tomorrow"}),
]


@pytest.fixture
def settings(tmp_path: Path) -> WardSettings:
    """A demo ward with one receiver."""
    return WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True, webhooks=(HOOK,))


def queued(world: World) -> list[Any]:
    """What waits for the receiver, handshakes apart."""
    grades = t.outbox.c.alert.is_(None) & (t.outbox.c.kind == "grades")
    with world.engine.connect() as connection:
        return [json.loads(row.body) for row in connection.execute(select(t.outbox).where(grades))]


def taken(world: World) -> None:
    """The receiver has accepted everything that waits."""
    with world.engine.begin() as connection:
        connection.execute(update(t.outbox).values(delivered_at=1, next_at=None))
    Subscribing(world).once()


@pytest.mark.parametrize(("place", "change"), REFUSED, ids=[row[0] for row in REFUSED])
def test_41_a_subscription_to_anything_else_is_refused(client: TestClient, place: str, change: Said) -> None:
    """Only grades, only to receivers that the centre lists."""
    answer = client.post("/fhir/Subscription", json=WANTED | change, headers=HEADERS)
    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (422, [place])


def test_a_change_of_grade_is_told_by_address(client: TestClient, world: World, clock: SetClock) -> None:
    """The notice holds no value and no identifier; what it names can be read; the same is told once."""
    made = client.post("/fhir/Subscription", json=WANTED, headers=HEADERS)
    assert (made.status_code, made.json()["status"]) == (201, "requested")
    taken(world)
    send(client, bundle("transaction", put(person()), put(infusion()), put(temperature(39.1)), put(pressure())))
    world.grader.once()
    subscribing = Subscribing(world)
    subscribing.once()  # the service's own watch may have been quicker: told once, whoever it was
    subscribing.once()
    [notice] = queued(world)
    assert notice["type"] == "history"
    told = [entry["fullUrl"] for entry in notice["entry"][1:]]
    assert len(told) == 2
    grade = client.get(told[0].removeprefix(world.access.home)).json()
    assert grade["valueRange"]["high"]["value"] >= 2
    assert not [word for word in ("007", "MRN", "39.1", "Mendez") if word in json.dumps(notice["entry"][1:])]
    where = f"/fhir/Subscription/{made.json()['id']}"
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == 410
    send(client, temperature(36.6))
    world.grader.once()
    Subscribing(world).once()
    assert queued(world) == []  # what still waited is sent to nobody either


def test_nothing_is_told_before_the_receiver_has_answered(client: TestClient, world: World) -> None:
    """What was graded while nobody had taken the handshake is not told afterwards either."""
    client.post("/fhir/Subscription", json=WANTED, headers=HEADERS)
    send(client, bundle("transaction", put(person()), put(infusion()), put(temperature(39.1)), put(pressure())))
    world.grader.once()
    Subscribing(world).once()
    taken(world)
    assert queued(world) == []
    send(client, temperature(36.6))
    world.grader.once()
    Subscribing(world).once()
    assert len(queued(world)) == 1


def test_a_subscription_has_an_end(client: TestClient, world: World, clock: SetClock) -> None:
    """At its own end it is off, and nothing more is told."""
    end = (clock.now() + timedelta(hours=1)).isoformat()
    made = client.post("/fhir/Subscription", json=WANTED | {"end": end}, headers=HEADERS).json()
    taken(world)
    states = [client.get(f"/fhir/Subscription/{made['id']}").json()["status"]]
    clock.advance(timedelta(hours=1))
    send(client, bundle("transaction", put(person()), put(infusion()), put(temperature(39.1)), put(pressure())))
    world.grader.once()
    Subscribing(world).once()
    states.append(client.get(f"/fhir/Subscription/{made['id']}").json()["status"])
    assert (states, queued(world)) == (["active", "off"], [])


def test_the_same_subscription_again_is_the_same(client: TestClient) -> None:
    """A system that asks at every start is told once."""
    made = [client.post("/fhir/Subscription", json=WANTED, headers=HEADERS).json()["id"] for _ in range(2)]
    assert made[0] == made[1]
