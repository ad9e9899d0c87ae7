"""One cohort, five formats: the same signal of the same patient gives the same findings whatever form it came in.

Each form is compared with the first form that carries the quantity. Every difference stands in cases/five-formats.md
with its reason; a difference that is not listed fails, and so does a listed one that no longer occurs.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pytest
from tests.conftest import REPOSITORY

from leeward.cohort.engine import Question, connect, run
from leeward.knowledge.vocabulary import quantities
from leeward.record.read import read
from leeward.scales import astct_2019_crs, crs_signs

FORMS = ("csv", "meds", "clif", "omop", "fhir")
TABLE = REPOSITORY / "cases" / "five-formats.md"

ALIKE = "alike"
SAME = "who, began, ended, low, high, word"
ROUNDED = "who, began, ended, low::float, high::float, word"
STEPS = (
    # what is equal on both sides, and what a pair that is equal in no more than that is called
    (SAME, ""),
    (ROUNDED, "digits"),
    ("who, began, low::float, high::float, word", "end"),
    ("who, began, ended, low is null, word", "value"),
    ("who, began, ended, word", "amount"),
    ("who, began, ended", "word"),
    ("who, began", "moment"),
)
"""How findings of two forms are paired, from all alike to the same moment only."""


class Difference(NamedTuple):
    """Findings of a quantity that two forms do not share: how they differ and how many there are."""

    forms: str
    quantity: str
    difference: str
    findings: int


@cache
def cohort(root: Path) -> duckdb.DuckDBPyConnection:
    """The findings of all five forms under MIMIC's identifiers: `FORM_findings` to grade, `FORM` to compare."""
    con = connect()
    con.execute("set preserve_insertion_order = true")
    spans = ", ".join(f"'{name}'" for name, quantity in quantities().items() if quantity.kind in ("rate", "interval"))
    wordy = ", ".join(f"'{name}'" for name, q in quantities().items() if q.kind in ("word", "interval", "date"))
    for form in FORMS:
        con.register("read", read(root / f"mimic-iv-demo-{form}").findings)
        con.register("known", people(root, form))
        con.execute(
            f"create table {form}_findings as select read.* replace (coalesce(subject, patient) as patient) "
            "from read left join known using (patient)"
        )
        con.execute(
            f"create table {form} as select patient as who, quantity, measured_at as began, "
            f"case when quantity in ({spans}) then measured_until end as ended, low, high, "
            f"case when quantity in ({wordy}) then text end as word, source from {form}_findings"
        )
    return con


def people(root: Path, form: str) -> pa.Table:
    """The identifier in MIMIC of each patient of a form that uses one of its own; empty where it uses MIMIC's."""
    found: list[tuple[str, str]] = []
    if form == "omop":
        with gzip.open(root / "mimic-iv-demo-omop" / "person.csv.gz", "rt", encoding="utf-8") as file:
            found = [(row["person_id"], row["person_source_value"]) for row in csv.DictReader(file)]
    if form == "fhir":
        with gzip.open(root / "mimic-iv-demo-fhir" / "fhir" / "MimicPatient.ndjson.gz", "rt", encoding="utf-8") as file:
            found = [(line["id"], line["identifier"][0]["value"]) for line in map(json.loads, file)]
    return pa.table(
        [pa.array(column, pa.string()) for column in zip(*found, strict=True)] or [[], []], ["patient", "subject"]
    )


def shared(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[str]]:
    """The quantities two forms are compared in: each with the first form that carries it, against every other one."""
    carried: dict[str, list[str]] = {}
    for form in FORMS:
        for (quantity,) in con.execute(f"select distinct quantity from {form} order by 1").fetchall():
            carried.setdefault(quantity, []).append(form)
    found: dict[tuple[str, str], list[str]] = {}
    for quantity, forms in carried.items():
        for other in forms[1:]:
            found.setdefault((forms[0], other), []).append(quantity)
    return found


def matched(con: duckdb.DuckDBPyConnection, columns: str, hours: int) -> list[tuple[str, int, float | None]]:
    """Takes away the pairs alike in `columns`: quantity, how many there were, how far apart their numbers at most."""
    names = ["quantity", *columns.split(", ")]
    later = [re.sub("^(began|ended)$", rf"\1 + interval {hours} hour", name) for name in names]
    sides = {}
    for side, by in (("a", names), ("b", later)):
        keys = ", ".join(f"{name} as k{place}" for place, name in enumerate(by))
        nth = f"row_number() over (partition by {', '.join(by)} order by id) as nth"
        sides[side] = f"select id, quantity, low as number, {nth}, {keys} from {side}"
    alike = " and ".join(f"x.k{place} is not distinct from y.k{place}" for place in range(len(names)))
    con.execute(
        "create or replace temp table pair as "
        "select x.quantity, x.id as a, y.id as b, abs(x.number - y.number) as apart "
        f"from ({sides['a']}) x join ({sides['b']}) y on x.nth = y.nth and {alike}"
    )
    for side in "ab":
        con.execute(f"delete from {side} where id in (select {side} from pair)")
    return con.execute("select quantity, count(*), max(apart) from pair group by 1").fetchall()


