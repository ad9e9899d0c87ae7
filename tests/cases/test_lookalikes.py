"""cases/lookalikes.md on DuckDB: each section is a patient; what speaks for, against, not at all, what is not known."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from leeward.cohort.engine import Question, connect, run
from leeward.cohort.lookalikes import answered
from tests.cases.parse import START, Case, cases, finding, table

FILE = Path(__file__).parents[2] / "cases" / "lookalikes.md"
LISTS = {"for": "speaks_for", "against": "speaks_against", "nothing": "says_nothing"}


@cache
def all_cases() -> tuple[Case, ...]:
    """The cases of the file."""
    return tuple(cases(FILE))


@cache
def told(as_of: datetime | None) -> dict[str, dict[str, Any]]:
    """Every patient's answer as known at a moment, all in one run."""
    con = connect()
    con.register("findings", table(all_cases()))
    question = Question(as_of=as_of)
    run(con, question, reasons=False)
    return dict(answered(con, question))


def said(answer: dict[str, Any], what: str) -> str:
    """What an answer says under `infection for`, `infection not known`, `owed`, `alarm`, `state`, in one text."""
    if what == "state":
        return str(answer["state"])
    if what == "owed":
        return " | ".join(
            f"{test['test']}: {one['guideline']} {one['when']}"
            for test in answer["work_up"]
            for one in test["asked_by"]
        )
    if what == "alarm":
        return " | ".join(f"{alarm['id']}: {alarm['advice']} {alarm['because']}" for alarm in answer["alarms"])
    name, _, which = what.partition(" ")
    one = {found["id"]: found for found in answer["lookalikes"]}[name]
    if which == "not known":
        return " | ".join(f"{test['test']}: {test['would_settle']}" for test in one["not_known"])
    if which == "published":
        return " | ".join(note["says"] for note in one["published"])
    shown = [
        f"{f['quantity']} {f['value']} {f['unit'] or ''}: {f['reason']} ({f['weight'] or ''}) {f['evidence']}"
        for f in one[LISTS[which]]
    ]
    return " | ".join(shown)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.patient) for case in all_cases()])
def test_case(case: Case) -> None:
    """What a section says comes out; `no ...` must not."""
    for expect in case.expects:
        text = said(told(expect.as_of or expect.at)[case.patient], expect.what)
        where = f"{case.place} line {expect.line}: {expect.what} says: {text}"
        if expect.value == "nothing":
            assert text == "", where
        elif expect.value.startswith("no "):
            assert expect.value.removeprefix("no ") not in text, where
        else:
            assert expect.value in text, where


def test_every_lookalike_has_rows() -> None:
    """Each look-alike stands in the file with something for, against and not known."""
    from leeward.recognition.lookalikes import lookalikes

    rows = {expect.what for case in all_cases() for expect in case.expects}
    wanted = {f"{one.id} {which}" for one in lookalikes() for which in ("for", "against", "not known")}
    assert wanted - rows == set()


def test_a_childs_phosphate_has_its_own_limit() -> None:
    """4.5 mg/dL is the adult limit; a child of six is held to 6.5, and so is one of unknown age."""
    made = []
    for name, age in (("child", 6.0), ("adult", 45.0), ("unknown", None)):
        at = START + timedelta(hours=24)
        rows = [finding("trigger", START, "tisagenlecleucel"), finding("body-temperature", at, 38.5)]
        rows += [finding("phosphate", at, 6.4), *([finding("age-years", START, age)] if age else [])]
        made.append(Case(name, "made", tuple(rows), ()))
    con = connect()
    con.register("findings", table(made))
    run(con, Question(), reasons=False)
    answers = dict(answered(con, Question()))
    assert [name for name in answers if "phosphate" in said(answers[name], "tumour-lysis for")] == ["adult"]
    assert [name for name in answers if "Paediatric CARTOX" in said(answers[name], "owed")] == ["child", "unknown"]
