"""OMOP CDM: what each table says, in any case of names, as CSV, Parquet or a DuckDB file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leeward.record.read import Record, read

ONE, TWO = "-7671795861352464589", "1194579079287927665"
PERSON = [
    {"person_id": ONE, "gender_concept_id": 8507, "year_of_birth": 1961, "month_of_birth": 3, "day_of_birth": 9},
    {"person_id": TWO, "gender_concept_id": 0, "gender_source_value": "F", "year_of_birth": 1972},
]
Rows = Sequence[Mapping[str, Any]]


def cells(rows: Rows) -> str:
    """Rows as CSV text; a missing key is an empty cell."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(columns), *(",".join(str(row.get(name, "")) for name in columns) for row in rows)]
    return "\n".join(lines) + "\n"


def folder(path: Path, **tables: Rows) -> Path:
    """A folder of CSV files, one for each table, with the two persons unless others are given."""
    path.mkdir(exist_ok=True)
    for name, rows in {"person": PERSON, **tables}.items():
        (path / f"{name}.csv").write_text(cells(rows), encoding="utf-8")
    return path


def measured(concept: int, value: object, **more: object) -> dict[str, object]:
    """One measurement of the first person on the first of March at eight."""
    return {
        "measurement_id": 1,
        "person_id": ONE,
        "measurement_concept_id": concept,
        "measurement_date": "2026-03-01",
        "measurement_datetime": "2026-03-01 08:00:00",
        "value_as_number": value,
        **more,
    }


def found(record: Record, *columns: str, quantity: str | None = None) -> list[tuple[Any, ...]]:
    """Some columns of the findings of a quantity, or of all that happened, in order of time.

    Tables are read side by side, so the order of arrival says nothing.
    """
    timeless = ("birth-date", "sex")
    rows = [
        r
        for r in sorted(
            record.findings.to_pylist(), key=lambda r: (r["measured_at"], r["source"], len(r["place"]), r["place"])
        )
        if r["quantity"] == quantity or (not quantity and r["quantity"] not in timeless)
    ]
    return [tuple(row[name] for name in columns) for row in rows]


def test_people_keep_their_long_negative_ids_and_their_births_as_exact_as_known(tmp_path: Path) -> None:
    """A 64-bit id stays text; a birth is a day or a year, never the first of January of it."""
    record = read(folder(tmp_path, measurement=[measured(3020460, 4.5, unit_source_value="mg/L")]), zone="UTC")
    assert record.recognised == "OMOP CDM (2 tables)"
    assert found(record, "patient", "text", quantity="birth-date") == [(ONE, "1961-03-09"), (TWO, "1972")]
    assert found(record, "patient", "text", quantity="sex") == [(ONE, "male"), (TWO, "female")]
    assert found(record, "patient", "quantity", "low", "record", "source", "place") == [
        (ONE, "crp", 4.5, "measurement/1", "measurement.csv", "row 1")
    ]


@pytest.mark.parametrize(
    ("row", "low", "high"),
    [
        ({"unit_concept_id": 8840}, 45.0, 45.0),  # mg/dL, by its concept
        ({"unit_source_value": "mg/dL"}, 45.0, 45.0),
        ({"unit_source_value": "mg/dL", "unit_concept_id": 8840}, 45.0, 45.0),
        ({"unit_source_value": "units of our own", "unit_concept_id": 8751}, 4.5, 4.5),
        ({"unit_source_value": "mg/L", "operator_concept_id": 4171756}, float("-inf"), 4.5),
        ({"unit_source_value": "mg/L", "operator_concept_id": 4172704}, 4.5, float("inf")),
        ({"unit_source_value": "mg/L", "operator_concept_id": 4172703}, 4.5, 4.5),
        ({"unit_source_value": "mg/L", "value_source_value": "<4.5"}, float("-inf"), 4.5),
        ({"unit_source_value": "mg/L", "value_as_number": "", "value_source_value": "<4.5"}, float("-inf"), 4.5),
    ],
)
def test_units_and_operators(tmp_path: Path, row: dict[str, object], low: float, high: float) -> None:
    """A unit by its spelling or its concept; a comparator by its concept, or lost by the conversion and still spelt."""
    record = read(folder(tmp_path, measurement=[measured(3020460, 4.5, **row)]), zone="UTC")
    assert found(record, "low", "high") == [(low, high)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "unit-unknown"),
        ({"unit_concept_id": 0}, "unit-unknown"),
        ({"unit_source_value": "mg/L", "unit_concept_id": 8840}, "unit-unknown"),  # two units that differ
        ({"unit_source_value": "mg/L", "value_as_number": "nan"}, "not-a-number"),
        ({"unit_source_value": "mg/L", "value_as_number": "", "value_source_value": "ERROR"}, "not-a-number"),
        ({"unit_source_value": "mg/L", "value_as_number": ""}, "not-measured"),
        ({"unit_source_value": "mg/L", "person_id": ""}, "patient-missing"),
        ({"measurement_concept_id": 0, "measurement_source_value": "XYZ"}, "code-unknown"),
        ({"unit_source_value": "mg/L", "measurement_date": "", "measurement_datetime": ""}, "time-missing"),
    ],
)
def test_what_cannot_be_understood_is_refused(tmp_path: Path, row: dict[str, object], reason: str) -> None:
    """Nothing is dropped and nothing is guessed."""
    record = read(folder(tmp_path, measurement=[measured(3020460, 4.5, **row)]), zone="UTC")
    assert found(record, "low") == []
    assert record.refused == {reason: 1}


