"""cases/patients.md: until when a person stays near and does not drive, how long the diary is, when checks are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from leeward.report.patients.diary import hours_of_checks, length
from leeward.report.patients.paper import Asked
from leeward.report.patients.stay_rules import in_force
from tests.cases.parse import Row, tables
from tests.report.patients_made import asked

FILE = Path(__file__).parents[2] / "cases" / "patients.md"


def rows(section: str) -> list[Any]:
    """The rows under a heading."""
    [table] = [one for one in tables(FILE) if one.headings[-1] == section]
    return [pytest.param(row, id=row["case"]) for _, row in table.rows]


def last_day(wanted: Asked, about: str) -> str:
    """The last day of the longest rule about something; a dash where none can be told."""
    if wanted.product.repeated:
        return "–"
    days = [one.until_day for one in in_force(wanted) if one.rule.about == about and one.until_day]
    return max(days).isoformat() if days else "–"


@pytest.mark.parametrize("row", rows("Days"))
def test_days(row: Row) -> None:
    """Each row of the table."""
    wanted = asked(row["product"], day=date.fromisoformat(row["day"]), region=row["region"] or None)
    assert last_day(wanted, "stay") == row["near the centre until"]
    assert last_day(wanted, "driving") == row["no driving until"]
    assert str(length(wanted)[0]) == row["diary days"]
    assert ", ".join(str(at.hour) for at in hours_of_checks(wanted)) == row["checks at"]
