"""cases/guidelines/rule-seeds.md: what the 32 rule seeds must make the sources say, dose, hold back and grade."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from leeward.cohort.answer import Answer, answer, by_patient, units
from leeward.cohort.engine import Question, connect, run
from leeward.cohort.engine import tables as answered_tables
from leeward.cohort.plan import COURSES, REASONS
from leeward.knowledge.cells import inputs
from leeward.knowledge.guidelines import DoseRule, guidelines
from leeward.plan import fires, stay
from leeward.plan.doses import Dosed, dosed
from leeward.plan.patient import Given, Patient
from leeward.scales.older_crs import ASTCT
from tests.cases import parse
from tests.cases.parse import Case, Row, finding, items, tables
from tests.cases.test_guidelines import known, schema

FILE = Path(__file__).parents[2] / "cases" / "guidelines" / "rule-seeds.md"
PAEDIATRIC = "cartox-paediatric-2019"
HOUR_S = 3600
AS_OF_S = int(parse.START.timestamp()) + 30 * 24 * HOUR_S
EPISODE_HOURS = 200


@cache
def section(heading: str) -> tuple[tuple[int, Row], ...]:
    """The rows under a heading, with their lines."""
    return next(table.rows for table in tables(FILE) if table.headings[-1] == heading)


def params(heading: str) -> list[Any]:
    """The rows under a heading as cases of a test."""
    return [pytest.param(row, id=row["case"]) for _, row in section(heading)]


# --------------------------------------------------------------------------------------------------- rows


def states() -> list[dict[str, Any]]:
    """Every case of the section on rows as plan_state, once on every scale that a source grades by."""
    scales = sorted({one.scale or ASTCT for one in guidelines()})
    made = []
    for line, row in section("Rows"):
        told = dict(item.strip().split(" ", 1) for item in row["state"].split(";"))
        assert set(told) <= set(inputs()), row
        values = {name: known(name, told.get(name, "")) for name in inputs()}
        made += [{"patient": str(line), "at_s": 0, "scale": scale, "end": 0, **values} for scale in scales]
    return made


@cache
def fired() -> dict[str, tuple[set[str], set[str]]]:
    """By line: the rows that hold, and those that may, as file and row."""
    con = connect()
    con.register("plan_state", pa.Table.from_pylist(states(), schema=schema()))
    con.register("guideline_cells", fires.cells(fires.rules(), ASTCT))
    types = {name: "string" if pa.types.is_string(kind) else str(kind).replace("double", "float64")
             for name, kind in zip(schema().names, schema().types, strict=True)}  # fmt: skip
    sql = ibis.to_sql(fires.fired(ibis.table(types, name="plan_state"), fires.CELLS), dialect="duckdb")
    made: dict[str, tuple[set[str], set[str]]] = {str(line): (set(), set()) for line, _ in section("Rows")}
    for row in con.sql(str(sql)).to_arrow_table().to_pylist():
        if row["wait_hours"] <= 0:
            sure = row["holds"] == fires.HOLDS
            made[row["patient"]][0 if sure else 1].add(fires.rules()[row["rule"]].name)
    return made


@pytest.mark.parametrize("place", [pytest.param(place, id=row["case"]) for place, row in section("Rows")])
def test_rows(place: int) -> None:
    """What a seed names answers for certain, and what it rules out neither does nor may."""
    row = dict(section("Rows"))[place]
    hold, may = fired()[str(place)]
    names = {rule.name for rule in fires.rules()}
    fire, silent = set(items(row["fires"])), set(items(row["silent"]))
    assert fire | silent <= names, fire | silent - names
    assert fire <= hold, fire - hold
    assert not silent & (hold | may)


# --------------------------------------------------------------------------------------------------- doses


def rule_of(name: str) -> tuple[DoseRule, str]:
    """A dose as file and name, and who speaks."""
    file, _, dose = name.partition("/")
    source = next(one for one in guidelines() if one.id == file)
    return source.doses[dose], source.speaks_as


def patient(row: Row, rule: DoseRule) -> Patient:
    """The patient of a dose; every earlier dose was as large as one of the rule may be."""
    weight, age = (float(row[name]) if row[name] else None for name in ("weight kg", "age"))
    size = rule.at_most or rule.fixed or 1.0
    earlier = () if row["given"] == "?" else items(row["given"])
    hours = [round(AS_OF_S - float(item) * HOUR_S) for item in earlier]
    return Patient(
        as_of_s=AS_OF_S, dose_s=AS_OF_S - EPISODE_HOURS * HOUR_S, weight_kg=weight, age_low=age, age_high=age,
        weight_at_s=None if weight is None else AS_OF_S, height_cm=170.0,
        given={} if row["given"] == "?" else {rule.drug: tuple(Given(at, None, size, size) for at in hours)},
        unknown=frozenset([rule.drug] if row["given"] == "?" else []),
    )  # fmt: skip


def outcome(told: Dosed, at_s: int) -> str:
    """What came out, as the column `dose` says it."""
    if told.blocked is None:
        return f"{told.amount:.10g}"
    if told.missing or told.amount is None:
        return "never" if told.earliest is None and not told.missing else "none"
    return "wait" if told.earliest is not None and told.earliest > at_s else "never"


@pytest.mark.parametrize("row", params("Doses"))
def test_doses(row: Row) -> None:
    """The dose now, or why there is none now."""
    rule, speaks_as = rule_of(row["rule"])
    told = dosed(rule, patient(row, rule), speaks_as)
    assert outcome(told, AS_OF_S) == row["dose"], told
    assert row["because"] in (told.blocked or ""), told


@pytest.mark.parametrize("row", params("Plans"))
def test_plans(row: Row) -> None:
    """The steps of a plan, in order."""
    rule, _ = rule_of(row["rule"])
    lasts = (
        f" for {step.days:g} d" if step.days else f" until {step.until}" if step.until else "" for step in rule.steps
    )
    told = [
        f"{step.amount:g} every {step.interval_hours:g} h{last}" for step, last in zip(rule.steps, lasts, strict=True)
    ]
    assert told == items(row["steps"])


# --------------------------------------------------------------------------------------------------- grades


@cache
def answers() -> dict[str, Answer]:
    """The patients of the sections on oxygen and children, by case."""
    at = parse.START + timedelta(days=2)
    cases = []
    for heading in ("Oxygen", "Children"):
        for line, row in section(heading):
            made = [finding("trigger", parse.START, parse.THERAPY), *parse.age(f"{row.get('age years', 45)} years")]
            oxygen = f"nasal cannula {row['flow L/min']} L/min" if "flow L/min" in row else "room air"
            cells = {"temperature °C": "38.5", "systolic mmHg": row.get("systolic mmHg", "120"), "oxygen": oxygen}
            for column, cell in cells.items():
                made += parse.IN_MOMENTS[column](cell, at)
            place = f"{FILE.name}:{line}"
            told = tuple({**one, "place": place, "status": "final"} for one in made)
            cases.append(Case(row["case"], place, told, ()))
    con = connect()
    con.register("findings", parse.table(cases))
    question = Question(as_of=at, scales=(ASTCT, PAEDIATRIC))
    run(con, question)
    rows = by_patient(answered_tables(con, (*COURSES, *REASONS, "estimated")))
    return {case.patient: answer(case.patient, rows[case.patient], question, {}, units()) for case in cases}


@pytest.mark.parametrize("row", params("Oxygen"))
def test_oxygen(row: Row) -> None:
    """The flow is low up to and with 6 L/min by ASTCT."""
    now = answers()[row["case"]].now["crs"]
    assert (now.at_least, now.at_most) == (int(row["grade"]), int(row["grade"]))


@pytest.mark.parametrize("row", params("Children"))
def test_children(row: Row) -> None:
    """Hypotension makes at least grade 2; fever alone is grade 1 at the least."""
    now = answers()[row["case"]].scales[PAEDIATRIC]
    assert now.at_least == {"yes": 2, "no": 1}[row["hypotension"]], now


# --------------------------------------------------------------------------------------------------- stays


@pytest.mark.parametrize("row", params("Stays"))
def test_stays(row: Row) -> None:
    """The days that hold for everybody given that product on that day."""
    told = {line.about: line for line in stay.rules(row["product"], date.fromisoformat(row["given on"]), "US")
            if line.for_ is None}  # fmt: skip
    watched = told["monitoring"]
    found = {"monitoring": watched.days, "daily": watched.daily_days}
    found |= {name: told[name].days for name in ("stay", "driving") if row[name]}
    assert found == {name: int(row[name]) for name in found}


def test_every_seed_is_a_case() -> None:
    """R01 to R32, each in at least one section."""
    told = {row["case"].partition(":")[0] for table in tables(FILE) for _, row in table.rows}
    assert told == {f"R{number:02}" for number in range(1, 33)}
