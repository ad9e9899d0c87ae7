"""One patient at the bedside (SQLite) is answered as in a cohort (DuckDB), on every scale, score and look-alike."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from ibis.common.exceptions import OperationNotDefinedError

from leeward.cohort import lookalikes, parts, watching
from leeward.cohort.bedside import Bedside, Rows, names
from leeward.cohort.bedside_sql import sql
from leeward.cohort.engine import Question, connect, run
from leeward.record.read import read
from leeward.record.schema import FINDING
from leeward.scales.older_crs import SCALES
from tests.cases.parse import START, THERAPY, finding
from tests.engines.mixed_patients import case_patients, patient, patients
from tests.properties.test_course import aged, ages, records

EVERYTHING = Question(scales=SCALES, scores=True)
FIRST = "all that is known"
ASKED = {
    FIRST: EVERYTHING,
    "as of day 4": Question(scales=SCALES, scores=True, as_of=START + timedelta(days=4)),
    "therapy assumed, room air declared": Question(
        scales=SCALES, scores=True, assumed_trigger=START + timedelta(hours=6), room_air=True
    ),
    "therapy assumed at a setting": Question(scales=SCALES, scores=True, assumed_setting="icu"),
}


@cache
def bedside(*, room_air: bool) -> Bedside:
    """One warm bedside for all tests that ask for everything."""
    return Bedside(room_air=room_air, scales=SCALES, scores=True, lookalikes=True, watched=True, parts=True)


def cohort(findings: pa.Table, question: Question) -> Rows:
    """The rows of every answer step on DuckDB."""
    con = connect()
    con.register("findings", findings)
    run(con, question)
    lookalikes.run(con, question)
    watching.run(con, question)
    for name, statement in parts.compiled():
        con.execute(f"create or replace table {name} as {statement}")
    wanted = names(scales=SCALES, scores=True, lookalikes=True, watched=True, parts=True)
    return {name: con.sql(f"select * from {name}").to_arrow_table().to_pylist() for name in wanted}


def plain(rows: Iterable[dict[str, Any]], without: str = "") -> list[str]:
    """Rows in a fixed order, to the last bit and with their types."""
    return sorted(repr([(name, _plain(value)) for name, value in row.items() if name != without]) for row in rows)


def _plain(value: Any) -> Any:
    """A value as both engines mean it: DuckDB's sums of whole numbers are decimals, its UTC has another name."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return int(value) if isinstance(value, Decimal) else value


def same(findings: pa.Table, question: Question) -> None:
    """Every step answers alike."""
    expected = cohort(findings, question)
    got = bedside(room_air=question.room_air).tables(findings, question)
    assert set(got) == set(expected)
    for name, rows in expected.items():
        assert plain(got[name]) == plain(rows), name


@pytest.mark.parametrize(
    "asked", [asked if asked == FIRST else pytest.param(asked, marks=pytest.mark.slow) for asked in ASKED]
)
def test_case_tables(asked: str) -> None:
    """Every patient of every case table, as known at several moments and under several assumptions."""
    same(case_patients(), ASKED[asked])


def test_samples() -> None:
    """Every bundled patient, one at a time."""
    folder = Path(str(resources.files("leeward.samples")))
    files = sorted(folder.glob("*.csv"))
    tables = {file.stem: read(file).findings for file in files}
    expected = cohort(pa.concat_tables(list(tables.values())), EVERYTHING)
    assert len(tables) >= 12
    for findings in tables.values():
        who = findings.column("patient")[0].as_py()
        got = bedside(room_air=False).tables(findings, EVERYTHING)
        for name, rows in expected.items():
            mine = [row for row in rows if row["patient"] == who]
            assert plain(got[name], without="who") == plain(mine, without="who"), (who, name)


