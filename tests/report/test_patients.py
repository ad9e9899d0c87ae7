"""Pages for patients: the right rules on the right days, nothing invented, nothing hidden, nothing cut."""

from __future__ import annotations

import re
import struct
from datetime import date, time
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from leeward.knowledge.centre import LANGUAGES, Centre, Language
from leeward.knowledge.patients import PAGES, PageName, facts, text
from leeward.knowledge.therapies import treatments
from leeward.plan.schedule import Start
from leeward.report.patients import Page, made, write
from leeward.report.patients.diary import hours_of_checks, length
from leeward.report.patients.files import bound, html, pdf, pictures
from leeward.report.patients.home import checks_a_day
from leeward.report.patients.paper import Block
from leeward.report.patients.speaker import Speaker
from tests.report.patients_made import BERLIN, CART, CENTRE, DAY, ENGAGER, OTHER, asked, everything, page
from tests.report.test_page import Reader

HOSTILE = '<b>Ü & "Q"</b> #panic($x$)'
LONGEST = Centre(
    name="W" * 60, daytime_phone="+49 (0) 30 5550100-12345", daytime_hours="m" * 60,
    out_of_hours_phone="+49 (0) 30 5550199-12345", emergency_number="112", ward="W" * 60, address="W" * 60,
)  # fmt: skip


def blocks(one: Page, kind: str) -> list[Block]:
    """The blocks of a kind, over all sections."""
    return [block for part in one.sections for block in part.blocks if block.kind == kind]


def section(one: Page, name: str) -> list[Block]:
    """The blocks of one section."""
    return next(part.blocks for part in one.sections if part.id == name)


