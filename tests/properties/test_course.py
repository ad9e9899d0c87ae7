"""What must hold of every course, whatever was charted."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leeward.cohort.bedside import Bedside
from leeward.cohort.engine import Question, connect, run, tables
from leeward.cohort.plan import COURSES, REASONS
from leeward.record.schema import FINDING

START = datetime(2024, 1, 10, tzinfo=UTC)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def around(*limits: float) -> list[float]:
    """Each limit with its two neighbouring floats: plain random floats miss a changed comparison."""
    return [
        near for limit in limits for near in (math.nextafter(limit, -math.inf), limit, math.nextafter(limit, math.inf))
    ]


TEMPERATURES = [36.5, *around(38.0), 38.9, 40.1]
PRESSURES = [55.0, *around(60.0, 70.0, 80.0, 90.0), 120.0]
FLOWS = [0.0, 2.0, *around(6.0), 15.0]
DEVICES = [
    "room-air",
    "nasal-cannula",
    "blow-by",
    "high-flow-nasal-cannula",
    "simple-mask",
    "non-rebreather",
    "cpap",
    "ventilator",
    "unrecognised",
]
DRUGS = ["tocilizumab", "acetaminophen", "dexamethasone"]
VASOPRESSORS = ["norepinephrine", "epinephrine", "vasopressin", "dobutamine"]


def finding(
    quantity: str,
    hours: float,
    value: float | None = None,
    text: str | None = None,
    until: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One row of findings, `hours` after the start."""
    return {
        "patient": "p", "quantity": quantity, "measured_at": START + timedelta(hours=hours),
        "measured_until": None if until is None else START + timedelta(hours=until), "low": value, "high": value,
        "text": text, "status": "final", "revised": False, "source": "test", **more,
    }  # fmt: skip


THERAPY = finding("trigger", 0, text="tisagenlecleucel")
hour = st.integers(0, 4 * 24 * 4).map(lambda quarter: quarter / 4)


@st.composite
def infusions(draw: st.DrawFn) -> dict[str, Any]:
    """A vasopressor, sometimes without an end, sometimes at rate zero."""
    begin = draw(hour)
    length = draw(st.sampled_from([None, 0.5, 1.0, 3.0, 30.0]))
    until = None if length is None else begin + length
    return finding(draw(st.sampled_from(VASOPRESSORS)), begin, draw(st.sampled_from([5.0, 0.0])), until=until)


@st.composite
def marks(draw: st.DrawFn) -> dict[str, Any]:
    """A clinician's mark over a stretch."""
    begin = draw(hour)
    component = draw(st.sampled_from(["fever", "hypotension", "hypoxia", "neurological"]))
    return finding(
        "attribution", begin, text=f"{component}=infection", until=begin + draw(st.sampled_from([1.0, 24.0]))
    )


one_finding = st.one_of(
    st.builds(lambda at, value: finding("body-temperature", at, value), hour, st.sampled_from(TEMPERATURES)),
    st.builds(lambda at, value: finding("systolic-bp", at, value), hour, st.sampled_from(PRESSURES)),
    st.builds(lambda at, word: finding("oxygen-device", at, text=word), hour, st.sampled_from(DEVICES)),
    st.builds(lambda at, value: finding("oxygen-flow", at, value), hour, st.sampled_from(FLOWS)),
    st.builds(lambda at, drug: finding(drug, at, 500.0), hour, st.sampled_from(DRUGS)),
    st.builds(lambda at, score: finding("ice-score", at, float(score)), hour, st.integers(0, 10)),
    st.builds(
        lambda at, word: finding("consciousness", at, text=word),
        hour,
        st.sampled_from(["alert", "voice", "unarousable"]),
    ),
    infusions(),
    marks(),
)
records = st.lists(one_finding, min_size=1, max_size=25)
ages = st.sampled_from([None, 0.01, 0.5, 3.0, 10.9, 11.0, 45.0])


def aged(findings: list[dict[str, Any]], age: float | None) -> list[dict[str, Any]]:
    """A record with its therapy, and an age where there is one."""
    return [THERAPY, *([] if age is None else [finding("age-years", 0, age)]), *findings]


@cache
def bedside() -> Bedside:
    """One warm plan for all examples."""
    return Bedside()


def course(findings: list[dict[str, Any]], as_of: datetime | None = None) -> dict[str, Any]:
    """The plan's answer rows in a fixed order."""
    rows = bedside().tables(pa.Table.from_pylist(findings, FINDING), Question(as_of=as_of))
    return {name: sorted(map(str, rows[name])) for name in (*COURSES, *REASONS)}


def bounds(findings: list[dict[str, Any]]) -> dict[tuple[str, int], tuple[int, int]]:
    """The range of each syndrome at every change of the course."""
    rows = bedside().tables(pa.Table.from_pylist(findings, FINDING), Question())["course"]
    return {(row["syndrome"], row["at_s"]): (row["at_least"], row["at_most"]) for row in rows}


def held(changes: dict[tuple[str, int], tuple[int, int]], syndrome: str, at_s: int) -> tuple[int, int] | None:
    """The range that held at a second."""
    before = [at for name, at in changes if name == syndrome and at <= at_s]
    return changes[syndrome, max(before)] if before else None


