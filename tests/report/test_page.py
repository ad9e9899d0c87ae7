"""A patient's page: self-contained, escaped, complete, honest about what is missing."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from leeward.report import page
from tests.report.charting import (
    ZERO,
    Course,
    answer,
    at,
    because,
    course,
    episode,
    finding,
    graded,
    oxygen,
    pressures,
    table,
    text_at,
)
from tests.report.courses import COURSES, NASTY, hostile, intensive_care, masked, minimal, no_trigger, steps, ward

SECTIONS = ("course", "triggers", "unobserved", "assumptions", "refused", "days", "sources")
VOID = {"meta", "br", "img", "link", "input", "hr"}
CLOSED_BY_NEXT = {"td", "th", "tr", "li"}


class Reader(HTMLParser):
    """What a page holds: its elements with their attributes, its text, its ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element that closes itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close what is open, with the table parts that HTML closes by itself."""
        while self.open and self.open[-1] != tag and self.open[-1] in CLOSED_BY_NEXT:
            self.open.pop()
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember text that is shown."""
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """All that is shown, as one line."""
        return " ".join(" ".join(self.words).split())

    def ids(self) -> list[str]:
        """Every id."""
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]


def section(text: str, name: str) -> str:
    """The text of one section."""
    found = re.search(rf'<section[^>]* id="{name}".*?</section>', text, re.DOTALL)
    assert found, f"no section {name}"
    return Reader(found.group()).text


def test_nothing_is_loaded_from_outside(any_course: Course) -> None:
    """No address, no script, no image, no font, no style sheet but its own."""
    text = page(*any_course)
    reader = Reader(text)
    assert "http" not in re.sub(r'<meta http-equiv="Content', "", text)
    assert "//" not in text.replace("</", "")
    assert {tag for tag, _ in reader.elements} & {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "image",
    } == set()
    held = [(tag, name) for tag, attributes in reader.elements for name in attributes]
    assert [one for one in held if one[1].startswith("on") or one[1] in ("src", "style", "srcdoc")] == []
    links = {attributes["href"] for _, attributes in reader.elements if "href" in attributes}
    assert links <= {"#days"}


def test_the_policy_allows_its_own_style_only(any_course: Course) -> None:
    """Everything is forbidden but the one style sheet, by its hash."""
    text = page(*any_course)
    sheet = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert sheet
    digest = base64.b64encode(hashlib.sha256(sheet.group(1).encode()).digest()).decode()
    expected = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'content="{expected}"' in text
    assert "url(http" not in sheet.group(1)
    assert "@import" not in sheet.group(1)


def test_markup_of_the_record_is_shown_as_text() -> None:
    """A name that tries to be a script, a formula or an attribute stays a name."""
    text = page(*hostile())
    assert NASTY not in text
    assert "<img" not in text
    reader = Reader(text)
    assert NASTY in reader.text
    assert "=cmd|' /C calc'!A0" in reader.text
    assert "onload" not in {name for _, attributes in reader.elements for name in attributes}


def test_every_section_is_there(any_course: Course) -> None:
    """Each page has the same sections, filled or saying that they are empty; ids are unique, tags are closed."""
    reader = Reader(page(*any_course))
    ids = reader.ids()
    assert sorted(ids) == sorted(set(ids))
    assert set(SECTIONS) <= set(ids)
    assert [tag for tag in reader.open if tag not in CLOSED_BY_NEXT] == []


def test_it_says_what_it_is_not(any_course: Course) -> None:
    """The standing sentence is on every page."""
    assert (
        "reviewable decision support and a research instrument, not a medical device" in Reader(page(*any_course)).text
    )


def test_a_minimal_answer_has_a_page() -> None:
    """Nothing but a name: a page that says so."""
    text = Reader(page(*minimal())).text
    assert "Nothing on record to draw." in text
    assert "no trigger on record" in text
    assert "1970" not in text