def compared(con: duckdb.DuckDBPyConnection, one: str, other: str, wanted: list[str]) -> Iterator[Difference]:
    """How the findings of some quantities agree and differ between two forms; what is alike is called `alike`."""
    for side, form in (("a", one), ("b", other)):
        rows = f"from {form} where list_contains(?, quantity) order by all"
        numbered = f"select row_number() over () as id, * from ({rows})"
        con.execute(f"create or replace temp table {side} as {numbered}", [wanted])
    forms = f"{one}, {other}"
    for hours in (0, 1) if other == "fhir" else (0,):
        for columns, name in STEPS:
            said = ", ".join(word for word in ("an hour earlier" if hours else "", name) if word) or ALIKE
            for quantity, count, apart in matched(con, columns, hours):
                yield Difference(forms, quantity, f"{said} (at most {apart:.2g})" if name == "value" else said, count)
    for side, form in (("a", one), ("b", other)):
        left = con.execute(f"select quantity, source, count(*) from {side} group by all").fetchall()
        yield from (Difference(forms, quantity, f"only {form}: {source}", count) for quantity, source, count in left)


@cache
def sweep(root: Path) -> tuple[frozenset[Difference], frozenset[tuple[str, str, str]]]:
    """Every difference, and for each two forms how many quantities they share and how many findings are alike."""
    con = cohort(root)
    differences: set[Difference] = set()
    agreement = set()
    for pair, wanted in shared(con).items():
        rows = list(compared(con, *pair, wanted))
        differences |= {row for row in rows if row.difference != ALIKE}
        alike = sum(row.findings for row in rows if row.difference == ALIKE)
        agreement.add((", ".join(pair), str(len(wanted)), str(alike)))
    return frozenset(differences), frozenset(agreement)


def rows(columns: int) -> list[list[str]]:
    """The rows of the tables in cases/five-formats.md that have so many columns, without their heads."""
    lines = [line.strip() for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = ("form", "forms", "---")
    return [row for row in cells if len(row) == columns and row[0] not in heads]


def listed() -> dict[Difference, str]:
    """The differences of cases/five-formats.md, each with the name of its reason."""
    return {Difference(forms, quantity, how, int(count)): why for forms, quantity, how, count, why in rows(5)}


def as_rows(differences: set[Difference]) -> str:
    """Differences as rows of the table, to paste where they are right."""
    return "\n".join(f"| {' | '.join(map(str, row))} |  |" for row in sorted(differences))


def graded() -> list[str]:
    """What a CRS course depends on."""
    return sorted({*crs_signs.quantities(astct_2019_crs.limits()), "age-years", "birth-date", "death"})


def courses(con: duckdb.DuckDBPyConnection, form: str, lost: list[str]) -> dict[str, list[tuple[object, ...]]]:
    """Changes of grade and episodes of each patient, with a trigger assumed at the first arrival in intensive care.

    Graded by what a form says, but for the signals it lost: those are taken from the CSV form.
    """
    con.execute(
        f"create or replace table findings as from {form}_findings where quantity in (select unnest(?::varchar[])) "
        "union all from csv_findings where quantity in (select unnest(?::varchar[]))",
        [[name for name in graded() if name not in lost], lost],
    )
    run(con, Question(assumed_setting="icu"), reasons=False)
    found: dict[str, list[tuple[object, ...]]] = {}
    changes = con.execute("select patient, at_s, at_least, at_most from course where syndrome = 'crs' order by all")
    for patient, *rest in changes.fetchall():
        found.setdefault(patient, []).append(tuple(rest))
    episodes = con.execute("select * exclude as_of_s from episodes where syndrome = 'crs' order by all")
    for patient, *rest in episodes.fetchall():
        found.setdefault(patient, []).append(tuple(rest))
    return found


def lost_signals() -> dict[str, list[str]]:
    """The signals that cases/five-formats.md says each form lost, of those a course depends on."""
    found: dict[str, list[str]] = {}
    for form, signal, _, _ in rows(4):
        found.setdefault(form, []).append(signal)
    return found


@pytest.fixture(scope="module")
def data(third_party: Callable[[str], Path]) -> Path:
    """The folder that holds all five forms; skips, saying so, where one is absent."""
    folders = [third_party(f"mimic-iv-demo-{form}") for form in FORMS]
    return folders[0].parent


@pytest.mark.data
def test_every_difference_between_two_forms_has_its_reason(data: Path) -> None:
    """And every reason still has its difference."""
    found, known = set(sweep(data)[0]), set(listed())
    assert not found - known, "not explained:\n" + as_rows(found - known)
    assert not known - found, "occurs no longer:\n" + as_rows(known - found)


@pytest.mark.data
def test_what_is_alike_stays_alike(data: Path) -> None:
    """The differences would also be none if nothing were read: so many findings are equal in all they say."""
    assert sweep(data)[1] == {tuple(row) for row in rows(3)}


def test_every_reason_is_explained_and_used() -> None:
    """The names beside the differences are those of the explanations."""
    explained = re.findall(r"^- \*\*(\S+)\*\*:", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(explained) == sorted({*listed().values(), *(row[3] for row in rows(4))})


@pytest.mark.data
def test_the_five_courses_agree_but_for_what_a_form_lost(data: Path) -> None:
    """With the lost signals given back, every patient has the same course by every form, to the second."""
    con = cohort(data)
    expected = courses(con, "csv", [])
    assert len(expected) > 95
    for form, lost in lost_signals().items():
        actual = courses(con, form, lost)
        assert [patient for patient in expected | actual if expected.get(patient) != actual.get(patient)] == [], form


@pytest.mark.slow
@pytest.mark.data
def test_each_lost_signal_is_needed(data: Path) -> None:
    """A signal whose loss changes no course does not belong in the table."""
    con = cohort(data)
    expected = courses(con, "csv", [])
    idle = [
        (form, signal)
        for form, lost in lost_signals().items()
        for signal in lost
        if courses(con, form, [name for name in lost if name != signal]) == expected
    ]
    assert idle == []
