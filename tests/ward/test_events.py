"""The stream of events: a real server; what is heard, from where on, by whom, and that it still lives."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn
from starlette.testclient import TestClient

from leeward.knowledge import edition
from leeward.ward.access.people import DEMO, Person
from leeward.ward.access.refusal import Refusal
from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .bedside import Patient
from .conftest import NOW

SOON_S = 20
"""Long enough for a busy machine; nothing here waits for it in vain."""


@pytest.fixture
def settings(tmp_path: Path) -> WardSettings:
    """A ward whose beats are quick."""
    quick = {"heartbeat_s": 0.05, "poll_ms": 10, "streams_most": 3, "resume_most": 50}
    return WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True, limits={"feed": quick})


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """Where the ward answers, on this machine."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(world, start=False), log_config=None, lifespan="off"))
        thread = Thread(target=server.run, kwargs={"sockets": [held]})
        thread.start()
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        thread.join()


class Listener:
    """Reads events one after the other."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer, self._lines = answer, answer.iter_lines()

    def next(self) -> dict[str, str]:
        """The next event, beats among them, as its fields."""
        made: dict[str, str] = {}
        for line in self._lines:
            if not line and made:
                return made
            name, _, value = line.partition(": ")
            if name:
                made[name] = value
        raise EOFError

    def next_or_none(self) -> dict[str, str] | None:
        """The next event; None where the stream has ended."""
        try:
            return self.next()
        except (EOFError, httpx.RemoteProtocolError):
            return None

    def heard(self, kind: str) -> tuple[str | None, dict[str, Any]]:
        """The next event of a kind: its number and what it says."""
        while (event := self.next())["event"] != kind:
            assert event["event"] in ("beat", "hello", "graded", "alerts-open") or not kind.startswith(
                "alert-opened"
            ), event
        return event.get("id"), json.loads(event["data"])


@contextmanager
def listening(address: str, last: str | None = None) -> Iterator[Listener]:
    """A page that listens."""
    with (
        httpx.Client(timeout=SOON_S, trust_env=False) as client,
        client.stream("GET", f"{address}/events", headers={"last-event-id": last} if last else {}) as answer,
    ):
        yield Listener(answer)


def test_52_a_page_hears_what_holds_and_that_the_service_lives(address: str) -> None:
    """The edition of knowledge first; then the server's time, again and again, as an event that a script can hear."""
    with listening(address) as page:
        assert page.answer.headers["content-type"].startswith("text/event-stream")
        assert page.answer.headers["cache-control"] == "no-store"
        first = page.next()
        said = json.loads(first["data"])
        assert (first["event"], said["edition"], said["reload"], first["retry"]) == ("hello", edition(), False, "2000")
        beats = [page.heard("beat") for _ in range(3)]
        assert [number for number, _ in beats] == [None, None, None]
        assert beats[0][1]["now"] == NOW.isoformat().replace("+00:00", "Z")


