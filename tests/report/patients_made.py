"""Pages for patients of an invented centre, and a browser to open pages in."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leeward.knowledge.centre import Centre, Language
from leeward.knowledge.patients import PageName
from leeward.knowledge.therapies import of
from leeward.plan.schedule import Start
from leeward.report.patients import Asked, Page, made

CENTRE = Centre(
    name="Example Centre", daytime_phone="+49 30 555 0100", daytime_hours="08:00-16:00",
    out_of_hours_phone="+49 30 555 0199", emergency_number="112", ward="Ward 12", address="Example Street 1",
)  # fmt: skip
CART, ENGAGER, OTHER = "axicabtagene ciloleucel", "teclistamab", "pembrolizumab"
BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 3, 28)
"""The day before the clocks change in Berlin."""
AXE = "axe_playwright_python"
PATIENT_PAGES: tuple[PageName, ...] = ("leaflet", "diary", "when-to-call", "caregiver")
"""The pages that people read who are no professionals."""


def asked(
    inn: str = CART, language: Language = "en", centre: Centre = CENTRE, day: date = DAY, region: str | None = None,
    at: time | None = None,
) -> Asked:  # fmt: skip
    """What pages are asked for."""
    product = of(inn)
    assert product is not None
    return Asked(
        product=product, centre=centre, language=language, start=Start(day=day, zone=BERLIN, at=at), region=region
    )


@cache
def page(name: PageName, inn: str = CART, language: Language = "en", region: str | None = None) -> Page:
    """A page of the invented centre."""
    return made(asked(inn, language, region=region), name)


def sentences(one: Page) -> list[str]:
    """What a page says in its own language, in the order of reading: no sources, and no words quoted from another."""
    said = [*one.notices]
    for section in one.sections:
        said.append(section.title)
        for block in section.blocks:
            said += [block.title, block.note, block.caption]
            said += [line.text for line in block.lines]
            said += [cell.text for row in [*block.cells, *block.rows] for cell in row if not cell.foreign]
            said += block.labels.values()
    return [text for text in said if text]


def everything(one: Page) -> str:
    """All that a page says, on one line."""
    return re.sub(r"\s+", " ", " ".join(sentences(one)))


def chromium() -> str | None:
    """Where a browser is; LEEWARD_CHROMIUM names another."""
    return os.environ.get("LEEWARD_CHROMIUM") or shutil.which("chromium")


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser; skips the test, saying so, where there is none."""
    place = chromium()
    if place is None or importlib.util.find_spec("playwright") is None:
        pytest.skip("no Chromium or no Playwright here: pages are not opened")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
        try:
            yield opened
        finally:
            opened.close()


def axe() -> str:
    """axe-core's script, as its wheel carries it; skips the test, saying so, where it is absent."""
    found = importlib.util.find_spec(AXE)
    if found is None or found.origin is None:
        pytest.skip(f"no {AXE} here (it carries axe-core): pages are not checked for accessibility")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
