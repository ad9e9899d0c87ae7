"""A Subscription from end to end: a ward that answers on loopback, and a receiver that really listens."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn

from leeward.ward.alerts.signature import headers, key
from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.fhir.notices import CONTENT
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .conftest import NOW
from .fhir_sent import FHIR, Said, bundle, infusion, person, pressure, put, temperature
from .receiver import SECRET, Receiver

SOON_S = 120
"""Long enough for a busy machine; nothing here waits for it in vain."""
STEP = timedelta(seconds=2)
"""How the ward's clock goes on while a test waits for another attempt: each waits longer than the one before."""


class Live:
    """A ward as a hospital's systems see it: an address, and a receiver that it knows."""

    def __init__(self, address: str, receiver: Receiver, clock: SetClock) -> None:
        self.receiver, self.clock = receiver, clock
        self.client = httpx.Client(base_url=address, timeout=SOON_S, trust_env=False,
                                   headers={"content-type": FHIR})  # fmt: skip

    def wanted(self, **channel: Any) -> Said:
        """A Subscription to this receiver."""
        said: Said = {"type": "rest-hook", "endpoint": self.receiver.hook().url, "payload": FHIR, **channel}
        return {"resourceType": "Subscription", "status": "requested", "reason": "grades",
                "criteria": "Observation?category=leeward-grade",
                "channel": {name: held for name, held in said.items() if held is not None}}  # fmt: skip

    def subscribe(self, **channel: Any) -> str:
        """Ask for it; its id."""
        made = self.client.post("/fhir/Subscription", json=self.wanted(**channel))
        assert (made.status_code, made.json()["status"]) == (201, "requested")
        return str(made.json()["id"])

    def is_(self, id_: str, state: str) -> Said:
        """Wait until a Subscription stands so."""
        self.until(lambda: self.held(id_)["status"] == state)
        return self.held(id_)

    def held(self, id_: str) -> Said:
        """A Subscription as it is read."""
        said: Said = self.client.get(f"/fhir/Subscription/{id_}").json()
        return said

    def notices(self) -> list[tuple[dict[str, str], bytes]]:
        """What came of Subscriptions: what it said of itself, and its body. Alerts come to the same address."""
        return [(said, body) for _, said, body in list(self.receiver.came) if said["content-type"] == FHIR]

    def until(self, holds: Callable[[], Any]) -> Any:
        """Wait for something that a thread does."""
        ends = time.monotonic() + SOON_S
        while not (found := holds()):
            assert time.monotonic() < ends, "nothing came"
            time.sleep(0.01)
        return found

    def notice(self, number: int) -> tuple[dict[str, str], bytes]:
        """Wait for the so manieth request of a Subscription."""
        return self.until(lambda: len(self.notices()) >= number and self.notices()[number - 1])  # type: ignore[no-any-return]

    def retried(self, holds: Callable[[], bool]) -> None:
        """Wait for something, while time passes in the ward."""

        def after_a_while() -> bool:
            if not holds():
                self.clock.advance(STEP)
                time.sleep(0.05)
            return holds()

        self.until(after_a_while)


@pytest.fixture
def live(tmp_path: Path, clock: SetClock) -> Iterator[Live]:
    """A ward that runs as it does in a hospital, but for its clock."""
    receiver = Receiver()
    settings = WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True, webhooks=(receiver.hook(),),
                            limits={"feed": {"poll_ms": 20}})  # fmt: skip
    world = World(settings, clock)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(world), log_config=None))
        thread = Thread(target=server.run, kwargs={"sockets": [held]})
        thread.start()
        made = Live(f"http://127.0.0.1:{held.getsockname()[1]}", receiver, clock)
        made.until(lambda: server.started)
        with made.client:
            yield made
        server.should_exit = True
        thread.join()
    receiver.close()


def status(body: bytes) -> dict[str, Any]:
    """The first entry of a notice: what it says of its Subscription."""
    first = json.loads(body)["entry"][0]["resource"]
    return {
        one["name"]: one.get("valueCode") or one.get("valueString") or one.get("part") for one in first["parameter"]
    }


def fever(value: float = 39.1) -> Said:
    """A patient with CAR-T cells and a fever, as a Bundle."""
    return bundle("transaction", put(person()), put(infusion()), put(temperature(value)), put(pressure()))


