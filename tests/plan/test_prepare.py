"""cases/prepare.md: steps on dates across clock changes, what a gap means, the checklist, what is refused."""

from __future__ import annotations

import shlex
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cases.parse import Row, finding, items, tables
from typer.testing import CliRunner

from leeward import cli
from leeward.cohort.engine import Question
from leeward.cohort.preparing import answers
from leeward.commands.prepare import start_of
from leeward.knowledge.therapies import of, treatments
from leeward.plan import schedule
from leeward.plan.around import checklist, gaps, monitoring, studies
from leeward.plan.prepare import Asked, Preparation
from leeward.plan.schedule import Start
from leeward.record.schema import FINDING, REFUSAL
from leeward.record.spool import Record
from leeward.report.prepare_in_words import when

FILE = Path(__file__).parents[2] / "cases" / "prepare.md"
ZERO = datetime(2026, 3, 27, 9, tzinfo=UTC)
"""When the dose of every checklist is given."""


def rows(section: str) -> list[Any]:
    """The rows under a heading."""
    [table] = [one for one in tables(FILE) if one.headings[-1] == section]
    return [pytest.param(row, id=row["case"]) for _, row in table.rows]


class Charted:
    """Findings that stand for a record."""

    def __init__(self, findings: list[dict[str, Any]]) -> None:
        self._findings = findings
        self.refusals = REFUSAL.empty_table()

    def to_duckdb(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        """As a record does."""
        con.register(name, pa.Table.from_pylist(self._findings, schema=FINDING))


def therapy(inn: str) -> Any:
    """A product that must be in the catalogue."""
    found = of(inn)
    assert found is not None
    return found


def schedule_of(row: Row) -> tuple[int | None, Any]:
    """Which step the day of a row is, and its schedule."""
    zone = ZoneInfo(row["zone"])
    start = start_of(row["start"] or None, zone)
    region = row["region"] or None
    product = therapy(row["product"])
    days = [date.fromisoformat(one) for one in items(row["given"])]
    at = schedule.position(product, days, start.day if start else None, region)
    found = schedule.step_ups(product, start, at, region, date(2026, 3, 27))
    [mine] = [one for one in found if (one.for_ or "") == row["for"]]
    [line] = [one for one in product.schedule if (one.region, one.for_) == (mine.region, mine.for_)]
    return schedule.step_of(line, at)[0], mine


@pytest.mark.parametrize("row", rows("Steps on dates"))
def test_steps(row: Row) -> None:
    """Each dose stands on its date, or says why it has none."""
    step, mine = schedule_of(row)
    assert (f"step {step}" if step else "cannot tell") == row["this day is"]
    dated = [
        f"{one.when} {when(one.at, one.day) or 'no date'}{f' to {one.last_day}' if one.last_day else ''}"
        for one in mine.steps
    ]
    assert dated == items(row["doses"])
    assert all(one.note for one in mine.steps if one.day is None)


def test_every_product_that_steps_up_has_a_row() -> None:
    """No schedule with doses on days goes untested."""
    [table] = [one for one in tables(FILE) if one.headings[-1] == "Steps on dates"]
    named = {row["product"] for _, row in table.rows}
    wanted = {
        one.inn for one in treatments() if one.step_up and any(line.doses and not line.for_ for line in one.schedule)
    }
    assert wanted - named == set()


@cache
def prepared() -> dict[str, Preparation]:
    """Every checklist of the file, by case."""
    made: dict[str, Preparation] = {}
    cases = [param.values[0] for param in rows("Checklist")]
    for product in {row["product"] for row in cases}:
        mine = [row for row in cases if row["product"] == product]
        found = [one for row in mine for one in charted(row)]
        asked = Asked(product=therapy(product), start=Start(day=ZERO.date(), zone=UTC, at=ZERO.time()))
        for one in answers(cast("Record", Charted(found)), Question(), asked):
            made[one.patient] = one
    return made


def charted(row: Row) -> list[dict[str, Any]]:
    """What a row charts, as findings."""
    made = []
    for one in items(row["charted"]):
        hours, quantity, value = one.split()
        number: float | str = value
        with suppress(ValueError):
            number = float(value)
        at = ZERO + timedelta(hours=float(hours))
        about = {"patient": row["case"], "status": "final", "revised": False, "source": "case"}
        made.append({**finding(quantity, at, number), **about})
    return made


@pytest.mark.parametrize("row", rows("Checklist"))
def test_checklist(row: Row) -> None:
    """The state comes out, and what is missing is named; what is done rests on a finding."""
    [item] = [one for one in prepared()[row["case"]].checklist if one.id == row["item"]]
    assert item.state == row["state"]
    assert item.missing == ([row["missing"]] if " or " in row["missing"] else items(row["missing"]))
    assert item.because or item.state == "open"


def test_only_findings_make_an_item_done() -> None:
    """Of a patient with nothing but a pulse no item is done, on any product."""
    found = charted({"case": "bare", "charted": "-1 heart-rate 80"})
    for product in treatments():
        asked = Asked(product=product, start=Start(day=ZERO.date(), zone=UTC, at=ZERO.time()))
        [one] = answers(cast("Record", Charted(found)), Question(), asked)
        assert {item.state for item in one.checklist} == {"open"}, product.inn


@pytest.mark.parametrize("row", rows("What is refused"))
def test_refused(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clear answer, and no dose on a date."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,start,end,quantity,value,unit,text\nA,,,birth-date,,,1960-01-01\n"
        "A,2026-03-20T08:00:00Z,,crp,4,mg/L,\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(cli.app, ["prepare", str(file), *shlex.split(row["options"])])
    assert done.exit_code == int(row["exit"]), done.output
    assert row["says"] in done.output
    assert "d4: 0.3 mg/kg; 2" not in done.output


@given(
    day=st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    hour=st.integers(4, 22),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    product=st.sampled_from([one.inn for one in treatments() if one.schedule]),
)
def test_doses_keep_their_time_of_day(day: date, hour: int, zone: str, product: str) -> None:
    """Whatever the clocks do: the same time of day on each date, dates rising, the first on the day named."""
    start = Start(day=day, zone=ZoneInfo(zone), at=datetime(2026, 1, 1, hour).time())  # noqa: DTZ001  a time of day
    at = schedule.position(therapy(product), [], day, None)
    for line in schedule.step_ups(therapy(product), start, at, None, day):
        dated = [one for one in line.steps if one.day is not None]
        assert [one.at.hour for one in dated if one.at] == [hour] * len(dated)
        days = [one.day for one in dated if one.day]
        assert days == sorted(days)
        assert not days or days[0] == day


@given(days=st.integers(-3, 130), after=st.integers(1, 8))
def test_rules_about_a_gap_do_not_contradict_each_other(days: int, after: int) -> None:
    """One answer for each region and schedule of a label, and none about a dose that is not after the last."""
    last = date(2025, 3, 1)
    before = [last - timedelta(days=7 * back) for back in range(after - 1, -1, -1)]
    for product in treatments():
        at = schedule.position(product, before, last + timedelta(days=days), None)
        named = [(one.region, one.for_) for one in at]
        assert len(set(named)) == len(named), product.inn
        assert days > 0 or {one.next for one in at} == {None}


def test_every_rule_about_a_gap_has_a_row() -> None:
    """Each limit of a label is reached by a row of the table that names its product."""
    met: set[Any] = set()
    for row in (param.values[0] for param in rows("Steps on dates")):
        given = [date.fromisoformat(one) for one in items(row["given"])]
        if given and row["start"]:
            day = date.fromisoformat(row["start"][:10])
            found = schedule.rules(therapy(row["product"]), row["region"] or None, day)
            met |= {one for one in found if one.holds(len(given), (day - given[-1]).days)}
    assert [one.says for one in gaps().gap if one not in met and one.product != "blinatumomab"] == []


def test_a_rule_whose_text_changed_ends_then_and_says_so() -> None:
    """The US label of elranatamab changed its section in July 2025: afterwards nothing is on file, and why is told."""
    product = therapy("elranatamab")
    held, changed = date(2025, 6, 30), date(2025, 7, 1)
    assert schedule.rules(product, "US", held)
    assert schedule.unread(product, "US", held) == []
    assert schedule.rules(product, "US", changed) == []
    assert ["July 2025" in one.says for one in schedule.unread(product, "US", changed)] == [True]


def test_the_harm_of_zuma_1_cohort_3_stands_with_its_rates() -> None:
    """CRS of grade 3 or more 3 %, neurotoxicity 42 %: recalled, and said so."""
    [one] = [study for study in studies().study if study.id == "zuma-1-cohort-3"]
    assert one.evidence == "recalled"
    assert one.with_ is not None
    assert one.without is not None
    rates = (one.with_.crs_grade_3_or_more, one.with_.icans_grade_3_or_more, one.without.crs_grade_3_or_more)
    assert [rate.percent for rate in rates if rate] == [3, 42, 13]
    assert "fatal cerebral oedema" in (one.harm or "")


def test_a_study_speaks_of_its_own_products() -> None:
    """Cohorts of axicabtagene stand with it alone; what was tried in myeloma stands with the four it was tried with."""
    start = Start(day=ZERO.date(), zone=UTC, at=ZERO.time())
    found = charted({"case": "bare", "charted": "-1 heart-rate 80"})

    def named(inn: str) -> set[str]:
        [one] = answers(cast("Record", Charted(found)), Question(), Asked(product=therapy(inn), start=start))
        return {study.id for study in one.prophylaxis}

    assert "zuma-1-cohort-3" in named("axicabtagene ciloleucel")
    assert "zuma-1-cohort-3" not in named("tisagenlecleucel")
    assert "myeloma-one-tocilizumab" in named("talquetamab")
    assert named("tebentafusp") == set()


def test_the_stock_of_tocilizumab_goes_by_the_day_of_the_dose() -> None:
    """A requirement the day before 26 June 2025, good practice from then on."""
    [item] = [one for one in checklist().item if one.id == "tocilizumab-on-hand"]
    product = therapy("tisagenlecleucel")

    def said(day: date) -> list[str]:
        return [one.says.split(",")[0] for one in item.asks if one.of(product, day)]

    assert said(date(2025, 6, 25)) == ["two doses per patient available"]
    assert said(date(2025, 6, 26))[0].startswith("the federal requirement of tocilizumab on site went")
    assert len(said(date(2025, 6, 26))) == 1


def test_nothing_is_told_in_the_imperative() -> None:
    """What sources say is told of them: no line begins with an order."""
    orders = ("give ", "hold ", "stop ", "do not ", "ensure ", "check ", "start ", "defer ", "call ")
    said = [line.says for item in checklist().item for line in item.asks]
    said += [line.says for line in monitoring().watch] + [one.intervention for one in studies().study]
    assert [line for line in said if line.lower().startswith(orders)] == []
