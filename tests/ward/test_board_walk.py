"""Every page of the board in Chromium: at three sizes, light and dark, by touch, without scripts, and to its source."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leeward.ward.pages.knowledge import pages
from leeward.ward.world import World

from .browsing import SIZES, START, UNFOLD, grave, served, tab
from .signed import sign_in

FITS = "document.documentElement.scrollWidth <= innerWidth + 1"
WIDE = "#drawing svg.wide"
DRAWN = """() => [...document.querySelectorAll('#drawing svg')].filter((one) => one.getClientRects().length)
    .map((one) => [Number(one.dataset.from), Number(one.dataset.until)])[0]"""


def patient(ward: tuple[World, str], name: str = "A") -> str:
    """The address of a patient's page."""
    world, address = ward
    return f"{address}/patient/{world.store.handle_of(name)}"


def drawn(page: Any) -> list[float]:
    """The stretch of time that is drawn, in seconds."""
    held: list[float] = page.evaluate(DRAWN)
    return held


def length(stretch: list[float]) -> float:
    """How long it is."""
    return stretch[1] - stretch[0]


def redrawn(page: Any, before: list[float]) -> list[float]:
    """The stretch once another is drawn. A page's policy lets nothing be evaluated within it."""
    for _ in range(80):
        if (now := drawn(page)) not in (None, before):
            return now
        page.wait_for_timeout(100)
    raise AssertionError(f"still drawn: {before}")


def addresses(world: World) -> list[str]:
    """Every kind of page."""
    handle = f"/patient/{world.store.handle_of('A')}"
    moment = int((START - timedelta(minutes=30)).timestamp())
    return ["/", "/?show=grade-2", handle, f"{handle}?known=2026-03-05T10:00", f"{handle}/at/{moment}",
            f"{handle}/scales", "/handover", "/knowledge", "/knowledge/scale/astct-2019-crs",
            "/knowledge/guideline/cartox-2018", f"/knowledge/product/{next(iter(pages()['product']))}", "/quality",
            "/upload"]  # fmt: skip


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
            answered = page.goto(address + path, wait_until="load")
            assert answered.status == 200, path
            assert page.evaluate(FITS), path
            assert [f"{path} {one}" for one in grave(page)] == []
            assert page.evaluate(FITS), f"{path}, unfolded"


def test_who_is_not_signed_in_sees_one_way_in(opened: Any, tmp_path: Path) -> None:
    """The page of a refusal is readable and accessible, and holds nothing of the ward."""
    with (
        served(tmp_path, demo=False, sign_in=sign_in(names=["127.0.0.1"])) as (_, address, _),
        tab(opened, "phone") as page,
    ):
        answered = page.goto(address)
        assert answered.status == 401
        assert page.get_by_role("link").all_inner_texts() == ["Sign in"]
        assert "A. M." not in page.content()
        assert grave(page) == []
        page.wrong.clear()  # the browser reports the 401 itself


def test_every_number_leads_to_its_source(opened: Any, ward: tuple[World, str]) -> None:
    """Each link of a reason, a dose and the drawing opens findings of that moment that bear the number."""
    with tab(opened) as page:
        page.goto(patient(ward))
        found = page.eval_on_selector_all("a.source-of", "(all) => all.map((one) => [one.href, one.innerText])")
        drawn = page.eval_on_selector_all(f"{WIDE} a", "(all) => all.map((one) => [one.href.baseVal, ''])")
        assert len(found) >= 6
        assert drawn
        seen = {(link, said) for link, said in [*found, *drawn[:6]]}
        for link, said in seen:
            page.goto(link if link.startswith("http") else f"{ward[1]}{link}")
            assert page.locator("tbody tr").count() >= 1, link
            assert said in page.locator("tbody").inner_text()


def test_a_nurse_sees_who_how_severe_and_why_without_scrolling(opened: Any, ward: tuple[World, str]) -> None:
    """The head stays, the grade and its parts stand in the first view, and anchors stop below the head."""
    with tab(opened) as page:
        page.goto(patient(ward))
        parts = page.locator("#now-crs table.parts tbody tr")
        assert parts.locator("th").all_inner_texts() == ["Fever", "Blood pressure and vasopressors", "Oxygen support"]
        assert all(one.is_visible() for one in parts.all())
        assert parts.last.bounding_box()["y"] < SIZES["desk"][1]
        page.get_by_role("navigation", name="On this page").get_by_role("link", name="Doses").click()
        head, doses = page.locator(".head").bounding_box(), page.locator("#doses").bounding_box()
        assert head["y"] == 0
        assert head["y"] + head["height"] <= doses["y"] + 1
        assert "tocilizumab" in page.locator("#doses").inner_text().lower()
        assert page.locator(".head .lane").count() == 2


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_a_short_page_holds_everything_folded(opened: Any, ward: tuple[World, str], size: str) -> None:
    """Sections beyond the first glance are folded, and each anchor opens the one it leads into."""
    with tab(opened, size) as page:
        page.goto(patient(ward))
        folded = page.evaluate("document.documentElement.scrollHeight")
        for name in ("scales", "plan", "otherwise", "scores", "days"):
            assert not page.locator(f"#{name}").is_visible(), name
            page.goto(f"{patient(ward)}#{name}")
            page.reload()
            assert page.locator(f"#{name}").is_visible(), name
        page.get_by_role("button", name="Open all").click()
        assert page.locator("main details:not([open])").count() == 0
        assert page.evaluate("document.documentElement.scrollHeight") > 2 * folded


