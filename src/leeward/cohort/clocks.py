"""Whose clock is off, and whose grade would be another if it were: every source's clock set ahead and back in turn."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import msgspec
import pyarrow as pa

from leeward.cohort.engine import Question, connect, run
from leeward.knowledge import load
from leeward.knowledge.vocabulary import Tolerance


class Skew(msgspec.Struct, frozen=True):
    """How the clock of a source stands to the one of whoever received: what came in before it was measured is ahead.

    Seconds from measuring to receiving, of so many findings; None where none says when it was received.
    """

    source: str | None
    findings: int
    median_s: float | None
    least_s: float | None


class TimeSensitive(msgspec.Struct, frozen=True):
    """A grade that would be another with a source's clock so many minutes ahead of its own times (below 0: behind).

    `what`: the grade now, or the peak of the course. `was`, `would_be`: at least, at most; None: nothing is graded.
    """

    patient: str
    syndrome: str
    what: str
    source: str
    minutes: int
    was: tuple[int, int] | None
    would_be: tuple[int, int] | None


_SKEWS = """
    select source, count(received_at), median(late_s), min(late_s)
    from (select *, epoch_us(received_at) / 1e6 - epoch_us(measured_at) / 1e6 as late_s from findings)
    group by source order by source
"""
_SHIFTED = """
    create table findings as
    with sources as (select distinct patient, coalesce(source, '') as clock from given),
    asked as (
        select patient, '' as clock, 0 as minutes from sources group by patient having count(*) > 1
        union all
        select patient, clock, minutes from sources cross join (select unnest(?::int[]) as minutes)
        where patient in (select patient from sources group by patient having count(*) > 1)
    )
    select given.* replace (
        given.patient || chr(31) || clock || chr(31) || minutes as patient,
        measured_at + to_minutes(case when coalesce(source, '') = clock then minutes else 0 end) as measured_at,
        measured_until + to_minutes(case when coalesce(source, '') = clock then minutes else 0 end) as measured_until
    ) from given join asked using (patient)
"""
_GRADES = """
    select split(patient, chr(31)) as of, syndrome, 'now' as what, at_least, at_most from (
        select patient, syndrome, arg_max(at_least, at_s) as at_least, arg_max(at_most, at_s) as at_most
        from course group by patient, syndrome)
    union all
    select split(patient, chr(31)), syndrome, 'peak', max(at_least), max(at_most) from course group by patient, syndrome
"""
Range = tuple[int, int]


def skews(findings: pa.Table) -> list[Skew]:
    """How the clock of each source of a record (FINDING) stands."""
    con = _with(findings, "findings")
    return [Skew(*row) for row in con.execute(_SKEWS).fetchall()]


def time_sensitive(findings: pa.Table, question: Question) -> Iterator[TimeSensitive]:
    """Every grade of a record (FINDING) that rests on clocks agreeing to within the minutes of knowledge/door.toml.

    Each source of a patient is set ahead and back by every whole minute up to there, alone. A patient with one source
    has one clock, and is not asked about.
    """
    most = int(load("door", Tolerance).skew.minutes)
    con = _with(findings, "given")
    con.execute(_SHIFTED, [[minutes for minutes in range(-most, most + 1) if minutes]])
    run(con, question, reasons=False)
    grades: dict[tuple[str, str, str], dict[tuple[str, int], Range]] = {}
    for (patient, clock, minutes), syndrome, what, low, high in con.execute(_GRADES).fetchall():
        grades.setdefault((patient, syndrome, what), {})[clock, int(minutes)] = (low, high)
    for (patient, syndrome, what), by in sorted(grades.items()):
        was = by.get(("", 0))
        for clock, minutes in sorted(by, key=lambda key: (key[0], abs(key[1]), key[1])):
            if by[clock, minutes] != was:
                yield TimeSensitive(patient, syndrome, what, clock, minutes, was, by[clock, minutes])


def _with(findings: pa.Table, name: str) -> duckdb.DuckDBPyConnection:
    """A connection that holds a record's findings under a name."""
    con = connect()
    con.register(name, findings)
    return con
