"""Documented grades beside ours: the sections of cases/discord.md, a study in SDTM, and ICD-10-CM codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from tests.cases.parse import (
    IN_COURSES,
    START,
    THERAPY,
    Case,
    Row,
    Table,
    charted,
    clock,
    finding,
    items,
    repeated,
    tables,
)
from tests.cases.parse import table as findings
from typer.testing import CliRunner

from leeward.cli import app
from leeward.cohort.answer import Episode, Peak
from leeward.cohort.discord import Comparison, compared
from leeward.cohort.engine import Question, connect, run
from leeward.cohort.icd10cm import coded

FILE = Path(__file__).parents[2] / "cases" / "discord.md"
runner = CliRunner()


@cache
def sections() -> tuple[tuple[Case, Table], ...]:
    """Each patient of the file and what is expected of it."""
    found = tables(FILE)
    pairs = [(chart, told) for chart, told in pairwise(found) if told.columns[0] == "documented"]
    return tuple((Case(told.headings[-1], FILE.name, tuple(_charted(chart)), ()), told) for chart, told in pairs)


def _charted(chart: Table) -> Iterator[dict[str, object]]:
    yield finding("age-years", START, 45.0)
    if not any("no therapy" in row.get("other", "") for _, row in chart.rows):
        yield finding("trigger", START, THERAPY)
    for line, row in chart.rows:
        for at in repeated(row["hours"]):
            for made in charted(row, at, IN_COURSES, f"{FILE.name}:{line}"):
                unnamed = made["text"] == "unspecified"
                yield {**made, "low": 1.0, "high": 5.0, "text": None} if unnamed else made


@cache
def answered() -> dict[str, list[Comparison]]:
    """Every section's comparisons, from one run of the engine."""
    con = connect()
    con.register("findings", findings([case for case, _ in sections()]))
    run(con, Question(), reasons=False)
    found: dict[str, list[Comparison]] = {}
    for one in compared(con, Question()):
        found.setdefault(one.patient, []).append(one)
    return found


@pytest.mark.parametrize(("case", "told"), [pytest.param(*pair, id=pair[0].patient) for pair in sections()])
def test_section(case: Case, told: Table) -> None:
    """What a section says comes out, for each documented grade in order."""
    got = answered()[case.patient]
    assert len(got) == len(told.rows)
    for one, (_, row) in zip(got, told.rows, strict=True):
        _check(one, row)


def _check(one: Comparison, row: Row) -> None:
    syndrome, hours, grade = row["documented"].split()
    documented = "unspecified" if one.documented.grade is None else str(one.documented.grade)
    assert (one.syndrome, one.documented.at, documented) == (syndrome, clock(hours), grade)
    low, high = (one.computed.at_least, one.computed.at_most) if one.computed else (None, None)
    assert row["computed"] == ("none" if low is None else f"{low}" if low == high else f"{low} to {high}")
    assert one.verdict == row["verdict"], one
    assert row["a reason says"] in "; ".join(one.reasons)
    assert set(items(row["because"])) <= {because.quantity for because in one.because}
    assert one.verdict != "agree" or one.because == []
    assert all(because.at <= one.computed.at for because in one.because) if one.computed else not one.because


def test_a_late_result_is_part_of_the_reasons() -> None:
    """Asked of all that is known, ours rests on a value that reached us only later, and so do its rows."""
    rows = [
        finding("trigger", START, THERAPY),
        {**finding("body-temperature", clock("24"), 39.0), "received_at": clock("48")},
        finding("systolic-bp", clock("24"), 120.0),
        finding("documented-crs-grade", clock("25"), 3.0),
    ]
    con = connect()
    con.register("findings", findings([Case("late", "x", tuple(rows), ())]))
    run(con, Question(), reasons=False)
    (one,) = compared(con, Question())
    assert "body-temperature" in {because.quantity for because in one.because}


def test_nothing_documented() -> None:
    """A record without documented grades has nothing to compare."""
    con = connect()
    con.register("findings", findings([Case("none", "x", (finding("trigger", START, THERAPY),), ())]))
    run(con, Question(), reasons=False)
    assert list(compared(con, Question())) == []


