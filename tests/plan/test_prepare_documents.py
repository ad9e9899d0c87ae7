"""A preparation as iCalendar, FHIR and a page: dates as in the answer, drafts only, nothing from outside."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
import pytest
from icalendar import Calendar
from tests.plan.test_prepare import Charted, charted, therapy
from tests.report.test_plan_fhir import validated

from leeward.cohort.engine import Question
from leeward.cohort.preparing import answers
from leeward.commands.prepare import start_of
from leeward.plan.prepare import Asked, Preparation
from leeward.record.spool import Record
from leeward.report.prepare_calendar import calendar
from leeward.report.prepare_fhir import bundle
from leeward.report.prepare_in_words import in_words
from leeward.report.prepare_page import page

BERLIN = ZoneInfo("Europe/Berlin")
CHARTED = "-20 risk-mark active-infection, -20 crp 4, -20 body-weight 70"
ALL = ("teclistamab", "axicabtagene ciloleucel", "blinatumomab", "glofitamab", "pembrolizumab")


@cache
def prepared(inn: str, start: str | None = "2026-03-28T10:00") -> Preparation:
    """A patient with a little on record, before a product in Berlin, across the change of 29 March."""
    found = charted({"case": "<b>P & Q</b>", "charted": CHARTED})
    asked = Asked(product=therapy(inn), start=start_of(start, BERLIN))
    [one] = answers(cast("Record", Charted(found)), Question(), asked)
    return one


def events(one: Preparation) -> list[Any]:
    """The entries of a calendar, read again."""
    return list(Calendar.from_ical(calendar(one)).walk("VEVENT"))


def test_a_value_on_record_has_its_unit() -> None:
    """CRP of 50 mg/L is 5 mg/dL: without its unit nobody can tell. A creatinine turned over from umol/L is rounded."""
    charted_ = "-20 crp 50, -20 platelets 90, -20 creatinine 1.00023, -20 travel-to-centre 45"
    asked = Asked(product=therapy("teclistamab"), start=start_of("2026-03-28T10:00", BERLIN))
    record = cast("Record", Charted(charted({"case": "P", "charted": charted_})))
    [one] = answers(record, Question(), asked)
    for said in ("crp 50 mg/L, ", "platelets 90 × 10⁹/L, ", "creatinine 1 mg/dL, ", "travel-to-centre 45 min, "):
        assert said in in_words(one), said
        assert said in page(one), said


def test_doses_stand_in_the_calendar_at_their_instants() -> None:
    """10:00 in Berlin is 09:00 UTC before the change and 08:00 after it."""
    us = [one for one in events(prepared("teclistamab")) if "mg/kg" in one["summary"] and " US: " in one["summary"]]
    assert [one["dtstart"].dt for one in us] == [
        datetime(2026, 3, 28, 9, tzinfo=UTC), datetime(2026, 3, 31, 8, tzinfo=UTC), datetime(2026, 4, 3, 8, tzinfo=UTC),
    ]  # fmt: skip
    assert "d4: 0.3 mg/kg; 2026-03-31 10:00 +0200" in us[1]["description"]


def test_48_hours_are_48_hours_in_the_calendar() -> None:
    """Across the change of the clocks."""
    [one] = [each for each in events(prepared("teclistamab")) if "hospital (US)" in each["summary"]]
    assert one["dtend"].dt - one["dtstart"].dt == timedelta(hours=48)


def test_a_day_without_a_time_makes_entries_of_days() -> None:
    """The last day of a rule is included, as calendars count ends."""
    found = events(prepared("axicabtagene ciloleucel", "2026-03-28"))
    assert {type(one["dtstart"].dt) for one in found} == {date}
    [near] = [one for one in found if "stay (US)" in one["summary"]]
    assert (near["dtstart"].dt, near["dtend"].dt) == (date(2026, 3, 28), date(2026, 4, 12))


@pytest.mark.parametrize("inn", ALL)
def test_every_entry_is_tentative_and_private(inn: str) -> None:
    """And says what it is; ids are told apart and stay the same when asked again."""
    found = events(prepared(inn))
    assert found
    assert {(one["status"], one["class"]) for one in found} == {("TENTATIVE", "PRIVATE")}
    assert all("no order, no medical device" in one["description"] for one in found)
    assert len({one["uid"] for one in found}) == len(found)
    assert calendar(prepared(inn)) == calendar(prepared(inn))


def test_without_a_date_a_calendar_is_empty() -> None:
    """Nothing is put on a day that nobody named."""
    assert events(prepared("teclistamab", None)) == []


def details(one: Preparation) -> list[dict[str, Any]]:
    """The activities of the CarePlan, as sent."""
    [plan] = [each["resource"] for each in sent(one)["entry"] if each["resource"]["resourceType"] == "CarePlan"]
    assert (plan["status"], plan["intent"]) == ("draft", "proposal")
    return [each["detail"] for each in plan["activity"]]


def sent(one: Preparation) -> dict[str, Any]:
    """The bundle as JSON has it."""
    made: dict[str, Any] = json.loads(msgspec.json.encode(bundle(one)))
    return made


def test_an_infection_holds_the_item_and_only_findings_complete_one() -> None:
    """On hold with the finding it rests on; what no finding shows has not started."""
    by_name = {one["code"]["text"]: one for one in details(prepared("axicabtagene ciloleucel"))}
    infected = by_name["No active infection"]
    assert infected["status"] == "on-hold"
    assert "risk-mark active-infection" in infected["statusReason"]["text"]
    assert by_name["Weight for doses by weight"]["status"] == "completed"
    assert by_name["Tocilizumab on hand"]["status"] == "not-started"


def test_nothing_in_the_plan_is_an_order() -> None:
    """No request of any kind: a plan and where it comes from."""
    kinds = [each["resource"]["resourceType"] for each in sent(prepared("teclistamab"))["entry"]]
    assert kinds == ["CarePlan", "Provenance"]


@pytest.mark.slow
def test_every_bundle_is_valid_fhir_r4() -> None:
    """With a date, with a day, without one, and refused."""
    made = [prepared(inn, start) for inn in ALL for start in ("2026-03-28T10:00", "2026-03-28", None)]
    assert validated([sent(one) for one in made]) == "0 problems"


@pytest.mark.parametrize("inn", ALL)
def test_a_page_loads_nothing_and_escapes_what_it_shows(inn: str) -> None:
    """No script, no address to load from, a patient's id as text."""
    html = page(prepared(inn))
    assert re.findall(r"<script|<link|<img|url\(|@import|\bsrc=", html) == []
    assert "<b>P & Q</b>" not in html
    assert "&lt;b&gt;P &amp; Q&lt;/b&gt;" in html


