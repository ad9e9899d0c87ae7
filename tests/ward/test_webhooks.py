"""Webhooks: signed, at least once, each receiver by itself, only where the centre said; row 37 and row 41."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from leeward.record.errors import BadSetting
from leeward.ward import tables
from leeward.ward.alerts import Alerts
from leeward.ward.alerts.courier import Courier, asked, check
from leeward.ward.alerts.signature import headers, key
from leeward.ward.clock import SetClock, SystemClock
from leeward.ward.settings import WardSettings, Webhook
from leeward.ward.world import World

from .bedside import Patient
from .conftest import NOW
from .receiver import SECRET, Receiver

CANARY = "Canary^Cecily 1931-02-03"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The first receiver."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def second() -> Iterator[Receiver]:
    """The one who is told when the first is silent."""
    made = Receiver()
    yield made
    made.close()


Ward = Callable[..., tuple[Patient, Courier]]


@pytest.fixture
def ward(tmp_path: Path, clock: SetClock) -> Iterator[Ward]:
    """Makes a ward with some receivers, in which a patient has just had a first fever."""
    worlds: list[World] = []

    def made(*hooks: Webhook, limits: dict[str, float] | None = None) -> tuple[Patient, Courier]:
        settings = WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True, webhooks=hooks,
                                limits={"webhooks": limits or {}})  # fmt: skip
        world = World(settings, clock)
        worlds.append(world)
        patient = Patient(world, clock, CANARY)
        patient.chart(temperature=38.4)
        patient.graded()
        return patient, Courier(world)

    yield made
    for world in worlds:
        world.engine.dispose()


def test_37_a_message_is_signed_and_names_no_patient(ward: Ward, receiver: Receiver, capsys: Any) -> None:
    """Standard Webhooks: id, time, signature over both and the body; the path and the log hold nothing of a patient."""
    _, courier = ward(receiver.hook())
    assert courier.once() == 1
    path, said, body = receiver.came[0]
    assert path == "/alerts"
    assert said["webhook-id"] == said["idempotency-key"]
    assert said["webhook-signature"] == headers(key(SECRET), said["webhook-id"], NOW, body)["webhook-signature"]
    assert CANARY not in f"{path} {said} {body.decode()} {capsys.readouterr()}"
    data = receiver.bodies()[0]["data"]
    assert (receiver.bodies()[0]["type"], data["kind"], data["level"]) == ("alert.opened", "first-fever", 1)
    assert data["text"].startswith("First fever after")


def test_37_the_signature_is_the_one_of_the_published_library() -> None:
    """Another party's code verifies what ours signs, and refuses it altered."""
    published = pytest.importorskip("standardwebhooks", reason="the library of Standard Webhooks is not installed")
    body = json.dumps({"type": "alert.opened"}).encode()
    said = headers(key(SECRET), "msg_1", SystemClock().now(), body)
    assert published.Webhook(SECRET).verify(body, said) == {"type": "alert.opened"}
    with pytest.raises(published.WebhookVerificationError):
        published.Webhook(SECRET).verify(body + b" ", said)


@pytest.mark.parametrize("status", [500, 503, 404, 429, 302])
def test_37_what_is_not_accepted_is_sent_again_under_the_same_key(ward: Ward, receiver: Receiver, status: int) -> None:
    """Not before its wait, which doubles; a redirect is not followed; accepted once, it is not sent again."""
    patient, courier = ward(receiver.hook())
    receiver.answers = [status, status]
    assert [courier.once(), courier.once()] == [1, 0]
    patient.clock.advance(timedelta(seconds=6))
    assert courier.once() == 1
    patient.clock.advance(timedelta(seconds=6))
    assert courier.once() == 0
    patient.clock.advance(timedelta(seconds=7))
    assert [courier.once(), courier.once()] == [1, 0]
    assert [path for path, _, _ in receiver.came] == ["/alerts"] * 3
    assert len({said["webhook-id"] for _, said, _ in receiver.came}) == 1
    delivery = patient.open()[0].deliveries[0]
    assert (delivery.attempts, delivery.delivered_at) == (3, patient.clock.now())
    assert patient.open()[0].told == "sent"