def test_52_another_edition_is_told_to_a_page_that_listens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ward that took other guidelines says hello again, once."""
    with listening(address) as page:
        before = json.loads(page.next()["data"])
        monkeypatch.setattr("leeward.ward.doors.events.edition", lambda: "another-edition")
        _, said = page.heard("hello")
        assert (said["edition"], said["last"], said["reload"]) == ("another-edition", before["last"], False)
        assert [page.next()["event"] for _ in range(2)] == ["beat", "beat"]


def test_52_a_beat_comes_at_least_thrice_within_the_ten_seconds_that_a_page_waits() -> None:
    """So that one lost beat greys nothing out, and a lost stream does."""
    assert WardSettings().number("feed", "heartbeat_s") * 3 < 10


def test_an_alert_is_heard_and_a_page_that_was_away_hears_it_once(address: str, world: World, clock: SetClock) -> None:
    """From the last event that it has seen on; and who was shown it is on record, once."""
    patient = Patient(world, clock, "Canary^Cecily")
    with listening(address) as page:
        page.next()
        patient.chart(temperature=38.4)
        patient.graded()
        number, said = page.heard("alert-opened")
    assert (said["kind"], said["open"]) == ("first-fever", True)
    assert "Canary" not in json.dumps(said)
    with listening(address, str(int(number or 0) - 1)) as page:
        assert page.heard("alert-opened") == (number, said)
    with listening(address, number) as page:
        page.next()
        world.alerts.acknowledge(said["alert"], "nurse")
        assert page.heard("alert-acknowledged")[1]["alert"] == said["alert"]
    assert [one.person for one in patient.open()[0].happened if one.what == "shown"] == ["demo"]


def test_an_alert_is_untold_until_a_board_opens_and_its_row_is_fetched_anew(
    address: str, world: World, clock: SetClock
) -> None:
    """An open board is a delivery of its own, on record for each person; acknowledging is another thing."""
    patient = Patient(world, clock, "Canary^Cecily")
    patient.chart(temperature=38.4)
    patient.graded()
    assert world.alerts.untold([patient.name]) == {patient.name: len(patient.open())}
    with listening(address) as page:
        _, told = page.heard("alerts-open")
        assert {one["id"] for one in told["alerts"]} == {one.id for one in world.alerts.open()}
        assert "Canary" not in json.dumps(told)
        handle = world.store.handle_of(patient.name)
        while handle not in page.heard("graded")[1]["patients"]:
            """Other rows."""
        assert ({one.told for one in patient.open()}, world.alerts.untold([patient.name])) == ({"shown"}, {})
        clock.advance(timedelta(minutes=1))
        patient.chart(pressure=80)
        patient.graded()
        _, risen = page.heard("alert-opened")
        while (one := world.alerts.one(risen["alert"])) is not None and one.told == "untold":
            page.next()
    clock.advance(timedelta(minutes=11))
    patient.chart(temperature=38.5, pressure=80, oxygen="high-flow-nasal-cannula", flow=40)
    patient.graded()
    assert [one.told for one in patient.open() if one.kind == "rising-grade"] == ["untold"]  # the board is closed


def test_23_whoever_was_shown_an_alert_hears_of_its_withdrawal_though_no_board_was_open(
    address: str, world: World, clock: SetClock
) -> None:
    """Once: when their board opens again; on record for each person, as that it was shown."""
    patient = Patient(world, clock, "Canary^Cecily")
    record, at = patient.chart(temperature=38.4), clock.now()
    patient.graded()
    with listening(address) as page:
        page.heard("alerts-open")
        page.heard("beat")
    clock.advance(timedelta(minutes=5))
    patient.chart(temperature=36.8, record=record, version="2", status="corrected", at=at)
    patient.graded()
    with listening(address) as page:
        _, said = page.heard("alert-withdrawn")
        page.heard("beat")
    assert (said["open"], said["text"][:9]) == (False, "Withdrawn")
    with listening(address) as page:
        assert {page.next()["event"] for _ in range(6)} == {"hello", "alerts-open", "beat"}
    one = world.alerts.one(said["alert"])
    assert one is not None
    assert [event.person for event in one.happened if event.what == "withdrawal-shown"] == ["demo"]


def test_42_a_board_is_told_of_its_own_units_alerts_alone(
    address: str, world: World, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on another unit stays untold, however many boards are open here."""
    patient = Patient(world, clock, "008", "B")
    patient.chart(temperature=38.4)
    patient.graded()
    limited = msgspec.structs.replace(DEMO, units=frozenset({"A"}))
    monkeypatch.setattr(world.access, "_recognised", lambda *_, **__: limited)
    with listening(address) as page:
        _, told = page.heard("alerts-open")
        page.heard("beat")
    assert [one["patient"] for one in told["alerts"] if "patient" in one] == []
    assert {one.told for one in patient.open()} == {"untold"}


@pytest.mark.parametrize("last", ["99999", "1"])
def test_a_page_that_missed_too_much_is_told_to_load_afresh(address: str, world: World, last: str) -> None:
    """A number from another store, or one too long ago."""
    for _ in range(60):
        world.store.add_event("graded", None, None, {"patients": []})
    with listening(address, last) as page:
        assert json.loads(page.next()["data"])["reload"] is True


@pytest.mark.parametrize("last", ["x", "-1", "1e3", "٣"])
def test_a_number_that_is_none_is_as_good_as_none(address: str, last: str) -> None:
    """The stream begins now."""
    with listening(address, last.encode().decode("latin-1") if last.isascii() else "1x") as page:
        assert json.loads(page.next()["data"])["reload"] is False


