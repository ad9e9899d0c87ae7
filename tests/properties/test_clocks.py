"""Row 19: a clock up to five minutes off leaves the grade as it is, or the grade is reported as time-sensitive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
from hypothesis import event, given, settings
from hypothesis import strategies as st

from leeward.cohort.clocks import Skew, TimeSensitive, skews, time_sensitive
from leeward.cohort.engine import Question
from leeward.record.schema import FINDING

from .test_course import FEW, START, THERAPY, bedside, finding, one_finding

Rows = list[dict[str, Any]]
SOURCES = ("chart", "monitor")


def grades(findings: Rows) -> dict[tuple[str, str], tuple[int, int]]:
    """The range now and at the peak, of each syndrome."""
    rows = bedside().tables(pa.Table.from_pylist(findings, FINDING), Question())["course"]
    made = {}
    for syndrome in {row["syndrome"] for row in rows}:
        mine = sorted((row for row in rows if row["syndrome"] == syndrome), key=lambda row: row["at_s"])
        made[syndrome, "now"] = (mine[-1]["at_least"], mine[-1]["at_most"])
        made[syndrome, "peak"] = (max(row["at_least"] for row in mine), max(row["at_most"] for row in mine))
    return made


def moved(findings: Rows, source: str, minutes: float) -> Rows:
    """The same record, one source's clock so far ahead."""
    by = timedelta(minutes=minutes)
    return [
        row | {"measured_at": row["measured_at"] + by,
               "measured_until": row["measured_until"] and row["measured_until"] + by}
        if row["source"] == source else row
        for row in findings
    ]  # fmt: skip


def reported(findings: Rows) -> set[tuple[str, str, str, int]]:
    """What is reported as time-sensitive: syndrome, now or peak, whose clock, how far off."""
    found = time_sensitive(pa.Table.from_pylist(findings, FINDING), Question())
    return {(one.syndrome, one.what, one.source, one.minutes) for one in found}


def of(source: str, row: dict[str, Any], minute: int) -> dict[str, Any]:
    """A finding of a source within one hour, so that the order of two sources' values hangs on minutes."""
    by = START + timedelta(hours=20, minutes=minute) - row["measured_at"]
    moved_ = {name: row[name] and row[name] + by for name in ("measured_at", "measured_until")}
    return row | moved_ | {"source": source}


one = st.builds(of, st.sampled_from(SOURCES), one_finding, st.integers(0, 40))
two_sources = st.lists(one, min_size=4, max_size=12).map(
    lambda rows: [THERAPY | {"source": "chart"}, finding("age-years", 0, 45.0, source="chart"), *rows]
)


@settings(FEW, max_examples=8)
@given(two_sources)
def test_19_a_clock_up_to_five_minutes_off_changes_no_grade_that_is_not_reported(findings: Rows) -> None:
    """Graded anew with one source's times moved, each grade is what it was, or was reported; and nothing else was."""
    before = grades(findings)
    changed = {
        (*key, source, minutes)
        for source in SOURCES if {row["source"] for row in findings} == set(SOURCES)
        for minutes in range(-5, 6)
        for key, held in grades(moved(findings, source, minutes)).items() if held != before.get(key)
    }  # fmt: skip
    event(f"some changed: {bool(changed)}")
    assert reported(findings) == changed


def test_19_values_far_apart_are_not_time_sensitive() -> None:
    """Where nothing of two sources lies within minutes, no clock matters."""
    findings = [
        THERAPY | {"source": "chart"}, finding("age-years", 0, 45.0, source="chart"),
        finding("oxygen-device", 20, text="room-air", source="chart"),
        finding("body-temperature", 20.5, 38.6, source="monitor"),
        finding("systolic-bp", 21, 84.0, source="monitor"),
        finding("oxygen-device", 22, text="nasal-cannula", source="chart"),
        finding("oxygen-flow", 22, 2.0, source="chart"),
    ]  # fmt: skip
    assert grades(findings)["crs", "now"] == (2, 2)
    assert reported(findings) == set()


def test_19_a_fever_minutes_before_the_drug_that_hides_it_is_reported() -> None:
    """Tocilizumab charted three minutes after the fever waives fever later; before the onset it does not."""
    findings = [
        THERAPY | {"source": "chart"}, finding("age-years", 0, 45.0, source="chart"),
        finding("oxygen-device", 20, text="room-air", source="monitor"),
        finding("body-temperature", 20, 38.6, source="monitor"),
        finding("systolic-bp", 20, 120.0, source="monitor"),
        finding("tocilizumab", 20.05, 560.0, source="chart"),
        finding("body-temperature", 22, 36.8, source="monitor"),
        finding("systolic-bp", 22, 84.0, source="monitor"),
        finding("oxygen-device", 22, text="room-air", source="monitor"),
    ]  # fmt: skip
    found = list(time_sensitive(pa.Table.from_pylist(findings, FINDING), Question()))
    assert TimeSensitive("p", "crs", "now", "chart", -4, (2, 2), (0, 2)) in found
    assert {one.minutes for one in found if one.source == "chart"} == {-5, -4}
    assert {one.minutes for one in found if one.source == "monitor"} == {4, 5}


def test_19_one_source_has_one_clock() -> None:
    """Moved as a whole, a record is the same record."""
    assert reported([THERAPY, finding("body-temperature", 20, 38.6)]) == set()


def test_19_how_a_source_s_clock_stands_is_measured() -> None:
    """From what it says was measured after we received it."""
    at = THERAPY["measured_at"]
    rows = [THERAPY | {"source": "monitor", "received_at": at + timedelta(seconds=by)} for by in (-120.0, 30.0, 60.0)]
    found = skews(pa.Table.from_pylist([*rows, THERAPY | {"source": "notes"}], FINDING))
    assert found == [Skew("monitor", 3, 30.0, -120.0), Skew("notes", 0, None, None)]
