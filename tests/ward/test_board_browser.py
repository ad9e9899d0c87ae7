"""The whole board in Chromium: at three sizes, by keyboard, without scripts, live, and when the feed is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from leeward.ward.app import create_app
from leeward.ward.arrivals import Move
from leeward.ward.clock import ReplayClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.report.patients_made import axe, browser

from .taken import said, take

START = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
GRAVE = ("serious", "critical")
RUN = "() => axe.run(document, {resultTypes: ['violations']})"
SIZES = {"phone": (390, 844), "desk": (1440, 900), "wall": (2560, 1440)}
GREY_S = 10


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
def served(folder: Path) -> Iterator[tuple[World, str, Any]]:
    """A ward on a loopback port, graded only when a test says so."""
    world = World(
        WardSettings(name="Ward 7", database=f"sqlite:///{folder / 'ward.db'}", demo=True), ReplayClock(START, 1)
    )
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


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """One ward for most of this file."""
    with served(tmp_path_factory.mktemp("ward")) as (world, address, _):
        yield world, address


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    """One browser for this file."""
    with browser() as held:
        yield held


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


def addresses(world: World) -> list[str]:
    """Every kind of page."""
    patient = f"/patient/{world.store.handle_of('A')}"
    moment = int((START - timedelta(minutes=30)).timestamp())
    return ["/", patient, f"{patient}?known=2026-03-05T10:00", f"{patient}/at/{moment}", f"{patient}/scales",
            "/handover", "/knowledge", "/knowledge/scale/astct-2019-crs", "/knowledge/guideline/cartox-2018",
            "/quality", "/upload"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("dark", [False, True])
def test_47_every_page_is_accessible_and_breaks_no_policy(
    opened: Any, ward: tuple[World, str], size: str, *, dark: bool
) -> None:
    """Nothing serious for axe-core, no blocked style or script, no other host asked, no sideways scrolling."""
    world, address = ward
    with tab(opened, size, color_scheme="dark" if dark else "light") as page:
        for path in addresses(world):
            page.goto(address + path, wait_until="load")
            page.evaluate(axe())
            found = page.evaluate(RUN)["violations"]
            told = [f"{path} {one['id']}: {node['html'][:150]}" for one in found if one["impact"] in GRAVE
                    for node in one["nodes"]]  # fmt: skip
            assert told == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), path


def test_52_a_row_follows_what_arrives(opened: Any, ward: tuple[World, str]) -> None:
    """Without reading the page again; the change is told to a screen reader once."""
    world, address = ward
    with tab(opened) as page:
        page.goto(address)
        page.wait_for_selector("#live.is-live")
        now = world.clock.now()
        take(world, said("C", "body-temperature", now, 38.7, "Cel"), message=f"live {now}")
        graded(world)
        row = page.locator(f"#row-{world.store.handle_of('C')}")
        row.get_by_text("38.7 °C").wait_for(timeout=8000)
        assert "CRS" in page.locator("#said").inner_text()


def test_52_the_board_greys_out_when_the_feed_is_lost(opened: Any, tmp_path: Path) -> None:
    """Within ten seconds, with the server's time, whatever the browser's clock says; and says so in words."""
    with served(tmp_path) as (_, address, server):
        width, height = SIZES["desk"]
        context = opened.new_context(viewport={"width": width, "height": height})
        context.add_init_script("const real = Date.now; Date.now = () => real() + 5 * 3600e3;")
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#live.is-live")
        page.wait_for_timeout(1500)
        assert page.locator("#server-clock").inner_text().startswith("12:00")
        assert page.locator("body.stale").count() == 0
        server.should_exit = server.force_exit = True
        page.wait_for_selector("body.stale", timeout=GREY_S * 1000)
        assert "as of 12:00" in page.locator("#lost").inner_text()
        assert page.locator("#live").inner_text() == "not live"
        context.close()


def test_52_another_edition_is_told(opened: Any, ward: tuple[World, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that came back with other knowledge is noticed by a page that stayed open."""
    _, address = ward
    monkeypatch.setattr("leeward.ward.doors.events.edition", lambda: "another-edition")
    with tab(opened) as page:
        page.goto(address)
        page.wait_for_selector("#edition-changed:not([hidden])", timeout=8000)
        assert "another-edition" in page.locator("#edition-changed").inner_text()