def test_who_may_see_one_unit_hears_of_that_unit_only(
    address: str, world: World, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of patients elsewhere neither alert nor handle; what concerns the whole ward everybody hears."""
    mine, other = Patient(world, clock, "007", "A"), Patient(world, clock, "008", "B")
    limited = msgspec.structs.replace(DEMO, units=frozenset({"A"}))
    monkeypatch.setattr(world.access, "_recognised", lambda *_, **__: limited)
    with listening(address) as page:
        page.next()
        for one in (other, mine):
            one.chart(temperature=38.4)
            one.graded()
        world.store.add_event("alert-opened", None, None, {"alert": 1, "text": "Nothing received of any patient"})
        events: list[dict[str, str]] = []
        while not events or "Nothing received" not in events[-1]["data"]:
            events.append(page.next())
    said = " ".join(event["data"] for event in events)
    assert str(mine.open()[0].handle) in said
    assert str(other.open()[0].handle) not in said
    assert [event["event"] for event in events if event["event"].startswith("alert-")] == ["alert-opened"] * 2


def test_who_may_see_one_patient_hears_of_that_patient_only(
    address: str, world: World, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the rows of several are announced together."""
    mine, other = Patient(world, clock, "007"), Patient(world, clock, "008")
    limited = msgspec.structs.replace(DEMO, patients=frozenset({"007"}))
    monkeypatch.setattr(world.access, "_recognised", lambda *_, **__: limited)
    with listening(address) as page:
        page.next()
        other.chart(temperature=38.4)
        mine.chart(temperature=38.4)
        mine.graded()
        events = [page.next()]
        while events[-1]["event"] != "graded":
            events.append(page.next())
    said = " ".join(event["data"] for event in events)
    assert str(mine.open()[0].handle) in said
    assert str(other.open()[0].handle) not in said


def test_a_stream_ends_when_the_listener_may_no_longer_look(
    address: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that ended is noticed at the next beat."""
    people: list[Person] = [DEMO, DEMO]

    def recognised(*_: object, **__: object) -> Person:
        if not people:
            raise Refusal(401)
        return people.pop()

    monkeypatch.setattr(world.access, "_recognised", recognised)
    with listening(address) as page:
        heard = [one["event"] for one in iter(page.next_or_none, None)]
        assert heard[0] == "hello"
        assert people == []


def test_more_streams_than_there_may_be_are_refused_with_a_reason(address: str) -> None:
    """And there is room again when one has gone."""
    with listening(address) as first, listening(address) as second, listening(address) as third:
        for page in (first, second, third):
            page.next()
        answer = httpx.get(f"{address}/events", trust_env=False)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_alerts_over_http(client: TestClient, world: World, clock: SetClock) -> None:
    """Listed without the identifier, acknowledged, quieted within the ward's limit; nonsense is refused."""
    patient = Patient(world, clock, "Canary^Cecily")
    patient.chart(temperature=38.4)
    patient.graded()
    answer = client.get("/alerts?untold=true")
    assert "Canary" not in answer.text
    (one,) = [alert for alert in answer.json()["alerts"] if alert["kind"] == "first-fever"]
    assert one["standing"].startswith("Information for a professional's review")
    quiet = client.post(f"/alerts/{one['id']}/quiet", json={"minutes": 9999}).json()
    assert (quiet["quiet_until"], quiet["quieted_by"]) == ("2026-03-05T14:00:00Z", "demo")
    assert client.post(f"/alerts/{one['id']}/acknowledge").json()["told"] == "acknowledged"
    assert "first-fever" not in client.get("/alerts?untold=true").text
    for body in ({"minutes": 0}, {"minutes": "ten"}, {"minutes": 5, "level": 4}, {}):
        assert client.post(f"/alerts/{one['id']}/quiet", json=body).status_code == 422
    assert client.post("/alerts/999/acknowledge").status_code == 404
    assert client.post("/alerts/x/acknowledge").status_code == 422


def test_42_an_alert_of_another_unit_is_as_one_that_is_not_there(
    client: TestClient, world: World, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither listed, nor to be acknowledged or quieted, and the answers do not differ."""
    patient = Patient(world, clock, "008", "B")
    patient.chart(temperature=38.4)
    patient.graded()
    number = patient.open()[0].id
    limited = msgspec.structs.replace(DEMO, units=frozenset({"A"}))
    monkeypatch.setattr(world.access, "_recognised", lambda *_, **__: limited)
    assert "first-fever" not in client.get("/alerts").text
    there, absent = (client.post(f"/alerts/{one}/acknowledge") for one in (number, 999))
    assert (there.status_code, there.text) == (absent.status_code, absent.text) == (404, absent.text)
    assert patient.open()[0].told == "untold"
