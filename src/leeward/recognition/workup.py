"""The work-up still owed: what each guideline asks for, less what is on record and still fresh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from leeward.knowledge import BadKnowledge, Evidence, load
from leeward.knowledge.loader import names
from leeward.knowledge.vocabulary import quantities
from leeward.timeline.settings import HOUR_S

Said = Annotated[str, msgspec.Meta(pattern=r"\S")]
Hours = Annotated[float, msgspec.Meta(ge=0)]
Row = Mapping[str, Any]
_TESTS = "workup/tests"


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One test: what of the record answers it (every line, by any quantity of it), and how long a result is fresh."""

    title: Said
    needs: tuple[tuple[str, ...], ...]
    fresh_hours: Hours
    why: Said


class Tests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """workup/tests.toml."""

    evidence: Evidence
    checked: date
    test: dict[str, Test]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence of a guideline and the tests it asks for, with the condition under which it does."""

    says: Said
    tests: tuple[str, ...]
    where: str | None = None
    part_evidence: Evidence | None = None
    consider: bool = False
    febrile: bool = False
    boluses_or_icu: bool = False
    syndrome: Literal["crs", "icans"] | None = None
    from_grade: int | None = None
    after_hours: Hours | None = None

    def __post_init__(self) -> None:
        """Refuses a grade without its syndrome."""
        if (self.syndrome is None) != (self.from_grade is None):
            raise ValueError("from_grade and syndrome go together")


class Guideline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one guideline asks for, or the words that send a reader to it."""

    id: str
    title: Said
    source: Said
    evidence: Evidence
    where: Said
    checked: date
    items: tuple[Item, ...] = ()
    children_only: bool = False
    consult: str | None = None


@cache
def tests() -> dict[str, Test]:
    """Every test, by its id; one that asks for an unknown quantity is refused."""
    file: Tests = load(_TESTS, Tests)
    known = file.test
    for name, test in known.items():
        strange = [part for line in test.needs for part in line if part not in quantities()]
        if strange:
            raise BadKnowledge(f"{_TESTS}.toml: test {name}: no quantity {', '.join(strange)}")
    return known


@cache
def guidelines() -> tuple[Guideline, ...]:
    """Every guideline; one that asks for an unknown test is refused."""
    made = tuple(load(name, Guideline) for name in names("workup") if name != _TESTS)
    for guideline in made:
        strange = [test for item in guideline.items for test in item.tests if test not in tests()]
        if strange:
            raise BadKnowledge(f"workup/{guideline.id}.toml: no test {', '.join(strange)}")
    return made


@cache
def freshness() -> dict[str, float]:
    """Hours for which a value of each quantity is fresh: the longest of the tests that it answers."""
    hours: dict[str, float] = {}
    for test in tests().values():
        for quantity in {part for line in test.needs for part in line}:
            hours[quantity] = max(hours.get(quantity, 0.0), test.fresh_hours)
    return hours


def wanted() -> set[str]:
    """The quantities that answer a test, and those that conditions are read from."""
    return set(freshness()) | {"fluid-bolus", "care-setting", "body-temperature"}


def lacking(test: Test, latest: Mapping[str, Row], as_of_s: int) -> list[tuple[str, ...]]:
    """The lines of a test that nothing fresh on record answers."""
    oldest = as_of_s - test.fresh_hours * HOUR_S

    def fresh(quantity: str) -> bool:
        return quantity in latest and test.fresh_hours > 0 and bool(latest[quantity]["at_s"] >= oldest)

    return [line for line in test.needs if not any(fresh(quantity) for quantity in line)]


def applies(item: Item, guideline: Guideline, case: Row) -> str | None:
    """`yes`, or `if ...` where it turns on what is not known; nothing where the guideline does not ask."""
    if guideline.children_only and case["adult"] == 1:
        return None
    if item.boluses_or_icu and case["boluses"] < 2 and case["in_icu"] == 0:
        return None
    if item.after_hours is not None and case["as_of_s"] - case["onset_s"] <= item.after_hours * HOUR_S:
        return None
    if item.syndrome is None or item.from_grade is None:
        return _unless_unsure(item, guideline, case)
    least, most = case[f"{item.syndrome}_at_least"] or 0, case[f"{item.syndrome}_at_most"] or 0
    if item.syndrome == "crs" and case["syndrome"] == "crs":
        least = max(least, case["peak_at_least"] or 0) if case["state"] == "open" else least
    if least >= item.from_grade:
        return "yes"
    if most < item.from_grade:
        return None
    return f"if {item.syndrome.upper()} is of grade {item.from_grade} or more (now {least} to {most})"


def _unless_unsure(item: Item, guideline: Guideline, case: Row) -> str:
    """Fever not charted may be fever not measured or masked: a search for infection is never taken off the list."""
    if item.febrile and case["fever_recent"] == 0:
        return "if there is fever, which is not charted of late and may be masked"
    return "if the patient is a child" if guideline.children_only and case["child"] == 0 else "yes"


def owed(case: Row, latest: Mapping[str, Row]) -> list[dict[str, Any]]:
    """Each test that is asked for and not on record, or no longer fresh, with who asks and why it is not ticked off."""
    asked: dict[str, list[dict[str, Any]]] = {}
    for guideline in guidelines():
        for item in guideline.items:
            when = applies(item, guideline, case)
            for named in item.tests if when is not None else ():
                asked.setdefault(named, []).append({
                    "guideline": guideline.title, "says": item.says, "when": when, "consider": item.consider,
                    "source": guideline.source, "where": item.where or guideline.where,
                    "evidence": item.part_evidence or guideline.evidence, "checked": guideline.checked.isoformat(),
                })  # fmt: skip
    made = []
    for name, by in sorted(asked.items(), key=lambda one: list(tests()).index(one[0])):
        test = tests()[name]
        missing = lacking(test, latest, int(case["as_of_s"]))
        if missing:
            made.append(_owed(name, test, missing, by, latest, int(case["as_of_s"])))
    return made


def _owed(
    name: str,
    test: Test,
    missing: list[tuple[str, ...]],
    by: list[dict[str, Any]],
    latest: Mapping[str, Row],
    as_of_s: int,
) -> dict[str, Any]:
    """One test still owed."""
    stale = [(quantity, latest[quantity]["at_s"]) for line in missing for quantity in line if quantity in latest]
    return {
        "test": name, "title": test.title, "asked_by": by,
        "missing": [" or ".join(line) for line in missing],
        "too_old": [{"quantity": quantity, "hours": round((as_of_s - at_s) / HOUR_S, 1)} for quantity, at_s in stale],
        "fresh_hours": test.fresh_hours, "fresh_why": test.why, "fresh_evidence": load(_TESTS, Tests).evidence,
    }  # fmt: skip


def consult() -> list[str]:
    """Guidelines that are named and not encoded, with the reason."""
    return [guideline.consult for guideline in guidelines() if guideline.consult is not None]
