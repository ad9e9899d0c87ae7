"""Every row of the case tables in cases/ on DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from leeward.cohort.answer import Answer, Episode, Rows, answer, by_patient, units
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
    empty: Rows = {name: [] for name in next(iter(rows.values()))}
    return {
        case.patient: answer(case.patient, rows.get(case.patient, empty), question, {}, units())
        for case in all_cases(file)
    }


class Asked(NamedTuple):
    """One expectation and what the answer holds that it may be about."""

    expect: Expect
    found: Answer
    syndrome: str
    episodes: list[Episode]

    @property
    def one(self) -> Episode:
        """The episode that the expectation is about: the first unless the table names another."""
        assert self.episodes, f"there is no episode for {self.expect}"
        return self.episodes[(self.expect.episode or 1) - 1]


def same_grade(asked: Asked) -> bool:
    """The range at the moment is the table's."""
    value = asked.expect.value
    return grade_at(asked.found, asked.syndrome, asked.expect.at) == (None if value == "not graded" else span(value))


def same_peak(asked: Asked) -> bool:
    """The highest range is the table's, and was first reached when the table says, if it says."""
    peak, expect = asked.one.peak, asked.expect
    return (peak.at_least, peak.at_most) == span(expect.value) and expect.at in (None, peak.at)


def warned(asked: Asked) -> bool:
    """A warning with these words is there; with `no ` before them, none is."""
    words = asked.expect.value
    return (words.removeprefix("no ") in " ".join(asked.one.warnings)) is not words.startswith("no ")


CHECKS: dict[str, Callable[[Asked], bool]] = {
    "grade": same_grade,
    "grade is not": lambda asked: not same_grade(asked),
    "missing": lambda asked: asked.expect.value in asked.found.now[asked.syndrome].missing,
    "triggers": lambda asked: len(asked.found.triggers) == int(asked.expect.value),
    "episodes": lambda asked: len(asked.episodes) == int(asked.expect.value),
    "onset": lambda asked: asked.one.onset == asked.expect.at,
    "peak": same_peak,
    "resolved": lambda asked: asked.one.resolved == (None if asked.expect.value == "open" else asked.expect.at),
    "masked": lambda asked: asked.one.masked is (asked.expect.value == "yes"),
    "warning": warned,
}
"""How each thing a table may expect is checked."""


def check(file: str, case: Case, expect: Expect) -> None:
    """One expectation of one case."""
    syndrome, _, what = expect.what.partition(" ") if " " in expect.what else ("", "", expect.what)
    where = f"{case.place} line {expect.line}: {case.patient}: {expect.what}"
    assert what in CHECKS, f"{where}: the runner does not know how to check this"
    found = answered(file, expect.as_of or (expect.at if what == "missing" else None))[case.patient]
    episodes = [episode for episode in found.episodes if episode.syndrome == syndrome]
    asked = Asked(expect, found, syndrome, episodes)
    assert CHECKS[what](asked), (
        f"{where}: table says {expect.value} at {expect.at}; {found.now}; {found.course}; {episodes}"
    )


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
