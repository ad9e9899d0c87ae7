"""CLIF 2: categories, orders that are intervals, devices by name and category, and values in the wrong unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leeward.record import clif
from leeward.record.read import Record, read

STAY, WHO = "22987108", "10007818"
Rows = Sequence[Mapping[str, Any]]


def at(hour: int, minute: int = 0) -> datetime:
    """An hour of the first of March, in UTC as CLIF asks for."""
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC)


def folder(path: Path, **tables: Rows) -> Path:
    """A folder of CLIF tables; the one stay of one patient is listed unless stays are given."""
    stays = [{"patient_id": WHO, "hospitalization_id": STAY, "admission_dttm": at(0), "discharge_dttm": at(23)}]
    for name, rows in {"hospitalization": stays, **tables}.items():
        names = list(dict.fromkeys(["hospitalization_id", *(key for row in rows for key in row)]))
        whole = [{key: row.get(key, STAY if key == "hospitalization_id" else None) for key in names} for row in rows]
        pq.write_table(pa.Table.from_pylist(whole), path / f"clif_{name}.parquet")
    return path


def found(record: Record, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of all findings, in the order of time."""
    rows = sorted(record.findings.to_pylist(), key=lambda row: (row["measured_at"], row["quantity"]))
    return [tuple(row[name] for name in columns) for row in rows]


def vital(category: str, value: float, hour: int = 8, **more: object) -> dict[str, object]:
    """One vital sign."""
    return {"recorded_dttm": at(hour), "vital_category": category, "vital_value": value, **more}


def test_a_stay_is_a_patient(tmp_path: Path) -> None:
    """Rows name the stay; a stay that is not listed, or listed under two patients, has no patient."""
    stays = [
        {"patient_id": WHO, "hospitalization_id": STAY},
        {"patient_id": "a", "hospitalization_id": "both"},
        {"patient_id": "b", "hospitalization_id": "both"},
    ]
    rows = [vital("heart_rate", 90.0), vital("heart_rate", 91.0, hospitalization_id="both")]
    rows.append(vital("heart_rate", 92.0, hospitalization_id="unlisted"))
    record = read(folder(tmp_path, hospitalization=stays, vitals=rows))
    assert record.recognised == "CLIF 2 (2 tables)"
    assert found(record, "patient", "low", "measured_at", "source", "place") == [
        (WHO, 90.0, at(8), "clif_vitals.parquet", "row 1")
    ]
    assert record.refused["patient-missing"] == 2


def test_a_fahrenheit_value_among_celsius_is_refused(tmp_path: Path) -> None:
    """99 Cel is nobody's temperature: it is shown with the likely unit, and neither graded nor converted."""
    record = read(folder(tmp_path, vitals=[vital("temp_c", 99.0), vital("temp_c", 38.9, 9), vital("height_cm", 170.0)]))
    assert found(record, "quantity", "low") == [("body-temperature", 38.9)]
    details = {row["reason"]: row["detail"] for row in record.refusals.to_pylist()}
    assert details["implausible-for-unit"] == "99.0 Cel: likely [degF]"
    assert details["code-unknown"] == "clif|vitals/height_cm"


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("Arterial Blood Pressure systolic", "arterial"),
        ("ART BP Systolic", "arterial"),
        ("Non Invasive Blood Pressure systolic", "cuff"),
        ("Manual Blood Pressure Systolic Left", "cuff"),
        ("BP", None),
    ],
)
def test_where_a_pressure_was_measured(tmp_path: Path, name: str, site: str | None) -> None:
    """The name it was charted under says so, where the row does not."""
    record = read(folder(tmp_path, vitals=[vital("sbp", 84.0, vital_name=name)]))
    assert found(record, "quantity", "site") == [("systolic-bp", site)]


def result(category: str, text: str | None, number: float | None, unit: str | None) -> dict[str, object]:
    """One laboratory result, drawn at eight and known at nine."""
    return {
        "lab_collect_dttm": at(8),
        "lab_result_dttm": at(9),
        "lab_category": category,
        "lab_value": text,
        "lab_value_numeric": number,
        "reference_unit": unit,
    }


@pytest.mark.parametrize(
    ("row", "low", "high"),
    [
        (result("crp", "12", 12.0, "mg/L"), 12.0, 12.0),
        (result("crp", "1.2", 1.2, "mg/dL"), 12.0, 12.0),
        (result("lymphocytes_absolute", "0.4", 0.4, "10^3/µL\t"), 0.4, 0.4),
        (result("bilirubin_total", "<0.2.", 0.2, "mg/dL"), float("-inf"), 0.2),
        (result("crp", "<0.3", None, "mg/L"), float("-inf"), 0.3),
        (result("crp", "___", 4.5, "mg/L"), 4.5, 4.5),
        (result("inr", "1.1", 1.1, "(no units)"), 1.1, 1.1),
    ],
)
def test_results(tmp_path: Path, row: dict[str, object], low: float, high: float) -> None:
    """Unit from the row, blanks around it apart; a comparator from the text; true from when it was drawn."""
    record = read(folder(tmp_path, labs=[row]))
    assert found(record, "low", "high", "measured_at", "reported_at") == [(low, high, at(8), at(9))]