DM = "STUDYID,DOMAIN,USUBJID,RFSTDTC,RFPENDTC,SEX,AGE,AGEU\nS,DM,S-1,2024-01-10,2024-02-10,F,54,YEARS\n"
EX = "STUDYID,DOMAIN,USUBJID,EXSEQ,EXTRT,EXSTDTC\nS,EX,S-1,1,TECLISTAMAB,2024-01-10T08:00\n"
VS = (
    "STUDYID,DOMAIN,USUBJID,VSSEQ,VSTESTCD,VSSTRESN,VSSTRESU,VSDTC\n"
    "S,VS,S-1,1,TEMP,38.9,C,2024-01-11T08:00\nS,VS,S-1,2,SYSBP,82,mmHg,2024-01-11T08:00\n"
)
AE = (
    "STUDYID,DOMAIN,USUBJID,AESEQ,AEDECOD,AETOXGR,AESTDTC,AEENDTC\n"
    "S,AE,S-1,1,Cytokine release syndrome,1,2024-01-11,2024-01-12\n"
)


def test_a_trial_reviewers_worklist(tmp_path: Path) -> None:
    """An adverse event graded 1 in a patient with hypotension is listed, with the rows behind ours."""
    for name, text in {"dm": DM, "ex": EX, "vs": VS, "ae": AE}.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    result = runner.invoke(app, ["discord", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("{")]
    found = json.loads(line)
    assert (found["patient"], found["syndrome"], found["verdict"]) == ("S-1", "crs", "disagree")
    assert found["documented"] == {
        "grade": 1, "at": "2024-01-11T00:00:00Z", "until": "2024-01-13T00:00:00Z", "source": "ae.csv", "place": "row 1",
    }  # fmt: skip
    assert (found["computed"]["at_least"], found["computed"]["at"]) == (2, "2024-01-11T08:00:00Z")
    assert [(row["quantity"], row["source"], row["place"]) for row in found["because"]] == [
        ("body-temperature", "vs.csv", "row 1"),
        ("systolic-bp", "vs.csv", "row 2"),
    ]
    said = runner.invoke(app, ["discord", str(tmp_path)]).stdout
    assert "S-1  CRS  disagree: documented grade 1" in said
    assert "systolic-bp 82.0 mm[Hg], 2024-01-11 08:00 (0 h before; vs.csv, row 2)" in said
    assert said.rstrip().endswith("0 agree, 1 disagree, 0 cannot tell")


def episode(syndrome: str, low: int, high: int, year: int = 2024) -> Episode:
    """An episode with a peak."""
    onset = datetime(year, 1, 10, tzinfo=UTC)
    return Episode(syndrome, "astct-2019", onset, Peak(low, high, onset), None, 1.0, False, [])


@pytest.mark.parametrize(
    ("made", "code", "why"),
    [
        (episode("crs", 1, 1), "D89.831", "peak grade 1"),
        (episode("crs", 5, 5), "D89.835", "peak grade 5"),
        (episode("crs", 2, 4), "D89.839", "a range, 2 to 4"),
        (episode("crs", 0, 2), None, "not certain"),
        (episode("crs", 3, 3, 2019), None, "before 2020-10-01"),
        (episode("icans", 4, 4), "G92.04", "peak grade 4"),
        (episode("icans", 1, 2), "G92.00", "a range, 1 to 2"),
        (episode("icans", 3, 3, 2021), None, "before 2021-10-01"),
    ],
)
def test_codes_of_a_course(made: Episode, code: str | None, why: str) -> None:
    """A sure peak has its grade's code, a range the unspecified one, a doubtful episode none."""
    (found,) = coded(made)
    assert found.code == code
    assert why in found.why
    assert (found.title is None) is (code is None)


def test_codes_stand_in_each_episode_on_request(tmp_path: Path) -> None:
    """`leeward grade --icd10cm` adds them, and nothing else changes."""
    rows = [
        "patient_id,start,end,quantity,value,unit,text",
        "p,2024-01-10T00:00:00Z,,trigger,,,teclistamab",
        "p,2024-01-11T00:00:00Z,,body-temperature,38.9,Cel,",
        "p,2024-01-11T00:00:00Z,,systolic-bp,120,mm[Hg],",
        "p,2024-01-11T00:00:00Z,,oxygen-device,,,room-air",
    ]
    (tmp_path / "p.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    plain, with_codes = (
        json.loads(runner.invoke(app, ["grade", str(tmp_path), "--json", *more]).stdout.splitlines()[-1])
        for more in ([], ["--icd10cm"])
    )
    added = [one.pop("icd10cm") for one in with_codes["episodes"]]
    assert plain == with_codes
    assert [[one["code"] for one in each] for each in added] == [["D89.831"]]


def test_a_comparison_round_trips() -> None:
    """The JSON of a comparison reads back as the same comparison."""
    for several in answered().values():
        for one in several:
            assert msgspec.json.decode(msgspec.json.encode(one), type=Comparison) == one
