"""A guideline that cannot be used is refused at load, by file and line; a running service keeps its last good set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.cohort.bedside_plan import adviser
from leeward.knowledge import BadKnowledge, edition, loader
from leeward.knowledge.cells import Cell, cell, inputs
from leeward.knowledge.completeness import problems, regions
from leeward.knowledge.guidelines import FOLDER, guidelines, in_use, read_guideline, take
from leeward.knowledge.shelf import Shelf
from leeward.knowledge.vocabulary import quantities
from leeward.plan import fires
from leeward.plan.given import listed_drugs

GOOD = """id = "good"
title = "A table"
speaks_as = "A table"
nature = "local"
source = "own"
scale = "astct-2019"
evidence = "read"
checked = 2026-11-22
dated = "2026"

[tables.crs]
title = "CRS"

[doses.tocilizumab]
drug = "tocilizumab"
route = "intravenous"
unit = "mg"
per_kg = 8.0
where = "page 1"

[[rows]]
table = "crs"
id = "none"
when = { crs_grade = 0 }
says = "nothing"
where = "page 1"
silent = true

[[rows]]
table = "crs"
id = "some"
when = { crs_grade = ">= 1" }
says = "tocilizumab"
where = "page 1"
do = [{ kind = "drug", drug = "tocilizumab", dose = "tocilizumab" }]
"""


def refused(tmp_path: Path, old: str, new: str) -> str:
    """The message with which a changed file is refused."""
    assert old in GOOD
    path = tmp_path / "good.toml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(BadKnowledge) as error:
        read_guideline(path)
    return str(error.value)


def test_good_file_is_read(tmp_path: Path) -> None:
    """The file that the others are changed from can be used."""
    path = tmp_path / "good.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert [row.id for row in read_guideline(path).rows] == ["none", "some"]


@pytest.mark.parametrize(
    ("old", "new", "says", "line"),
    [
        ('">= 1"', '">= 5"', "can never match", 30),
        ('">= 1"', '"5..3"', "can never match", 30),
        ('">= 1"', '"about 2"', "none of: a number", 30),
        ('">= 1"', "true", "a number is asked", 30),
        ("crs_grade = 0", "grade = 0", "no input 'grade'", 22),
        ('"local"\nsource = "own"', '"guideline"\nsource = "nobody-1999"', "no source 'nobody-1999'", 5),
        ('dose = "tocilizumab" }', 'dose = "siltuximab" }', "which the file does not define", 28),
        ('table = "crs"\nid = "some"', 'table = "other"\nid = "some"', "which the file does not name", 28),
        ('id = "some"', 'id = "none"', "two rows are called none", 28),
        ('">= 1"', '">= 2"', "no row fires where crs_grade = 1", 11),
        ('">= 1"', '">= 0"', "fire together where crs_grade = 0", 11),
        ("per_kg = 8.0", "per_kg = 8.0\nfixed = 10.0", "a dose is one of", 14),
        ("per_kg = 8.0", "per_kg = 8.0\nper_kg_to = 4.0", "reversed", 14),
        ('where = "page 1"\ndo', 'wheer = "page 1"\ndo', "wheer", 32),
        ('scale = "astct-2019"', 'scale = "astct"', "names no scale", 21),
        ("silent = true", "", "a row acts, or is silent", 20),
    ],
)  # fmt: skip
def test_31_a_bad_guideline_is_refused_by_file_and_line(
    tmp_path: Path, old: str, new: str, says: str, line: int
) -> None:
    """What is wrong is said, with the file and a line at or just beside it."""
    message = refused(tmp_path, old, new)
    assert says in message
    found = int(message.split("good.toml:")[1].split(":")[0])
    assert abs(found - line) <= 3, message


def test_dead_words_are_refused() -> None:
    """A word outside an input's vocabulary can never match."""
    with pytest.raises(ValueError, match="can never match"):
        cell("oxygen", "a-little")
    assert cell("oxygen", ["low-flow", "high-flow"]) == Cell("oxygen", words=("low-flow", "high-flow"))
    assert cell("oxygen", "-") is None


@given(st.sampled_from([name for name, one in inputs().items() if one.kind in ("hours", "number")]), st.floats(0, 90))
def test_limits_and_their_neighbours(name: str, limit: float) -> None:
    """`>=` holds at its limit and not below it; `<` the other way round; together they leave no gap."""
    spelt = f"{limit:.4f}"
    number = float(spelt)
    from_, below = cell(name, f">= {spelt}"), None if number <= 0 else cell(name, f"< {spelt}")
    assert from_ is not None
    assert from_.holds(number)
    assert not from_.holds(math.nextafter(number, -math.inf))
    if below is not None:
        assert not below.holds(number)
        assert below.holds(math.nextafter(number, -math.inf))


