"""Every row of cases/risk.md on DuckDB, at the moment that it names."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pytest

from leeward.cohort import risk
from leeward.cohort.engine import Question
from leeward.record.schema import FINDING, REFUSAL
from leeward.record.spool import Record
from leeward.risk.definitions import rules
from leeward.risk.scores import scores
from tests.cases.score_cases import Row, rows

FILE = Path(__file__).parents[2] / "cases" / "risk.md"
_SAID = {"yes": True, "no": False, "perhaps": None}
_BELOW = re.compile(r"<(\d+(?:\.\d+)?)")
_BESIDE = ("moment", "applies")


class Charted:
    """Findings that stand for a record."""

    def __init__(self, findings: list[dict[str, Any]]) -> None:
        self._findings = findings
        self.refusals = REFUSAL.empty_table()

    def to_duckdb(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        """As a record does."""
        con.register(name, pa.Table.from_pylist(self._findings, schema=FINDING))


def finding(patient: str, found: dict[str, Any]) -> dict[str, Any]:
    """A finding of a row; `<1` is what lies below a limit of detection."""
    made = {"status": "final", "revised": False, **found, "patient": patient}
    below = _BELOW.fullmatch(found["text"] or "")
    return {**made, "low": 0.0, "high": float(below[1]), "text": None} if below else made


def answered(found: list[dict[str, Any]], at: str, **asked: Any) -> dict[str, dict[str, Any]]:
    """Each patient's answer at a moment."""
    record = cast("Record", Charted(found))
    return dict(risk.answers(record, Question(), risk.Asked(at=at, **asked)))


@cache
def at(moment: str) -> dict[str, dict[str, Any]]:
    """Every patient of the file whose row names a moment, in one run."""
    mine = [row for row in rows(FILE) if row.expects["moment"] == moment]
    return answered([finding(row.patient, found) for row in mine for found in row.findings], moment)


def bounds(cell: str) -> tuple[float | None, float | None]:
    """What a cell says: a number, a range, one without an upper bound, or nothing known."""
    if cell == "not known":
        return None, None
    if cell.startswith("at least "):
        return float(cell.removeprefix("at least ")), None
    low, _, high = cell.partition(" to ")
    return float(low), float(high or low)


def told(one: dict[str, Any], reading: str) -> tuple[Any, Any]:
    """The bounds of a score or of its second reading."""
    if reading == "value":
        return one["value"], one["value"]
    held = one["cuts"][0]["met"] if reading == "cut" else one[reading] if reading else one
    return held["at_least"], held["at_most"]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.patient) for row in rows(FILE)])
def test_row(row: Row) -> None:
    """What a row says comes out; what is missing is named, and nothing is where the answer is one number."""
    scored = at(row.expects["moment"])[row.patient]["scores"]
    columns = [name for name in row.expects if name not in _BESIDE]
    for column in columns:
        score, _, reading = column.partition(" ")
        got, said = told(scored[score], reading), bounds(row.expects[column])
        for one, other in zip(got, said, strict=True):
            assert one is other is None or one == pytest.approx(other, rel=1e-9), f"{row.place}: {column}: {got}"
        if not reading and None not in got and got[0] != got[1] and said[1] is not None:
            assert scored[score]["missing"] or _two(row) or "<" in str(row), f"{row.place}: {scored[score]}"
        if got[0] is not None and got[0] == got[1]:
            assert reading or scored[score]["missing"] == [], f"{row.place}: {scored[score]}"
    first = scored[columns[0].partition(" ")[0]]
    assert set(row.missing) <= set(first["missing"]), f"{row.place}: {first['missing']}"
    if "applies" in row.expects:
        assert first["applies"] is _SAID[row.expects["applies"]], f"{row.place}: {first['why']}"


def _two(row: Row) -> bool:
    """Whether two values of one second make the range."""
    return "two at one second" in row.patient


def test_every_score_has_cases() -> None:
    """No score without a row that moves it, and none in knowledge without a rule."""
    named = {column.partition(" ")[0] for row in rows(FILE) for column in row.expects if column not in _BESIDE}
    assert set(rules()) - {"tumour-volume"} - named == set()
    assert set(rules()) == set(scores())
