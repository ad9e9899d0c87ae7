"""Rows 18, 22, 27 and 47 as a whole cohort answers them, beyond what the door keeps."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tests.properties.test_course import START, THERAPY, bedside, finding
from typer.testing import CliRunner

from leeward.cli import app
from leeward.cohort.answer import Grade, answer, units
from leeward.cohort.courses import harmless
from leeward.cohort.engine import Question
from leeward.record.schema import FINDING

SECONDS = 1 / 3600
NOW = Question()


def crs(*findings: dict[str, object], asked: Question = NOW) -> Grade:
    """What holds at the end, or when it is asked for, with what it rests on."""
    around = [
        THERAPY, finding("age-years", 0, 45.0), *(finding("oxygen-device", at, text="room-air") for at in (20, 35)),
        *(finding("systolic-bp", at, 120.0) for at in (20, 35)),
    ]  # fmt: skip
    around = around if asked.as_of else [row for row in around if row["measured_at"] < START + timedelta(hours=35)]
    rows = bedside().tables(pa.Table.from_pylist([*around, *findings], FINDING), asked)
    return answer("p", rows, asked, {}, units()).now["crs"]


def shown(grade: Grade, quantity: str) -> list[tuple[float | str | None, str | None]]:
    """Which value of a quantity an answer rests on, and whose."""
    return [(one.value, one.site) for one in grade.because if one.quantity == quantity]


@pytest.mark.parametrize(
    ("monitor", "nurse", "seconds", "grade", "whose"),
    [
        (38.6, 37.4, 0, 1, (38.6, "monitor")),
        (37.4, 38.6, 0, 1, (38.6, "nurse")),
        (38.6, 37.4, 30, 0, (37.4, "nurse")),
        (37.4, 38.6, 30, 1, (38.6, "nurse")),
        (38.6, 37.4, -30, 1, (38.6, "monitor")),
    ],
)
def test_27_of_two_values_within_a_minute_one_counts_by_rule_and_the_answer_shows_which(
    monitor: float, nurse: float, seconds: int, grade: int, whose: tuple[float, str]
) -> None:
    """Of temperatures the latest, at one second the highest (astct-2019-crs, arterial-line). The answer shows whose."""
    told = crs(
        finding("body-temperature", 20, monitor, site="monitor"),
        finding("body-temperature", 20 + seconds * SECONDS, nurse, site="nurse"),
    )
    assert (told.at_least, told.at_most) == (grade, grade)
    assert shown(told, "body-temperature") == [whose]


@pytest.mark.parametrize(
    ("seconds", "at_most", "whose"),
    [(0, 2, (84.0, "arterial")), (40, 2, (84.0, "arterial")), (90, 1, (120.0, "cuff"))],
)
def test_27_within_a_minute_a_pressure_of_an_arterial_line_counts_before_one_of_a_cuff(
    seconds: int, at_most: int, whose: tuple[float, str]
) -> None:
    """As the definition's file writes it; after the minute the latest counts."""
    told = crs(
        finding("body-temperature", 20.5, 38.6),
        finding("systolic-bp", 20.5, 84.0, site="arterial"),
        finding("systolic-bp", 20.5 + seconds * SECONDS, 120.0, site="cuff"),
    )
    assert (told.at_least, told.at_most) == (at_most, at_most)
    assert shown(told, "systolic-bp") == [whose]


def test_18_where_the_order_within_a_day_matters_the_grade_is_a_range() -> None:
    """A fever of which only the day is known, and a normal temperature at its noon: at one o'clock either may hold."""
    noon, one = finding("body-temperature", 36, 36.8), Question(as_of=START + timedelta(hours=37))
    ranges = [
        (told.at_least, told.at_most)
        for told in (
            crs(noon, finding("body-temperature", 30, 38.6), asked=one),
            crs(noon, finding("body-temperature", 36.5, 38.6), asked=one),
            crs(noon, finding("body-temperature", 24, 38.6, until=48), asked=one),
        )
    ]
    assert ranges == [(0, 0), (1, 1), (0, 1)]


def test_18_a_drug_of_which_only_the_day_is_known_may_come_before_the_fever_or_after() -> None:
    """Fever at hour 34, then none beside a low pressure: tocilizumab before it, after it, that day, the day after."""
    now = [finding("body-temperature", 80, 37.0), finding("systolic-bp", 80, 84.0)]
    now += [finding("oxygen-device", 80, text="room-air"), finding("body-temperature", 34, 39.0)]
    asked, given = Question(as_of=START + timedelta(hours=80, minutes=30)), "tocilizumab"
    doses = [finding(given, 30), finding(given, 35), finding(given, 24, until=48), finding(given, 48, until=72)]
    told = [crs(*now, dose, asked=asked) for dose in doses]
    assert [(one.at_least, one.at_most) for one in told] == [(0, 2), (2, 2), (0, 2), (2, 2)]
    assert all(("masked-fever" in one.missing) == (one.at_least == 0) for one in told)


def test_22_what_counts_is_when_it_was_measured() -> None:
    """A fever measured at hour 20 and reported at hour 25 is a fever of hour 20."""
    late = finding("body-temperature", 20, 38.6, reported_at=START + timedelta(hours=25))
    again = finding("body-temperature", 22, 36.8)
    rows = bedside().tables(pa.Table.from_pylist([THERAPY, late, again], FINDING), Question())
    (onset,) = [row["onset_s"] for row in rows["episodes"]]
    assert onset == (START + timedelta(hours=20)).timestamp()


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_47_a_cell_that_a_spreadsheet_would_run_is_exported_as_text(tmp_path: Path, cell: str) -> None:
    """In the list of refusals, read back as a spreadsheet reads it; and in a table of scores."""
    source, listed = tmp_path / "record.csv", tmp_path / "refused.csv"
    with source.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["patient_id", "start", "end", "quantity", "value", "unit", "text"])
        rows.writerow([cell, "2026-03-01T08:00:00Z", "", cell, "1", "", ""])
        rows.writerow(["p", "2026-03-01T08:00:00Z", "", "body-temperature", "38.5", "Cel", ""])
    CliRunner().invoke(app, ["grade", str(source), "--refused", str(listed)])
    with listed.open(encoding="utf-8", newline="") as told:
        cells = [held for row in csv.reader(told) for held in row]
    assert any(held.endswith(cell.strip()) for held in cells)
    assert [held for held in cells if held[:1] in ("=", "+", "-", "@", "\t", "\r")] == []
    assert harmless(cell) == f"'{cell}"
    assert harmless("38.5") == "38.5"
