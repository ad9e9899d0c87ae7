"""Leeward CSV and CSV by a mapping: what is recognised, what is read, where each row stood."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leeward.record import pile
from leeward.record.errors import BadSetting, Malformed, NotFound, Unrecognised
from leeward.record.read import Record, read
from tests.conftest import shared_folder

HEADER = "patient_id,start,end,quantity,value,unit,text\n"
LINES = (
    "007,2026-03-01T08:00:00+01:00,,body-temperature,38.5,Cel,\n"
    "007,2026-03-01T09:00:00+01:00,2026-03-01T11:00:00+01:00,norepinephrine,5,ug/min,\n"
    "007,2026-03-01T09:00:00+01:00,,oxygen-device,,,nasal cannula\n"
)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def write(path: Path, text: str) -> Path:
    """A file with a text in it, packed when its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def rows(record: Record, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of all findings."""
    return [tuple(row[name] for name in columns) for row in record.findings.to_pylist()]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.CSV"])
def test_a_file_is_recognised_by_its_columns(tmp_path: Path, name: str) -> None:
    """Plain or packed, whatever its name; identifiers stay text, places are told."""
    record = read(write(tmp_path / name, HEADER + LINES))
    assert record.recognised == "Leeward CSV"
    assert rows(record, "patient", "quantity", "low", "text", "place") == [
        ("007", "body-temperature", 38.5, None, "row 1"),
        ("007", "norepinephrine", 5.0, None, "row 2"),
        ("007", "oxygen-device", None, "nasal-cannula", "row 3"),
    ]
    assert record.refused == {}
    assert record.findings["source"].unique().to_pylist() == [name]


def test_a_folder_of_files_is_one_record(tmp_path: Path) -> None:
    """Several files, some packed; the end column may be left out; quotes, blanks and a byte order mark do no harm."""
    write(tmp_path / "a.csv", HEADER + LINES)
    write(tmp_path / "b.csv.gz", "\ufeff" + HEADER + LINES.replace("007", "008"))
    write(tmp_path / "c.csv", 'patient_id,start,quantity,value,unit,text\n"0,09",2026-03-01T08:00Z,crp,1,mg/dL,\n')
    record = read(tmp_path)
    assert record.recognised == "Leeward CSV (3 files)"
    assert sorted(set(record.findings["patient"].to_pylist())) == ["0,09", "007", "008"]
    assert len(record) == 7


def test_more_columns_are_read_where_the_form_knows_them(tmp_path: Path) -> None:
    """State, clocks, and identity with versions."""
    header = "patient_id,start,end,quantity,value,unit,text,status,reported,received,site,record,version\n"
    lines = (
        "1,2026-03-01T08:00Z,,crp,12,mg/L,,final,2026-03-01T09:00Z,2026-03-01T09:05Z,lab,r1,1\n"
        "1,2026-03-01T08:00Z,,crp,120,mg/L,,corrected,2026-03-01T12:00Z,,lab,r1,2\n"
        "1,2026-03-01T08:00Z,,ferritin,500,ug/L,,final,,,lab,r2,1\n"
    )
    record = read(write(tmp_path / "a.csv", header + lines))
    assert rows(record, "record", "version", "status", "revised") == [
        ("r1", "1", "final", True),
        ("r1", "2", "corrected", True),
        ("r2", "1", "final", False),
    ]
    assert record.findings["reported_at"][0].as_py() == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_an_unreadable_newer_version_withdraws_the_older_and_nothing_else(tmp_path: Path) -> None:
    """The stand-in for the unreadable version is kept only where it replaces something."""
    header = "patient_id,start,end,quantity,value,unit,text,record,version\n"
    lines = (
        "1,2026-03-01T08:00Z,,crp,12,mg/L,,r1,1\n"
        '1,2026-03-01T08:00Z,,crp,"12,5",mg/L,,r1,2\n'
        "1,2026-03-01T08:00Z,,crp,??,mg/L,,r2,1\n"
    )
    record = read(write(tmp_path / "a.csv", header + lines))
    assert rows(record, "record", "version", "status") == [("r1", "1", "final"), ("r1", "2", "withdrawn")]
    assert record.refused == {"not-a-number": 2}


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("patient_id,quantity,value,unit,text", "no column start"),
        ("patient_id,start,quantity", "no column value, unit, text"),
        ("patient_id,start,end_time,quantity,value,unit,text", "does not know: end_time"),
        ("patient_id,start,quantity,value,value,unit,text", "twice: value"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, header: str, complaint: str) -> None:
    """A column missing, misspelt or doubled stops the reading: silence would lose that part of every line."""
    with pytest.raises(Malformed, match=complaint):
        read(write(tmp_path / "a.csv", header + "\n"))


def test_what_is_in_no_known_form_says_what_was_looked_for(tmp_path: Path) -> None:
    """The message lists every form, and the way out."""
    with pytest.raises(Unrecognised, match=r"FHIR R4(.|\n)*OMOP(.|\n)*MEDS(.|\n)*CLIF(.|\n)*--mapping"):
        read(write(tmp_path / "a.csv", "a,b\n1,2\n"))
    with pytest.raises(NotFound):
        read(tmp_path / "nowhere")


def test_a_long_record_goes_to_disk_and_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the record; versions are marked all the same."""
    header = "patient_id,start,end,quantity,value,unit,text,record,version\n"
    lines = "".join(f"{i % 7},2026-03-01T08:00Z,,crp,{i},mg/L,,r{i % 400},{i}\n" for i in range(500)) + (
        "1,2026-03-01T08:00Z,,crp,x,mg/L,,r-alone,1\n"
    )
    path = write(tmp_path / "a.csv", header + lines)
    short = read(path)
    monkeypatch.setattr(pile, "IN_MEMORY_ROWS", 100)
    long = read(path)
    assert short.findings_file is None
    assert long.findings_file is not None
    order = [("place", "ascending")]
    assert long.findings.sort_by(order).equals(short.findings.sort_by(order))
    assert long.refused == short.refused == {"not-a-number": 1}
    con = duckdb.connect()
    long.to_duckdb(con, "found")
    assert con.execute("select count(*) from found").fetchall() == [(len(long),)] == [(500,)]
    con.close()
    folder = long.findings_file.parent
    del long
    assert not folder.exists()


MAPPING = """
title = "Ward charts"
zone = "Europe/London"
declares = ["no-device-means-room-air"]
[[table]]
file = "vit*"
patient = "mrn"
start = "at"
quantity = { column = "sign", words = { TEMP = "body-temperature", O2 = "oxygen-device" } }
value = { first = ["num", "old_num"] }
unit = { column = "u", words = { c = "Cel" } }
text = "word"
where_not = { state = ["X"] }
[[table]]
file = "drips"
patient = "mrn"
start = "from"
end = "to"
system = { is = "drug-name" }
code = "drug"
value = "amount"
unit = "amount_unit"
rate = "rate"
rate_unit = "rate_unit"
[[table]]
file = "vit*"
patient = "mrn"
quantity = { is = "birth-date" }
text = "born"
said = ["born"]
"""


def charts(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of charts and its mapping."""
    write(
        tmp_path / "charts" / "vitals.csv",
        "mrn,at,sign,num,old_num,u,word,state,born\n"
        "007,2026-07-01 08:00,TEMP,38.5,,c,,,1960-05-01\n"
        "007,2026-07-01 09:00,TEMP,,38.9,c,,,\n"
        "007,2026-07-01 10:00,O2,,,,NRB,,\n"
        "007,2026-07-01 11:00,TEMP,99.9,,c,,X,\n"
        "007,2026-07-01 12:00,MOOD,3,,,,,\n",
    )
    write(
        tmp_path / "charts" / "drips.csv.gz",
        "mrn,from,to,drug,amount,amount_unit,rate,rate_unit\n"
        "007,2026-07-01 08:00,2026-07-01 09:00,Noradrenaline 4 mg,2,mg,5,ug/min\n"
        "007,2026-07-01 08:00,,Paracetamol,1,g,66,mg/min\n",
    )
    write(tmp_path / "charts" / "notes.csv", "a\n1\n")
    return tmp_path / "charts", write(tmp_path / "my.toml", MAPPING)


def test_a_mapping_reads_any_csv(tmp_path: Path) -> None:
    """Columns, fixed parts, first of several, translated words, filters, amounts and rates; the rest is listed."""
    folder, mapping = charts(tmp_path)
    record = read(folder, mapping=mapping, now=datetime(2027, 1, 1, tzinfo=UTC))
    assert record.recognised == "Ward charts"
    assert record.declares == {"no-device-means-room-air"}
    found = rows(record, "quantity", "low", "text", "source")
    assert sorted(found, key=str) == sorted(
        [
            ("body-temperature", 38.5, None, "vitals.csv"),
            ("body-temperature", 38.9, None, "vitals.csv"),
            ("oxygen-device", None, "non-rebreather", "vitals.csv"),
            ("birth-date", None, "1960-05-01", "vitals.csv"),
            ("norepinephrine", 5.0, None, "drips.csv.gz"),
            ("acetaminophen", 1000.0, None, "drips.csv.gz"),
        ],
        key=str,
    )
    assert record.refused == {"code-unknown": 1, "file-not-read": 1}
    assert record.findings["measured_at"].to_pylist()[0] == datetime(2026, 7, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('patient = "mrn"', 'pateint = "mrn"'), "pateint"),
        (("[[table]]", "[[table"), "not TOML"),
        (('zone = "Europe/London"', "zone = 5"), "zone"),
    ],
)
def test_a_bad_mapping_is_refused_by_name(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    """A typing error in a mapping is an error, not a lost column."""
    folder, mapping = charts(tmp_path)
    mapping.write_text(MAPPING.replace(*change), encoding="utf-8")
    with pytest.raises(BadSetting, match=complaint):
        read(folder, mapping=mapping)
    with pytest.raises(BadSetting, match=r"none\.toml"):
        read(folder, mapping=tmp_path / "none.toml")


def test_a_mapped_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With what the file does have."""
    folder, mapping = charts(tmp_path)
    mapping.write_text(MAPPING.replace('"num", "old_num"', '"nim"'), encoding="utf-8")
    with pytest.raises(Malformed, match=r"vitals\.csv has no column nim; it has mrn, at"):
        read(folder, mapping=mapping)
    mapping.write_text(MAPPING.replace("vit*", "xyz").replace("drips", "abc"), encoding="utf-8")
    with pytest.raises(Malformed, match="abc, xyz"):
        read(folder, mapping=mapping)


def test_a_file_the_mapping_names_and_that_is_not_there_is_listed(tmp_path: Path) -> None:
    """A file renamed in an export is all its rows lost, so silence would be wrong."""
    folder, mapping = charts(tmp_path)
    mapping.write_text(MAPPING.replace("drips", "drops"), encoding="utf-8")
    refusals = read(folder, mapping=mapping, now=datetime(2027, 1, 1, tzinfo=UTC)).refusals.to_pylist()
    assert [r["detail"] for r in refusals if r["reason"] == "file-missing"] == [
        "the mapping names 'drops'; no such file is here"
    ]


@pytest.mark.data
def test_the_mimic_demo_is_read_by_the_shipped_mapping() -> None:
    """Recognised by its folders, in a fixed offset, with its artefacts refused and nothing lost."""
    folder = shared_folder("mimic-iv-demo-csv")
    if folder is None:
        pytest.skip("the MIMIC-IV demo is not beside this checkout (../shared/data)")
    record = read(folder)
    assert record.recognised.startswith("MIMIC-IV")
    assert (record.settings.zone, sorted(record.declares)) == ("-05:00", ["times-shifted"])
    assert record.refused["implausible-for-unit"] == 3  # three Celsius rows hold Fahrenheit values near 99
    assert record.refused["order-only"] == 1777
    found = record.findings
    counted = {row["values"]: row["counts"] for row in found["quantity"].value_counts().to_pylist()}
    assert {name: counted[name] for name in ("heart-rate", "body-temperature", "norepinephrine", "vasopressin")} == {
        "heart-rate": 13913,
        "body-temperature": 3767,
        "norepinephrine": 981,
        "vasopressin": 60,
    }
    assert len(set(found["patient"].to_pylist())) == 100


@pytest.mark.parametrize("in_memory_rows", [1, 1000])
def test_rates_per_kilogram_take_the_weight_known_at_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory_rows: int
) -> None:
    """The latest weight before counts, a later one does not; without one the infusion runs at no known rate."""
    monkeypatch.setattr(pile, "IN_MEMORY_ROWS", in_memory_rows)
    lines = (
        "1,2026-03-01T07:00Z,,norepinephrine,0.1,mcg/kg/min,\n"
        "1,2026-03-01T12:00Z,,norepinephrine,0.1,mcg/kg/min,\n"
        "1,2026-03-01T20:00Z,,norepinephrine,0.2,ug/kg/min,\n"
        "1,2026-03-01T20:00Z,,dopamine,450,ug/min,\n"
        "1,2026-03-01T21:00Z,,norepinephrine,99,ug/kg/min,\n"
        "1,2026-03-01T08:00Z,,body-weight,80,kg,\n"
        "1,2026-03-01T18:00Z,,body-weight,90,kg,\n"
        "2,2026-03-01T20:00Z,,norepinephrine,0.1,mcg/kg/min,\n"
    )
    record = read(write(tmp_path / "a.csv", HEADER + lines))
    found = {row["place"]: row["low"] for row in record.findings.to_pylist()}
    assert found == {
        "row 1": None,
        "row 2": 8.0,
        "row 3": 18.0,
        "row 4": 5.0,
        "row 5": None,
        "row 6": 80.0,
        "row 7": 90.0,
        "row 8": None,
    }
    assert record.refused == {"out-of-range": 1, "rate-missing-weight": 2}
    listed = {row["place"]: row["detail"] for row in record.refusals.to_pylist()}
    assert listed == {"row 1": "mcg/kg/min", "row 5": "ug/kg/min", "row 8": "mcg/kg/min"}


@pytest.mark.parametrize("in_memory_rows", [1, 1000])
def test_19_what_was_measured_before_birth_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory_rows: int
) -> None:
    """In whatever order the birth date comes."""
    monkeypatch.setattr(pile, "IN_MEMORY_ROWS", in_memory_rows)
    lines = (
        "1,1959-05-01T08:00Z,,crp,12,mg/L,\n"
        "1,1960-05-01T08:00Z,,crp,12,mg/L,\n"
        "1,,,birth-date,,,1960-05-01\n"
        "1,,,sex,,,female\n"
        "2,1950-05-01T08:00Z,,crp,12,mg/L,\n"
    )
    record = read(write(tmp_path / "a.csv", HEADER + lines))
    assert (len(record), record.refused) == (4, {"before-birth": 1})
    assert record.refusals["place"].to_pylist() == ["row 1"]
