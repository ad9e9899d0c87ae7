"""MEDS: official and flattened columns, shards, codes that carry their meaning, events that are two halves of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leeward.record import meds
from leeward.record.read import Record, read
from leeward.record.settings import Refused, Settings

Event = tuple[int, datetime | None, str, float | None]
DAY = date(2026, 3, 1)
OFFICIAL = pa.schema(
    [
        ("subject_id", pa.int64()),
        ("time", pa.timestamp("us")),
        ("code", pa.string()),
        ("numeric_value", pa.float32()),
        ("text_value", pa.large_string()),
    ]
)


def at(hour: int, minute: int = 0) -> datetime:
    """An hour of the first of March, as MEDS writes it: without a zone."""
    return datetime(2026, 3, 1, hour, minute)  # noqa: DTZ001  a local time, by intent


def shard(file: Path, events: Sequence[Event], *, flattened: bool = False) -> Path:
    """One Parquet file of events, in the official columns or in the flattened ones."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [(*event, None) for event in events]
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), OFFICIAL, strict=True)]
    table = pa.Table.from_arrays(columns, schema=OFFICIAL)
    if flattened:
        table = table.drop_columns(["text_value"]).rename_columns(["subject_id", "time", "code", "value"])
        table = table.append_column("table", pa.array(["condition"] * len(rows)))
    pq.write_table(table, file)
    return file