def test_the_board_by_keyboard(opened: Any, ward: tuple[World, str]) -> None:
    """The first stop skips to the content; letters walk, find and open."""
    _, address = ward
    with tab(opened) as page:
        page.goto(address)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("j")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.closest('tr').rowIndex") in (1, 2)
        page.keyboard.press("/")
        page.keyboard.type("R. B.")
        assert page.locator("#rows tr:visible").count() == 1
        page.keyboard.press("Escape")
        assert page.locator("#rows tr:visible").count() == 3
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_selector("#course")


def test_two_steps_and_enter_open_the_second_patient(opened: Any, ward: tuple[World, str]) -> None:
    """Steps go from patient to patient, past a row's other links; a row that is swapped meanwhile keeps the focus."""
    world, address = ward
    here = "document.activeElement.closest('tr')?.id"
    with tab(opened) as page:
        page.goto(address)
        page.wait_for_selector("#live.is-live")
        page.evaluate("for (const one of document.querySelectorAll('#rows .patient')) one.insertAdjacentHTML("
                      "'beforeend', '<small><a href=\"/quality\">another</a></small>')")  # fmt: skip
        second = page.locator("#rows tr").nth(1).get_attribute("id")
        page.keyboard.press("j")
        page.keyboard.press("j")
        assert page.evaluate(here) == second
        page.evaluate(f"document.getElementById('{second}').dataset.old = '1'")
        patient = next(one.patient for one in world.present() if f"row-{one.handle}" == second)
        take(world, said(patient, "spo2", world.clock.now(), 97, "%"), message=f"swap {time.monotonic()}")
        graded(world)
        page.wait_for_selector(f"#{second}:not([data-old])", timeout=8000)
        assert page.evaluate(here) == second
        page.keyboard.press("Enter")
        page.wait_for_selector("#course")
        assert page.url.endswith(f"/patient/{second.removeprefix('row-')}")


def test_the_end_of_the_replay_is_told(opened: Any, ward: tuple[World, str]) -> None:
    """A demo whose script is over says so; before, it says nothing."""
    world, address = ward
    assert isinstance(world.clock, ReplayClock)
    with tab(opened) as page:
        with page.expect_response("**/demo/speed"):
            page.goto(address)
        assert not page.locator("#ended").is_visible()
        world.clock.ended = True
        try:
            page.reload()
            page.get_by_text("The replay has ended; stop and start it again to see it once more").wait_for(timeout=8000)
        finally:
            world.clock.ended = False


def test_the_chart_is_looked_at_closer_and_leads_to_sources(opened: Any, ward: tuple[World, str]) -> None:
    """Arrow keys move the cursor, plus zooms; every value there leads to its findings."""
    world, address = ward
    with tab(opened) as page:
        page.goto(f"{address}/patient/{world.store.handle_of('A')}")
        page.locator("#drawing").focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("#cursor a")
        whole = page.locator("#drawing svg.wide").get_attribute("data-from")
        page.keyboard.press("+")
        page.wait_for_selector(f"#drawing svg.wide:not([data-from='{whole}'])")
        page.locator("#cursor a").first.click()
        page.wait_for_selector("text=Reached us")
        assert page.locator("tbody tr").count() >= 1


def test_what_is_charted_is_read_back(opened: Any, ward: tuple[World, str]) -> None:
    """A wrong number is told where it stands and takes nothing in; a right one is on record at once."""
    world, address = ward
    with tab(opened) as page:
        page.goto(f"{address}/patient/{world.store.handle_of('B')}")
        page.fill("#in-spo2", "ninety")
        page.click("text=Chart it")
        assert page.locator("#in-spo2").get_attribute("aria-invalid") == "true"
        assert "is not a number" in page.locator("#chart [role=alert]").inner_text()
        page.wrong.clear()  # the browser reports the 422 itself
        page.fill("#in-spo2", "91")
        page.click("text=Chart it")
        assert "1 value is charted" in page.locator("#chart [role=alert]").inner_text()
    assert "spo2" in world.store.findings_of("B")["quantity"].to_pylist()


def test_pages_work_without_scripts(opened: Any, ward: tuple[World, str]) -> None:
    """Rows, filters by address, the course, zoom by links, forms."""
    world, address = ward
    with tab(opened, java_script_enabled=False) as page:
        page.goto(f"{address}/?show=grade-2")
        assert page.locator("#rows tr:visible").count() >= 1
        assert page.locator("#live").inner_text().startswith("not live")
        page.goto(f"{address}/patient/{world.store.handle_of('A')}")
        page.click("text=12 h")
        assert page.locator("#drawing svg.wide path").count() > 0
        assert page.locator("#entry button").is_visible()