def test_37_a_receiver_that_is_down_and_one_that_is_not(ward: Ward, receiver: Receiver) -> None:
    """Nobody listens at one address; the other is told all the same, in the same round."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/alerts"
    down = Webhook(name="down", url=closed, secret=SECRET, reach="loopback")
    patient, courier = ward(down, receiver.hook("up"))
    assert courier.once() == 2
    assert [(one.receiver, one.delivered_at is not None) for one in patient.open()[0].deliveries] == [
        ("down", False), ("up", True)]  # fmt: skip


def test_37_a_slow_receiver_is_cut_off(ward: Ward, receiver: Receiver) -> None:
    """Its attempt counts as failed after the time-out; it may well have accepted, so the key stays the same."""
    patient, courier = ward(receiver.hook(), limits={"timeout_s": 0.2})
    receiver.slow.clear()
    assert courier.once() == 1
    receiver.slow.set()
    assert patient.open()[0].deliveries[0].delivered_at is None
    patient.clock.advance(timedelta(seconds=7))
    assert courier.once() == 1
    assert receiver.came[0][1]["idempotency-key"] == receiver.came[1][1]["idempotency-key"]
    assert receiver.came[0][2] == receiver.came[1][2]


def test_37_a_worker_that_died_while_sending_gives_the_message_back(ward: Ward, receiver: Receiver) -> None:
    """Claimed and never recorded: due again after half a minute, and never sent by two at once."""
    patient, courier = ward(receiver.hook())
    assert len(courier._claim("ward phone")) == 1
    assert courier.once() == 0
    patient.clock.advance(timedelta(seconds=31))
    assert courier.once() == 1


def test_37_unacknowledged_is_shown_as_undelivered_and_escalated(
    ward: Ward, receiver: Receiver, second: Receiver
) -> None:
    """Ten minutes, and the next is told; then, that nobody is left."""
    patient, courier = ward(receiver.hook(next_="on call"), second.hook("on call"))
    receiver.answers = [500] * 20
    courier.once()
    patient.clock.advance(timedelta(minutes=9, seconds=59))
    patient.world.alerts.escalate()
    assert (second.came, patient.open()[0].undelivered) == ([], False)
    patient.clock.advance(timedelta(seconds=1))
    assert patient.open()[0].undelivered
    patient.world.alerts.escalate()
    patient.world.alerts.escalate()
    courier.once()
    assert [body["type"] for body in second.bodies()] == ["alert.escalated"]
    assert second.bodies()[0]["data"]["text"].startswith("Not acknowledged: First fever")
    assert patient.open()[0].told == "sent"
    patient.clock.advance(timedelta(minutes=10))
    patient.world.alerts.escalate()
    patient.clock.advance(timedelta(minutes=10))
    patient.world.alerts.escalate()
    assert [one.what for one in patient.open()[0].happened if one.what in ("escalated", "undelivered")] == [
        "escalated", "undelivered"]  # fmt: skip


def test_37_what_was_acknowledged_goes_no_further(ward: Ward, receiver: Receiver, second: Receiver) -> None:
    """A rise after that is a new alert, and starts with the first receiver again."""
    patient, courier = ward(receiver.hook(next_="on call"), second.hook("on call"))
    patient.world.alerts.acknowledge(patient.open()[0].id, "nurse")
    patient.clock.advance(timedelta(minutes=20))
    patient.world.alerts.escalate()
    patient.chart(pressure=80)
    patient.graded()
    courier.once()
    assert second.came == []
    opened = [body["data"]["kind"] for body in receiver.bodies() if body["type"] == "alert.opened"]
    assert sorted(opened) == ["first-fever", "rising-grade"]


def test_37_a_receivers_list_of_what_is_open_is_the_boards(ward: Ward, receiver: Receiver) -> None:
    """Each alert that was told is told to be closed: overtaken, by which; withdrawn; left. A new one names the old."""
    patient, courier = ward(receiver.hook())

    def open_there() -> set[int]:
        while courier.once():
            """Until nothing waits."""
        said = sorted(receiver.bodies(), key=lambda body: (body["timestamp"], body["data"]["alert"]))
        return {body["data"]["alert"] for body in said} - {
            body["data"]["alert"] for body in said if not body["data"]["open"]
        }

    first = patient.open()[0].id
    patient.clock.advance(timedelta(minutes=5))
    at, record = patient.clock.now(), patient.chart(pressure=70)
    patient.graded()
    assert open_there() == {one.id for one in patient.open()}
    second = patient.open()[0].id
    data = {(body["type"], body["data"]["alert"]): body["data"] for body in receiver.bodies()}
    assert data["alert.overtaken", first]["by"] == second
    assert (data["alert.opened", first]["after"], data["alert.opened", second]["after"]) == ([], [first])
    patient.clock.advance(timedelta(minutes=5))
    patient.chart(record=record, version="2", status="corrected", at=at, pressure=120)
    patient.graded()
    assert open_there() == {one.id for one in patient.open()}
    assert receiver.bodies()[-1]["data"].get("after", [second]) == [second]
    patient.discharge()
    Patient(patient.world, patient.clock, "other")
    patient.graded()
    assert open_there() == set()
    assert receiver.bodies()[-1]["type"] == "alert.closed"


def test_35_quiet_ends_by_itself_and_the_same_people_are_reminded(ward: Ward, receiver: Receiver) -> None:
    """Quieted for half an hour: nothing until then, one reminder after it."""
    patient, courier = ward(receiver.hook())
    courier.once()
    patient.world.alerts.quiet(patient.open()[0].id, "nurse", patient.clock.now() + timedelta(minutes=30))
    patient.clock.advance(timedelta(minutes=29))
    patient.world.alerts.escalate()
    assert courier.once() == 0
    patient.clock.advance(timedelta(minutes=1))
    patient.world.alerts.escalate()
    patient.world.alerts.escalate()
    courier.once()
    assert [body["type"] for body in receiver.bodies()] == ["alert.opened", "alert.again"]


def test_23_a_withdrawal_goes_to_whoever_was_told(ward: Ward, receiver: Receiver, second: Receiver) -> None:
    """Also to those who heard of it only by escalation; not to those who never did."""
    patient, courier = ward(receiver.hook(next_="on call"), second.hook("on call"), second.hook("B", units=("B",)))
    at = patient.clock.now()
    record = patient.chart(temperature=39.5, pressure=70)
    patient.graded()
    patient.clock.advance(timedelta(minutes=11))
    patient.world.alerts.escalate()
    patient.chart(record=record, version="2", status="corrected", at=at, temperature=37.0, pressure=120)
    patient.graded()
    courier.once()
    ended = [body["data"]["alert"] for body in receiver.bodies() if body["type"] == "alert.withdrawn"]
    assert ended != []
    assert ended == [body["data"]["alert"] for body in second.bodies() if body["type"] == "alert.withdrawn"]
    assert not any(body["data"]["unit"] == "B" for body in second.bodies())


def test_37_one_message_for_each_receiver_though_two_workers_tell(ward: Ward, receiver: Receiver) -> None:
    """And each of a store's messages is claimed by one of them."""
    patient, courier = ward(receiver.hook())
    look = patient.world.grader.look(CANARY)
    Alerts(patient.world).consider([look])
    other = Courier(patient.world)
    assert courier.once() + other.once() == 1