def test_a_range_is_worded_with_what_is_missing_and_since_when() -> None:
    """The words of a range name the missing finding and when it was last charted."""
    text = page(*ward())
    last = "17 Mar 15:40"
    assert section(text, "now-crs").count(f"Grade 1 to 4, oxygen not charted since {last}") == 1
    assert "the oxygen device in use with its flow, or room air would narrow 1 to 4" in section(text, "now-crs")
    assert f"1 to 4, oxygen not charted since {last}" in section(text, "course")


def test_every_reason_has_its_time_and_age() -> None:
    """Why a grade: each finding with value, unit, when, and how long before."""
    told = section(page(*ward()), "now-crs")
    assert "Temperature: 38.6 °C , 17 Mar 21:40 (6 h 12 min before)" in told
    assert "Systolic pressure: 116 mmHg , 17 Mar 21:40" in told


def test_every_number_of_the_days_has_its_time() -> None:
    """In the table of days each charted figure stands with its own moment."""
    text = page(*intensive_care())
    cells = re.findall(r'data-name="(?:Highest temperature|Lowest systolic|Neurology)">(.*?)<t[dr]', text, re.DOTALL)
    figures = [cell for cell in cells if "not charted" not in cell]
    assert len(figures) > 12
    assert [cell for cell in figures if not re.search(r"\d+ Mar \d\d:\d\d", cell)] == []


def test_no_trigger_shows_raw_physiology_and_no_grade() -> None:
    """Without a therapy nothing is graded, and what was charted is shown."""
    text = page(*no_trigger())
    assert "No trigger on record." in section(text, "triggers")
    assert "Temperature 37.2 °C 38.6 °C 37.2 °C 12 Mar 18:40" in section(text, "physiology")
    assert 'id="episodes"' not in text
    assert "CRS grade" not in Reader(text).text


def test_masked_episodes_say_so() -> None:
    """A masked onset is named in the table and in the drawing."""
    text = page(*masked())
    assert "possible masked CRS" in section(text, "episodes")
    assert "possible masked, peak 0 to 3" in section(text, "course")


def test_each_therapy_is_marked_and_numbered() -> None:
    """Several doses: each in the drawing, each in the list, on both clocks."""
    text = page(*steps())
    for place, hours in enumerate((0, 3, 6), 1):
        assert f"{place}. teclistamab" in section(text, "course")
        assert f"(day {hours})" in section(text, "triggers")


def test_refusals_are_listed_by_reason() -> None:
    """Each reason with its code, its words and its count."""
    told = section(page(*intensive_care()), "refused")
    assert "code-unknown the code is not mapped to any quantity 41" in told
    assert "unit-unknown the unit is absent or unknown 3" in told


def test_unobserved_stretches_are_shown() -> None:
    """Hours nobody charted are in the list and dotted in the drawing."""
    text = page(*ward())
    assert "CRS: 14 Mar 11:40 to 15 Mar 01:40 (14 h)" in section(text, "unobserved")
    assert 'fill="url(#wide-dots)"' in text


def test_the_fever_line_comes_from_knowledge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is the scale's own, and moves with it."""
    assert "fever from 38.0" in section(page(*ward()), "course")
    monkeypatch.setattr("leeward.report.chart.fever_celsius", lambda _: 38.3)
    assert "fever from 38.3" in section(page(*ward()), "course")


def test_the_source_and_how_it_is_known_are_named() -> None:
    """Each definition with its reference and evidence, and the edition of knowledge."""
    text = Reader(page(*ward())).text
    assert "doi:10.1016/j.bbmt.2018.12.758. How we know it: seen in a reproducing table." in text
    assert "Edition of knowledge: 9b1f0c2d7e334a55" in text


def test_clock_times_follow_the_zone() -> None:
    """With a zone every clock time is that zone's, and named."""
    text = Reader(page(*ward(), zone="Europe/Berlin")).text
    assert "as known at 18 Mar 2026 04:52 UTC+01:00" in text
    assert "oxygen not charted since 17 Mar 16:40" in text


