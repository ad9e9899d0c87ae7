"""Every page for a reader, opened in a browser: nothing serious that axe-core finds, nothing asked of any host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from leeward.cli import app
from leeward.knowledge.centre import LANGUAGES, Centre, Language
from leeward.knowledge.patients import PAGES, PageName
from leeward.report.patients import made
from leeward.report.patients.files import html
from leeward.samples import FOLDER
from tests.report.patients_made import CART, ENGAGER, asked, axe, browser, page

GRAVE = ("serious", "critical")
RUN = "() => axe.run(document, {resultTypes: ['violations']})"
WIDTHS = (390, 1366)
"""A phone and a desk, in pixels."""


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    """One browser for all pages of this file."""
    with browser() as held:
        yield held


def findings(opened: Any, text: str, *, width: int, dark: bool = False) -> list[str]:
    """What axe-core finds serious or critical on a page, and every request the page made."""
    context = opened.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    try:
        tab = context.new_page()
        asked_for: list[str] = []
        tab.on("request", lambda request: asked_for.append(request.url))
        tab.set_content(text)
        tab.evaluate(axe())
        found = tab.evaluate(RUN)["violations"]
        told = [
            f"{one['id']}: {node['html'][:120]}: {node['failureSummary'][:200]}"
            for one in found
            if one["impact"] in GRAVE
            for node in one["nodes"]
        ]
        return told + [f"asked for {url}" for url in asked_for if not url.startswith(("about:", "data:"))]
    finally:
        context.close()


@pytest.mark.parametrize(
    "language", [LANGUAGES[0], *(pytest.param(one, marks=pytest.mark.slow) for one in LANGUAGES[1:])]
)
def test_pages_for_patients(opened: Any, language: Language) -> None:
    """Each page in each language, on a phone or on a desk; the next language has it on the other."""
    for number, name in enumerate(PAGES):
        width = WIDTHS[(number + LANGUAGES.index(language)) % 2]
        assert findings(opened, html(page(name, (ENGAGER, CART)[number % 2], language)), width=width) == [], name


def test_pages_that_lack_a_number(opened: Any) -> None:
    """What is missing is said as readably as the rest, and in the dark."""
    pages: tuple[PageName, ...] = ("leaflet", "when-to-call")
    for name in pages:
        text = html(made(asked(ENGAGER, centre=Centre()), name))
        assert findings(opened, text, width=1366, dark=True) == [], name


def test_the_check_can_fail(opened: Any) -> None:
    """A picture without words and pale grey words are found, and so is a request."""
    found = findings(
        opened,
        '<html lang="en"><title>x</title><main><h1>x</h1><img src="http://localhost:9/x.png">'
        '<p style="color:#ddd">pale</p></main></html>',
        width=1366,
    )
    assert {one.split(":")[0] for one in found} == {"image-alt", "color-contrast", "asked for http"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["report"],
        ["risk", "--at", "day0"],
        ["prepare", "--product", "teclistamab", "--date", "2026-03-28"],
    ],
    ids=["report", "risk", "prepare"],
)
def test_pages_for_professionals(opened: Any, command: list[str], tmp_path: Path) -> None:
    """The course of a patient and the index, the page of scores, the page before a dose."""
    record = FOLDER / "c14a-myeloma-day-0.csv"
    told = CliRunner().invoke(app, [command[0], str(record), *command[1:], "--out", str(tmp_path)])
    assert told.exit_code == 0, told.output
    files = sorted(tmp_path.glob("*.html"))
    assert files
    for file in files:
        for width in WIDTHS:
            assert findings(opened, file.read_text(encoding="utf-8"), width=width) == [], file.name
