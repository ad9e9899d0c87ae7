"""Every row of cases/crs-scales.md: one moment on eight scales of CRS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from leeward.cohort.answer import Answer, answer, by_patient, units
from leeward.cohort.engine import Question, connect, run, tables
from leeward.cohort.plan import COURSES, REASONS
from leeward.scales.older_crs import ASTCT, SCALES
from tests.cases import parse
from tests.cases.parse import Case, Finding, Row, finding, items

FILE = Path(__file__).parents[2] / "cases" / "crs-scales.md"
LABS = {
    "creatinine": 0.8, "bilirubin-total": 0.5, "alt": 20.0, "ast": 22.0, "fibrinogen": 300.0, "neutrophils": 2.0,
}  # fmt: skip
BEFORE = ("creatinine", "bilirubin-total", "alt", "ast")
UPPER_LIMITS = {"creatinine": 1.2, "bilirubin-total": 1.2, "alt": 40.0, "ast": 40.0}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def _running(cell: str, at: datetime) -> Iterator[Finding]:
    """`norepinephrine 25 for 6 h`, until two hours after; or `... for 30 h to 10 h before`."""
    for item in items(cell):
        parts = re.fullmatch(r"(\S+) (\S+) for (\S+) h(?: to (\S+) h before)?", item)
        assert parts is not None, item
        rate = None if parts[2] == "unknown" else float(parts[2])
        until = at - float(parts[4]) * HOUR if parts[4] else at + 2 * HOUR
        yield finding(parts[1], at - float(parts[3]) * HOUR, rate, until)


def _labs(cell: str, at: datetime) -> Iterator[Finding]:
    """`normal`, what replaces it, and what is left out."""
    now, before = dict[str, float](), dict[str, float]()
    for item in items(cell):
        words = item.split()
        if item == "normal":
            now, before = dict(LABS), {name: LABS[name] for name in BEFORE}
        elif words[0] == "no":
            (before if words[-1] == "before" else now).pop(words[1])
        else:
            (before if words[1] == "before" else now)[words[0]] = float(words[-1])
    for name, value in now.items():
        yield finding(name, at - HOUR, value)
    for name, value in before.items():
        yield finding(name, parse.START - DAY, value)


def _limits(cell: str, at: datetime) -> Iterator[Finding]:
    """Upper limits of normal on record."""
    assert cell == "usual", cell
    for name, value in UPPER_LIMITS.items():
        yield finding(f"{name}-upper-limit", parse.START - DAY, value)


def _fluids(cell: str, at: datetime) -> Iterator[Finding]:
    """Boluses so many hours before."""
    for hours in items(cell):
        yield finding("fluid-bolus", at - float(hours) * HOUR, 1000.0)


def _setting(cell: str, at: datetime) -> Iterator[Finding]:
    yield finding("care-setting", parse.START - DAY, cell, at + DAY)


COLUMNS = {
    **parse.IN_MOMENTS,
    "running": _running,
    "labs": _labs,
    "limits": _limits,
    "fluids": _fluids,
    "setting": _setting,
}
ABOUT = ("case", "scale", "age", "day", "grade", "missing", "wrong", "who", *SCALES)


def _case(row: Row, section: str, line: int) -> Case:
    """A row as a patient."""
    at = parse.START + int(row.get("day") or 2) * DAY
    place = f"{FILE.name}:{line}"
    made = [finding("trigger", parse.START, parse.THERAPY), *parse.age(row.get("age", "45 years"))]
    for column, cell in row.items():
        if column not in ABOUT and cell:
            made += COLUMNS[column](cell, at)
    told = [{**one, "place": place, "status": "final"} for one in made]
    expects = [parse.Expect(scale, row[scale], at, line=line) for scale in SCALES if scale in row]
    if "scale" in row:
        expects.append(parse.Expect(row["scale"], row["grade"], at, line=line))
        expects += [
            parse.Expect(f"missing {row['scale']}", name, at, line=line) for name in items(row.get("missing", ""))
        ]
        expects += [parse.Expect(f"not {row['scale']}", row["wrong"], at, line=line)] if row.get("wrong") else []
    return Case(f"{section}/{row['case']}/{line}", place, tuple(told), tuple(expects))


@cache
def all_cases() -> tuple[Case, ...]:
    """Every row of the file that has a grade."""
    return tuple(
        _case(row, table.headings[-1], line)
        for table in parse.tables(FILE)
        if table.columns[0] == "case"
        for line, row in table.rows
    )


@cache
def answered() -> dict[str, Answer]:
    """Every patient graded on every scale, as known two days after the therapy or on the row's own day."""
    found: dict[str, Answer] = {}
    for as_of in sorted({case.expects[0].at for case in all_cases() if case.expects[0].at}):
        con = connect()
        mine = [case for case in all_cases() if case.expects[0].at == as_of]
        con.register("findings", parse.table(mine))
        question = Question(as_of=as_of, scales=SCALES)
        run(con, question)
        rows = by_patient(tables(con, (*COURSES, *REASONS, "estimated")))
        found |= {case.patient: answer(case.patient, rows[case.patient], question, {}, units()) for case in mine}
    return found


@pytest.mark.parametrize("case", [pytest.param(case, id=case.patient) for case in all_cases()])
def test_case(case: Case) -> None:
    """What a row says comes out, on every scale that it names."""
    found = answered()[case.patient]
    for expect in case.expects:
        what, scale = expect.what.split()[0], expect.what.split()[-1]
        now = found.now["crs"] if scale == ASTCT else found.scales[scale]
        where = f"{case.place}: {case.patient}: {expect.what} {expect.value}: {now}"
        if what == "missing":
            assert expect.value in now.missing, where
        else:
            assert ((now.at_least, now.at_most) == parse.span(expect.value)) is (what != "not"), where
