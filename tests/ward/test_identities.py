"""Row 26: a number of HL7 v2 and an id of FHIR are one person, where the settings say whose number it is."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from starlette.testclient import TestClient

from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .fhir_sent import codes, person, send, temperature
from .hl7_messages import message, obr, obx, receiver, with_hl7

MRN = "urn:mrn"


@pytest.fixture
def world(settings: WardSettings, clock: SetClock) -> Iterator[World]:
    """A ward with an HL7 feed, whose FHIR settings name the hospital's numbers."""
    made = World(msgspec.structs.replace(with_hl7(settings), fhir={"identifier": MRN}), clock)
    yield made
    made.engine.dispose()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """Whoever speaks FHIR."""
    with TestClient(create_app(world, start=False)) as made:
        yield made


def number(value: str) -> dict[str, list[dict[str, str]]]:
    """A Patient's hospital number."""
    return {"identifier": [{"system": MRN, "value": value}]}


def laboratory(world: World) -> None:
    """A result of patient 4711 by HL7 v2."""
    receiver(world).receive(message("PID|1||4711^^^H^MR||Doe^Jane||19630402|F", obr(), obx("12")))


def read(world: World, patient: str) -> set[str]:
    """The quantities that are read with a patient."""
    return set(world.store.findings_of(patient)["quantity"].to_pylist())


@pytest.mark.parametrize("first", ["fhir", "hl7"])
def test_26_a_number_of_hl7_and_an_id_of_fhir_are_one_person(world: World, client: TestClient, first: str) -> None:
    """Whichever comes first; on the ward there is one of them, and no row has moved."""
    if first == "hl7":
        laboratory(world)
    assert send(client, person("abc", **number("4711"))).status_code == 201
    assert send(client, temperature(patient="abc")).status_code == 201
    if first == "fhir":
        laboratory(world)
    assert {"body-temperature", "crp"} <= read(world, "4711") == read(world, "abc")
    assert [held.patient for held in world.present()] == ["4711"]
    kept = {row["patient"] for row in world.store.findings_of("abc").to_pylist()}
    assert kept <= {"abc", "4711"}


def test_26_a_number_that_was_wrong_parts_them_again(world: World, client: TestClient) -> None:
    """Another number in place of the first is another person, and refused; without the first, they are parted."""
    laboratory(world)
    other = [{"system": "urn:other", "value": "1"}]
    send(client, person("abc", identifier=[*number("4711")["identifier"], *other]))
    send(client, temperature(patient="abc"))
    assert send(client, person("abc", **number("4712"))).status_code >= 400
    assert "crp" in read(world, "abc")
    assert send(client, person("abc", identifier=other)).status_code == 200
    assert "crp" not in read(world, "abc")
    assert "body-temperature" not in read(world, "4711")


def test_26_two_ids_of_one_number_are_one_person_and_nobody_is_warned(world: World, client: TestClient) -> None:
    """A link is not asked for; of a Patient with two such numbers nothing is guessed."""
    send(client, person("abc", **number("4711")))
    again = send(client, person("xyz", **number("4711")), Prefer="return=OperationOutcome")
    assert ("duplicate", "Patient.identifier") not in codes(again)
    send(client, temperature(patient="xyz"))
    assert "body-temperature" in read(world, "abc")
    both = {"identifier": [*number("4711")["identifier"], *number("4799")["identifier"]]}
    send(client, person("two", **both))
    held = world.store.patient("two")
    assert held is None or held.merged_into is None


def test_26_an_identifier_of_another_system_merges_nobody(world: World, client: TestClient) -> None:
    """The same number of another authority is another person."""
    laboratory(world)
    send(client, person("abc", identifier=[{"system": "urn:other", "value": "4711"}]))
    send(client, temperature(patient="abc"))
    assert "crp" not in read(world, "abc")