def test_a_withdrawn_value_is_not_drawn() -> None:
    """A version that withdraws removes the value it withdraws, and one that corrects replaces it."""
    versions = [
        finding("body-temperature", 1, 41.9, record="a", version="1", revised=True),
        finding("body-temperature", 1, 41.9, record="a", version="2", revised=True, status="withdrawn"),
        finding("body-temperature", 2, 40.7, record="b", version="1", revised=True),
        finding("body-temperature", 2, 38.8, record="b", version="2", revised=True, status="corrected"),
    ]
    told = section(page(answer("P", 4), table(versions)), "days")
    assert "38.8 °C" in told
    assert "41.9" not in told
    assert "40.7" not in told


def test_what_came_later_is_not_shown() -> None:
    """A page as of a moment holds only what had reached us then."""
    late = finding("body-temperature", 1, 39.9, received_at=at(9))
    told = section(page(answer("P", 4), table([finding("body-temperature", 2, 37.1), late])), "days")
    assert "37.1 °C" in told
    assert "39.9" not in told


def test_words_on_record_that_do_not_tell_the_device_are_not_called_uncharted() -> None:
    """An unrecognised device was charted: the page says that, and when."""
    held = answer("P", 4, now={"crs": graded(1, 4, missing=("oxygen-device",))}, course=course("crs", (0, 1, 4)))
    told = section(page(held, table(oxygen(1, "unrecognised"))), "now-crs")
    assert "Grade 1 to 4, device not recognised at 10:40" in told


def test_documented_grades_stand_beside_ours() -> None:
    """Grades that the record itself holds are drawn in their own row."""
    rows = [finding("documented-crs-grade", 5, 3)]
    assert "CRS in record" in section(page(answer("P", 6), table(rows)), "course")


def test_far_moments_do_not_stretch_the_axis() -> None:
    """An answer asked for years later is drawn around its course, and says how long nothing was charted."""
    held, rows = ward()
    held["as_of"] = (ZERO + timedelta(days=900)).isoformat()
    told = section(page(held, rows), "course")
    assert "Nothing was charted between" in told
    assert "and the moment of this answer, 26 Aug 2028" in told


def test_an_answer_that_does_not_fit_is_refused_by_its_key() -> None:
    """A wrong key says where it stands."""
    with pytest.raises(ValueError, match=r"\$\.episodes\[0\]"):
        page(answer("P", 1, episodes=[{"syndrome": "crs"}]), table([]))


def test_a_warm_page_takes_a_fraction_of_a_second() -> None:
    """Two drawings and the tables of an ordinary course: well under a third of a second of work."""
    held, rows = COURSES["ward"]()
    page(held, rows)
    taken = []
    for _ in range(5):
        begun = time.process_time()
        page(held, rows)
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.3


def test_dense_charting_stays_small() -> None:
    """Ten days of pressures every five minutes neither swell the page nor hide a low pressure."""
    rows = [row for step in range(10 * 288) for row in pressures(step / 12, 70 if step == 999 else 120, 60)]
    held = answer("P", 240, episodes=[episode("crs", 10, (2, 2, 83), 200)], now={
        "crs": graded(0, 0, because("systolic-bp", 120, "mm[Hg]", 239))}, course=course("crs", (0, 0, 0)))  # fmt: skip
    text = page(held, table(rows))
    assert len(text) < 400_000
    assert "70/60 mmHg" in section(text, "days")
    assert "70/60 mmHg" in section(text, "course")


def test_a_name_of_any_length_stays_inside_the_drawing() -> None:
    """What has no room in the drawing is cut there, and whole in the list."""
    name = "a very long name of a therapy " * 40
    text = page(answer("P", 4, triggers=[{"name": name, "at": text_at(0)}]), table([]))
    assert name.strip() in section(text, "triggers")
    assert name.strip() not in section(text, "course")
    assert "a very long name of a therapy" in section(text, "course")