def test_a_unit_said_twice_and_differently_shows_both(tmp_path: Path) -> None:
    """Whoever looks at the refusal sees what stood where."""
    rows = [measured(3020460, 4.5, unit_source_value="mg/L", unit_concept_id=8840)]
    refusals = read(folder(tmp_path, measurement=rows), zone="UTC").refusals.to_pylist()
    assert [row["detail"] for row in refusals] == ["mg/L, but unit concept 8840 is mg/dL"]


def test_times_need_a_zone(tmp_path: Path) -> None:
    """OMOP times have no zone: without one configured they are refused."""
    path = folder(tmp_path, measurement=[measured(3027018, 90, unit_source_value="bpm")])
    assert read(path).refused == {"ambiguous-time": 1}
    moments = found(read(path, zone="Europe/Paris"), "measured_at", "measured_until")
    assert moments == [(datetime(2026, 3, 1, 7, tzinfo=UTC), None)]


@pytest.mark.parametrize(
    ("times", "from_hour", "until_hour"),
    [
        (["2026-03-01 00:00:00", "2026-03-02 00:00:00"], 0, 24),  # only days: midnight stands for an unknown hour
        (["2026-03-01 00:00:00", "2026-03-02 06:30:00"], 0, None),  # hours are known: midnight is one of them
        (["", "2026-03-02 06:30:00"], 0, 24),
    ],
)
def test_midnight_is_an_hour_only_where_hours_are_known(
    tmp_path: Path, times: list[str], from_hour: int, until_hour: int | None
) -> None:
    """OMOP fills unknown hours with midnight; a table of midnights has only days."""
    rows = [
        measured(3027018, 90, unit_source_value="bpm", measurement_datetime=moment, measurement_date=f"2026-03-0{day}")
        for day, moment in enumerate(times, 1)
    ]
    record = read(folder(tmp_path, measurement=rows), zone="UTC")
    start, end = found(record, "measured_at", "measured_until")[0]
    assert start == datetime(2026, 3, 1, from_hour, tzinfo=UTC)
    assert (end is None) == (until_hour is None)
    assert end is None or end == datetime(2026, 3, 2, tzinfo=UTC)


def test_the_old_time_column_completes_a_date(tmp_path: Path) -> None:
    """CDM 5.3 keeps the hour apart; some conversions write the date into it once more, which is no hour."""
    rows = [
        measured(3027018, 90, unit_source_value="bpm", measurement_datetime="", measurement_time="14:05:00"),
        measured(3027018, 91, unit_source_value="bpm", measurement_datetime="", measurement_time="2026-03-01"),
    ]
    record = read(folder(tmp_path, measurement=rows), zone="UTC")
    day = datetime(2026, 3, 1, tzinfo=UTC)
    assert sorted(found(record, "measured_at", "measured_until"), key=str) == sorted(
        [
            (day.replace(hour=14, minute=5), None),
            (day, day.replace(day=2)),
        ],
        key=str,
    )


def drug(concept: int, kind: int, **more: object) -> dict[str, object]:
    """One drug record of the first person, from eight to nine."""
    return {
        "drug_exposure_id": 5,
        "person_id": ONE,
        "drug_concept_id": concept,
        "drug_exposure_start_datetime": "2026-03-01 08:00:00",
        "drug_exposure_end_datetime": "2026-03-01 09:00:00",
        "drug_type_concept_id": kind,
        **more,
    }