def test_mixed_patients() -> None:
    """Values at each threshold in any company, open to one side, late, corrected and withdrawn."""
    same(patients(range(100)), ASKED[FIRST])
    same(patients(range(332, 333)), EVERYTHING)  # a range open upwards over one open downwards


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 700, 50))
def test_many_mixed_patients(first: int) -> None:
    """As `test_mixed_patients`, for many more."""
    asked = list(ASKED.values())
    same(patients(range(first, first + 50)), asked[first // 50 % len(asked)])


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(records, ages)
def test_drawn_patients(findings: list[dict[str, Any]], age: float | None) -> None:
    """Whatever is charted, one patient alone."""
    same(pa.Table.from_pylist(aged(findings, age), FINDING), EVERYTHING)


def test_nothing_stays_behind() -> None:
    """The next patient's answer holds nothing of the last one, also where the last could not be answered."""
    warm = bedside(room_air=False)
    first, second = (pa.Table.from_pylist(patient(seed), FINDING) for seed in (1, 2))
    alone = warm.tables(second, EVERYTHING)
    warm.tables(first, EVERYTHING)
    place = FINDING.get_field_index("low")
    odd = pa.array([None] * 4 + [Decimal(1)] * (len(first) - 4))
    with pytest.raises(sqlite3.ProgrammingError):
        warm.tables(first.set_column(place, "low", odd), EVERYTHING)
    assert warm.tables(second, EVERYTHING) == alone


def test_no_finding_no_row() -> None:
    """Without findings every step is empty."""
    empty = pa.Table.from_pylist([], FINDING)
    assert not any(bedside(room_air=False).tables(empty, EVERYTHING).values())


@pytest.mark.parametrize("limit", [38.0, 0.1, 0.3, 2.675, 500.0, 0.5, 1e-9, 96.8])
def test_numbers_are_read_to_the_last_bit(limit: float) -> None:
    """A number and its neighbours are written into a statement so that SQLite reads the very same numbers."""
    con = sqlite3.connect(":memory:")
    con.execute("create table rows (one)")
    con.execute("insert into rows values (1)")
    rows = ibis.table({"one": "int64"}, name="rows")
    for number in (math.nextafter(limit, -math.inf), limit, math.nextafter(limit, math.inf)):
        statement = sql(rows.select(number=ibis.literal(number, "float64")))
        assert con.execute(statement).fetchone() == (number,), statement
    con.close()


def test_what_was_not_compared_is_refused() -> None:
    """An operation that might mean something else on SQLite stops the start, not the answer."""
    rows = ibis.table({"word": "string", "number": "float64"}, name="rows")
    for step in (rows.mutate(up=rows.word.upper()), rows.mutate(root=rows.number.ln()),
                 rows.mutate(text=rows.number.cast("string"))):  # fmt: skip
        with pytest.raises(OperationNotDefinedError):
            sql(step)


def test_an_open_side_ends_with_its_scale() -> None:
    """An ICE score "under 5" begins at 0; an oxygen fraction "over 0.5" is no more than pure oxygen."""
    at = START + timedelta(hours=24)
    about = {"status": "final", "revised": False, "source": "test", "patient": "p"}
    charted = [
        finding("trigger", START, THERAPY), finding("age-years", START, 45.0),
        finding("ice-score", at, 5.0) | {"low": -math.inf}, finding("pao2", at, 60.0),
        finding("fio2", at, 0.5) | {"high": math.inf},
    ]  # fmt: skip
    findings = pa.Table.from_pylist([{**about, **one} for one in charted], FINDING)
    same(findings, EVERYTHING)
    rows = bedside(room_air=False).tables(findings, EVERYTHING)
    now = [(row["at_least"], row["at_most"]) for row in rows["now"] if row["syndrome"] == "icans"]
    assert now == [(2, 4)]


def test_equal_infusions_charted_twice_are_one() -> None:
    """A stretch that stands twice on record is not joined to one that ended hours before."""
    about = {"status": "final", "revised": False, "source": "test", "patient": "p"}
    hours = [(20, 24), *((40 + 10 * place, 44 + 10 * place) for place in range(12))]
    charted = [finding("trigger", START, THERAPY), finding("age-years", START, 45.0)]
    for begin, end in hours:
        ran = finding("norepinephrine", START + timedelta(hours=begin), 5.0, START + timedelta(hours=end))
        charted += [ran, ran, ran]
    findings = pa.Table.from_pylist([{**about, **one} for one in charted], FINDING)
    con = connect()
    con.register("findings", findings)
    run(con, Question())
    begin_s = int(START.timestamp())
    found = con.sql(f"select (from_s - {begin_s}) // 3600, (until_s - {begin_s}) // 3600 from ran_surely order by 1")
    assert found.fetchall() == hours
