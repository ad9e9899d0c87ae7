"""Grades that the record documents, beside ours: where they agree, where not, and which findings ours rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

import duckdb
import msgspec
import pyarrow as pa

from leeward.cohort.answer import Because, Grade, answer, by_patient, instant, units, when
from leeward.cohort.bedside import Bedside
from leeward.cohort.courses import Tell, graded
from leeward.cohort.engine import Question
from leeward.record.schema import FINDING
from leeward.record.spool import Record
from leeward.scales import astct_2019_crs, astct_2019_icans
from leeward.scales.course import GRADINGS

Verdict = Literal["agree", "disagree", "cannot tell"]
DOCUMENTED = {"documented-crs-grade": "crs", "documented-icans-grade": "icans"}
NAMES = {"crs": "CRS", "icans": "ICANS"}
_ROWS = 10_000


class Documented(msgspec.Struct, frozen=True):
    """A grade as the record documents it; `grade` null: the record says that there was one, and not which."""

    grade: int | None
    at: datetime
    until: datetime | None
    source: str | None
    place: str | None


class Computed(msgspec.Struct, frozen=True):
    """Our range for the same time: the peak of a stretch, and when it was reached, or what held at a moment."""

    scale: str
    at_least: int
    at_most: int
    at: datetime


class Comparison(msgspec.Struct, frozen=True):
    """One documented grade beside ours; `because` holds the findings behind ours where the two do not agree."""

    patient: str
    syndrome: str
    documented: Documented
    computed: Computed | None
    verdict: Verdict
    reasons: list[str]
    because: list[Because]


def comparisons(record: Record, question: Question, *, tell: Tell | None = None) -> Iterator[Comparison]:
    """Every documented grade of a record beside ours, patient by patient, in order of time."""
    yield from compared(graded(record, question, tell=tell, reasons=False), question)


def compared(con: duckdb.DuckDBPyConnection, question: Question) -> Iterator[Comparison]:
    """The same, where the plan has run: `con` holds its steps as tables.

    A grade documented over a stretch is compared with our peak within it; one documented at a moment with what held
    then; a coded diagnosis without an end with our peak from the dose before it to the next dose.
    """
    for name, sql in (("documented", _documented()), ("beside", _beside()), ("disputed", _disputed())):
        con.execute(f"create or replace table {name} as {sql}")
    bedside: Bedside | None = None
    findings = _by_patient(con, "disputed", "at_s, quantity, place")
    ahead: tuple[str, list[dict[str, Any]]] | None = None
    for patient, rows in _by_patient(con, "beside", "at_s, syndrome, high, place"):
        while ahead is None or ahead[0] < patient:
            ahead = next(findings)
        for row in rows:
            verdict = _verdict(row)
            ours = None
            if verdict != "agree" and row["at_least"] is not None:
                bedside = bedside or Bedside(room_air=question.room_air)
                ours = _ours(bedside, patient, ahead[1], row, question)
            yield _comparison(row, verdict, ours)


def _documented() -> str:
    """SQL: the documented grades, and the stretch of our course that each is compared with."""
    quantities = ", ".join(f"'{name}'" for name in DOCUMENTED)
    syndrome = " ".join(f"when '{name}' then '{syndrome}'" for name, syndrome in DOCUMENTED.items())
    coded = "k.until_s is null and k.measured_until is null and lower(k.record) like 'condition%'"
    last = "(select max(dose_s) from doses d where d.patient = k.patient and d.dose_s <= k.at_s)"
    after = "(select min(dose_s) from doses d where d.patient = k.patient and d.dose_s > k.at_s)"
    return (
        f"select k.patient, p.who, case k.quantity {syndrome} end as syndrome, "
        f"k.at_s, k.until_s, k.low, k.high, k.source, k.place, "
        f"case when {coded} then coalesce({last}, k.at_s) else k.at_s end as from_s, "
        f"case when {coded} then coalesce({after} - 1, p.as_of_s) when k.measured_until is null then k.at_s "
        f"else greatest(coalesce(k.until_s, p.as_of_s) - 1, k.at_s) end as to_s "
        f"from known k left join people p on p.patient = k.patient where k.quantity in ({quantities})"
    )


def _beside() -> str:
    """SQL: each documented grade with our range; over a stretch, what nobody charted does not raise the upper bound."""
    # The highest range first, of equal ones the earliest: grades are small, seconds since 1970 have ten digits.
    height = "(c.at_least * 10 + c.at_most * c.charted) * 1000000000000"
    scales = {limits.scale for limits in (astct_2019_crs.limits(), astct_2019_icans.limits())}
    named = ", ".join(f"({n}, '{one}', '{scale}')" for n, (one, scale) in enumerate(GRADINGS) if scale in scales)
    return (
        "with course_ as (select who, syndrome, scale, at_s, at_least, at_most, charted, "
        "lead(at_s) over (partition by who, grading order by at_s) as next_s "
        f"from graded join (values {named}) as named(grading, syndrome, scale) using (grading)) "
        "select any_value(c.scale) as scale, max(c.at_least) as at_least, "
        "greatest(max(c.at_least), coalesce(max(c.at_most) filter (where c.charted = 1), max(c.at_most))) as at_most, "
        f"arg_max(greatest(c.at_s, d.from_s), {height} - c.at_s) as peak_s, "
        "d.* exclude (from_s, to_s) from (select *, row_number() over () as number_ from documented) d "
        "left join course_ c on c.who = d.who and c.syndrome = d.syndrome and c.at_s <= d.to_s "
        "and (c.next_s > d.from_s or c.next_s is null) group by all"
    )


def _disputed() -> str:
    """SQL: what is known of the patients with a documented grade, as if it had reached us when it was measured."""
    late = ("reported_at", "received_at")
    columns = ", ".join(f"null::timestamptz as {name}" if name in late else name for name in FINDING.names)
    return f"select {columns}, at_s from known where patient in (select patient from documented)"


def _by_patient(con: duckdb.DuckDBPyConnection, table: str, order: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows of a table in order of patients, one patient at a time."""
    # A cursor of its own: two tables are read side by side.
    batches = con.cursor().sql(f"select * from {table} order by patient collate c, {order}").to_arrow_reader(_ROWS)
    rows = (row for batch in batches for row in batch.to_pylist())
    for patient, mine in groupby(rows, key=lambda row: row["patient"]):
        yield patient, list(mine)


