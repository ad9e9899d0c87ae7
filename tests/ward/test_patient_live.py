"""A patient's open page follows the patient, and takes nothing from whoever is typing; charting by thumb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from leeward.ward.world import World
from tests.report.patients_made import browser

from .browsing import UNFOLD, graded, served, tab
from .taken import said, take

THUMB_PX = 24
SMALL = f"""() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter((one) => !one.closest('svg') && !one.classList.contains('skip') && one.getClientRects().length)
  .map((one) => [Math.max(...[...one.getClientRects()].map((box) => box.height)), one.outerHTML.slice(0, 90)])
  .filter(([height]) => height < {THUMB_PX})"""


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """One ward for this file."""
    with served(tmp_path_factory.mktemp("ward")) as (world, address, _):
        yield world, address


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    """One browser for this file."""
    with browser() as held:
        yield held


def at(ward: tuple[World, str], patient: str) -> str:
    """A patient's address."""
    world, address = ward
    return f"{address}/patient/{world.store.handle_of(patient)}"


def test_a_rise_is_shown_while_somebody_is_typing(opened: Any, ward: tuple[World, str]) -> None:
    """The head and the grade change in place; the typed temperature, focus and scroll stay, and it says live again."""
    world, _ = ward
    with tab(opened) as page:
        page.goto(at(ward, "B"))
        page.wait_for_selector("#live.is-live")
        page.evaluate(UNFOLD)
        page.locator("#in-body-temperature").fill("39.7")
        page.locator("#in-spo2").press_sequentially("9")
        before = page.locator("#in-spo2").bounding_box()["y"]
        now = world.clock.now()
        take(world, said("B", "systolic-bp", now, 61, "mm[Hg]"), said("B", "norepinephrine", now, 20, "ug/min"),
             message="live B")  # fmt: skip
        graded(world)
        page.locator("#now .sentence", has_text="Grade 3").first.wait_for(timeout=8000)
        page.locator("#head-now .g", has_text="3").first.wait_for(timeout=2000)
        page.wait_for_selector("#live.is-live")
        assert page.locator("#fresh").is_hidden()
        page.locator("#in-spo2").press_sequentially("1")  # focus was never lost
        assert page.locator("#in-body-temperature").input_value() == "39.7"
        assert page.locator("#in-spo2").input_value() == "91"
        assert abs(page.locator("#in-spo2").bounding_box()["y"] - before) <= THUMB_PX
        assert page.locator("#fold-record").get_attribute("open") is not None


def test_what_is_new_and_not_shown_is_never_live(opened: Any, ward: tuple[World, str]) -> None:
    """The word stands in sight, however far down somebody reads, until the page could be read."""
    world, _ = ward
    with tab(opened, "phone") as page:
        page.goto(at(ward, "C"))
        page.wait_for_selector("#live.is-live")
        page.route("**/patient/*?", lambda route: route.abort())
        page.evaluate("scrollTo(0, 2000)")
        take(world, said("C", "body-temperature", world.clock.now(), 38.9, "Cel"), message="live C")
        graded(world)
        page.wait_for_selector("#fresh:not([hidden])", timeout=8000)
        box = page.locator("#fresh").bounding_box()
        assert 0 <= box["y"] < page.viewport_size["height"] / 2
        assert page.locator("#live.is-live").count() == 0
        assert "live" not in page.locator("#live").inner_text()
        page.unroute("**/patient/*?")
        page.locator("#fresh a").click()
        page.wait_for_selector("#live.is-live")
        assert page.locator("#fresh").is_hidden()
        assert "38.9" in page.locator("#now").inner_text()
        page.wrong.clear()  # the request that this test let fail


def test_charting_begins_where_the_thumb_is(opened: Any, ward: tuple[World, str]) -> None:
    """One touch from anywhere on the page; everything that can be touched is high enough for a finger."""
    with tab(opened, "phone", has_touch=True, is_mobile=True) as page:
        page.goto(at(ward, "A"))
        assert page.locator(".chart-here").bounding_box()["height"] >= 44
        page.evaluate("scrollTo(0, 3000)")
        page.locator(".chart-here").tap()
        page.wait_for_timeout(300)
        assert page.locator("#in-at").bounding_box()["y"] < page.viewport_size["height"]
        assert page.locator("#entry button.first").bounding_box()["height"] >= 44
        page.evaluate(UNFOLD)
        assert page.evaluate(SMALL) == []


def test_without_scripts_the_way_to_the_form_is_there(opened: Any, ward: tuple[World, str]) -> None:
    """The page is read again by hand, and says nothing of being live."""
    with tab(opened, "phone", java_script_enabled=False) as page:
        page.goto(at(ward, "A"))
        assert page.locator("#live").inner_text() == "read once"
        assert page.locator(".chart-here").get_attribute("href") == "#chart"
        assert page.locator("#fresh").is_hidden()