@pytest.mark.parametrize(
    ("concept", "row", "limits"),
    [
        (3006923, {"range_low": 10, "range_high": 45}, [("alt-upper-limit", 45.0, "measurement/1#upper-limit")]),
        (3006923, {"range_low": 10}, []),
        (3006923, {"range_high": 45, "value_as_number": ""}, [("alt-upper-limit", 45.0, "measurement/1#upper-limit")]),
        (3006923, {"range_high": 4500}, []),  # no laboratory's
        (3027018, {"range_high": 100, "unit_source_value": "bpm"}, []),  # of a heart rate none is asked for
    ],
)
def test_the_laboratorys_upper_limit(tmp_path: Path, concept: int, row: dict[str, object], limits: list[Any]) -> None:
    """range_high is a limit of its own where one is read, in the unit of the value and at its time."""
    rows = [measured(concept, 80, **{"unit_source_value": "U/L", **row})]
    record = read(folder(tmp_path, measurement=rows), zone="UTC")
    kept = [one for one in found(record, "quantity", "low", "record") if one[0].endswith("-upper-limit")]
    assert kept == limits
    moments = set(found(record, "measured_at", "measured_until"))
    assert len(moments) <= 1  # the limit is no end


def test_a_prescription_stands_as_ordered_and_counts_for_nothing_given(tmp_path: Path) -> None:
    """Its type tells an order from what was dispensed or listed; of drugs that no plan doses it is only refused."""
    rows = [drug(40171288, kind, drug_exposure_id=kind) for kind in (32833, 32838, 38000177, 32825, 32830)]
    record = read(folder(tmp_path, drug_exposure=[*rows, drug(0, 32838, drug_source_value="aspirin")]), zone="UTC")
    assert sorted(found(record, "quantity", "text", "measured_until", "record")) == [
        ("ordered", "tocilizumab", None, f"drug_exposure/{kind}#ordered-tocilizumab")
        for kind in (32833, 32838, 38000177)
    ]
    assert record.refused == {"order-only": 6}


def test_a_drug_is_given_only_where_the_record_says_so(tmp_path: Path) -> None:
    """Administered, ordered and dispensed, and not said: only the first is a finding."""
    rows = [
        drug(40171288, 32818, quantity=800, dose_unit_source_value="mg"),
        drug(40171288, 32838),
        drug(40171288, 32817),
    ]
    record = read(folder(tmp_path, drug_exposure=rows), zone="UTC")
    assert found(record, "quantity", "low", "high", "text") == [
        ("tocilizumab", 800.0, 800.0, None), ("ordered", None, None, "tocilizumab"),
    ]  # fmt: skip
    assert record.refused == {"order-only": 1, "status-not-usable": 1}
    details = {row["reason"]: row["detail"] for row in record.refusals.to_pylist()}
    assert details["status-not-usable"] == "drug type 32817"


def test_a_vasopressor_runs_although_omop_has_no_rate(tmp_path: Path) -> None:
    """From start to end, at a rate nobody wrote down."""
    record = read(folder(tmp_path, drug_exposure=[drug(35603731, 32818)]), zone="UTC")
    day = datetime(2026, 3, 1, tzinfo=UTC)
    assert found(record, "quantity", "measured_at", "measured_until", "low", "high") == [
        ("norepinephrine", day.replace(hour=8), day.replace(hour=9), None, None)
    ]


def test_a_drug_is_found_by_its_ingredient_its_own_code_or_its_name(tmp_path: Path) -> None:
    """A vial is known by the ingredient above it; a source concept by the code it stands for; else by the name."""
    rows = [
        drug(900001, 32818, drug_exposure_id=1),
        drug(0, 32818, drug_exposure_id=2, drug_source_concept_id=900002),
        drug(0, 32818, drug_exposure_id=3, drug_source_value="ACTEMRA 400 MG/20 ML vial"),
        drug(900003, 32818, drug_exposure_id=4),
    ]
    concepts = [
        {
            "concept_id": 900002,
            "concept_name": "code",
            "domain_id": "Drug",
            "vocabulary_id": "HCPCS",
            "concept_code": "Q2042",
        },
        {
            "concept_id": 900003,
            "concept_name": "ibuprofen 400 MG Oral Tablet",
            "domain_id": "Drug",
            "vocabulary_id": "RxNorm",
        },
    ]
    above = [{"ancestor_concept_id": 1518254, "descendant_concept_id": 900001}]
    path = folder(tmp_path, drug_exposure=rows, concept=concepts, concept_ancestor=above)
    assert found(read(path, zone="UTC"), "record", "quantity", "text") == [
        ("drug_exposure/1", "dexamethasone", None),
        ("drug_exposure/2", "trigger", "tisagenlecleucel"),
        ("drug_exposure/3", "tocilizumab", None),
        ("drug_exposure/4", "ibuprofen", None),
    ]


