"""A ward on a loopback port and pages of it in Chromium, for tests of the board."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from leeward.ward.app import create_app
from leeward.ward.arrivals import Move
from leeward.ward.clock import ReplayClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.report.patients_made import axe

from .taken import said, take

START = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
GRAVE = ("serious", "critical")
RUN = "() => axe.run(document, {resultTypes: ['violations']})"
SIZES = {"phone": (390, 844), "desk": (1440, 900), "wall": (2560, 1440)}
UNFOLD = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"


def placed(patient: str, bed: str, label: str) -> Move:
    """A patient in a bed."""
    return Move(kind="placed", patient=patient, unit="7A", bed=bed, label=label, at=START)


def filled(world: World) -> None:
    """Three patients: on oxygen with a rise and a dose, feverish without a charted device, well."""
    for patient, bed, label, celsius in (("A", "12", "A. M., 61", 38.9), ("B", "07", "J. K., 8", 39.4),
                                         ("C", "15", "R. B., 55", 37.1)):  # fmt: skip
        rows = [said(patient, "trigger", START - timedelta(days=3), "axicabtagene ciloleucel"),
                said(patient, "age-years", START - timedelta(days=3), 61, "a"),
                said(patient, "body-weight", START - timedelta(days=3), 78, "kg")]  # fmt: skip
        for hours in range(24, -1, -4):
            at = START - timedelta(hours=hours)
            rows += [said(patient, "body-temperature", at, celsius - 0.05 * hours, "Cel"),
                     said(patient, "systolic-bp", at, 118 - (24 - hours), "mm[Hg]"),
                     said(patient, "diastolic-bp", at, 70 - (24 - hours) / 2, "mm[Hg]")]  # fmt: skip
            rows += [said(patient, "oxygen-device", at, "room-air")] if patient != "B" and hours else []
        take(world, *rows, moves=[placed(patient, bed, label)], message=patient)
    take(world, said("A", "oxygen-device", START - timedelta(minutes=30), "nasal-cannula"),
         said("A", "oxygen-flow", START - timedelta(minutes=30), 2, "L/min"),
         said("A", "ice-score", START - timedelta(minutes=50), 8, "{score}"),
         said("A", "crp", START - timedelta(hours=6), 124, "mg/L"),
         said("A", "tocilizumab", START - timedelta(hours=5), 624, "mg"),
         said("A", "body-temperature", START, 101.3, "Cel"), message="later")  # fmt: skip
    graded(world)


def graded(world: World) -> None:
    """Everybody who waits is graded."""
    while world.grader.once():
        pass


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[tuple[World, str, Any]]:
    """A ward on a loopback port, graded only when a test says so."""
    held = WardSettings(name="Ward 7", database=f"sqlite:///{folder / 'ward.db'}", demo=True)
    world = World(msgspec.structs.replace(held, **settings), ReplayClock(START, 1))
    filled(world)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(world, start=False), host="127.0.0.1", port=port,
                                           log_level="critical", timeout_graceful_shutdown=1))  # fmt: skip
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield world, f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = server.force_exit = True
        running.join(5)
        world.engine.dispose()


@contextmanager
def tab(opened: Any, size: str = "desk", **more: Any) -> Iterator[Any]:
    """A page of some size that fails on any error of the console: a blocked script, style or request says so there."""
    width, height = SIZES[size]
    context = opened.new_context(viewport={"width": width, "height": height}, **more)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: None if "127.0.0.1" in asked.url else wrong.append(asked.url))
    page.wrong = wrong
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def grave(page: Any) -> list[str]:
    """What axe-core finds serious on a page, with everything unfolded."""
    page.evaluate(UNFOLD)
    page.evaluate(axe())
    found = page.evaluate(RUN)["violations"]
    return [f"{one['id']}: {node['html'][:150]}" for one in found if one["impact"] in GRAVE for node in one["nodes"]]