def test_51_a_clock_that_was_set_back_delays_no_message(ward: Ward, receiver: Receiver) -> None:
    """What was due in the future of a clock that jumped is due now."""
    patient, courier = ward(receiver.hook())
    receiver.answers = [500]
    courier.once()
    patient.clock.set(patient.clock.now() - timedelta(hours=3))
    assert courier.once() == 1
    assert patient.open()[0].deliveries[0].delivered_at is not None


def test_37_after_many_attempts_it_stays_undelivered_and_says_so(ward: Ward, receiver: Receiver) -> None:
    """It is not tried for ever."""
    patient, courier = ward(receiver.hook(), limits={"attempts_most": 2})
    receiver.answers = [500] * 9
    for _ in range(4):
        courier.once()
        patient.clock.advance(timedelta(minutes=6))
    assert len(receiver.came) == 2
    assert "given-up" in [one.what for one in patient.open()[0].happened]


@pytest.mark.parametrize(
    "url",
    ["https://localhost:1/alerts", "https://169.254.169.254/alerts", "https://10.0.0.7/alerts", "https://[::1]:1/a"],
)
def test_41_an_address_that_resolves_to_where_it_may_not_is_never_asked(ward: Ward, url: str) -> None:
    """A receiver is outside, unless the centre says that it is in its own network or on this machine."""
    odd = Webhook(name="odd", url=url, secret=SECRET)
    assert asyncio.run(asked(odd, {}, b"{}")) == "not-its-place"
    patient, courier = ward(odd)
    assert courier.once() == 1
    assert patient.open()[0].deliveries[0].delivered_at is None


def test_41_only_what_the_settings_name_is_asked(ward: Ward, receiver: Receiver) -> None:
    """A message for a receiver that is no longer written down stays, and shows as not delivered."""
    patient, courier = ward(receiver.hook())
    with patient.world.engine.begin() as connection:
        connection.execute(update(tables.outbox).values(receiver="http://127.0.0.1/other"))
    assert courier.once() == 0
    with patient.world.engine.connect() as connection:
        assert connection.execute(select(tables.outbox.c.delivered_at)).scalar() is None


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ([("a", "http://hospital.example/x", None)], "only https"),
        ([("a", "https://u:p@hospital.example/x", None)], "nothing else"),
        ([("a", "https://hospital.example/x?patient=1", None)], "nothing else"),
        ([("a", "https://hospital.example/x", "b")], "no 'b'"),
        ([("a", "https://h.example/x", "b"), ("b", "https://h.example/x", "a")], "told first"),
        ([("a", "https://h.example/x", None), ("a", "https://h.example/y", None)], "name of its own"),
    ],
)
def test_settings_that_would_tell_nobody_or_too_much_are_refused(
    hooks: list[tuple[str, str, str | None]], said: str
) -> None:
    """Before the ward starts, with the receiver's name and not its address."""
    with pytest.raises(BadSetting, match=said):
        check([Webhook(name=name, url=url, secret=SECRET, next=after) for name, url, after in hooks])


@pytest.mark.parametrize("secret", ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!"])
def test_a_secret_that_is_none_is_refused_without_being_shown(secret: str) -> None:
    """A short one can be guessed."""
    with pytest.raises(BadSetting, match="at least 32 random bytes") as error:
        key(secret)
    assert len(secret) < 7 or secret not in str(error.value)