def test_the_page_shows_rates_with_and_without_and_the_harm() -> None:
    """ZUMA-1 cohort 3, recalled: 3 % for 13 %, and 42 % neurotoxicity beside it."""
    html = page(prepared("axicabtagene ciloleucel"))
    row = html.partition("ZUMA-1 cohort 3")[2].partition("</tr>")[0]
    assert "known: recalled" in row
    for said in ("<b>3 %</b>", "without: 13 % (label 14/108)", "<b>42 %</b>", "fatal cerebral oedema"):
        assert said in row, said


def test_onsets_are_drawn_to_one_scale() -> None:
    """A median of 2 of at most 20 days stands at a tenth of the axis; a product without onsets has no drawing."""
    html = page(prepared("axicabtagene ciloleucel"))
    bars = [tuple(map(float, pair)) for pair in re.findall(r'x1="([\d.]+)" x2="([\d.]+)"', html)]
    axis = 640 - 250 - 60
    assert (250 + axis * 1 / 20, 250 + axis * 12 / 20) in bars
    assert (250 + axis * 2 / 20,) * 2 in bars


def test_a_refusal_is_all_there_is() -> None:
    """Words, page, bundle and calendar of a date before birth say so, and hold nothing else."""
    refused = msgspec.structs.replace(prepared("teclistamab"), refused="1900-01-01 is before the date of birth")
    assert "before the date of birth" in in_words(refused)
    assert "mg/kg" not in in_words(refused) + page(refused)
    assert "entry" not in bundle(refused)
    assert events(refused) == []
