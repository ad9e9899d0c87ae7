"""What is due after a dose as a page and as iCalendar: moments as in the answer, drafts only, nothing from outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from icalendar import Calendar
from markupsafe import escape
from tests.cases.parse import finding
from tests.plan.test_prepare import Charted
from typer.testing import CliRunner

from leeward import cli
from leeward.cohort.engine import Question
from leeward.cohort.watching import answers
from leeward.plan.monitoring import Watched
from leeward.record.spool import Record
from leeward.report import watch_in_words
from leeward.report.watch_calendar import calendar
from leeward.report.watch_page import page

BERLIN = ZoneInfo("Europe/Berlin")
ZERO = datetime(2026, 3, 28, 9, tzinfo=UTC)
"""10:00 in Berlin, the day before the clocks change."""


@cache
def watched(hours: float = 14, *, died: bool = False) -> Watched:
    """Teclistamab at hour 0 at home, one temperature at hour 4."""
    about = {"patient": "<b>P & Q</b>", "status": "final", "revised": False, "source": "case"}
    made = [
        finding("trigger", ZERO, "teclistamab"), finding("care-setting", ZERO, "home"),
        finding("body-temperature", ZERO + timedelta(hours=4), 37.0),
    ]  # fmt: skip
    made += [finding("death", ZERO + timedelta(hours=5), "crs")] if died else []
    record = cast("Record", Charted([{**one, **about} for one in made]))
    [one] = answers(record, Question(as_of=ZERO + timedelta(hours=hours)), zone=BERLIN, region="US")
    return one


def events(one: Watched) -> list[Any]:
    """The entries of a calendar, read again."""
    return list(Calendar.from_ical(calendar(one)).walk("VEVENT"))


def test_a_check_stands_where_it_is_next() -> None:
    """Overdue by two hours at hour 14; the next one after a reading at hour 13 is at hour 21."""
    [late] = [one for one in events(watched()) if "Temperature at home after" in one["summary"]]
    assert late["dtstart"].dt == ZERO + timedelta(hours=12)
    assert late["summary"].endswith("Temperature at home after Tecvayli (teclistamab): overdue")
    assert "every 8 h and with any symptom" in late["description"]


def test_what_may_apply_says_so() -> None:
    """A line that hangs on what is not worked out is no certain entry."""
    [perhaps] = [one for one in events(watched()) if "in fever" in one["summary"]]
    assert "may apply: " in perhaps["summary"]


def test_48_hours_are_48_hours() -> None:
    """Across the change of the clocks, from the dose on record."""
    [stay] = [one for one in events(watched()) if "hospital (US)" in one["summary"]]
    assert stay["dtstart"].dt == ZERO
    assert stay["dtend"].dt - stay["dtstart"].dt == timedelta(hours=48)


def test_every_entry_is_tentative_and_private() -> None:
    """And is told apart; the same answer gives the same file, and a later one moves the same entry."""
    found = events(watched())
    assert {(one["status"], one["class"]) for one in found} == {("TENTATIVE", "PRIVATE")}
    assert len({one["uid"] for one in found}) == len(found)
    assert calendar(watched()) == calendar(watched())
    assert {one["uid"] for one in events(watched(15))} == {one["uid"] for one in found}


def test_after_death_a_calendar_is_empty() -> None:
    """Nothing is due."""
    assert events(watched(died=True)) == []


def test_the_page_says_what_the_answer_says() -> None:
    """Every check that applies, with its source; every rule with its end; each early sign; nothing from outside."""
    one = watched()
    said = page(one, BERLIN)
    assert "&lt;b&gt;P &amp; Q&lt;/b&gt;" in said
    assert "<b>P & Q</b>" not in said
    for check in one.checks:
        assert (check.title in said) == (check.applies is not False), check.title
    assert "overdue 2026-03-28 22:00 +0100, 2 h ago" in said
    assert "to 2026-03-30 11:00 +0200" in said
    assert all(str(escape(sign.title)) in said for sign in one.early_signs)
    assert not re.search(r"(src|href)=\"(?!#)", said)
    assert "death is on record" in page(watched(died=True), BERLIN).lower()


def sign(name: str, *charted: tuple[float, str, float]) -> Any:
    """An early sign after axi-cel at hour 0."""
    about = {"patient": "P", "status": "final", "revised": False, "source": "case"}
    made = [finding("trigger", ZERO, "axicabtagene ciloleucel")]
    made += [finding(quantity, ZERO + timedelta(hours=hours), value) for hours, quantity, value in charted]
    record = cast("Record", Charted([{**one, **about} for one in made]))
    [one] = answers(record, Question(as_of=ZERO + timedelta(hours=36)), zone=BERLIN, region="US")
    [mine] = [each for each in one.early_signs if each.id == name]
    return mine


def test_a_number_of_a_sign_has_its_unit() -> None:
    """CRP of 60 mg/L is 6 mg/dL: without its unit nobody can tell."""
    crp = sign("crp", (-24, "crp", 20.0), (24, "crp", 60.0))
    said = list(watch_in_words.sign(crp, BERLIN))
    assert crp.unit == "mg/L"
    assert "    baseline 20 mg/L, before 20 mg/L, now 60 mg/L, +20 mg/L a day" in said


def test_a_limit_is_not_called_a_reading() -> None:
    """The own limit of the temperature stands as a limit, never as what the temperature is now."""
    heat = sign("temperature", *((-40 + n * 0.5, "body-temperature", 36.6 + 0.1 * (n % 3)) for n in range(140)))
    said = " ".join(watch_in_words.sign(heat, BERLIN))
    assert "own limit" in said
    assert "baseline 36.7 °C" in said
    assert heat.value is None
    assert "now" not in said


def test_files_by_the_command(tmp_path: Path) -> None:
    """A page and a calendar for each patient."""
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,start,end,quantity,value,unit,text\nA,2026-03-28T09:00:00Z,,trigger,,,teclistamab\n"
        "A,2026-03-28T13:00:00Z,,body-temperature,37.0,Cel,\n",
        encoding="utf-8",
    )
    options = ["--zone", "Europe/Berlin", "--calendar", str(tmp_path / "cal"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli.app, ["watch", str(file), *options])
    assert done.exit_code == 0, done.output
    [entries, html] = [Path(line) for line in done.stdout.split()]
    assert entries.read_bytes().startswith(b"BEGIN:VCALENDAR")
    assert "Early signs" in html.read_text(encoding="utf-8")
