"""The board in Chromium: by keyboard, live, and when the feed is lost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from leeward.ward.clock import ReplayClock
from leeward.ward.world import World

from .browsing import SIZES, graded, served, tab
from .taken import said, take

GREY_S = 10


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


def test_52_a_feed_that_is_refused_is_asked_for_seldom_and_who_is_signed_out_signs_in(
    opened: Any, ward: tuple[World, str]
) -> None:
    """A refusal is final for the browser: the page asks why, waits longer each time, and shows nobody to nobody."""
    _, address = ward
    asked: list[str] = []

    def refused(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=401, json={"detail": "Sign in to see this."})

    context = opened.new_context()
    page = context.new_page()
    page.route("**/events", refused)
    page.goto(address)
    page.wait_for_timeout(6000)
    assert 2 <= len(asked) <= 4, "at once, after one second, after two more, after four more"
    page.route("**/me", lambda route: route.fulfill(json={"name": "not signed in", "role": None, "csrf": ""}))
    page.route(f"{address.rstrip('/')}/", lambda route: route.fulfill(status=401, body="Sign in to see this."))
    page.get_by_text("Sign in to see this.").wait_for(timeout=12_000)
    assert page.locator("#rows").count() == 0
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
