"""Possible causes: every row of cases/causes.md through the engine, and what the table cannot say."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest
from tests.cases import parse

from leeward.cohort.answer import Answer, answer, by_patient, units
from leeward.cohort.engine import Question, connect, run, tables
from leeward.knowledge.therapies import Spread
from leeward.recognition.cause import Cause, causes, fit
from leeward.record.words import product

FILE = Path(__file__).parents[2] / "cases" / "causes.md"
Row = parse.Row


@cache
def rows() -> tuple[tuple[int, Row], ...]:
    """The rows of the case table that expect something, each with its line."""
    return tuple(row for table in parse.tables(FILE) if "timing" in table.columns for row in table.rows)


def case(line: int, row: Row) -> parse.Case:
    """A row as a patient."""
    made = [parse.finding("age-years", parse.START, 45.0)]
    for item in filter(None, row["given"].split("; ")):
        name, _, hours = item.rpartition(" ")
        made.append(parse.finding("trigger", parse.clock(hours), product(name)))
    if row["fever"]:
        at = parse.clock(row["fever"])
        made.append(parse.finding("body-temperature", at - timedelta(hours=1), 36.8))
        made.append(parse.finding("body-temperature", at, 38.5))
    else:
        made.append(parse.finding("body-temperature", parse.clock("24"), 36.8))
    return parse.Case(row["case"], f"causes.md:{line}", tuple(made), ())


@cache
def answered() -> dict[str, Answer]:
    """Every patient of the table in one run of the engine."""
    con = connect()
    con.register("findings", parse.table(case(line, row) for line, row in rows()))
    run(con, Question())
    found = by_patient(tables(con))
    return {patient: answer(patient, held, Question(), {}, units()) for patient, held in found.items()}


@pytest.mark.parametrize(("line", "row"), [pytest.param(*row, id=f"{row[0]}:{row[1]['case']}") for row in rows()])
def test_case(line: int, row: Row) -> None:
    """What the case table says comes out."""
    found = causes(answered()[row["case"]])
    place = int(row["place"])
    assert len(found) >= place, f"line {line}: {found}"
    one = found[place - 1]
    got = (one.name, one.timing, one.evidence or "")
    assert got == (row["cause"], row["timing"], row["known"]), f"line {line}: {one}"
    assert row["because"] in one.why, f"line {line}: {one.why}"


def test_timing_never_removes_a_treatment() -> None:
    """Every treatment on record is in the list of every episode, whatever its timing; so are infection and MAS."""
    for found in answered().values():
        given = {trigger.name for trigger in found.triggers}
        listed = causes(found)
        for onset in {cause.onset for cause in listed}:
            here = [cause for cause in listed if cause.onset == onset]
            assert {cause.name for cause in here if cause.kind == "treatment"} == given
            assert sum(cause.kind == "condition" for cause in here) == 2


def named(row: str, name: str) -> Cause:
    """One cause of one patient of the table."""
    return next(cause for cause in causes(answered()[row]) if cause.name == name)


def test_published_rates_keep_their_scale_and_their_evidence() -> None:
    """Tisagenlecleucel's 48 % is on the Penn scale; a recalled row of another product says that it is."""
    tisa = named("the cells of a hundred days ago stay in the list", "tisagenlecleucel").published[0].population
    assert tisa.crs_grade_3_or_more is not None
    assert (tisa.crs_grade_3_or_more.percent, tisa.scale, tisa.evidence) == (48.0, "Penn", "secondary")
    axi = named("day 2, the median", "axicabtagene ciloleucel").published
    assert [one.population.evidence for one in axi] == ["read", "read", "recalled", "recalled", "read"]


def test_the_window_holds_every_published_onset() -> None:
    """From the earliest to the latest onset published, as times of this patient."""
    one = named("day 2, the median", "axicabtagene ciloleucel")
    assert one.window is not None
    assert one.window.since == parse.START + timedelta(days=1)
    assert one.window.until == parse.START + timedelta(days=20)


def test_ciltacabtagene_warns_of_a_fever_on_its_first_day() -> None:
    """What is worth knowing of a product stands beside its timing."""
    one = named("ciltacabtagene on day 7 rests on recall", "ciltacabtagene autoleucel")
    assert any("infection or an infusion reaction" in note.says for note in one.notes)


def test_a_negative_bound_is_read_as_printed() -> None:
    """Linvoseltamab's range begins an hour before the end of the infusion."""
    published = Spread(median=11, low=-1, high=184, unit="h")
    assert fit(timedelta(hours=-1), published) == "inside"
    assert fit(timedelta(hours=-2, minutes=-1), published) == "early"
    assert fit(timedelta(hours=1), None) == "unknown"


def test_an_assumed_treatment_has_no_published_onset() -> None:
    """What the user assumes is not a product."""
    con = connect()
    untreated = [case(*row) for row in rows() if row[1]["case"] == "no treatment is on record"]
    con.register("findings", parse.table(untreated))
    question = Question(assumed_trigger=parse.START)
    run(con, question)
    (found,) = by_patient(tables(con)).items()
    one = causes(answer(*found, question, {}, units()))[0]
    assert (one.name, one.timing) == ("assumed", "unknown")
    assert "not known" in one.why


def test_the_command_line_says_it_in_json_and_in_words(tmp_path: Path) -> None:
    """One line per patient; recalled numbers are marked beside them."""
    record = tmp_path / "one.csv"
    record.write_text(
        "patient_id,start,end,quantity,value,unit,text\n"
        "P1,2024-01-10T10:00:00Z,,trigger,,,ciltacabtagene autoleucel\n"
        "P1,2024-01-17T10:00:00Z,,body-temperature,38.5,Cel,\n",
        encoding="utf-8",
    )
    start = [sys.executable, "-c", "from leeward.cli import main; main()", "cause", str(record)]
    said = subprocess.run([*start, "--json"], capture_output=True, check=True).stdout
    (line,) = said.splitlines()
    told = msgspec.json.decode(line)
    assert (told["patient"], told["causes"][0]["timing"]) == ("P1", "inside")
    words = subprocess.run(start, capture_output=True, check=True, text=True).stdout
    assert "(recalled)" in words
    assert "it rules nothing out" in words
