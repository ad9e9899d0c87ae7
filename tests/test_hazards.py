"""The hazard log and the safety page name tests that exist, and leave out no fault and no promise."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HAZARDS = sorted((ROOT / "hazards").glob("H[0-9][0-9].md"))
PARTS = ("Cause", "Harm", "Severity", "Control", "Faults", "Tests", "Residual risk")
SEVERITIES = ("death", "serious", "moderate", "minor")
PROMISES = 8


def part(text: str, name: str) -> str:
    """What stands after `**Name.**`, up to the next such mark."""
    found = re.search(rf"^\*\*{re.escape(name)}\.\*\*(.*?)(?=^\*\*|\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1).strip() if found else ""


def named_tests(text: str) -> list[str]:
    """Every `tests/file.py::test` and every `cases/file.md: section or row` that a text names in backquotes."""
    return re.findall(r"`((?:tests/[\w/]+\.py::[\w:]+)|(?:cases/[\w-]+\.md(?:: [^`]+)?))`", text)


@cache
def names_in(path: Path) -> frozenset[str]:
    """The tests of a file, as `test_name` or `Class::test_name`."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{held.name}" for held in node.body if isinstance(held, ast.FunctionDef)}
        elif isinstance(node, ast.Assign):  # a Hypothesis state machine's `TestCase`
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(names)


@cache
def cases_of(path: Path) -> frozenset[str]:
    """The sections and the rows of a case table, by name."""
    text = path.read_text(encoding="utf-8")
    return frozenset(name.strip() for name in re.findall(r"^(?:#+ |\| )([^|\n]+)", text, re.MULTILINE))


def absent(names: list[str]) -> list[str]:
    """The named tests, sections and rows that do not exist."""
    gone = []
    for name in names:
        file, _, held = name.partition("::") if "::" in name else name.partition(": ")
        path = ROOT / file
        of = names_in if path.suffix == ".py" else cases_of
        if not path.is_file() or (held and held not in of(path)):
            gone.append(name)
    return gone


def faults() -> set[int]:
    """The numbers of hazards/faults.md."""
    return {
        int(number)
        for number in re.findall(r"^\| (\d+) \|", (ROOT / "hazards" / "faults.md").read_text("utf-8"), re.MULTILINE)
    }


def faults_of(hazard: Path) -> set[int]:
    """The fault numbers that a hazard names."""
    return {int(number) for number in re.findall(r"\d+", part(hazard.read_text("utf-8"), "Faults"))}


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda path: path.stem)
def test_hazard_is_whole(hazard: Path) -> None:
    """Cause, harm, severity, control, faults, tests and residual risk are all stated."""
    text = hazard.read_text(encoding="utf-8")
    assert [name for name in PARTS if not part(text, name)] == []
    assert part(text, "Severity") in SEVERITIES
    assert re.match(rf"# {hazard.stem} · \S", text)


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda path: path.stem)
def test_hazard_is_held_by_tests_that_exist(hazard: Path) -> None:
    """A hazard without a test is not controlled; a test that is gone controls nothing."""
    names = named_tests(part(hazard.read_text(encoding="utf-8"), "Tests"))
    assert names != []
    assert absent(names) == []


def test_hazards_are_numbered_without_gaps() -> None:
    """A hazard that is gone keeps its number and says why."""
    assert [path.stem for path in HAZARDS] == [f"H{number:02}" for number in range(1, len(HAZARDS) + 1)]


def test_every_fault_has_a_hazard_and_every_hazard_a_fault() -> None:
    """What is injected is injected for a reason, and each reason has its injection."""
    assert set().union(*(faults_of(path) for path in HAZARDS)) == faults()


def promises() -> list[str]:
    """The numbered sections of SAFETY.md."""
    text = (ROOT / "SAFETY.md").read_text(encoding="utf-8")
    return re.findall(r"^### \d\. .*?(?=^### |^## |\Z)", text, re.MULTILINE | re.DOTALL)


def test_safety_page_makes_all_promises() -> None:
    """Eight promises, in order."""
    assert [promise[4] for promise in promises()] == [str(number) for number in range(1, PROMISES + 1)]


@pytest.mark.parametrize("promise", promises(), ids=lambda text: text.split("\n")[0][4:])
def test_promise_is_held_by_tests_that_exist(promise: str) -> None:
    """A promise names the tests that hold it, or says plainly that there is nothing yet to which it applies."""
    names = named_tests(promise)
    assert names != [] or "**Nothing to hold yet.**" in promise
    assert absent(names) == []
