"""cases/home.md: what readings from home show, and who says what; the diary's form; the answer in four languages."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cases.parse import Row, finding, items, tables
from tests.plan.test_prepare import Charted
from typer.testing import CliRunner

from leeward import cli
from leeward.cohort.engine import Question, connect
from leeward.cohort.home import answers
from leeward.knowledge import home, patients
from leeward.knowledge.centre import LANGUAGES, Centre, Language
from leeward.knowledge.therapies import treatments
from leeward.knowledge.vocabulary import quantities
from leeward.plan.home import AtHome, heard, read_at_home
from leeward.record.read import read
from leeward.record.spool import Record
from leeward.report.home_in_words import in_words

FILE = Path(__file__).parents[2] / "cases" / "home.md"
ZERO = datetime(2026, 3, 24, 9, tzinfo=UTC)
HEAD = (
    "patient_id,taken_at,temperature,temperature_unit,upper_pressure,pulse,oxygen,drug,drug_mg,sentence,objects,sign\n"
)


def params(section: str) -> list[Any]:
    """The rows under a heading."""
    [table] = [one for one in tables(FILE) if one.headings[-1] == section]
    return [pytest.param(row, id=row["case"]) for _, row in table.rows]


def told(charted: str, at_hours: float = 48) -> AtHome:
    """The answer to what a row charts, after teclistamab at hour 0."""
    about = {"patient": "A", "status": "final", "revised": False, "source": "case"}
    made = [{**finding("trigger", ZERO, "teclistamab"), **about}]
    for one in items(charted):
        hours, quantity, value = one.split()
        number: float | str = value
        with suppress(ValueError):
            number = float(value)
        made.append({**finding(quantity, ZERO + timedelta(hours=float(hours)), number), **about})
    now = ZERO + timedelta(hours=at_hours)
    [answer] = answers(cast("Record", Charted(made)), Question(as_of=now), now)
    return answer


def at_hour(at: datetime) -> float:
    """Hours from the dose."""
    return (at - ZERO) / timedelta(hours=1)


@pytest.mark.parametrize("row", params("What a reading shows"))
def test_shows(row: Row) -> None:
    """The sign comes out with every source that speaks of it, and with no other."""
    hours, quantity = row["at"].split()
    [one] = [each for each in told(row["charted"]).noted
             if (each.quantity, at_hour(each.at)) == (quantity, float(hours))]  # fmt: skip
    signs = {each.sign for each in one.heard}
    assert {row["sign"].removeprefix("? ")} - {""} == signs
    assert one.certain == (not row["sign"].startswith("?"))
    for act in ("call", "dial"):
        assert sorted(each.voice for each in one.heard if each.says == act) == items(row[act]), act
    assert [name for name in ("masked", "decided") if getattr(one, name)] == items(row["also"])


@pytest.mark.parametrize("row", params("Where a reading was taken"))
def test_where(row: Row) -> None:
    """Only what was read at home is answered; the rest is counted."""
    one = told(row["charted"])
    assert [f"{at_hour(each.at):g} {each.quantity}" for each in one.noted] == items(row["answered"])
    assert (one.in_hospital, one.not_at_home) == (int(row["hospital"]), int(row["left"]))


@pytest.mark.parametrize("row", params("How old a reading may be"))
def test_old(row: Row) -> None:
    """A reading stands as long as readings at home do."""
    assert [each.quantity for each in told(row["charted"], float(row["at"])).old] == items(row["old"])


def test_every_sign_can_come_from_home() -> None:
    """Each sign of the pages is a word of the diary, or is shown by something measured; and no other word is known."""
    measured = {one.sign for one in home.facts().reading if one.quantity in ("body-temperature", "systolic-bp", "spo2")}
    words = set(quantities()["home-sign"].words)
    assert words | measured == {one.id for one in patients.facts().sign}
    assert not words & measured


@given(celsius=st.sampled_from([37.9, 37.99, 38.0, 38.01, 41.0]), drug=st.booleans())
def test_a_fever_is_always_heard(celsius: float, drug: bool) -> None:
    """Whatever was taken before."""
    taken = "7 acetaminophen 500, " if drug else ""
    [one] = [each for each in told(f"{taken}8 body-temperature {celsius}").noted if each.value == celsius]
    assert bool(one.heard) == (celsius >= patients.number("fever"))


@pytest.mark.parametrize("product", treatments(), ids=lambda one: one.inn)
def test_a_source_written_for_others_is_told_too(product: Any) -> None:
    """Of a fever every source speaks, whatever was given; those of the product's kind come first."""
    found = heard("fever", product)
    assert {one.voice for one in found} == {"crombie", "makers"}
    mine = [one.of in (patients.kind_of(product).id, "all") for one in found]
    assert mine == sorted(mine, reverse=True)