class Row:
    """A row with a name and cells."""

    def __init__(self, name: str, **when: str | float) -> None:
        self.id = name
        self._cells = tuple(one for one in (cell(key, value) for key, value in when.items()) if one is not None)

    def cells(self) -> tuple[Cell, ...]:
        """Its cells."""
        return self._cells


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=5), st.booleans())
def test_the_proof_finds_what_trying_every_grade_finds(spans: list[tuple[int, int]], one: bool) -> None:
    """A gap or an overlap over grades 0 to 4 is found exactly where trying each grade finds it."""
    rows = [Row(f"r{place}", crs_grade=f"{min(span)}..{max(span)}") for place, span in enumerate(spans)]
    hits = [sum(min(span) <= grade <= max(span) for span in spans) for grade in range(5)]
    wrong = any(hit == 0 or (one and hit > 1) for hit in hits)
    assert bool(problems(rows, one=one)) is wrong


def test_regions_hold_every_side_of_a_limit() -> None:
    """The values that stand for all others lie on both sides of each limit."""
    limit = cell("since_onset_hours", "> 72")
    assert limit is not None
    assert regions([limit]) == {"since_onset_hours": [0.0, math.nextafter(72.0, math.inf)]}


def test_every_mark_can_be_charted() -> None:
    """The words of `risk-mark` are the inputs that a mark can tell, each with its `no-`."""
    marks = [name.replace("_", "-") for name, one in inputs().items() if one.mark]
    assert sorted(quantities()["risk-mark"].words) == sorted([*marks, *(f"no-{mark}" for mark in marks)])


def test_what_is_only_recalled_is_never_the_basis_of_a_dose() -> None:
    """A row that was read or seen second-hand does not name a dose that is only recalled."""
    wrong = [
        f"{one.id}/{row.id}"
        for one in guidelines()
        for row in one.rows
        for action in row.do
        if action.dose and one.known(row) != "recalled" and one.known(one.doses[action.dose]) == "recalled"
    ]
    assert wrong == []


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with one guideline; what is shipped is in use again afterwards."""
    (tmp_path / "good.toml").write_text(GOOD, encoding="utf-8")
    yield tmp_path
    take(None)


def looked(shelf: Shelf) -> bool:
    """Two looks at the files: whether another set is in use after them."""
    return shelf.refresh() or shelf.refresh()


def test_31_a_service_keeps_its_last_good_set(folder: Path) -> None:
    """A set that cannot be used leaves the old one in place and says what is wrong; a mended one takes its place."""
    path, moment = folder / "good.toml", datetime(2026, 3, 5, 12, tzinfo=UTC)
    shelf = Shelf(lambda: moment, folder=folder)
    before = in_use()
    assert [one.title for one in guidelines()] == ["A table"]
    path.write_text(GOOD.replace('">= 1"', '">= 7"'), encoding="utf-8")
    assert not looked(shelf)
    assert in_use() is before
    assert shelf.trouble.startswith("good.toml:29: ")
    assert shelf.trouble.endswith(f"2026-03-05 12:00 UTC stay in use (edition {before.edition})")
    path.write_text(GOOD.replace("A table", "Another table"), encoding="utf-8")
    assert looked(shelf)
    assert [one.title for one in guidelines()] == ["Another table"]
    assert edition() == in_use().edition != before.edition
    assert not shelf.trouble
    assert not looked(shelf)


def test_31_a_folder_without_guidelines_is_no_set(folder: Path) -> None:
    """Files that were moved away are not taken for a ward that nobody advises."""
    shelf = Shelf(lambda: datetime(2026, 3, 5, tzinfo=UTC), folder=folder)
    (folder / "good.toml").unlink()
    assert not looked(shelf)
    assert [one.id for one in guidelines()] == ["good"]
    assert "holds no guideline" in shelf.trouble


def test_31_what_is_made_of_guidelines_is_made_again(folder: Path) -> None:
    """Rules, drugs whose doses are listed, and the ready adviser belong to the set in use, and to no other."""
    shelf = Shelf(lambda: datetime(2026, 3, 5, tzinfo=UTC), folder=folder)
    assert set(listed_drugs()) == {"tocilizumab"}
    ready = adviser(room_air=False)
    anakinra = GOOD.replace('"tocilizumab"', '"anakinra"').replace("[doses.tocilizumab]", "[doses.anakinra]")
    (folder / "good.toml").write_text(anakinra, encoding="utf-8")
    assert looked(shelf)
    assert set(listed_drugs()) == {"anakinra"}
    assert {action.dose for rule in fires.rules() for action in rule.row.do} == {"anakinra"}
    assert adviser(room_air=False) is not ready


def test_31_the_same_files_have_the_same_edition_whenever_they_are_read() -> None:
    """A set taken while a service runs is named as it would be after a restart."""
    shipped = edition()
    Shelf(lambda: datetime(2026, 3, 5, tzinfo=UTC), folder=loader.ROOT / FOLDER)
    try:
        assert edition() == shipped
    finally:
        take(None)