def found(record: Record, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of all findings, in their order in time."""
    rows = sorted(record.findings.to_pylist(), key=lambda row: (row["measured_at"], row["place"]))
    return [tuple(row[name] for name in columns) for row in rows]


def hours(record: Record) -> list[tuple[str, int, int | None, str | None]]:
    """Quantity, start and end as hours of the day, and word of all findings."""
    return [
        (quantity, start.hour, end and end.hour, text)
        for quantity, start, end, text in found(record, "quantity", "measured_at", "measured_until", "text")
    ]


@pytest.mark.parametrize("flattened", [False, True])
def test_published_codes_in_both_forms_of_columns(tmp_path: Path, *, flattened: bool) -> None:
    """A code that names its vocabulary, with one stroke or two; the shortest decimal of a 32-bit number."""
    events = [
        (7, at(8), "LOINC/8310-5", 98.6),
        (7, at(9), "LOINC//8867-4", 90.0),
        (7, at(10), "RxNorm/612865", None),
        (7, at(11), "Visit/IP", None),
    ]
    record = read(shard(tmp_path / "events.parquet", events, flattened=flattened), zone="UTC")
    assert record.recognised == "MEDS"
    assert found(record, "patient", "quantity", "low", "text", "source", "place") == [
        ("7", "tocilizumab", None, None, "events.parquet", "row 3"),
        ("7", "care-setting", None, "ward", "events.parquet", "row 4"),
    ]
    assert record.refused == {"unit-unknown": 2}  # MEDS has no unit, and these codes do not say one


def test_units_come_from_the_code(tmp_path: Path) -> None:
    """The third part of a composed code; 98.6 as a 32-bit number is 98.6 degrees, not 98.5999985."""
    events = [(7, at(8), "LAB//223761//°F", 98.6), (7, at(9), "LAB//220045//bpm", 90.0), (7, at(9), "LAB//1//mg", 1.0)]
    record = read(shard(tmp_path / "events.parquet", events), zone="UTC", local="mimic-iv")
    assert found(record, "quantity", "low", "high") == [("body-temperature", 37.0, 37.0), ("heart-rate", 90.0, 90.0)]
    assert record.refused == {"code-unknown": 1}


def test_a_published_code_may_bear_its_unit(tmp_path: Path) -> None:
    """The official form has no column for it; a unit may have strokes of its own."""
    events = [
        (7, at(8), "LOINC/8310-5//[degF]", 98.6),
        (7, at(9), "LOINC//8867-4///min", 90.0),
        (7, at(10), "LOINC//2160-0//mg/dL", 1.5),
    ]
    record = read(shard(tmp_path / "events.parquet", events), zone="UTC")
    assert found(record, "quantity", "low") == [("body-temperature", 37.0), ("heart-rate", 90.0), ("creatinine", 1.5)]
    assert record.refused == {}


@pytest.mark.parametrize("column", ["unit", "units", "unit_source_value"])
def test_units_may_stand_in_the_metadata(tmp_path: Path, column: str) -> None:
    """Once for each code, which the official schema allows; what the code says itself stands before it."""
    shard(tmp_path / "data" / "0.parquet", [(7, at(8), "LOINC/8310-5", 101.3), (7, at(9), "LOINC/8310-5//Cel", 38.0)])
    (tmp_path / "metadata").mkdir()
    codes = pa.table({"code": ["LOINC/8310-5", "LOINC/8310-5//Cel"], column: ["[degF]", "[degF]"]})
    pq.write_table(codes, tmp_path / "metadata" / "codes.parquet")
    record = read(tmp_path, zone="UTC")
    assert found(record, "low") == [(38.5,), (38.0,)]


def test_births_deaths_and_sex(tmp_path: Path) -> None:
    """A birth is a day without a time zone; a death at midnight is known by its day only."""
    events = [(7, at(0), "MEDS_BIRTH", None), (7, None, "GENDER//F", None), (7, at(0), "MEDS_DEATH", None)]
    events += [(8, at(0), "MEDS_BIRTH", None), (8, at(14), "MEDS_DEATH", None)]
    record = read(shard(tmp_path / "events.parquet", events), zone="-05:00")
    facts = {(row["patient"], row["quantity"]): row for row in record.findings.to_pylist()}
    assert facts["7", "birth-date"]["text"] == "2026-03-01"
    assert facts["7", "sex"]["text"] == "female"
    start, end = facts["7", "death"]["measured_at"], facts["7", "death"]["measured_until"]
    assert (start, end) == (datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 3, 2, 5, tzinfo=UTC))
    assert facts["8", "death"]["measured_at"] == datetime(2026, 3, 1, 19, tzinfo=UTC)
    assert facts["8", "death"]["measured_until"] is None


def test_times_need_a_zone(tmp_path: Path) -> None:
    """MEDS times have none; a birth needs none."""
    events = [(7, at(0), "MEDS_BIRTH", None), (7, at(8), "RxNorm/612865", None)]
    record = read(shard(tmp_path / "events.parquet", events))
    assert found(record, "quantity") == [("birth-date",)]
    assert record.refused == {"ambiguous-time": 1}


def test_shards_and_the_parents_of_a_code(tmp_path: Path) -> None:
    """A folder of shards is one record; metadata may say which published code a local one is a kind of."""
    shard(tmp_path / "data" / "train" / "0.parquet", [(7, at(8), "OUR//TOCI", 800.0)])
    shard(tmp_path / "data" / "held_out" / "0.parquet", [(8, at(8), "OUR//TOCI", 400.0), (8, at(9), "OUR//X", 1.0)])
    parents = pa.table({"code": ["OUR//TOCI", "OUR//X"], "parent_codes": [["ATC/X", "RxNorm/612865"], []]})
    (tmp_path / "metadata").mkdir()
    pq.write_table(parents, tmp_path / "metadata" / "codes.parquet")
    record = read(tmp_path, zone="UTC")
    assert record.recognised == "MEDS (2 shards)"
    assert sorted(found(record, "patient", "quantity", "source")) == [
        ("7", "tocilizumab", "data/train/0.parquet"),
        ("8", "tocilizumab", "data/held_out/0.parquet"),
    ]
    assert record.refused == {"code-unknown": 1, "unit-unknown": 2}


def test_infusions_are_intervals(tmp_path: Path) -> None:
    """Each start with its own end, touching ones too; a rate without a unit is an infusion at a rate nobody knows."""
    events = [
        (7, at(8), "INFUSION_START//221906", 0.1),
        (7, at(9), "INFUSION_START//221906", 0.2),
        (7, at(9), "INFUSION_END//221906", 3.0),
        (7, at(9), "INFUSION_START//222315", 2.4),
        (7, at(11), "INFUSION_END//221906", 4.0),
        (8, at(10), "INFUSION_END//222315", 4.0),
    ]
    record = read(shard(tmp_path / "events.parquet", events), zone="UTC", local="mimic-iv")
    spans = [(q, start, end) for q, start, end, _ in hours(record)]
    assert spans == [("norepinephrine", 8, 9), ("norepinephrine", 9, 11), ("vasopressin", 9, None)]
    assert set(found(record, "low", "high")) == {(None, None)}
    assert record.refused == {"unit-unknown": 3}


def test_an_end_without_a_start_does_not_shift_the_others(tmp_path: Path) -> None:
    """Where starts and ends do not match in number, an infusion ends at the first end after it began."""
    events = [
        (7, at(7), "INFUSION_END//221906", 1.0),
        (7, at(8), "INFUSION_START//221906", 0.1),
        (7, at(9), "INFUSION_END//221906", 1.0),
        (7, at(10), "INFUSION_START//221906", 0.1),
        (7, at(11), "INFUSION_START//221906", 0.1),
        (7, at(12), "INFUSION_END//221906", 1.0),
        (7, at(13), "INFUSION_START//221906", 0.1),
    ]
    record = read(shard(tmp_path / "events.parquet", events), zone="UTC", local="mimic-iv")
    assert [(start, end) for _, start, end, _ in hours(record)] == [(8, 9), (10, 12), (11, 12), (13, None)]


def test_where_the_patient_is(tmp_path: Path) -> None:
    """Admissions, intensive care, and transfers, each of which ends where the next begins."""
    events = [
        (7, at(1), "HOSPITAL_ADMISSION//URGENT//TRANSFER FROM HOSPITAL", None),
        (7, at(1), "TRANSFER_TO//ED//Emergency Department", None),
        (7, at(3), "TRANSFER_TO//transfer//Medical Intensive Care Unit (MICU)", None),
        (7, at(3), "ICU_ADMISSION//Medical Intensive Care Unit (MICU)", None),
        (7, at(9), "ICU_DISCHARGE//Neuro Stepdown", None),
        (7, at(9), "TRANSFER_TO//transfer//Neuro Stepdown", None),
        (7, at(20), "TRANSFER_TO//discharge//UNK", None),
        (7, at(20), "HOSPITAL_DISCHARGE//HOME", None),
    ]
    record = read(shard(tmp_path / "events.parquet", events), zone="UTC", local="mimic-iv")
    assert hours(record) == [
        ("care-setting", 1, 20, "ward"),
        ("care-setting", 1, 3, "ward"),
        ("care-setting", 3, 9, "icu"),
        ("care-setting", 3, 9, "icu"),
        ("care-setting", 9, 20, "ward"),
    ]


def test_prescriptions_are_orders(tmp_path: Path) -> None:
    """Only what was administered counts as given."""
    events = [
        (7, at(8), "MEDICATION//START//Acetaminophen", None),
        (7, at(9), "MEDICATION//Acetaminophen//Administered", None),
        (7, at(10), "MEDICATION//Acetaminophen//Not Given", None),
    ]
    record = read(shard(tmp_path / "events.parquet", events), zone="UTC", local="mimic-iv")
    assert hours(record) == [("acetaminophen", 9, None, None)]
    assert record.refused == {"code-unknown": 1, "order-only": 1}


def test_the_source_shows_itself_by_its_codes(tmp_path: Path) -> None:
    """MIMIC-IV is recognised without being named; its clock comes with it."""
    events = [(7, at(8), "LAB//220045//bpm", 90.0), (7, at(8), "LAB//223761//°F", 98.6)]
    record = read(shard(tmp_path / "events.parquet", events))
    assert record.settings.local == ("mimic-iv",)
    assert found(record, "quantity", "measured_at")[0] == ("heart-rate", datetime(2026, 3, 1, 13, tzinfo=UTC))


def test_other_parquet_is_not_meds(tmp_path: Path) -> None:
    """It takes the three columns."""
    pq.write_table(pa.table({"subject_id": [1], "code": ["x"]}), tmp_path / "a.parquet")
    assert meds.recognises(tmp_path) is None
    assert meds.recognises(tmp_path / "a.parquet") is None
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing more")
    assert meds.recognises(tmp_path) is None


def test_a_broken_shard_is_told(tmp_path: Path) -> None:
    """The first shard shows the form; a shard that cannot be opened is refused by name."""
    shard(tmp_path / "0.parquet", [(7, at(8), "RxNorm/612865", None)])
    (tmp_path / "1.parquet").write_bytes((tmp_path / "0.parquet").read_bytes()[:200])
    (tmp_path / "2.parquet").write_bytes(b"")
    (tmp_path / "3.parquet").write_bytes(b"no Parquet at all")
    refused = [said for said in meds.statements(tmp_path, Settings(zone="UTC")) if isinstance(said, Refused)]
    assert sorted((said.reason, said.source) for said in refused) == [
        ("file-empty", "2.parquet"),
        ("file-truncated", "1.parquet"),
        ("file-unreadable", "3.parquet"),
    ]
    assert found(read(tmp_path, zone="UTC"), "quantity", "source") == [("tocilizumab", "0.parquet")]


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 22), st.integers(1, 10)), min_size=1, max_size=12))
def test_however_infusions_overlap_the_time_covered_is_kept(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int]]
) -> None:
    """Which end belongs to which start cannot be known where they overlap; when anything ran can."""
    events: list[Event] = []
    for start, minutes in spans:
        events.append((7, at(start), "INFUSION_START//221906", 0.1))
        events.append((7, at(start, minutes), "INFUSION_END//221906", 1.0))
    file = tmp_path_factory.mktemp("meds") / "events.parquet"
    record = read(shard(file, sorted(events, key=lambda event: str(event[1]))), zone="UTC", local="mimic-iv")
    read_back = found(record, "measured_at", "measured_until")
    assert len(read_back) == len(spans)
    covered = {(a.hour, minute) for a, b in read_back for minute in range(a.minute, b.minute + 60 * (b.hour - a.hour))}
    assert covered == {(start, minute) for start, minutes in spans for minute in range(minutes)}


@pytest.mark.data
def test_the_mimic_demo(third_party: Callable[[str], Path]) -> None:
    """The real thing: recognised, and the three Celsius rows with Fahrenheit values are not taken for fever."""
    record = read(third_party("mimic-iv-demo-meds"))
    refusals = record.refusals.to_pylist()
    assert sum(row["reason"] == "implausible-for-unit" for row in refusals) == 3
    counts = {item["values"]: item["counts"] for item in record.findings["quantity"].value_counts().to_pylist()}
    assert (counts["heart-rate"], counts["birth-date"], counts.get("trigger", 0)) == (
        13913,
        100,
        0,
    )