def test_37_from_the_handshake_to_the_end(live: Live) -> None:
    """Handshake, active; a grade is told by address; it fails, error; it is taken, active; deleted, silent."""
    id_ = live.subscribe()
    said, body = live.notice(1)
    assert said["webhook-signature"] == headers(key(SECRET), said["webhook-id"], NOW, body)["webhook-signature"]
    assert {"type": "handshake", "status": "requested"}.items() <= status(body).items()
    live.is_(id_, "active")

    assert live.client.post("/fhir", json=fever()).status_code == 200
    _, body = live.notice(2)
    told = status(body)
    assert (told["type"], told["events-since-subscription-start"]) == ("event-notification", "1")
    assert "007" not in body.decode()
    assert "MRN" not in body.decode()
    addresses = [entry["fullUrl"] for entry in json.loads(body)["entry"][1:]]
    grade = live.client.get("/fhir" + addresses[0].partition("/fhir")[2]).json()
    assert (grade["resourceType"], grade["valueRange"]["low"]["value"]) == ("Observation", 1)

    live.receiver.answers = [500] * 99
    assert live.client.put("/fhir/Observation/t1", json=temperature(36.6)).status_code == 200
    live.retried(lambda: len(live.notices()) >= 6)
    failed = live.is_(id_, "error")
    assert "3 attempts" in failed["error"]
    assert live.client.get(f"/fhir/Subscription/{id_}/$status").json()["entry"][0]["resource"]["parameter"][1] == {
        "name": "status", "valueCode": "error"}  # fmt: skip
    live.receiver.answers = []
    live.retried(lambda: live.held(id_)["status"] == "active")
    assert "error" not in live.held(id_)
    assert len({said["idempotency-key"] for said, _ in live.notices()[2:]}) == 1
    assert status(live.notices()[-1][1])["events-since-subscription-start"] == "2"

    came = len(live.notices())
    assert live.client.delete(f"/fhir/Subscription/{id_}").status_code == 204
    assert live.client.put("/fhir/Observation/t1", json=temperature(39.5)).status_code == 200
    live.until(lambda: [b for _, s, b in list(live.receiver.came) if s["content-type"] != FHIR and b"39.5" in b])
    live.clock.advance(timedelta(minutes=10))
    assert len(live.notices()) == came
    assert live.client.get(f"/fhir/Subscription/{id_}").status_code == 410


@pytest.mark.parametrize(
    ("channel", "entries"),
    [({"payload": None}, None), ({"_payload": {"extension": [{"url": CONTENT, "valueCode": "empty"}]}}, 1), ({}, 3)],
    ids=["no payload", "empty", "id-only"],
)
def test_a_notice_says_as_much_as_was_asked_for(live: Live, channel: Said, entries: int | None) -> None:
    """Without a payload a notice is a signed request with nothing in it; else the state, and addresses if asked."""
    live.is_(live.subscribe(**channel), "active")
    assert live.client.post("/fhir", json=fever()).status_code == 200
    said, body = live.notice(2)
    assert said["webhook-signature"] == headers(key(SECRET), said["webhook-id"], NOW, body)["webhook-signature"]
    assert (None if body == b"" else len(json.loads(body)["entry"])) == entries


def test_37_a_receiver_that_never_answers_is_told_of_no_grade(live: Live) -> None:
    """The handshake fails: in error, never active; when it is taken after all, it is."""
    live.receiver.answers = [503] * 99
    id_ = live.subscribe()
    live.retried(lambda: len(live.notices()) >= 4)
    live.is_(id_, "error")
    assert live.client.post("/fhir", json=fever()).status_code == 200
    live.receiver.answers = []
    live.retried(lambda: live.held(id_)["status"] == "active")
    assert {status(body)["type"] for _, body in live.notices()} == {"handshake"}


def test_what_another_servers_subscription_tells_us_is_graded_and_told_on(live: Live) -> None:
    """The way in: its handshake has nothing to take, its notification has; the grade goes out to our own subscriber."""
    live.is_(live.subscribe(), "active")
    theirs: Said = {"resourceType": "Parameters", "parameter": [{"name": "type", "valueCode": "handshake"}]}
    hello = bundle("history", {"resource": theirs, "request": {"method": "GET", "url": "Subscription/1/$status"}})
    assert live.client.post("/fhir/$notification", json=hello).status_code == 200
    for one in (person(), infusion(), temperature(39.1), pressure()):
        told = bundle("history", *hello["entry"], put(one))
        assert live.client.post("/fhir/$notification", json=told).status_code == 200
    grades = live.until(lambda: [json.loads(body)["entry"][1:] for _, body in live.notices()[1:]])
    assert grades[0][0]["request"]["url"].startswith("Observation/")
    live.until(lambda: [b for _, s, b in list(live.receiver.came) if s["content-type"] != FHIR and b"fever" in b])
