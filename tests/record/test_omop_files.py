"""OMOP CDM as files: names in any case, parts, Parquet, a DuckDB file, and files that cannot be read to their end."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb

from leeward.record.read import read
from tests.record.test_omop import ONE, PERSON, TWO, cells, drug, folder, found, measured, stay


def test_file_names_in_any_case_packed_and_in_parts(tmp_path: Path) -> None:
    """`observation_period` is not a part of `observation`; of two files of one table the plainly named is read."""
    heart = measured(3027018, 90, unit_source_value="bpm")
    (tmp_path / "PERSON.CSV").write_text(cells(PERSON).upper(), encoding="utf-8")
    (tmp_path / "Measurement_1.csv.gz").write_bytes(gzip.compress(cells([heart]).encode()))
    (tmp_path / "measurement_2.csv").write_text("\ufeff" + cells([heart]).replace(",", ";"), encoding="utf-8")
    (tmp_path / "observation_period.csv").write_text("observation_period_id,person_id\n1,1\n", encoding="utf-8")
    (tmp_path / "DEATH.csv").write_text(cells([{"person_id": ONE, "death_date": "2026-03-02"}]), encoding="utf-8")
    (tmp_path / "death_old.csv").write_text(cells([{"person_id": TWO, "death_date": "2026-03-02"}]), encoding="utf-8")
    record = read(tmp_path, zone="UTC")
    assert record.recognised == "OMOP CDM (3 tables)"
    assert sorted(found(record, "patient", "quantity", "source")) == [
        (ONE, "death", "DEATH.csv"),
        (ONE, "heart-rate", "Measurement_1.csv.gz"),
        (ONE, "heart-rate", "measurement_2.csv"),
    ]
    assert [(row["reason"], row["source"]) for row in record.refusals.to_pylist()] == [
        ("file-not-read", "death_old.csv")
    ]


def as_parquet(source: Path, target: Path) -> None:
    """The same tables as Parquet, with types: numbers, timestamps, 64-bit ids."""
    target.mkdir()
    for file in source.glob("*.csv"):
        duckdb.sql(f"copy (from read_csv('{file}')) to '{target / file.stem}.parquet'")


def test_csv_parquet_and_duckdb_say_the_same(tmp_path: Path) -> None:
    """Typed columns spell numbers and times in their own way; what is understood does not change."""
    path = folder(
        tmp_path / "csv",
        measurement=[measured(3020891, 37.4, unit_source_value="°C"), measured(3027018, 90, unit_concept_id=8541)],
        drug_exposure=[drug(1125315, 32818, quantity=1000, dose_unit_source_value="mg")],
        visit_occurrence=[stay("visit_occurrence", 9201, (1, 20))],
    )
    as_parquet(path, tmp_path / "parquet")
    with duckdb.connect(str(tmp_path / "store.duckdb")) as con:
        con.execute("create schema cdm")
        for file in path.glob("*.csv"):
            con.execute(f"create table cdm.{file.stem.upper()} as from read_csv('{file}')")
    columns = ("patient", "quantity", "measured_at", "measured_until", "low", "high", "text", "record")
    by_csv = sorted(map(str, found(read(path, zone="UTC"), *columns)))
    assert len(by_csv) == 4
    assert sorted(map(str, found(read(tmp_path / "parquet", zone="UTC"), *columns))) == by_csv
    assert sorted(map(str, found(read(tmp_path / "store.duckdb", zone="UTC"), *columns))) == by_csv


def test_files_that_are_empty_cut_short_or_spoilt(tmp_path: Path) -> None:
    """What can be read of a truncated file is read, to its last whole line; bad lines are told by their number."""
    path = folder(tmp_path)
    rows = [measured(3027018, 60 + i % 60, measurement_id=i, unit_source_value="bpm") for i in range(200_000)]
    packed = gzip.compress(cells(rows).encode())
    (path / "measurement.csv.gz").write_bytes(packed[: len(packed) // 2])
    (path / "death.csv").write_bytes(b"")
    good = "1,1,9201,2026-03-01 01:00:00,2026-03-01 02:00:00"
    header = "visit_occurrence_id,person_id,visit_concept_id,visit_start_datetime,visit_end_datetime"
    (path / "visit_occurrence.csv").write_text(f"{header}\n{good},extra\n{good}\n", encoding="utf-8")
    record = read(path, zone="UTC")
    refusals = {row["reason"]: (row["source"], row["place"]) for row in record.refusals.to_pylist()}
    assert refusals == {
        "file-empty": ("death.csv", None),
        "file-truncated": ("measurement.csv.gz", None),
        "line-unreadable": ("visit_occurrence.csv", "line 2"),
    }
    places = [int(place.removeprefix("row ")) for (place,) in found(record, "place", quantity="heart-rate")]
    assert places == list(range(1, len(places) + 1))
    assert len(places) > 90_000