@FEW
@given(records, ages, st.randoms(use_true_random=False))
def test_20_order_and_duplicates_change_nothing(
    findings: list[dict[str, Any]], age: float | None, chance: random.Random
) -> None:
    """The same findings in any order, some of them twice, give the same answer."""
    record = aged(findings, age)
    again = [*record, *chance.sample(record, len(record) // 2)]
    chance.shuffle(again)
    assert course(again) == course(record)


@FEW
@given(records, ages)
def test_bounds_never_invert(findings: list[dict[str, Any]], age: float | None) -> None:
    """at_least is never above at_most, in the course and in the peaks, and grades stay within the scale."""
    rows = bedside().tables(pa.Table.from_pylist(aged(findings, age), FINDING), Question())
    for row in rows["course"]:
        assert 0 <= row["at_least"] <= row["at_most"] <= 5
    for row in rows["episodes"]:
        assert 0 <= row["peak_at_least"] <= row["peak_at_most"] <= 5
        assert row["onset_s"] <= row["peak_s"] <= row["as_of_s"]
        assert row["resolved_s"] is None or row["onset_s"] < row["resolved_s"] <= row["as_of_s"]


@FEW
@given(
    records, st.sampled_from(["body-temperature", "systolic-bp", "oxygen-device", "age-years", "ice-score"]), st.data()
)
def test_10_learning_a_missing_value_only_narrows(
    findings: list[dict[str, Any]], quantity: str, data: st.DataObject
) -> None:
    """A value that was missing at a moment, once known, never moves the range outside what it was."""
    at = 96.0
    kept = [
        one
        for one in findings
        if one["quantity"] != quantity and not (quantity == "oxygen-device" and one["quantity"] == "oxygen-flow")
    ]
    kept = [one for one in kept if not (quantity == "ice-score" and one["quantity"] in ("consciousness", "capd-score"))]
    age = None if quantity == "age-years" else 45.0
    values = {
        "body-temperature": TEMPERATURES,
        "systolic-bp": PRESSURES,
        "age-years": [0.01, 0.5, 3.0, 45.0],
        "ice-score": [0.0, 1.0, 5.0, 10.0],
    }
    learnt = (
        finding(quantity, at, text=data.draw(st.sampled_from(DEVICES)))
        if quantity == "oxygen-device"
        else finding(quantity, at, data.draw(st.sampled_from(values[quantity])))
    )
    anchor = finding("heart-rate", at, 80.0)
    at_s = int((START + timedelta(hours=at)).timestamp())
    before, after = bounds([*aged(kept, age), anchor]), bounds([*aged(kept, age), anchor, learnt])
    for syndrome in ("crs", "icans"):
        was, became = held(before, syndrome, at_s), held(after, syndrome, at_s)
        assert was is not None
        assert became is not None
        assert was[0] <= became[0] <= became[1] <= was[1], (syndrome, was, became)


@FEW
@given(records, ages, st.integers(1, 95))
def test_21_late_arrival_changes_only_what_was_known_then(
    findings: list[dict[str, Any]], age: float | None, hours: int
) -> None:
    """As of a moment, what reached us later is as if it had not happened; in the end it matters not when it came."""
    moment = START + timedelta(hours=hours)
    record = aged(findings, age)
    late = [
        {**one, "received_at": moment + timedelta(hours=1)} if one["measured_at"] > START else one for one in record
    ]
    unknown = [one for one in record if one["measured_at"] <= START]
    assert course(late, moment) == course(unknown, moment)
    assert course(late) == course(record)


@FEW
@given(records, ages)
def test_a_patient_is_a_cohort_of_one(findings: list[dict[str, Any]], age: float | None) -> None:
    """The prepared plan of one patient and the plan of a cohort answer alike, whoever else is in the cohort."""
    record = pa.Table.from_pylist(aged(findings, age), FINDING)
    others = [{**one, "patient": f"{name}"} for name in ("a", "z") for one in aged(findings[: len(findings) // 2], 3.0)]
    con = connect()
    con.register("findings", pa.concat_tables([record, pa.Table.from_pylist(others, FINDING)]))
    run(con, Question())
    alone = bedside().tables(record, Question())
    for name, rows in tables(con).items():
        mine = [row for row in rows if row["patient"] == "p"]
        drop = "who"
        assert sorted(str({k: v for k, v in row.items() if k != drop}) for row in mine) == sorted(
            str({k: v for k, v in row.items() if k != drop}) for row in alone[name]
        ), name


@pytest.mark.parametrize("temperature", around(38.0))
def test_06_the_fever_limit_and_its_neighbouring_floats(temperature: float) -> None:
    """38.0 is fever, the float just below is not."""
    rows = bounds(
        aged(
            [
                finding("body-temperature", 24, temperature),
                finding("systolic-bp", 24, 120),
                finding("oxygen-device", 24, text="room-air"),
            ],
            45,
        )
    )
    grade = 1 if temperature >= 38.0 else 0
    assert held(rows, "crs", int((START + timedelta(hours=24)).timestamp())) == (grade, grade)


@pytest.mark.parametrize(
    ("age", "limit"), [(0.05, 60.0), (0.5, 70.0), (1.0, 72.0), (5.0, 80.0), (10.0, 90.0), (11.0, 90.0), (45.0, 90.0)]
)
def test_06_the_pressure_limits_and_their_neighbouring_floats(age: float, limit: float) -> None:
    """Below the limit of the age is hypotension; at it, and at the float just above, is not."""
    for pressure in around(limit):
        rows = bounds(
            aged(
                [
                    finding("body-temperature", 24, 39.0),
                    finding("systolic-bp", 24, pressure),
                    finding("oxygen-device", 24, text="room-air"),
                ],
                age,
            )
        )
        grade = 2 if pressure < limit else 1
        assert held(rows, "crs", int((START + timedelta(hours=24)).timestamp())) == (grade, grade), pressure