def test_a_result_that_is_no_number(tmp_path: Path) -> None:
    """It is refused with what stood there."""
    record = read(
        folder(tmp_path, labs=[result("ptt", "UNABLE TO REPORT.", None, "sec"), result("ptt", None, None, "sec")])
    )
    assert found(record, "low") == []
    details = {row["reason"]: row["detail"] for row in record.refusals.to_pylist()}
    assert details == {"not-a-number": "UNABLE TO REPORT.", "not-measured": "no value"}


def turned(
    hour: int, action: str, dose: float | None, order: str = "1", drug: str = "norepinephrine"
) -> dict[str, object]:
    """One row of a continuous order."""
    return {
        "med_order_id": order,
        "med_category": drug,
        "admin_dttm": at(hour),
        "mar_action_category": action,
        "med_dose": dose,
        "med_dose_unit": "mcg/min",
    }


def spans(record: Record) -> list[tuple[int, int | None, float | None]]:
    """Start and end as hours, and the rate, of all findings."""
    return [(a.hour, b and b.hour, low) for a, b, low in found(record, "measured_at", "measured_until", "low")]


def test_rows_of_an_order_become_intervals(tmp_path: Path) -> None:
    """Each rate runs until the next row of its order; a stop ends it; what has no stop has no end."""
    rows = [
        turned(12, "dose_change", 8.0),
        turned(8, "start", 5.0),
        turned(14, "stop", 0.0),
        turned(16, "start", 4.0),
        turned(17, "stop", 0.0),
        turned(9, "start", 2.0, order="2"),
        turned(11, "going", 2.0, order="2"),
    ]
    record = read(folder(tmp_path, medication_admin_continuous=rows))
    assert spans(record) == [(8, 12, 5.0), (9, 11, 2.0), (11, None, 2.0), (12, 14, 8.0), (16, 17, 4.0)]
    assert record.refused == {}


def test_a_stop_that_ends_nothing_still_says_that_nothing_runs(tmp_path: Path) -> None:
    """A stop without a start, and a second stop: a rate of zero from then on."""
    rows = [turned(8, "stop", 0.0), turned(9, "start", 5.0), turned(10, "stop", 0.0), turned(11, "stop", None)]
    record = read(folder(tmp_path, medication_admin_continuous=rows))
    assert spans(record) == [(8, None, 0.0), (9, 10, 5.0), (11, None, 0.0)]


def test_doses(tmp_path: Path) -> None:
    """Given, not given, or not said; of a combined tablet the dose is not that of the drug it is read as."""
    dose = {"admin_dttm": at(8), "med_dose": 650.0, "med_dose_unit": "mg", "mar_action_category": "given"}
    rows: list[dict[str, object]] = [
        {**dose, "med_category": "acetaminophen"},
        {**dose, "med_category": "hydrocodone_acetaminophen ", "med_dose": 2.0, "med_dose_unit": "tablet"},
        {**dose, "med_category": "tocilizumab", "mar_action_category": "not_given"},
        {**dose, "med_category": "tocilizumab", "mar_action_category": "other"},
        {**dose, "med_category": "ciltacabtagene autoleucel", "med_dose": None},
        {**dose, "med_category": "vancomycin"},
    ]
    record = read(folder(tmp_path, medication_admin_intermittent=rows))
    assert found(record, "quantity", "low", "text") == [
        ("acetaminophen", 650.0, None),
        ("acetaminophen", None, None),
        ("trigger", None, "ciltacabtagene autoleucel"),
    ]
    assert record.refused == {"code-unknown": 1, "status-not-usable": 2}


def support(hour: int, name: str | None, category: str | None, **more: object) -> dict[str, object]:
    """One row of respiratory support."""
    return {"recorded_dttm": at(hour), "device_name": name, "device_category": category, **more}