def test_the_past_is_travelled_to(opened: Any, ward: tuple[World, str]) -> None:
    """By the form under the course; what arrived later is not there, and one link leads back."""
    with tab(opened) as page:
        page.goto(patient(ward))
        now = page.locator("#now-crs .chip").inner_text()
        page.fill("input[name=known]", "2026-03-05T06:00")
        page.get_by_role("button", name="Look").click()
        assert "nothing that arrived later is in it" in page.locator(".past").inner_text()
        assert page.locator("#chart").count() == 0
        assert page.locator("#doses tbody").count() == 0
        assert page.locator("#now-crs .chip").count() == 0 or page.locator("#now-crs .chip").inner_text() != now
        page.get_by_role("link", name="Back to now").click()
        assert page.locator("#now-crs .chip").inner_text() == now


def test_the_board_is_narrowed_found_and_printed(opened: Any, ward: tuple[World, str]) -> None:
    """By unit, by what is to be seen, by a word; on paper there are rows and no forms."""
    with tab(opened) as page:
        page.goto(ward[1])
        shown = page.locator("#rows tr:visible")
        assert shown.count() == 3
        page.select_option("select[name=show]", "grade-2")
        assert shown.count() == 1
        assert page.url.endswith("?show=grade-2")
        page.select_option("select[name=show]", "")
        page.get_by_label("Find").fill("J. K.")
        assert shown.count() == 1
        page.get_by_label("Find").fill("")
        page.emulate_media(media="print")
        assert shown.count() == 3
        assert not page.locator(".filters").first.is_visible()
        assert page.pdf().startswith(b"%PDF")


def test_the_hand_over_and_its_pdf(opened: Any, ward: tuple[World, str]) -> None:
    """A section each on the screen; the link leads to a PDF with a page each."""
    with tab(opened) as page:
        page.goto(f"{ward[1]}/handover")
        assert page.locator("main section h2").count() == 3
        link = page.get_by_role("link", name="PDF, a page per patient").get_attribute("href")
        answered = page.request.get(f"{ward[1]}{link}")
        assert answered.headers["content-type"] == "application/pdf"
        assert answered.body().count(b"/Type /Page\n") + answered.body().count(b"/Type/Page\n") in (0, 3)


def test_knowledge_and_quality_are_read(opened: Any, ward: tuple[World, str]) -> None:
    """From the shelf to a scale with its numbers and citation; the ward's own health with a drawing of what fires."""
    with tab(opened) as page:
        page.goto(ward[1])
        page.get_by_role("link", name="Knowledge").click()
        page.get_by_role("link", name="ASTCT consensus grade of cytokine release syndrome").first.click()
        assert "38.0 °C" in page.locator("main").inner_text()
        assert "2026-11-22" in page.locator("main").inner_text()
        page.get_by_role("link", name="Quality").click()
        for name in ("Canaries", "Feeds", "Not understood", "Alerts in", "Doors", "What fires"):
            assert page.get_by_role("heading", name=name).count() == 1, name
        assert page.locator("svg.control").count() >= 1


def test_a_file_is_uploaded(opened: Any, ward: tuple[World, str], tmp_path: Path) -> None:
    """What was understood and what was not, on the page that answers."""
    rows = ["patient_id,start,end,quantity,value,unit,text", "U,2026-03-05T10:00:00Z,,spo2,95,%,",
            "U,2026-03-05T10:00:00Z,,spo2,ninety,%,"]  # fmt: skip
    file = tmp_path / "a.csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    with tab(opened) as page:
        page.goto(f"{ward[1]}/upload")
        page.set_input_files("#file", str(file))
        page.get_by_role("button", name="Take it in").click()
        assert "1 finding was understood" in page.locator("[role=alert]").inner_text()
        assert "1 line was not understood" in page.locator("[role=alert]").inner_text()


