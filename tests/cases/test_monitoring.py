"""cases/monitoring.md on DuckDB: what is due, overdue and next; rules by the day of the dose; early signs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from leeward import cli
from leeward.cohort.engine import Question
from leeward.cohort.watching import answers
from leeward.plan.around import early_signs, monitoring
from leeward.plan.monitoring import NOT_GIVEN, Watched
from leeward.record.schema import FINDING, REFUSAL
from leeward.record.spool import Record
from tests.cases.parse import Row, finding, items, tables

FILE = Path(__file__).parents[2] / "cases" / "monitoring.md"
ZERO = datetime(2026, 3, 24, 9, tzinfo=UTC)
"""When every dose is given that has no time of its own."""
VITAL = {"body-temperature": 36.8, "systolic-bp": 120, "heart-rate": 80, "respiratory-rate": 16, "spo2": 97}
APPLIES = {True: "yes", False: "no", None: "perhaps"}


class Charted:
    """Findings that stand for a record."""

    def __init__(self, findings: list[dict[str, Any]]) -> None:
        self._findings = findings
        self.refusals = REFUSAL.empty_table()

    def to_duckdb(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        """As a record does."""
        con.register(name, pa.Table.from_pylist(self._findings, schema=FINDING))


def of(section: str) -> list[Row]:
    """The rows under a heading."""
    [table] = [one for one in tables(FILE) if one.headings[-1] == section]
    return [row for _, row in table.rows]


def params(section: str) -> list[Any]:
    """The rows under a heading, each a test."""
    return [pytest.param(row, id=row["case"]) for row in of(section)]


def hours(cell: str) -> timedelta:
    """`8`, `-2.5` or `11:59:59` hours."""
    if ":" not in cell:
        return timedelta(seconds=round(float(cell) * 3600))
    whole, minutes, seconds = cell.split(":")
    return timedelta(hours=int(whole), minutes=int(minutes), seconds=int(seconds))


def read(cell: str) -> Iterator[tuple[timedelta, str, float | str]]:
    """What `charted` says: when, the quantity, the value."""
    for one in items(cell):
        if " every " in one:
            yield from _temperatures(one)
            continue
        hour, what = one.split(" ", 1)
        if what == "vital signs":
            yield from ((hours(hour), name, float(value)) for name, value in VITAL.items())
            continue
        quantity, value = what.split()
        number: float | str = value
        with suppress(ValueError):
            number = float(value)
        yield hours(hour), quantity, number


def _temperatures(one: str) -> Iterator[tuple[timedelta, str, float]]:
    """`-24 to -1 every 0.5 36.5 or 36.7`: temperatures in turn."""
    first, _, last, _, step, *values = one.replace(" or ", " ").split()
    for place in range(round((float(last) - float(first)) / float(step)) + 1):
        at = timedelta(hours=float(first) + place * float(step))
        yield at, "body-temperature", float(values[place % len(values)])


def findings(row: Row) -> list[dict[str, Any]]:
    """A row's patient."""
    about = {"patient": row["case"], "status": "final", "revised": False, "source": "case"}
    made = [finding("trigger", ZERO, row.get("product", "axicabtagene ciloleucel")), finding("age-years", ZERO, 45.0)]
    if row.get("setting"):
        made.append(finding("care-setting", ZERO - timedelta(days=2), row["setting"], ZERO + timedelta(days=60)))
    made += [finding(quantity, ZERO + at, value) for at, quantity, value in read(row["charted"])]
    return [{**one, **about} for one in made]


@cache
def watched(section: str, at: str) -> dict[str, Watched]:
    """Every patient of a section asked about at one hour (empty: at their last finding), in one run."""
    mine = [row for row in of(section) if row.get("at", "") == at]
    record = cast("Record", Charted([one for row in mine for one in findings(row)]))
    asked = Question(as_of=ZERO + hours(at)) if at else Question()
    return {one.patient: one for one in answers(record, asked)}


@pytest.mark.parametrize("row", params("Due, overdue, next"))
def test_due(row: Row) -> None:
    """The state, the next hour, whether the line applies; what is not whole is named."""
    one = watched("Due, overdue, next", row["at"])[row["case"]]
    [check] = [line for line in one.checks if line.id == row["check"]]
    assert check.state == row["state"]
    assert check.next_at == (ZERO + hours(row["next"]) if row["next"] else None)
    assert APPLIES[check.applies] == row["applies"]
    assert check.applies is True or check.why
    late = check.next_at is not None and ZERO + hours(row["at"]) > check.next_at
    assert (check.overdue_hours is not None) == late


def test_every_line_has_a_row_or_no_interval() -> None:
    """No interval goes untested but those that only recall or that share another's rule."""
    tested = {row["check"] for row in of("Due, overdue, next")}
    untested = {line.id for line in monitoring().watch} - tested
    assert untested == {"blood", "heart", "temperature-in-fever-at-home"}


@pytest.mark.parametrize("row", params("Rules by the day of the dose"))
def test_rules(row: Row) -> None:
    """The rules of the day of the dose, in the centre's zone, each with its end."""
    given, _, last = (cell.strip() for cell in row["dose"].partition(" to "))
    at = datetime.fromisoformat(given)
    about = {"patient": "A", "status": "final", "revised": False, "source": "case"}
    dose = finding("trigger", at, row["product"], datetime.fromisoformat(last) if last else None)
    record = cast("Record", Charted([{**dose, **about}]))
    asked = Question(as_of=at + timedelta(days=3))
    [one] = answers(record, asked, zone=ZoneInfo(row["zone"]), region=row["region"])
    found = [line for line in one.stay if line.rule.about == row["about"]]
    until = [(line.until_at or line.until_day) for line in found if line.until_at or line.until_day]
    assert [end.isoformat() if end else "" for end in until] == [_full(cell) for cell in items(row["until"])]
    assert bool(last) == any("rules of both days" in note for note in one.notes)


