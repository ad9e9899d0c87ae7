"""cases/shipped-doses.md: every dose that is shipped and not only recalled, without and with earlier doses."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from leeward.knowledge.guidelines import DoseRule, guidelines
from leeward.plan.doses import dosed
from leeward.plan.patient import Given, Patient
from tests.cases.parse import START, Row, items, tables

FILE = Path(__file__).parents[2] / "cases" / "shipped-doses.md"
HOUR_S = 3600
AS_OF_S = int(START.timestamp()) + 96 * HOUR_S
IN_BOTH = ("Nothing given before", "Given before")


@cache
def shipped() -> dict[tuple[str, str], tuple[DoseRule, str]]:
    """Every dose that is not only recalled, by source and name, and who speaks."""
    return {
        (file.id, name): (dose, file.speaks_as)
        for file in guidelines()
        for name, dose in file.doses.items()
        if file.known(dose) != "recalled"
    }


def rows() -> list[tuple[str, int, Row]]:
    """Every row with its section and line."""
    found = [table for table in tables(FILE) if table.columns[0] == "source"]
    return [(table.headings[-1], line, row) for table in found for line, row in table.rows]


def patient(row: Row, drug: str) -> Patient:
    """The patient of a row."""
    given = []
    for item in items(row["given"]):
        ago, amount = (float(part) for part in item.split("="))
        given.append(Given(AS_OF_S - round(ago * HOUR_S), None, amount, amount))
    age, start_s = float(row["age"] or 45), int(START.timestamp())
    return Patient(
        as_of_s=AS_OF_S, dose_s=start_s, onset_s=start_s, weight_kg=float(row["weight kg"] or 70), weight_at_s=AS_OF_S,
        height_cm=170, age_low=age, age_high=age, given={drug: tuple(given)},
    )  # fmt: skip


def written(low: float | None, high: float | None, unit: str = "", otherwise: str = "") -> str:
    """A number or a range, as a cell has it."""
    if low is None:
        return otherwise
    return f"{' to '.join(f'{end:,.10g}' for end in (low, high) if end is not None)} {unit}".strip()


@pytest.mark.parametrize(
    ("line", "row"),
    [pytest.param(line, row, id=f"{heading}: {row['source']} {row['dose']}:{line}") for heading, line, row in rows()],
)
def test_dose(line: int, row: Row) -> None:
    """The amount, its interval, what is left, and what holds it back."""
    rule, speaks_as = shipped()[row["source"], row["dose"]]
    told = dosed(rule, patient(row, rule.drug), speaks_as)
    found = {
        "amount": written(told.amount, told.amount_to, told.unit, "none"),
        "every": written(told.interval_hours, told.interval_to_hours),
        "left": "" if told.remaining_doses is None else str(told.remaining_doses),
        "today": "" if told.remaining_in_24_hours is None else str(told.remaining_in_24_hours),
    }
    assert found == {name: row[name] for name in found}, f"{FILE.name}:{line}: {told}"
    assert bool(told.blocked) is bool(row["blocked"]), told
    assert [words for words in re.split(r"\s*//\s*", row["blocked"]) if words not in (told.blocked or "")] == [], told


@pytest.mark.parametrize("heading", IN_BOTH)
def test_every_shipped_dose_has_its_row(heading: str) -> None:
    """No dose is shipped that no row asks, and no row asks twice."""
    asked = [(row["source"], row["dose"]) for section, _, row in rows() if section == heading]
    assert sorted(asked) == sorted(shipped())