def size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels."""
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


# ------------------------------------------------------------------------------------------------------ content


def test_rules_are_those_of_the_day() -> None:
    """An infusion before 26 June 2025 keeps four weeks near the centre; from that day on it is two."""
    before = section(made(asked(day=date(2025, 6, 25), region="US"), "leaflet"), "until")[1].rows
    after = section(made(asked(day=date(2025, 6, 26), region="US"), "leaflet"), "until")[1].rows
    lengths = {row[0].text: row[2].text for row in before}
    assert lengths["Stay near the centre"] == "28 days: until Wednesday 23 July 2025."
    assert lengths["Do not drive"] == "56 days: until Wednesday 20 August 2025."
    lengths = {row[0].text: row[2].text for row in after}
    assert lengths["Stay near the centre"] == "14 days: until Thursday 10 July 2025."
    assert "Each day for 7 days: until Thursday 3 July 2025." in lengths["Checks by your team"]


def test_a_rule_of_hours_or_of_several_doses_gets_no_date() -> None:
    """Of a treatment that is repeated nobody says here which dose this day was."""
    rows = section(page("leaflet", ENGAGER), "until")[1].rows
    assert {row[2].text for row in rows} == {"48 hours after a dose."}
    assert "hospitalise 48 h after every step-up dose" in {row[3].text for row in rows}


def test_a_rate_that_is_no_number_stands_in_the_words_of_its_source() -> None:
    """For those who read publications, in their language; where every publication gives a number, nothing."""
    told = section(page("emergency", CART), "onset")[-1]
    assert (told.kind, [line.foreign for line in told.lines]) == ("list", ["en"])
    assert "CRS: 82-91 %; CRS of grade 3 or more: 7-9 %" in told.lines[0].text
    assert told.lines[0].marks != []
    assert [block.kind for block in section(page("emergency", OTHER), "onset")] == ["table"]


@pytest.mark.parametrize("name", ["leaflet", "caregiver", "when-to-call", "diary", "emergency"])
def test_what_is_recalled_is_marked(name: PageName) -> None:
    """A sentence that rests on recalled sources only bears the mark, and no other does; every mark names a source."""
    one = page(name)
    recalled = {ref.number for ref in one.references if ref.recalled}
    lines = [line for part in one.sections for block in part.blocks for line in block.lines]
    assert [line.text for line in lines if line.recalled != (bool(line.marks) and set(line.marks) <= recalled)] == []
    assert [ref.number for ref in one.references] == list(range(1, len(one.references) + 1))
    assert {mark for line in lines for mark in line.marks} <= {ref.number for ref in one.references}


def test_the_emergency_list_is_recalled_and_says_so() -> None:
    """No source for it was opened."""
    [dial] = blocks(page("leaflet"), "dial")
    assert dial.title == "Dial 112"
    assert len(dial.lines) == 5
    assert all(line.recalled for line in dial.lines)


def test_every_sign_stands_with_every_source() -> None:
    """Side by side, and what a source does not name is a dash, never a no."""
    [table] = blocks(page("when-to-call"), "table")
    signs = [one for one in facts().sign if not one.products]
    assert len(table.rows) == 1 + len(signs)
    for sign, row in zip(signs, table.rows[1:], strict=True):
        said = {"call": "call", "dial": "dial", None: "–"}
        assert [cell.text for cell in row[1:]] == [said[sign.says.get(one.id)] for one in facts().voice]


def test_a_sign_of_one_product_is_told_to_its_patients_only() -> None:
    """Slow movement after ciltacabtagene."""
    assert "You move slowly" in everything(page("leaflet", "ciltacabtagene autoleucel"))
    assert "You move slowly" not in everything(page("leaflet", CART))


def test_sources_of_another_kind_of_treatment_are_called_so() -> None:
    """No source was written for people on a checkpoint inhibitor, and the page says it."""
    told = text("en")["when.not-written"]
    assert told in everything(page("when-to-call", OTHER))
    assert told not in everything(page("when-to-call", CART))


def test_numbers_of_a_product_are_those_of_its_publications() -> None:
    """Of axicabtagene 84 and 94 % in rows that are not only recalled; nothing for a product without any."""
    assert "84 to 94 of 100 people had CRS" in everything(page("leaflet", CART))
    assert "1 day to 20 days after the dose" in everything(page("leaflet", CART))
    nothing = everything(page("leaflet", "lifileucel"))
    assert text("en")["leaflet.rate-none"] in nothing
    assert text("en")["leaflet.onset-none"] in nothing


@pytest.mark.parametrize(
    ("inn", "think", "steroids"),
    [
        (CART, "Think CRS, neurotoxicity and sepsis", "none unless absolutely necessary"),
        (ENGAGER, "Think CRS, neurotoxicity and sepsis", "sources differ"),
        ("afamitresgene autoleucel", "Think CRS, neurotoxicity and sepsis", "taken over from CAR-T"),
        (OTHER, "Think CRS and sepsis", "No source for this class"),
    ],
)
def test_the_card_speaks_by_class(inn: str, think: str, steroids: str) -> None:
    """Whom it is for decides what it says of the brain and of steroids; the centre is always called first."""
    card = page("card", inn).card
    assert card is not None
    assert card.think == think
    assert card.before == "Call before steroids"
    assert [line.text for line in card.lines if steroids in line.text] != []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_number_out_of_hours_is_that_of_weekends_too(language: Language) -> None:
    """Who is ill on a Sunday at noon is not sent to the number of the day."""
    weekend = {"en": "weekend", "de": "Wochenende", "fr": "week-end", "es": "fin de semana"}[language]
    holiday = {"en": "holiday", "de": "Feiertag", "fr": "férié", "es": "festivo"}[language]
    for key in ("shared.night-phone", "card.night"):
        assert weekend in text(language)[key]
        assert holiday in text(language)[key]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sepsis_can_be_there_too_and_need_not(language: Language) -> None:
    """No page says that CRS and sepsis always come together."""
    can = {"en": "can occur", "de": "kann zugleich", "fr": "peuvent", "es": "pueden"}[language]
    assert can in text(language)["claim.ed-sepsis"]


@pytest.mark.parametrize("template", ["patients.typ", "patients-card.typ"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_words_stay_whole_in_a_pdf(language: Language, template: str) -> None:
    """Only a word too long for its line is broken between letters: a screen reader would spell ours."""
    source = files("leeward.report").joinpath("templates", template).read_text(encoding="utf-8")
    [rule] = re.findall(r'#show regex\("(.+?)"\)', source)
    long = re.compile(re.sub(r"\\u\{(\w+)\}", lambda found: chr(int(found[1], 16)), rule))
    assert long.search("W" * 60)
    assert [said for said in text(language).values() if long.search(re.sub(r"\{\w+\}|_+", "", said))] == []


# ------------------------------------------------------------------------------------------------------ diary


def test_check_times_are_the_products() -> None:
    """Every 8 h after teclistamab, as its cohort prints it; twice a day, recalled, after CAR-T cells."""
    assert [at.hour for at in hours_of_checks(asked(ENGAGER))] == [6, 14, 22]
    assert [at.hour for at in hours_of_checks(asked(CART))] == [6, 18]
    assert checks_a_day(asked(OTHER)) == 2


@pytest.mark.parametrize(
    ("inn", "region", "days", "why"),
    [
        (CART, "US", 14, "diary.days-rule"),
        (CART, None, 28, "diary.days-rule"),  # the European rule, recalled
        (ENGAGER, "US", 9, "diary.days-dose"),  # doses on days 1, 4 and 7, checks until 48 h after
        (ENGAGER, "EU", 7, "diary.days-dose"),  # days 1, 3 and 5
        (OTHER, None, 14, "diary.days-decided"),
    ],
)
def test_a_diary_is_as_long_as_what_is_on_file(inn: str, region: str | None, days: int, why: str) -> None:
    """And says on what its length rests."""
    assert length(asked(inn, region=region)) == (days, why)


def test_no_diary_is_endless() -> None:
    """Whatever a label says."""
    most = round(facts().numbers["diary_days_most"].value)
    assert {one.inn for one in treatments() if not 0 < length(asked(one.inn))[0] <= most} == set()


def test_days_go_on_over_the_change_of_the_clocks() -> None:
    """28, 29 and 30 March in Berlin, each once, with the same times of day."""
    days = blocks(made(asked(at=time(10)), "diary"), "day")
    assert [day.caption for day in days[:3]] == [
        "Saturday 28 March 2026",
        "Sunday 29 March 2026",
        "Monday 30 March 2026",
    ]
    assert {tuple(day.slots) for day in days} == {("About 6:00", "About 18:00")}
    assert [day.note for day in days[:2]] == ["Dose today", ""]


def test_sentence_and_things_have_room_where_a_source_asks_for_them() -> None:
    """Twice a day after cells and engagers; nobody asks it of people on a checkpoint inhibitor."""
    assert [blocks(page("diary", inn), "day")[0].written for inn in (CART, ENGAGER, OTHER)] == [2, 2, 0]


# ------------------------------------------------------------------------------------------------------ language


@pytest.mark.parametrize(
    ("language", "day", "clock", "fever", "share", "first"),
    [
        ("en", "Saturday 28 March 2026", "6:00", "38.0 °C (100.4 °F)", "90%", "1 May 2026"),
        ("de", "Samstag, 28. März 2026", "6:00 Uhr", "38,0 °C", "90 %", "1. Mai 2026"),
        ("fr", "samedi 28 mars 2026", "6 h 00", "38,0 °C", "90 %", "1er mai 2026"),
        ("es", "sábado, 28 de marzo de 2026", "6:00 h", "38,0 °C", "90 %", "1 de mayo de 2026"),
    ],
)
def test_each_language_writes_its_own_way(
    language: Language, day: str, clock: str, fever: str, share: str, first: str
) -> None:
    """Dates, clock, decimal sign, percent; Fahrenheit where people read it, or where rules of the US were asked for."""
    speaker = Speaker(language)
    assert (speaker.day(DAY), speaker.clock(time(6)), speaker.fever(), speaker.percent(90)) == (
        day,
        clock,
        fever,
        share,
    )
    assert speaker.day_short(date(2026, 5, 1)) == first
    assert "°F" in Speaker(language, "US").fever()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_english_is_left_over(language: Language) -> None:
    """Words quoted from a source are marked as English; everything else is in the page's language."""
    for name in PAGES:
        text_ = html(page(name, language=language))
        assert f'<html lang="{language}">' in text_
        if language != "en" and name == "leaflet":
            assert '<span lang="en">stay near the treatment facility for 4 weeks</span>' in text_
            assert "Stay near the centre" not in text_