def _verdict(row: dict[str, Any]) -> Verdict:
    """Agreement is certain only where our range is one grade, or lies within what the record leaves open."""
    low, high = row["at_least"], row["at_most"]
    if low is None:
        return "cannot tell"
    if high < row["low"] or low > row["high"]:
        return "disagree"
    return "agree" if row["low"] <= low and high <= row["high"] else "cannot tell"


def _ours(
    bedside: Bedside, patient: str, findings: list[dict[str, Any]], row: dict[str, Any], question: Question
) -> Grade:
    """Our grade at the moment compared, with what is missing and the findings it rests on."""
    columns = [{name: finding[name] for name in FINDING.names} for finding in findings]
    then = msgspec.structs.replace(question, as_of=when(row["peak_s"]))
    rows = by_patient(bedside.tables(pa.Table.from_pylist(columns, FINDING), then))
    return answer(patient, rows[patient], then, {}, units()).now[row["syndrome"]]


def _comparison(row: dict[str, Any], verdict: Verdict, ours: Grade | None) -> Comparison:
    """One row as a comparison, with the verdict in words."""
    named = row["low"] == row["high"]
    return Comparison(
        patient=row["patient"],
        syndrome=row["syndrome"],
        documented=Documented(
            int(row["low"]) if named else None, when(row["at_s"]), instant(row["until_s"]), row["source"], row["place"]
        ),
        computed=None
        if row["at_least"] is None
        else Computed(row["scale"], row["at_least"], row["at_most"], when(row["peak_s"])),
        verdict=verdict,
        reasons=_reasons(row, verdict, ours),
        because=ours.because if ours is not None else [],
    )


def _reasons(row: dict[str, Any], verdict: Verdict, ours: Grade | None) -> list[str]:
    """Why there is this verdict, in words."""
    name = NAMES[row["syndrome"]]
    if row["who"] is None:
        return ["no trigger on record: nothing is graded"]
    if row["at_least"] is None:
        return ["documented before the therapy: graded only from it on"]
    said = (
        [] if row["low"] == row["high"] else [f"the record names no grade: only whether there was {name} is compared"]
    )
    if verdict == "disagree":
        said.append(
            f"ours is {'lower' if row['at_most'] < row['low'] else 'higher'}: {in_words(row)}, {_documented_as(row)}"
        )
        said.append(f"the record does not say on which scale it was graded; ours is {row['scale']}")
    if verdict == "cannot tell":
        said.append(f"ours is a range, {in_words(row)}, {_documented_as(row)}")
    if ours is not None and ours.missing:
        said.append(f"not known: {', '.join(ours.missing)}")
    return said


def in_words(row: Mapping[str, Any]) -> str:
    """Our range in words."""
    low, high = row["at_least"], row["at_most"]
    return f"{low}" if low == high else f"{low} to {high}"


def _documented_as(row: Mapping[str, Any]) -> str:
    return f"documented {row['low']:g}" if row["low"] == row["high"] else "documented without a grade"