def test_oxygen(tmp_path: Path) -> None:
    """A device by its name where that says more, by its category where that knows more; blanks do no harm.

    A flow without a device is a flow; a device that nobody knows is one all the same.
    """
    rows = [
        support(1, "Nasal cannula ", "Nasal Cannula", lpm_set=2.0),
        support(2, "Non-rebreather", "Face Mask", lpm_set=15.0, fio2_set=1.0),
        support(3, "Tracheostomy tube", "IMV", fio2_set=0.4),
        support(4, "Our own contraption", "High Flow NC", lpm_set=45.0),
        support(5, None, None, lpm_set=4.0),
        support(6, None, "Room Air"),
        support(7, "Our own contraption", None),
        support(8, None, None),
    ]
    record = read(folder(tmp_path, respiratory_support=rows))
    said = {
        (start.hour, quantity): text or low
        for start, quantity, text, low in found(record, "measured_at", "quantity", "text", "low")
    }
    assert said == {
        (1, "oxygen-device"): "nasal-cannula",
        (1, "oxygen-flow"): 2.0,
        (2, "fio2"): 1.0,
        (2, "oxygen-device"): "non-rebreather",
        (2, "oxygen-flow"): 15.0,
        (3, "fio2"): 0.4,
        (3, "oxygen-device"): "ventilator",
        (4, "oxygen-device"): "high-flow-nasal-cannula",
        (4, "oxygen-flow"): 45.0,
        (5, "oxygen-flow"): 4.0,
        (6, "oxygen-device"): "room-air",
        (7, "oxygen-device"): "unrecognised",
    }
    assert len(said) == len(record)
    assert record.refused == {"word-unknown": 1}


def test_where_the_patient_is_and_who(tmp_path: Path) -> None:
    """Wards and intensive care; age at admission; a death in hospital; birth and sex by the patient table."""
    stay = {
        "patient_id": WHO,
        "hospitalization_id": STAY,
        "admission_dttm": at(1),
        "discharge_dttm": at(23),
        "age_at_admission": 52,
        "discharge_category": "Expired",
    }
    places = [("ed", 1, 3), ("icu", 3, 9), ("stepdown", 9, 23)]
    rows = [{"location_category": where, "in_dttm": at(a), "out_dttm": at(b)} for where, a, b in places]
    person = {
        "patient_id": WHO,
        "birth_date": datetime(1973, 5, 6, tzinfo=UTC),
        "sex_category": "Female",
        "death_dttm": None,
    }
    path = folder(tmp_path, hospitalization=[stay], adt=rows)
    pq.write_table(pa.Table.from_pylist([person]), path / "clif_patient.parquet")
    assert found(read(path), "quantity", "low", "text") == [
        ("birth-date", None, "1973-05-06"),
        ("sex", None, "female"),
        ("age-years", 52.0, None),
        ("care-setting", None, "ward"),
        ("care-setting", None, "icu"),
        ("care-setting", None, "ward"),
        ("death", None, "unstated"),
    ]


def test_assessments(tmp_path: Path) -> None:
    """The Glasgow coma scale is read; a scale of sedation is not a level of consciousness."""
    rows = [
        {"recorded_dttm": at(8), "assessment_category": "gcs_total", "numerical_value": 15.0},
        {"recorded_dttm": at(8), "assessment_category": "RASS", "numerical_value": -2.0},
    ]
    record = read(folder(tmp_path, patient_assessments=rows))
    assert found(record, "quantity", "low") == [("gcs-total", 15.0)]
    assert record.refused == {"code-unknown": 1}


def test_times_without_a_zone_are_not_taken_for_utc(tmp_path: Path) -> None:
    """CLIF asks for UTC; a file whose times do not say so is refused until a zone is configured."""
    naive = [{**vital("heart_rate", 90.0), "recorded_dttm": at(8).replace(tzinfo=None)}]
    path = folder(tmp_path, vitals=naive)
    assert read(path).refused == {"ambiguous-time": 1}
    assert found(read(path, zone="-05:00"), "measured_at") == [(at(8) + timedelta(hours=5),)]


def test_file_names_in_any_case(tmp_path: Path) -> None:
    """And a folder without CLIF files is not one."""
    folder(tmp_path, vitals=[vital("heart_rate", 90.0)])
    (tmp_path / "clif_vitals.parquet").rename(tmp_path / "CLIF_Vitals.Parquet")
    assert found(read(tmp_path), "quantity") == [("heart-rate",)]
    assert clif.recognises(tmp_path / "nowhere") is None


@pytest.mark.data
def test_the_mimic_demo(third_party: Callable[[str], Path]) -> None:
    """Recognised as MIMIC by itself; three Celsius rows hold Fahrenheit; every device word is known."""
    record = read(third_party("mimic-iv-demo-clif"))
    assert record.settings.local == ("mimic-iv",)
    assert record.refused["implausible-for-unit"] == 3
    assert record.refused.get("word-unknown", 0) == 0
    assert record.refused.get("future-time", 0) == 0