# ------------------------------------------------------------------------------------------------------ drawn


@pytest.mark.parametrize("name", PAGES)
def test_html_is_whole_and_loads_nothing(name: PageName) -> None:
    """No script, nothing from outside; headings go down one step at a time; ids are unique."""
    read = Reader(html(page(name)))
    assert not {"script", "link", "img", "iframe", "form"} & {tag for tag, _ in read.elements}
    assert all((held.get("href") or "#").startswith("#") for _, held in read.elements)
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(read.ids()) == len(set(read.ids()))
    targets = {held["href"] for _, held in read.elements if held.get("href")}
    assert targets <= {f"#{one}" for one in read.ids()}


def test_figures_stay_with_their_units() -> None:
    """In every language; a page is otherwise the same."""
    for language in LANGUAGES:
        one = page("when-to-call", language=language)
        text_ = html(one)
        assert not re.search(r" (°C|%|:|;|\?|»)", re.sub(r"<style>.*?</style>", "", text_, flags=re.DOTALL))
        assert "\N{NO-BREAK SPACE}°C" in text_
        same = msgspec.json.encode(bound(one)).decode().replace("\N{NO-BREAK SPACE}", " ")
        assert msgspec.json.decode(same, type=Page) == one


def test_a_centres_words_are_text_and_never_markup() -> None:
    """Neither in HTML nor in Typst."""
    held = msgspec.structs.replace(CENTRE, name=HOSTILE, ward=HOSTILE)
    for name in PAGES:
        one = made(asked(centre=held), name)
        assert "<b>Ü" not in html(one)
        assert pdf(one).startswith(b"%PDF")


