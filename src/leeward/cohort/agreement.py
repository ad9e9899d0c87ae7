"""Scales of CRS beside each other: one patient's course on all of them, and how far they agree over many patients."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import combinations
from typing import Any

import duckdb
import msgspec

from leeward.cohort.answer import when
from leeward.knowledge import Evidence
from leeward.scales.older_crs import SCALES, evidence_of, words
from leeward.scales.older_crs_state import SIGNS

GRADES = 6
"""Grades 0 (no episode) to 5 (death)."""


class Range(msgspec.Struct, frozen=True):
    """One scale's grade at a moment."""

    at_least: int
    at_most: int


class Moment(msgspec.Struct, frozen=True):
    """From this moment on, the grade on every scale."""

    at: datetime
    grades: dict[str, Range]


class Rule(msgspec.Struct, frozen=True):
    """What scales say of one sign, in words; those that say the same stand together."""

    sign: str
    says: str
    scales: list[str]
    evidence: dict[str, Evidence]


class Difference(msgspec.Struct, frozen=True):
    """A moment at which scales differ, and the rules of the signs that are there then."""

    at: datetime
    grades: dict[str, Range]
    rules: list[Rule]


class Comparison(msgspec.Struct, frozen=True):
    """One patient's course on every scale."""

    patient: str
    course: list[Moment]
    differences: list[Difference]


class Agreement(msgspec.Struct, frozen=True):
    """How far two scales agree on each patient's worst grade.

    `counts`: patients by the first scale's grade (rows) and the second's (columns), 0 without an episode. `kappa`:
    Cohen's, with linear weights (null: no spread to agree on). Over all patients it is what is sure (`at_least`);
    in `sure`, only patients whose grade is one number on both scales are counted.
    """

    first: str
    second: str
    n: int
    same: int
    first_lower: int
    first_higher: int
    percent: float | None
    kappa: float | None
    counts: list[list[int]]
    sure: Agreement | None = None


def comparison(con: duckdb.DuckDBPyConnection, patient: str) -> Comparison:
    """One patient's course on every scale, from a connection that holds the plan's steps for all of them."""
    changes = _rows(
        con,
        "select at_s, scale, at_least, at_most from course where patient = $1 and syndrome = 'crs' order by at_s",
        patient,
    )
    shown = _rows(con, "select * from signs_shown where patient = $1 order by at_s", patient)
    return compared(patient, changes, shown)


def compared(patient: str, changes: list[dict[str, Any]], shown: list[dict[str, Any]]) -> Comparison:
    """The same, from one patient's changes of CRS on every scale and their `signs_shown`, both in order of time."""
    held: dict[str, Range] = {}
    course: list[Moment] = []
    for row in changes:
        held = {**held, row["scale"]: Range(row["at_least"], row["at_most"])}
        at = when(row["at_s"])
        if course and course[-1].at == at:
            course.pop()
        grades = {scale: held[scale] for scale in SCALES if scale in held}
        if not course or course[-1].grades != grades:
            course.append(Moment(at, grades))
    return Comparison(patient, course, _differences(course, shown))


def _differences(course: list[Moment], shown: list[dict[str, Any]]) -> list[Difference]:
    """The moments at which the sure grades differ, once for each set of signs."""
    made: list[Difference] = []
    before: tuple[str, ...] = ()
    for row in shown:
        signs = tuple(sign for sign in SIGNS if row[sign] == 1)
        at = when(row["at_s"])
        standing = [moment for moment in course if moment.at <= at]
        if not standing or signs == before:
            continue
        before = signs
        grades = standing[-1].grades
        if len({held.at_least for held in grades.values()}) > 1:
            made.append(Difference(at, grades, [rule for sign in signs for rule in rules(sign, tuple(grades))]))
    return made


def rules(sign: str, scales: tuple[str, ...] = SCALES) -> list[Rule]:
    """What each scale says of a sign; scales that say the same in one rule, none where all do."""
    said: dict[str, list[str]] = {}
    for scale in scales:
        said.setdefault(words(scale)[sign], []).append(scale)
    if len(said) == 1:
        return []
    return [Rule(sign, text, names, {name: evidence_of(name, sign) for name in names}) for text, names in said.items()]


def agreement(con: duckdb.DuckDBPyConnection) -> list[Agreement]:
    """Every pair of scales over all patients of a connection that holds the plan's steps."""
    columns = ", ".join(
        f"coalesce(max({bound}) filter (scale = '{scale}'), 0) as {_column(scale, side)}"
        for scale in SCALES
        for bound, side in (("peak_at_least", "low"), ("peak_at_most", "high"))
    )
    con.execute(
        f"create or replace temp table peaks as select people.patient, {columns} from people "
        "left join (select * from episodes where syndrome = 'crs') using (patient) group by people.patient"
    )
    return [_pair(con, first, second) for first, second in combinations(SCALES, 2)]


def _column(scale: str, side: str) -> str:
    """A scale's bound as the name of a column."""
    return f'"{scale} {side}"'


def _pair(con: duckdb.DuckDBPyConnection, first: str, second: str) -> Agreement:
    """Two scales over all patients, and over those whose grades are sure."""
    low, other = _column(first, "low"), _column(second, "low")
    sure = f"{low} = {_column(first, 'high')} and {other} = {_column(second, 'high')}"
    tables = []
    for where in ("true", sure):
        counts = [[0] * GRADES for _ in range(GRADES)]
        for row in _rows(con, f"select {low} as a, {other} as b, count(*) as n from peaks where {where} group by all"):
            counts[int(row["a"])][int(row["b"])] = int(row["n"])
        tables.append(of_counts(first, second, counts))
    return msgspec.structs.replace(tables[0], sure=tables[1])


def of_counts(first: str, second: str, counts: list[list[int]]) -> Agreement:
    """Agreement of two scales from the table of their grades."""
    cells = {(a, b): n for a, row in enumerate(counts) for b, n in enumerate(row)}
    n = sum(cells.values())
    same = sum(count for (a, b), count in cells.items() if a == b)
    lower = sum(count for (a, b), count in cells.items() if a < b)
    percent = round(100 * same / n, 1) if n else None
    return Agreement(first, second, n, same, lower, n - same - lower, percent, weighted_kappa(cells), counts)


def weighted_kappa(cells: Mapping[tuple[int, int], int]) -> float | None:
    """Cohen's kappa with linear weights (Cohen 1968): 1 less observed over expected disagreement."""
    n = sum(cells.values())
    rows, columns = [0] * GRADES, [0] * GRADES
    for (a, b), count in cells.items():
        rows[a] += count
        columns[b] += count
    observed = n * sum(abs(a - b) * count for (a, b), count in cells.items())
    expected = sum(abs(a - b) * rows[a] * columns[b] for a in range(GRADES) for b in range(GRADES))
    return round(1 - observed / expected, 3) if expected else None


def _rows(con: duckdb.DuckDBPyConnection, sql: str, *values: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    found: list[dict[str, Any]] = con.sql(sql, params=list(values)).to_arrow_table().to_pylist()
    return found
