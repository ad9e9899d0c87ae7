"""A ward in a test: a store of its own, a clock that stands until it is moved, and a client that knows no network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from leeward.ward.app import create_app
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.report.patients_made import browser

from .browsing import served
from .postgresql import ABSENT, INSTALLED, database, server
from .signed import sign_in
from .taken import said, take

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> SetClock:
    """The ward's clock; tests move it."""
    return SetClock(NOW)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real PostgreSQL on loopback."""
    if not INSTALLED:
        pytest.skip(ABSENT)
    with server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ward.db'}"
        return
    with database(request.getfixturevalue("postgresql")) as address:
        yield address


@pytest.fixture
def settings(tmp_path: Path) -> WardSettings:
    """A demo ward of its own, that listens to nobody."""
    return WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True)


@pytest.fixture
def world(settings: WardSettings, clock: SetClock) -> Iterator[World]:
    """A ward whose grader runs only when a test calls `world.grader.once()`."""
    made = World(settings, clock)
    yield made
    made.engine.dispose()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """A browser or a system that asks the ward."""
    with TestClient(create_app(world, start=False)) as made:
        yield made


@pytest.fixture
def guarded(settings: WardSettings, clock: SetClock) -> Iterator[World]:
    """A ward with sign-in and three patients: A and B on 7 West, C on 8 East."""
    world = World(msgspec.structs.replace(settings, demo=False, sign_in=sign_in()), clock)
    for patient, unit in (("A", "7 West"), ("B", "7 West"), ("C", "8 East")):
        placed = Move(kind="placed", patient=patient, at=NOW, unit=unit, bed="1")
        take(world, said(patient, "body-temperature", NOW, 38.2, "Cel"), moves=[placed], message=patient)
    yield world
    world.engine.dispose()


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """One ward, served to a browser, for most of a file."""
    with served(tmp_path_factory.mktemp("ward")) as (world, address, _):
        yield world, address


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    """One browser for a file."""
    with browser() as held:
        yield held
