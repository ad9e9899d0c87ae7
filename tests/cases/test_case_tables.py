"""Every row of the case tables in cases/ on DuckDB."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from leeward.cohort.answer import Answer, answer, by_patient, units
from leeward.cohort.engine import Question, connect, run, tables
from tests.cases.parse import Case, Expect, cases, span, table

FOLDER = Path(__file__).parents[2] / "cases"
FILES = ("astct-2019-crs.md", "astct-2019-icans.md", "timeline.md")


@cache
def all_cases(file: str) -> tuple[Case, ...]:
    """The cases of one file."""
    return tuple(cases(FOLDER / file))


@cache
def answered(file: str, as_of: datetime | None) -> dict[str, Answer]:
    """Every patient of a file, graded in one run of the engine, as known at a moment."""
    con = connect()
    con.register("findings", table(all_cases(file)))
    question = Question(as_of=as_of)
    run(con, question)
    rows = by_patient(tables(con))
    empty = {name: [] for name in next(iter(rows.values()))}
    return {
        case.patient: answer(case.patient, rows.get(case.patient, empty), question, {}, units())
        for case in all_cases(file)
    }


def check(file: str, case: Case, expect: Expect) -> None:
    """One expectation of one case."""
    syndrome, _, what = expect.what.partition(" ") if " " in expect.what else ("", "", expect.what)
    ask_at = expect.as_of or (expect.at if what == "missing" else None)
    found = answered(file, ask_at)[case.patient]
    episodes = [episode for episode in found.episodes if episode.syndrome == syndrome]
    one = episodes[(expect.episode or 1) - 1] if episodes else None
    where = f"{case.place} line {expect.line}: {case.patient}: {expect.what}"
    if what in ("grade", "grade is not"):
        got = grade_at(found, syndrome, expect.at)
        same = got == (None if expect.value == "not graded" else span(expect.value))
        assert same is (what == "grade"), f"{where}: {got}, table says {expect.value}; {found.course}"
    elif what == "missing":
        assert expect.value in found.now[syndrome].missing, f"{where}: {found.now[syndrome]}"
    elif what == "triggers":
        assert len(found.triggers) == int(expect.value), f"{where}: {found.triggers}"
    elif what == "episodes":
        assert len(episodes) == int(expect.value), f"{where}: {episodes}"
    elif what == "onset":
        assert one is not None and one.onset == expect.at, f"{where}: {episodes}"
    elif what == "peak":
        assert one is not None and (one.peak.at_least, one.peak.at_most) == span(expect.value), f"{where}: {one}"
        assert expect.at is None or one.peak.at == expect.at, f"{where}: {one}"
    elif what == "resolved":
        assert one is not None and one.resolved == (None if expect.value == "open" else expect.at), f"{where}: {one}"
    elif what == "masked":
        assert one is not None and one.masked is (expect.value == "yes"), f"{where}: {one}"
    elif what == "warning" and expect.value.startswith("no "):
        assert one is not None and expect.value.removeprefix("no ") not in " ".join(one.warnings), f"{where}: {one}"
    elif what == "warning":
        assert one is not None and expect.value in " ".join(one.warnings), f"{where}: {one}"
    else:
        raise AssertionError(f"{where}: the runner does not know how to check this")


def grade_at(found: Answer, syndrome: str, at: datetime | None) -> tuple[int, int] | None:
    """The range that held at a moment, null before the therapy or without one."""
    held = None
    for change in found.course:
        if change.syndrome == syndrome and (at is None or change.at <= at):
            held = (change.at_least, change.at_most)
    return held


@pytest.mark.parametrize(
    ("file", "case"),
    [
        pytest.param(file, case, id=f"{file}:{case.place.split(':')[-1]}:{case.patient}")
        for file in FILES
        for case in all_cases(file)
    ],
)
def test_case(file: str, case: Case) -> None:
    """What a case table says comes out."""
    for expect in case.expects:
        check(file, case, expect)
