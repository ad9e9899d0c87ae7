"""cases/doses.md: each row asks one rule for one dose; what comes out, when at the earliest, and why not."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from leeward.knowledge.guidelines import DoseRule
from leeward.plan.doses import Dosed, dosed
from leeward.plan.patient import Given, Patient
from tests.cases.parse import START, Row, items, tables

FILE = Path(__file__).parents[2] / "cases" / "doses.md"
START_S = int(START.timestamp())


@dataclass(frozen=True)
class Asked:
    """One row: the rule, the patient, and what must come out."""

    name: str
    rule: str
    patient: Patient
    row: Row
    line: int


@cache
def rules() -> dict[str, DoseRule]:
    """The rules that the rows name."""
    table = next(table for table in tables(FILE) if table.columns == ("rule", "is"))
    made = {}
    for _, row in table.rows:
        written = tomllib.loads(f"rule = {{ {row['is']} }}")["rule"]
        made[row["rule"]] = msgspec.convert(written | {"where": "cases/doses.md"}, DoseRule)
    return made


def second(hours: str) -> int:
    """Hours since hour 0, as `24`, `24:05` or `31:59:59`, as seconds."""
    whole, *parts = hours.strip().removeprefix("-").split(":")
    after = float(whole) * 3600 + sum(int(part) * size for part, size in zip(parts, (60, 1), strict=False))
    return START_S + round(-after if hours.strip().startswith("-") else after)


def given(item: str) -> Given:
    """A dose, as `24`, `24 = 500` or `24..48 = 500`."""
    when, _, amount = item.partition("=")
    start, _, end = when.partition("..")
    much = float(amount) if amount else None
    return Given(second(start), second(end) if end else None, much, much)


def ends(cell: str, usual: float) -> tuple[float | None, float | None]:
    """A number, a range, `none`, or `40 to ?`; empty: the usual one."""
    if cell in ("", "none"):
        return (usual, usual) if cell == "" else (None, None)
    low, _, high = cell.partition(" to ")
    return float(low), None if high == "?" else float(high or low)


def weighed(cell: str) -> dict[str, Any]:
    """The weight, and when it was measured."""
    what, _, hour = cell.partition(" at ")
    low, high = ends(what, 70.0)
    known = high if " to " in what else None
    return {"weight_kg": low, "weight_to_kg": known, "weight_at_s": None if hour == "?" else second(hour or "0")}


def earlier(row: Row, drug: str) -> dict[str, Any]:
    """What was given before, and what is known of it."""
    cell = row["given"]
    if cell in ("not known", "not looked for"):
        return {"unknown": frozenset([drug]), "given": {drug: ()}} if cell == "not known" else {"given": {}}
    return {"given": {drug: tuple(given(item) for item in items(cell))}}


def patient(row: Row) -> Patient:
    """The patient of a row."""
    low, high = ends(row["age"], 45.0)
    facts: dict[str, Any] = {
        "as_of_s": second(row["hour"]), "dose_s": START_S, "age_low": low, "age_high": high,
        **weighed(row["weight kg"]), **earlier(row, rules()[row["rule"]].drug),
    }  # fmt: skip
    for item in items(row["beside"]):
        what, _, value = item.partition(" ")
        if item == "no therapy":
            facts["dose_s"] = None
        elif what in ("height", "clearance"):
            facts[{"height": "height_cm", "clearance": "creatinine_clearance"}[what]] = float(value)
        elif what == "onset":
            facts["onset_s"] = second(value)
        elif what == "setting":
            facts["setting"] = value
        else:
            facts["given"] = {**facts["given"], what: (*facts["given"].get(what, ()), given(value))}
    return Patient(**facts)


def all_asked() -> list[Asked]:
    """Every row of every section."""
    return [
        Asked(f"{table.headings[-1]}: {row['case']}", row["rule"], patient(row), row, line)
        for table in tables(FILE)
        if table.columns[0] == "case"
        for line, row in table.rows
    ]


def shown(answer: Dosed) -> dict[str, str]:
    """An answer as the cells of a row."""
    if answer.amount is None:
        dose = "none"
    else:
        dose = " to ".join(f"{end:,.10g}" for end in (answer.amount, answer.amount_to) if end is not None)
    return {"dose": dose, "left": count(answer.remaining_doses), "today": count(answer.remaining_in_24_hours)}


def count(value: int | None) -> str:
    """A number, or an empty cell."""
    return "" if value is None else str(value)


@pytest.mark.parametrize("asked", [pytest.param(one, id=one.name) for one in all_asked()])
def test_case(asked: Asked) -> None:
    """The dose, its earliest time, what is left, and the words."""
    answer = dosed(rules()[asked.rule], asked.patient, asked.rule)
    row, where = asked.row, f"doses.md:{asked.line}: {dosed(rules()[asked.rule], asked.patient, asked.rule)}"
    assert {name: row[name] for name in ("dose", "left", "today")} == shown(answer), where
    wanted = {"now": asked.patient.as_of_s, "never": None}
    assert answer.earliest == (wanted[row["earliest"]] if row["earliest"] in wanted else second(row["earliest"])), where
    assert (answer.blocked is None) is (row["dose"] != "none" and row["earliest"] == "now"), where
    said = " | ".join([answer.blocked or "", *answer.missing, answer.arithmetic, *answer.warnings])
    for words in filter(None, re.split(r"\s*//\s*", row["says"])):
        if words == "no warning":
            assert answer.warnings == (), where
        elif words.startswith("without: "):
            assert words.removeprefix("without: ") not in said, where
        else:
            assert words in said, where


def test_rows_are_told_apart() -> None:
    """No two rows bear one name."""
    names = [one.name for one in all_asked()]
    assert sorted(set(names)) == sorted(names)


def test_every_rule_is_asked() -> None:
    """A rule that no row asks proves nothing."""
    assert {one.rule for one in all_asked()} == set(rules())


def test_what_passes_through() -> None:
    """Drug, unit, route and interval are the rule's own; the weight's age is told."""
    one = Patient(as_of_s=START_S + 5400, weight_kg=70, weight_at_s=START_S, age_low=45, age_high=45,
                  given={"dexamethasone": ()})  # fmt: skip
    answer = dosed(rules()["Every 12 to 24 h"], one, "X")
    assert (answer.drug, answer.unit, answer.route) == ("dexamethasone", "mg", "intravenous")
    assert (answer.interval_hours, answer.interval_to_hours, answer.weight_age_hours) == (12.0, 24.0, 1.5)


def test_steps_carry_their_dates() -> None:
    """A plan that is not begun would begin now; one that is keeps its own dates; a withheld plan shows none."""
    one = Patient(as_of_s=START_S, dose_s=START_S, weight_kg=70, weight_at_s=START_S, age_low=45, age_high=45,
                  given={"methylprednisolone": ()})  # fmt: skip
    steps = dosed(rules()["Taper"], one, "X").steps
    day = 86_400
    assert [(step.amount, (step.from_s - START_S) / day) for step in steps] == [(500, 0), (250, 3), (125, 5), (60, 7)]
    assert [step.until_s and (step.until_s - START_S) / day for step in steps] == [3, 5, 7, None]
    assert (steps[3].until, steps[3].interval_hours) == ("CRS is back to grade 1", 12.0)
    begun = msgspec.structs.replace(
        one, as_of_s=START_S + day, given={"methylprednisolone": (Given(START_S, None, 500, 500),)}
    )
    answer = dosed(rules()["Taper"], begun, "X")
    assert (answer.steps, answer.interval_hours) == (steps, 12.0)
    assert dosed(rules()["Taper"], msgspec.structs.replace(begun, weight_kg=None), "X").steps == ()