def test_what_is_charted_is_read_back(opened: Any, ward: tuple[World, str]) -> None:
    """A wrong number is told where it stands and takes nothing in; a right one is on record at once."""
    with tab(opened) as page:
        page.goto(f"{patient(ward, 'B')}#chart")
        page.fill("#in-spo2", "ninety")
        page.click("text=Chart it")
        assert page.locator("#in-spo2").get_attribute("aria-invalid") == "true"
        assert "is not a number" in page.locator("#chart [role=alert]").inner_text()
        page.wrong.clear()  # the browser reports the 422 itself
        page.fill("#in-spo2", "91")
        page.click("text=Chart it")
        assert "1 value is charted" in page.locator("#chart [role=alert]").inner_text()
    assert "spo2" in ward[0].store.findings_of("B")["quantity"].to_pylist()


def test_the_chart_is_looked_at_closer_by_keyboard(opened: Any, ward: tuple[World, str]) -> None:
    """Arrow keys move the cursor, plus zooms, a sign moves on, 0 shows all; every value leads to its findings."""
    with tab(opened) as page:
        page.goto(patient(ward))
        page.locator("#drawing").focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("#cursor a")
        whole = drawn(page)
        page.keyboard.press("+")
        closer = redrawn(page, whole)
        assert length(closer) < length(whole)
        page.keyboard.press("<")
        earlier = redrawn(page, closer)
        assert earlier[0] < closer[0]
        page.keyboard.press("0")
        assert redrawn(page, earlier) == pytest.approx(whole, abs=60)  # the ward's clock goes on
        page.locator("#cursor a").first.click()
        page.wait_for_selector("text=Reached us")
        assert page.locator("tbody tr").count() >= 1


def dragged(page: Any, *steps: list[tuple[float, float]]) -> None:
    """Fingers put on the glass, moved and lifted, as the browser's own protocol sends them."""
    glass = page.context.new_cdp_session(page)
    for place, at in enumerate([*steps, []]):
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(at)]
        kind = "touchEnd" if not at else "touchMove" if place else "touchStart"
        glass.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_the_chart_is_looked_at_closer_by_touch(opened: Any, ward: tuple[World, str]) -> None:
    """One finger marks a stretch, two pull it apart; buttons do the same; the page still scrolls."""
    with tab(opened, "phone", has_touch=True, is_mobile=True) as page:
        page.goto(patient(ward))
        page.locator("#drawing").scroll_into_view_if_needed()
        page.evaluate("document.getElementById('drawing').scrollIntoView({block: 'center'})")
        box = page.locator("#drawing svg.narrow").bounding_box()
        y, middle = box["y"] + box["height"] / 2, box["x"] + box["width"] * 0.6
        whole = drawn(page)
        dragged(page, *([(middle - spread, y), (middle + spread, y)] for spread in (20, 30, 45, 60)))
        pinched = redrawn(page, whole)
        assert length(pinched) < 0.6 * length(whole)
        assert whole[0] <= pinched[0] < pinched[1] <= whole[1]
        dragged(page, *([(middle - 40 + step, y)] for step in (0, 20, 50, 80)))
        marked = redrawn(page, pinched)
        assert length(marked) < length(pinched)
        page.get_by_role("button", name="Wider").click()
        assert length(redrawn(page, marked)) > length(marked)


def test_pages_work_without_scripts(opened: Any, ward: tuple[World, str]) -> None:
    """Rows, filters by address, the course, zoom by links, what is folded, forms."""
    with tab(opened, java_script_enabled=False) as page:
        page.goto(f"{ward[1]}/?show=grade-2")
        assert page.locator("#rows tr:visible").count() >= 1
        assert page.locator("#live").inner_text().startswith("not live")
        page.goto(patient(ward))
        page.get_by_role("link", name="12 h", exact=True).click()
        assert page.locator(f"{WIDE} path").count() > 0
        page.get_by_role("link", name="Chart", exact=True).click()
        assert page.locator("#entry button").is_visible()
        page.get_by_role("navigation", name="On this page").get_by_role("link", name="All sources").click()
        assert page.locator("#plan .source").first.is_visible()


def test_what_is_folded_is_not_printed(opened: Any, ward: tuple[World, str]) -> None:
    """Paper has what a reader saw: the head, the grades and their parts, the plan in short; and what they opened."""
    with tab(opened) as page:
        page.goto(patient(ward))
        page.emulate_media(media="print")
        assert page.locator("#now-crs").is_visible()
        assert not page.locator("main details > summary").first.is_visible()
        page.evaluate(UNFOLD)
        assert page.locator("#days").is_visible()