def test_a_sign_of_one_product_is_not_told_of_another() -> None:
    """Slow change days to months later is a sign after ciltacabtagene alone."""
    by_name = {one.inn: one for one in treatments()}
    assert heard("slow-change", by_name["ciltacabtagene autoleucel"])
    assert heard("slow-change", None)
    assert heard("slow-change", by_name["teclistamab"]) == []


def placeholders(text: str) -> set[str]:
    """The {names} in a sentence."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_is_missing(language: Language) -> None:
    """Every language has the same keys and placeholders; a machine's translation says that nobody reviewed it."""
    english, mine = home.text("en"), home.text(language)
    assert set(mine) == set(english)
    assert {key: placeholders(text) for key, text in mine.items()} == {
        key: placeholders(text) for key, text in english.items()
    }


WELL = re.compile(
    r"you are (fine|well|safe)|alles in ordnung|es geht ihnen gut|vous allez bien|está (usted )?bien|no need to|"
    r"nothing to worry|kein grund zur sorge|pas d'inquiétude|no se preocupe",
    re.IGNORECASE,
)
DOUBT = {"en": "does not mean", "de": "heißt nicht", "fr": "ne veut pas dire", "es": "no quiere decir"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_told_that_all_is_well(language: Language) -> None:
    """Of readings that no source speaks of: that this does not mean that all is well."""
    said = in_words(told("8 body-temperature 36.8, 8 heart-rate 80"), language, Centre(), UTC)
    assert not WELL.search(said)
    assert DOUBT[language] in said
    assert not WELL.search(" ".join(home.text(language).values()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unreviewed_translation_says_so(language: Language) -> None:
    """As the pages do; a centre without numbers is told to have none, and none is made up."""
    said = in_words(told("8 body-temperature 38.5"), language, Centre(), UTC)
    assert (patients.text(language)["shared.unreviewed"] in said) == (language != "en")
    for missing in ("daytime-phone", "out-of-hours-phone", "emergency-number"):
        assert patients.text(language)[f"shared.missing-{missing}"] in said
    assert not re.search(r"\+?\d[\d ]{5,}", said)


def test_the_answer_can_be_read_at_eleven() -> None:
    """By a library's score, as the pages are; names and numbers left out, since they are not ours to shorten."""
    textstat = pytest.importorskip("textstat", reason="textstat is not installed: the reading age is not measured")
    said = [text for key, text in home.text("en").items() if not placeholders(text) and text.endswith(".")]
    assert textstat.automated_readability_index(" ".join(said)) <= 6


def diary(tmp_path: Path, *lines: str) -> Path:
    """A diary as somebody sends it."""
    file = tmp_path / "diary.csv"
    file.write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def test_a_diary_is_read_as_findings_at_home(tmp_path: Path) -> None:
    """Without a mapping named: by its columns. Each line says that the patient was at home."""
    file = diary(tmp_path, "007,2026-03-28 08:00,101.3,F,118,80,97,Paracetamol,1000,written,3,dizzy")
    record = read(file, zone="Europe/Berlin", now=datetime(2026, 4, 1, tzinfo=UTC))
    con = connect()
    record.to_duckdb(con, "findings")
    found = set(con.sql("select quantity, low, text from findings where patient = '007'").fetchall())
    assert record.recognised == "Home diary (CSV)"
    assert found == {
        ("care-setting", None, "home"), ("body-temperature", 38.5, None), ("systolic-bp", 118.0, None),
        ("heart-rate", 80.0, None), ("spo2", 97.0, None), ("acetaminophen", 1000.0, None),
        ("home-sentence", None, "written"), ("home-objects", 3.0, None), ("home-sign", None, "dizziness"),
    }  # fmt: skip
    assert {quantity for quantity, _, _ in found} - {"care-setting"} <= read_at_home()


def answered(file: Path, *options: str) -> str:
    """What the command says."""
    arguments = ["home", str(file), "--zone", "Europe/Berlin", "--as-of", "2026-03-29T12:00+02:00", *options]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_could_not_be_read_is_listed(tmp_path: Path) -> None:
    """Each with its line and why; a value without a unit is not guessed at."""
    file = diary(
        tmp_path, "A,2026-03-28 08:00,abc,C,,,,,,,,", "A,2026-03-28 09:00,38.4,,,,,,,,,", "A,,38.4,C,,,,,,,,",
        "A,2026-03-29 02:30,38.4,C,,,,,,,,", "A,2026-03-28 10:00,,,,,,,,,5,funny",
        'A,2026-03-28 11:00,"38,400",C,,,,paracetamol,1.000,,,',
    )  # fmt: skip
    said = answered(file)
    assert [line.strip() for line in said.splitlines() if line.startswith("  line ")] == [
        "line 1: temperature: this is not a number (abc)",
        "line 2: temperature: the unit is missing or not known (C or F)",
        "line 3: temperature: the time is missing, not on the clock, or still to come",
        "line 4: temperature: the time is missing, not on the clock, or still to come (2026-03-29 02:30)",
        "line 5: things named: this number cannot be right (5)",
        "line 5: sign: this word is not known (funny)",
        "line 6: drug: this can mean a thousand or a decimal number: write it without a point or comma (1.000)",
        "line 6: temperature: this can mean a thousand or a decimal number: write it without a point or comma (38,400)",
    ]
    assert "38.4 °C" not in said


def test_a_day_without_a_time_and_a_value_below_a_limit_stay_what_they_are(tmp_path: Path) -> None:
    """No midnight is made of a day, and no number of an open end."""
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,start,end,quantity,value,unit,text\nA,2026-03-28,,body-temperature,37.5,Cel,\n"
        "A,2026-03-28T10:00:00Z,,body-temperature,<35,Cel,\n",
        encoding="utf-8",
    )
    said = answered(file)
    assert "28 March 2026: temperature 37.5 °C" in said
    assert "28 March 2026, 11:00: temperature < 35.0 °C" in said


def test_a_spreadsheet_of_another_country_is_read(tmp_path: Path) -> None:
    """Semicolons, a mark of byte order, a degree sign, a decimal comma: 38,6 is 38.6, whoever writes it."""
    file = tmp_path / "diary.csv"
    lines = f"{HEAD}A,2026-03-28 22:00,38.6,°C,,,,,,,,\nA,2026-03-28 08:00,3xx6,C,,,,,,,,\n".replace(",", ";")
    file.write_text("\ufeff" + lines.replace("3xx6", "38,6").replace("\n", "\r\n"), encoding="utf-8")
    said = answered(file)
    assert "22:00: temperature 38.6 °C" in said
    assert " 8:00: temperature 38.6 °C" in said
    assert "line 2" not in said


def test_the_hospitals_record_tells_therapy_place_and_usual_pressure(tmp_path: Path) -> None:
    """Its own readings are not answered; a reading of the diary while it says ward is not from home."""
    file = diary(
        tmp_path,
        "A,2026-03-28 08:00,,,88,,,,,,,",
        "A,2026-03-28 20:00,38.5,C,,,,,,,,",
        "B,2026-03-28 08:00,,,88,,,,,,,",
    )
    held = tmp_path / "hospital.csv"
    held.write_text(
        "patient_id,start,end,quantity,value,unit,text\nA,2026-03-24T09:00:00Z,,trigger,,,tebentafusp\n"
        "A,2026-03-23T09:00:00Z,,systolic-bp,120,mm[Hg],\nA,2026-03-23T09:00:00Z,,crp,30,mg/L,\n"
        "A,2026-03-28T17:00:00Z,2026-03-29T08:00:00Z,care-setting,,,icu\n",
        encoding="utf-8",
    )
    a, b = (json.loads(line) for line in answered(file, "--json", "--record", str(held)).splitlines())
    assert a["product"] == "tebentafusp"
    assert [(one["quantity"], one["value"], one["certain"]) for one in a["noted"]] == [("systolic-bp", 88.0, True)]
    assert (a["in_hospital"], a["not_at_home"]) == (1, 0)
    assert [(one["value"], one["certain"]) for one in b["noted"]] == [(88.0, False)]


def test_the_command_in_german_with_a_centre(tmp_path: Path) -> None:
    """The centre's numbers stand where a source says to call."""
    settings = tmp_path / "centre.toml"
    settings.write_text(
        'name = "Klinik Lee"\ndaytime_phone = "+49 30 1111"\n'
        'out_of_hours_phone = "+49 30 2222"\nemergency_number = "112"\n',
        encoding="utf-8",
    )
    file = diary(tmp_path, "A,2026-03-28 22:00,38.2,C,,,,,,,,seizure")
    said = answered(file, "--language", "de", "--centre", str(settings), "--product", "tecvayli")
    for text in ("38,2 °C", "22:00", "+49 30 1111", "+49 30 2222", "112", "Tecvayli"):
        assert text in said, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pulse_makes_no_statement_of_the_heart(language: Language) -> None:
    """A pulse of 80 is not answered with the sign itself, only with its name in quotes."""
    sign = patients.text(language)["sign.heartbeat"]
    said = in_words(told("8 heart-rate 80"), language, Centre(), UTC)
    [line] = [line.strip() for line in said.splitlines() if sign in line]
    assert not line.startswith(sign)
    assert re.search(r"[“„«]\s?" + re.escape(sign) + r"\s?[”“»]$", line), line


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_could_not_be_read_is_not_left_for_fine(language: Language, tmp_path: Path) -> None:
    """What may be a thousand is not read: beside what is said of the others stands that it was not looked at."""
    file = diary(tmp_path, 'A,2026-03-28 22:00,"38,900",C,118,80,97,,,written,3,')
    said = answered(file, "--language", language).splitlines()
    own = home.text(language)
    assert said.index(f"  {own['unread']}") == said.index(f"  {own['says-nothing']}") + 1
    assert f"  {own['unread']}" not in in_words(told("8 heart-rate 80"), language, Centre(), UTC).splitlines()


def test_an_age_is_no_hour_of_the_clock() -> None:
    """In French `22 heures` is also ten in the evening, so an age says that it is one; so it does in Spanish."""
    assert "il y a 40 heures" in in_words(told("8 spo2 97"), "fr", Centre(), UTC)
    assert "de hace 40 horas" in in_words(told("8 spo2 97"), "es", Centre(), UTC)


def test_a_day_number_stands_with_its_hours() -> None:
    """So that nobody calls it at another hour."""
    centre = Centre(daytime_phone="+49 30 1111", daytime_hours="Mon-Fri 08:00-16:00", out_of_hours_phone="+49 30 2222")
    assert "+49 30 1111 (Mon-Fri 08:00-16:00)" in in_words(told("8 spo2 97"), "en", centre, UTC)


def test_as_json(tmp_path: Path) -> None:
    """The same answer for a machine."""
    made = json.loads(answered(diary(tmp_path, "A,2026-03-28 22:00,38.2,C,,,,,,,,"), "--json"))
    [one] = made["noted"]
    assert (one["quantity"], one["value"], one["at"]) == ("body-temperature", 38.2, "2026-03-28T21:00:00Z")
    assert [each["says"] for each in one["heard"]] == ["call", "call"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--language", "xx"], "no language 'xx'"),
        (["--product", "examplumab"], "no product 'examplumab' is known"),
        (["--centre", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["--patient", "nobody"], "no patient 'nobody'"),
    ],
)
def test_refused(options: list[str], says: str, tmp_path: Path) -> None:
    """A clear answer, and nothing invented."""
    file = diary(tmp_path, "A,2026-03-28T22:00Z,38.2,C,,,,,,,,")
    done = CliRunner().invoke(cli.app, ["home", str(file), *options])
    assert done.exit_code == 2
    assert says in done.output