def test_devices_and_procedures_are_oxygen_support(tmp_path: Path) -> None:
    """By standard concept; a value that is itself a concept is taken for its word."""
    device = {"device_exposure_id": 1, "person_id": ONE, "device_concept_id": 4224038}
    device["device_exposure_start_datetime"] = "2026-03-01 08:00:00"
    procedure = {"procedure_occurrence_id": 1, "person_id": ONE, "procedure_concept_id": 4097246}
    procedure |= {"procedure_datetime": "2026-03-01 10:00:00", "procedure_end_datetime": "2026-03-01 12:00:00"}
    path = folder(
        tmp_path,
        device_exposure=[device],
        procedure_occurrence=[procedure],
        measurement=[measured(3000022, "", value_as_concept_id=4145528)],
    )
    assert sorted(found(read(path, zone="UTC"), "record", "text"), key=str) == sorted(
        [
            ("measurement/1", "non-rebreather"),
            ("device_exposure/1", "nasal-cannula"),
            ("procedure_occurrence/1", "ventilator"),
        ],
        key=str,
    )


def stay(name: str, concept: int, hours: tuple[int, int], **more: object) -> dict[str, object]:
    """One visit, or part of one, of the first person on the first of March."""
    start, end = (f"2026-03-01 {hour:02}:00:00" for hour in hours)
    return {
        f"{name}_id": 1,
        "person_id": ONE,
        f"{name if name == 'visit_detail' else 'visit'}_concept_id": concept,
        f"{name.removesuffix('_occurrence')}_start_datetime": start,
        f"{name.removesuffix('_occurrence')}_end_datetime": end,
        **more,
    }


def test_where_the_patient_is(tmp_path: Path) -> None:
    """By the name of the place where it has one, else by the visit's concept; a visit without length says nothing."""
    path = folder(
        tmp_path,
        care_site=[
            {"care_site_id": 11, "care_site_name": "Trauma SICU (TSICU)"},
            {"care_site_id": 12, "care_site_name": "Neuro Stepdown"},
        ],
        visit_occurrence=[stay("visit_occurrence", 9201, (1, 20)), stay("visit_occurrence", 9202, (22, 22))],
        visit_detail=[
            stay("visit_detail", 32037, (2, 4)),
            stay("visit_detail", 763903, (4, 6), care_site_id=11),
            stay("visit_detail", 4305525, (6, 8), care_site_id=12),
            stay("visit_detail", 4147091, (8, 9)),  # a service, not a place
        ],
    )
    record = read(path, zone="UTC")
    spans = [(at.hour, until.hour, text) for at, until, text in found(record, "measured_at", "measured_until", "text")]
    assert spans == [(1, 20, "ward"), (2, 4, "icu"), (4, 6, "icu"), (6, 8, "ward")]
    assert record.refused == {"code-unknown": 1, "status-not-usable": 1}


def test_a_documented_grade(tmp_path: Path) -> None:
    """By the source value where the vocabulary did not come along, else by the source concept."""
    row = {"person_id": ONE, "condition_concept_id": 0, "condition_start_date": "2026-03-01"}
    path = folder(
        tmp_path,
        condition_occurrence=[
            {"condition_occurrence_id": 1, **row, "condition_source_value": "D89.832"},
            {"condition_occurrence_id": 2, **row, "condition_source_value": "x", "condition_source_concept_id": 77},
        ],
        concept=[
            {
                "concept_id": 77,
                "concept_name": "",
                "domain_id": "Condition",
                "vocabulary_id": "ICD10CM",
                "concept_code": "G92.03",
            }
        ],
    )
    assert found(read(path, zone="UTC"), "quantity", "low") == [
        ("documented-crs-grade", 2.0),
        ("documented-icans-grade", 3.0),
    ]


def test_a_death_at_midnight_is_a_day(tmp_path: Path) -> None:
    """Beside one whose hour is known."""
    rows = [
        {"person_id": ONE, "death_date": "2026-03-02", "death_datetime": "2026-03-02 00:00:00"},
        {"person_id": TWO, "death_date": "2026-03-02", "death_datetime": "2026-03-02 14:15:00"},
    ]
    record = read(folder(tmp_path, death=rows), zone="UTC")
    day = datetime(2026, 3, 2, tzinfo=UTC)
    assert found(record, "measured_at", "measured_until", "text") == [
        (day, day.replace(day=3), "unstated"),
        (day.replace(hour=14, minute=15), None, "unstated"),
    ]


@pytest.mark.data
def test_the_synthea_record_has_days_only(tmp_path: Path, third_party: Callable[[str], Path]) -> None:
    """Synthetic OMOP 5.4: every time is midnight, so every finding spans its day; nothing can cause CRS."""
    zipfile.ZipFile(third_party("synthea27nj-omop54") / "Synthea27Nj_5.4.zip").extractall(tmp_path)
    record = read(tmp_path, zone="America/New_York")
    assert record.recognised == "OMOP CDM 5.4 (10 tables)"
    moments = found(record, "measured_at", "measured_until", quantity="heart-rate")
    assert len(moments) > 400
    assert {round((until - at).total_seconds() / 3600) for at, until in moments} <= {23, 24, 25}
    assert found(record, "text", quantity="trigger") == []
