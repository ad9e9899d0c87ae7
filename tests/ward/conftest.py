"""A ward in a test: a store of its own, a clock that stands until it is moved, and a client that knows no network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .postgresql import ABSENT, INSTALLED, database, server

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
