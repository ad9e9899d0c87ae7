"""Metrics and health: what is counted is right, and no patient stands in it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from leeward.ward.access import Person
from leeward.ward.clock import SetClock
from leeward.ward.world import World

from .fhir_sent import bundle, infusion, person, pressure, put, send, temperature
from .taken import said, take

CANARIES = ("007", "MRN", "Mendez", "Ana", "38.6", "101.3", "1961", "8310-5", "555-0199")


def read(client: TestClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in families
        for one in family.samples
        if not one.name.endswith("_created")
    }


def value(client: TestClient, name: str, **labels: str) -> float | None:
    """One sample."""
    return read(client).get((f"leeward_{name}", frozenset(labels.items())))


def test_what_arrives_is_counted_by_feed_and_reason(client: TestClient, world: World, clock: SetClock) -> None:
    """Arrivals, findings, refusals, and since when a feed is silent."""
    send(client, bundle("transaction", put(person()), put(infusion()), put(temperature())))
    send(client, temperature(101.3, "t2"))
    clock.advance(timedelta(minutes=7))
    assert value(client, "arrivals_total", door="fhir", source="fhir") == 2
    rows = world.store.findings_of("007").num_rows
    assert value(client, "findings_total", source="fhir") == rows + 1  # what could not be read stands as withdrawn
    assert value(client, "refusals_total", source="fhir", reason="implausible-for-unit") == 1
    assert value(client, "feed_silence_seconds", source="fhir") == 420


def test_who_waits_to_be_graded_shows(client: TestClient, world: World, clock: SetClock) -> None:
    """And how long passes take, and which alerts are open."""
    send(client, bundle("transaction", put(infusion()), put(temperature(39.1)), put(pressure())))
    clock.advance(timedelta(seconds=30))
    assert value(client, "oldest_ungraded_seconds") == 30
    world.grader.once()
    assert value(client, "oldest_ungraded_seconds") == 0
    assert value(client, "grading_pass_seconds_count") == 1
    opened = [number for (name, _), number in read(client).items() if name == "leeward_open_alerts"]
    assert sum(opened) == len(world.alerts.open())


def test_refused_requests_are_counted(client: TestClient) -> None:
    """By code."""
    before = value(client, "fhir_refused_total", source="fhir", code="structure") or 0
    send(client, temperature(x=1))
    assert value(client, "fhir_refused_total", source="fhir", code="structure") == before + 1


def test_48_no_patient_stands_in_the_metrics(client: TestClient, world: World) -> None:
    """Neither identifiers nor names nor values, also not those that a feed's name brings."""
    send(client, bundle("transaction", put(person()), put(infusion()), put(temperature()), put(pressure())))
    send(client, temperature(101.3, "MRN-t"))
    take(world, said("007", "body-temperature", world.clock.now(), 38.6, "Cel"), source="Mendez 007")
    world.grader.once()
    text = client.get("/metrics").text
    assert 'source="other"' in text
    held = world.store.handle_of("007") or ""
    samples = [line.rsplit(" ", 1)[0] for line in text.splitlines()]  # the counts themselves are no data of anybody
    assert not [line for line in samples for word in (*CANARIES, held) if word in line]


def test_metrics_are_for_those_who_operate(client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else's; health is open and says whether it works."""
    assert client.get("/health").json() == {"store": True, "grader": True}
    world.grader._worker.trouble = "ValueError"
    assert client.get("/health").status_code == 503
    monkeypatch.setattr(world.access, "person_of", lambda _: Person(id="v", name="v", role="viewer"))
    assert client.get("/metrics").status_code == 403
