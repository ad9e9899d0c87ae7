"""cases/walkthrough.md: the published cases day by day, what sources say beside what was done."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import leeward
from leeward.cohort import guidance
from leeward.cohort.engine import Question
from leeward.plan import fires
from leeward.plan.plan import Plan
from leeward.plan.suggestions import Suggestion
from leeward.samples import FOLDER, samples
from leeward.scales.older_crs import ASTCT
from tests.cases.parse import Row, span, tables

FILE = Path(__file__).parents[2] / "cases" / "walkthrough.md"
DAY_0 = datetime(2024, 1, 10, tzinfo=UTC)
"""The day of the therapy in every sample."""
REASONS = {
    "weight": r"not on record:[^;]*\bweight\b",
    "age": r"not on record:[^;]*\bage\b",
    "interval": r"h apart|gives \S+ every \d+ h",
    "too young": r"below \d+ years; the age is|no dose for this age was read",
    "amount": r"\bhow much\b",
}
"""Why a dose is held back, as the plan words it."""
AT_WORST = " at worst"


class Moment(NamedTuple):
    """One row: a case at a moment."""

    case: str
    at: datetime
    row: Row

    @property
    def name(self) -> str:
        """For the list of tests."""
        return f"{self.case} day {self.row['as of']}"


def instant(cell: str) -> datetime:
    """`3, 12:00`: the third day after the therapy, at noon."""
    day, clock = cell.split(", ")
    hour, minute = clock.split(":")
    return DAY_0 + timedelta(days=int(day), hours=int(hour), minutes=int(minute))


@cache
def moments() -> tuple[Moment, ...]:
    """Every row of the file."""
    return tuple(
        Moment(table.headings[-1].split(":")[0], instant(row["as of"]), row)
        for table in tables(FILE)
        if "as of" in table.columns
        for _, row in table.rows
    )


@cache
def plans() -> dict[tuple[str, datetime | None], Plan]:
    """The plan of every row, in one run."""
    asked = [(one.case, one.at) for one in moments()]
    return {(plan.patient, plan.as_of): plan for plan in guidance.plans_at(leeward.read(FOLDER), Question(), asked)}


def listed(cell: str, mark: str = ",") -> list[str]:
    """The entries of a cell."""
    return [entry.strip() for entry in cell.split(mark) if entry.strip()]


def told(plan: Plan) -> dict[str, list[Suggestion]]:
    """Everything that sources say, also what is only recalled, by the name of the row."""
    found: dict[str, list[Suggestion]] = {}
    for one in (*plan.suggestions, *plan.recalled):
        found.setdefault(one.row, []).append(one)
    return found


def said_as(several: list[Suggestion]) -> set[str]:
    """How a row is said: for certain, at the worst end only, or if what is not known were so."""
    found = set()
    for one in several:
        if one.needs:
            found.add("perhaps")
        else:
            found.add("sure" if "mildest" in one.ends else "at worst")
    return found


def surest(said: set[str]) -> str | None:
    """The surest of the ways in which a row is said: what would hold for a higher grade may be said beside it."""
    return next((how for how in ("sure", "at worst", "perhaps") if how in said), None)


def expected(entry: str) -> tuple[str, str]:
    """The row's name and how it must be said: `x`, `x at worst`, or `(x)`."""
    if entry.startswith("("):
        return entry.strip("()"), "perhaps"
    return entry.removesuffix(AT_WORST), "at worst" if entry.endswith(AT_WORST) else "sure"


def reasons(blocked: str | None) -> set[str]:
    """The words of REASONS that hold a dose back."""
    return {word for word, like in REASONS.items() if re.search(like, blocked or "")}


def of_rows(check: Callable[[Moment, Plan], None]) -> Callable[[Moment], None]:
    """A test over every row."""

    @pytest.mark.parametrize("moment", [pytest.param(one, id=one.name) for one in moments()])
    def test(moment: Moment) -> None:
        check(moment, plans()[moment.case, moment.at])

    test.__doc__ = check.__doc__
    return test


@of_rows
def test_grades(moment: Moment, plan: Plan) -> None:
    """The grade of the moment by ASTCT, and of ICANS where the row gives one."""
    ranges = {one.scale: (one.at_least, one.at_most) for one in plan.crs}
    assert ranges[ASTCT] == span(moment.row["grade"])
    if moment.row["ICANS"]:
        assert plan.icans is not None
        assert (plan.icans.at_least, plan.icans.at_most) == span(moment.row["ICANS"])


@of_rows
def test_sources_say(moment: Moment, plan: Plan) -> None:
    """Each row named is said, and no more surely than it is named."""
    found = {row: said_as(several) for row, several in told(plan).items()}
    entries = [expected(entry) for entry in listed(moment.row["sources say"])]
    assert [(row, how, found.get(row)) for row, how in entries if surest(found.get(row, set())) != how] == []


@of_rows
def test_sources_do_not_say(moment: Moment, plan: Plan) -> None:
    """None of the rows named is said for certain, at either end."""
    found = {row: said_as(several) for row, several in told(plan).items()}
    unwanted = listed(moment.row["sources do not say"])
    assert [row for row in unwanted if found.get(row, {"perhaps"}) != {"perhaps"}] == []


@of_rows
def test_held_back(moment: Moment, plan: Plan) -> None:
    """Each dose named is held back for the reasons given and for no other of REASONS."""
    for entry in listed(moment.row["held back"], ";"):
        who, words = entry.split(": ")
        source, drug = who.split(" ", 1)
        doses = [one for one in plan.suggestions if (one.source_id, one.drug) == (source, drug) and one.unit]
        doses = [one for one in doses if not one.needs] or doses
        assert doses, who
        assert {frozenset(reasons(one.blocked)) for one in doses} == {frozenset(listed(words))}, who


@of_rows
def test_sources_differ(moment: Moment, plan: Plan) -> None:
    """Exactly these disagreements hold for certain, by the mildest end."""
    found = {one.id for one in plan.disagreements if not one.needs and "mildest" in one.ends}
    assert found == set(listed(moment.row["sources differ"]))


@of_rows
def test_no_weight_no_dose(moment: Moment, plan: Plan) -> None:
    """No report prints a weight, so no source's dose is worked out for anyone, and each says why."""
    assert [one for one in plan.suggestions if one.dose is not None or one.steps] == []
    doses = [one for one in plan.suggestions if one.unit is not None]
    assert [one for one in doses if not one.needs and "weight" not in reasons(one.blocked)] == []
    assert [one for one in doses if one.blocked is None] == []


def test_every_case_is_walked_through() -> None:
    """Every sample has its section, every section a sample, and every row says what was done."""
    assert {one.case for one in moments()} == {one.case for one in samples()}
    assert [one.name for one in moments() if not one.row["what was done"]] == []
    assert len({(one.case, one.at) for one in moments()}) == len(moments()) == len(plans())


def test_rows_named_exist() -> None:
    """A misspelt name under `sources do not say` would never be said, and prove nothing."""
    names = {rule.name for rule in fires.rules()}
    named = {
        expected(entry)[0]
        for one in moments()
        for column in ("sources say", "sources do not say")
        for entry in listed(one.row[column])
    }
    assert named - names == set()