def _full(cell: str) -> str:
    """A moment as ISO 8601 writes it."""
    return cell if len(cell) == len("2026-03-28") else datetime.fromisoformat(cell).isoformat()


@pytest.mark.parametrize("row", params("Early signs"))
def test_early_signs(row: Row) -> None:
    """Each sign against the patient's own baseline, with its source or marked as ours."""
    one = watched("Early signs", "")[row["case"]]
    [sign] = [told for told in one.early_signs if told.id == row["sign"]]
    assert sign.shown == row["shown"], sign
    assert sign.own == (row["own"] == "own")
    assert sign.because or sign.shown != "cannot tell" or sign.baseline is None


def test_every_early_sign_has_rows() -> None:
    """None goes untested."""
    assert {row["sign"] for row in of("Early signs")} == set(early_signs().sign)


def test_a_slope_is_per_day() -> None:
    """30 to 60 mg/L in 24 hours is 30 a day."""
    one = watched("Early signs", "")["CRP rose"]
    assert [told.slope_per_day for told in one.early_signs if told.id == "crp"] == [30.0]


def test_without_a_therapy_there_is_no_schedule() -> None:
    """Nothing to count from, and nothing is made up."""
    row = {"patient": "A", "status": "final", "revised": False, "source": "case"}
    record = cast("Record", Charted([{**finding("crp", ZERO, 30.0), **row}]))
    [one] = answers(record, Question())
    assert one.refused == NOT_GIVEN
    assert (one.checks, one.stay, one.early_signs) == ([], [], [])


def test_before_the_dose_there_is_no_schedule_either() -> None:
    """Asked about a moment before the dose was given."""
    row = {"patient": "A", "status": "final", "revised": False, "source": "case"}
    record = cast("Record", Charted([{**finding("trigger", ZERO, "teclistamab"), **row},
                                     {**finding("crp", ZERO - timedelta(days=2), 30.0), **row}]))  # fmt: skip
    [one] = answers(record, Question(as_of=ZERO - timedelta(days=1)))
    assert one.refused == NOT_GIVEN


def charted(*found: dict[str, Any]) -> Record:
    """One patient's findings as a record."""
    about = {"patient": "A", "status": "final", "revised": False, "source": "case"}
    return cast("Record", Charted([{**one, **about} for one in found]))


def test_a_later_drug_does_not_hide_the_schedule_of_cells() -> None:
    """Pembrolizumab two days after axicabtagene: each product has its lines and its rules."""
    cells = finding("trigger", ZERO, "axicabtagene ciloleucel")
    later = finding("trigger", ZERO + timedelta(days=2), "pembrolizumab")
    [one] = answers(charted(cells, later), Question(as_of=ZERO + timedelta(days=3)), region="US")
    assert one.product == "pembrolizumab"
    assert {(line.product, line.id) for line in one.checks} >= {
        ("axicabtagene ciloleucel", "neurology"), ("axicabtagene ciloleucel", "re-grade"),
        ("pembrolizumab", "re-grade"),
    }  # fmt: skip
    assert {line.product for line in one.stay} == {"axicabtagene ciloleucel"}
    assert any("checkpoint-inhibitor" in note for note in one.notes)


@pytest.mark.parametrize(("days", "applies"), [(30.0, True), (30.01, None)])
def test_a_line_without_an_end_may_apply_after_a_month(days: float, applies: bool | None) -> None:
    """ICE has no printed end: from then on it is a perhaps, and says why."""
    dose = finding("trigger", ZERO, "axicabtagene ciloleucel")
    [one] = answers(charted(dose), Question(as_of=ZERO + timedelta(days=days)))
    [check] = [line for line in one.checks if line.id == "neurology"]
    assert check.applies is applies
    assert bool(check.why) == (applies is None)


def test_after_death_nothing_is_due() -> None:
    """The schedule ends, and says why."""
    dose, dead = finding("trigger", ZERO, "teclistamab"), finding("death", ZERO + timedelta(days=2), "crs")
    [one] = answers(charted(dose, dead), Question(as_of=ZERO + timedelta(days=3)))
    assert (one.refused or "").startswith("death is on record at 2026-03-26 09:00 UTC")
    [before] = answers(charted(dose, dead), Question(as_of=ZERO + timedelta(days=1)))
    assert before.refused is None


def test_a_dose_that_was_not_understood_is_not_taken_for_absent(tmp_path: Path) -> None:
    """What was refused at the door is counted in words and JSON, before a dose and after it."""
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,start,end,quantity,value,unit,text\nA,yesterday,,trigger,,,teclistamab\n"
        "A,2026-03-20T08:00:00Z,,crp,4,mg/L,\n",
        encoding="utf-8",
    )
    for arguments in (["watch"], ["prepare", "--product", "tecvayli", "--date", "2026-03-27"]):
        command, *options = arguments
        told = CliRunner().invoke(cli.app, [command, str(file), *options])
        assert "not understood, so not used: 1 x" in told.stdout, told.output
        sent = CliRunner().invoke(cli.app, [command, str(file), "--json", *options])
        assert sum(json.loads(sent.stdout)["not_understood"].values()) == 1