def test_a_pdf_is_the_same_each_time_and_tagged() -> None:
    """So that a centre can compare two of them."""
    made_ = pdf(page("leaflet"))
    assert made_ == pdf(page("leaflet"))
    assert b"pdfuaid" in made_


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("centre", [CENTRE, LONGEST], ids=["usual", "longest"])
def test_a_card_has_two_sides_of_id_1(language: Language, centre: Centre) -> None:
    """856 by 540 tenths of a millimetre, however long the centre's words are: they shrink, and are not cut."""
    for inn in (CART, ENGAGER, OTHER):
        card = made(asked(inn, language, centre), "card")
        assert [size(one) for one in pictures(card, dots_per_inch=254)] == [(856, 540), (856, 540)]


def test_pages_are_written_where_asked(tmp_path: Path) -> None:
    """One or both kinds."""
    assert [file.name for file in write(page("leaflet"), tmp_path, as_pdf=False)] == ["leaflet.en.html"]
    assert [file.name for file in write(page("leaflet"), tmp_path, as_html=False)] == ["leaflet.en.pdf"]


def test_every_product_has_every_page() -> None:
    """Nothing on file for one of them stops a page."""
    for therapy in treatments():
        start = Start(day=DAY, zone=BERLIN)
        for name in PAGES:
            assert made(msgspec.structs.replace(asked(therapy.inn), start=start), name).title


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_diary_has_two_days_to_a_page(language: Language) -> None:
    """Whatever its language, however long the centre's numbers: no day is cut, and none stands alone but the last."""
    for inn in (CART, ENGAGER, OTHER):
        one = made(asked(inn, language, LONGEST, region="US"), "diary")
        days = len(blocks(one, "day"))
        sheets = len(pictures(one, dots_per_inch=10))
        assert 1 + days // 2 <= sheets <= 2 + days // 2, f"{inn}: {days} days on {sheets} pages"
