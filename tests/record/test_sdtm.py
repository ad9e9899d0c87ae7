"""SDTM: what each domain says, dates without times as stretches, CSV and transport files alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leeward.api import grade
from leeward.record.read import Record, read
from tests.record.transport import transport

ONE = "STUDY1-001"
Rows = Sequence[Mapping[str, Any]]
DM = [{"RFSTDTC": "2024-01-10", "RFXSTDTC": "2024-01-10T10:00", "RFPENDTC": "2024-02-10", "SEX": "F"}]


def whole(domain: str, rows: Rows) -> list[dict[str, Any]]:
    """Rows with the variables that every domain has, of patient one unless they name another."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    first = {"STUDYID": "STUDY1", "DOMAIN": domain.upper(), "USUBJID": ONE}
    return [{**first, f"{domain.upper()}SEQ": i, **dict.fromkeys(names), **row} for i, row in enumerate(rows, 1)]


def study(path: Path, **domains: Rows) -> Path:
    """A folder of CSV datasets, with demographics unless others are given."""
    path.mkdir(exist_ok=True)
    for domain, rows in {"dm": DM, **domains}.items():
        made = whole(domain, rows)
        lines = [",".join(made[0]), *(",".join("" if v is None else str(v) for v in row.values()) for row in made)]
        (path / f"{domain}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def transported(path: Path, **domains: Rows) -> Path:
    """The same as transport files."""
    path.mkdir(exist_ok=True)
    for domain, rows in {"dm": DM, **domains}.items():
        (path / f"{domain}.xpt").write_bytes(transport(domain.upper(), whole(domain, rows)))
    return path


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An hour of a day of January 2024."""
    return datetime(2024, 1, day, hour, minute, tzinfo=UTC)


def found(record: Record, quantity: str, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of a quantity's findings, in order of time."""
    rows = sorted(record.findings.to_pylist(), key=lambda row: row["measured_at"])
    return [tuple(row[name] for name in columns) for row in rows if row["quantity"] == quantity]


def temperature(value: object, time: str, **more: object) -> dict[str, object]:
    """One temperature as standardised by the study."""
    return {"VSTESTCD": "TEMP", "VSSTRESC": value, "VSSTRESN": value, "VSSTRESU": "C", "VSDTC": time, **more}


def crs(grade: str | None, start: str, end: str | None, **more: object) -> dict[str, object]:
    """One adverse event of cytokine release syndrome."""
    return {"AEDECOD": "Cytokine release syndrome", "AETOXGR": grade, "AESTDTC": start, "AEENDTC": end, **more}


@pytest.mark.parametrize("form", [study, transported])
def test_both_forms_say_the_same(tmp_path: Path, form: Callable[..., Path]) -> None:
    """A study is read alike from CSV and from transport files, numbers to the last bit."""
    vs = [temperature(38.6, "2024-01-11T08:00"), temperature(37.99996, "2024-01-11T09:00")]
    ex = [{"EXTRT": "TECLISTAMAB", "EXDOSE": 0.06, "EXDOSU": "mg/kg", "EXSTDTC": "2024-01-10T10:00"}]
    record = read(form(tmp_path / "s", vs=vs, ex=ex))
    assert record.recognised == "SDTM (3 datasets; times without a zone are read as UTC unless a zone is named)"
    assert record.refused == {}
    assert found(record, "body-temperature", "patient", "measured_at", "measured_until", "low", "place") == [
        (ONE, at(11, 8), None, 38.6, "row 1"),
        (ONE, at(11, 9), None, 38.0, "row 2"),
    ]
    assert found(record, "trigger", "text", "measured_at") == [("teclistamab", at(10, 10))]


@pytest.mark.parametrize(
    ("time", "start", "end"),
    [
        ("2024-01-11T08:30:15", at(11, 8, 30).replace(second=15), None),
        ("2024-01-11T08", at(11, 8), at(11, 9)),
        ("2024-01-11", at(11), at(12)),
        ("2024-01", at(1), datetime(2024, 2, 1, tzinfo=UTC)),
        ("2024-01-11T08:00/2024-01-11T10:00", at(11, 8), at(11, 10)),
        ("2024-01-11T08:00+02:00", at(11, 6), None),
    ],
)
def test_times(tmp_path: Path, time: str, start: datetime, end: datetime | None) -> None:
    """A time that is not complete is the whole stretch it may mean."""
    record = read(study(tmp_path, vs=[temperature(38.6, time)]))
    assert found(record, "body-temperature", "measured_at", "measured_until") == [(start, end)]


def test_a_named_zone_is_used(tmp_path: Path) -> None:
    """Where somebody names the site's zone, its clock is read with it, days as well."""
    vs = [temperature(38.6, "2024-01-11T08:00"), temperature(38.6, "2024-01-12")]
    record = read(study(tmp_path, vs=vs), zone="-05:00")
    assert found(record, "body-temperature", "measured_at", "measured_until") == [
        (at(11, 13), None),
        (at(12, 5), at(13, 5)),
    ]


@pytest.mark.parametrize("time", ["2024---11", "2024-02-30", "-----T08:00", ""])
def test_times_that_are_none(tmp_path: Path, time: str) -> None:
    """A date without its month is no stretch that a course can use."""
    record = read(study(tmp_path, vs=[temperature(38.6, time)]))
    assert list(record.refused) in (["impossible-time"], ["time-missing"])


@pytest.mark.parametrize(
    ("row", "low", "high"),
    [
        ({"LBTESTCD": "CREAT", "LBSTRESN": 88.4, "LBSTRESU": "umol/L", "LBORRES": 9, "LBORRESU": "mg/dL"}, 1.0, 1.0),
        ({"LBTESTCD": "CREAT", "LBORRES": 1.2, "LBORRESU": "mg/dL"}, 1.2, 1.2),
        ({"LBTESTCD": "CREAT", "LBSTRESC": "<0.3", "LBSTRESU": "mg/dL"}, float("-inf"), 0.3),
    ],
)
def test_which_result_is_read(tmp_path: Path, row: dict[str, object], low: float, high: float) -> None:
    """The standard result with its own unit, else the original with its own; `<` stays a bound."""
    record = read(study(tmp_path, lb=[{"LBDTC": "2024-01-11T08:00", **row}]))
    assert found(record, "creatinine", "low", "high") == [(low, high)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"VSSTAT": "NOT DONE", "VSSTRESN": None, "VSSTRESC": None}, "not-measured"),
        ({"VSDRVFL": "Y"}, "status-not-usable"),
        ({"VSSTRESU": None}, "unit-unknown"),
        ({"VSTESTCD": "HEIGHT"}, "code-unknown"),
        ({"USUBJID": None}, "patient-missing"),
        ({"VSSTRESN": 101.3, "VSSTRESC": 101.3}, "implausible-for-unit"),
    ],
)
def test_what_is_refused(tmp_path: Path, row: dict[str, object], reason: str) -> None:
    """What was not done, not measured, not known or not possible grades nothing."""
    record = read(study(tmp_path, vs=[{**temperature(38.6, "2024-01-11T08:00"), **row}]))
    assert record.refused == {reason: 1}
    assert found(record, "body-temperature", "low") == []


def test_laboratory_codes_names_and_specimens(tmp_path: Path) -> None:
    """A test is known by its code or its name; in urine it is another test; a gas needs an artery."""
    told = {"LBDTC": "2024-01-11T08:00", "LBSTRESU": "mg/dL", "LBSTRESN": 1.0}
    gas = {**told, "LBTESTCD": "PO2", "LBSTRESN": 80, "LBSTRESU": "mmHg"}
    rows = [
        {**told, "LBTESTCD": "CREAT", "LBSPEC": "SERUM"},
        {**told, "LBTESTCD": "CREAT", "LBSPEC": "URINE"},
        {**told, "LBTESTCD": "CREAT", "LBCAT": "URINALYSIS"},
        {**told, "LBTESTCD": "CRPX", "LBTEST": "C Reactive Protein"},
        {**gas, "LBSPEC": "ARTERIAL BLOOD"},
        {**gas, "LBSPEC": "VENOUS BLOOD"},
        {**told, "LBTESTCD": "PLAT", "LBSTRESU": "GI/L"},
    ]
    record = read(study(tmp_path, lb=rows))
    counts = {name: len(found(record, name, "low")) for name in ("creatinine", "crp", "pao2", "platelets")}
    assert counts == {"creatinine": 1, "crp": 1, "pao2": 1, "platelets": 1}
    assert record.refused == {"code-unknown": 3}


def test_an_adverse_event_documents_a_grade_over_its_time(tmp_path: Path) -> None:
    """CRS and ICANS by dictionary term or as reported; without a grade, one of five; without an end, to the study's."""
    rows = [
        crs("2", "2024-01-11T07:00", "2024-01-13"),
        crs("GRADE 3", "2024-01-15", None),
        crs(None, "2024-01-20", "2024-01-21", AEDECOD=None, AETERM="CRS"),
        crs("1", "2024-01-12", "2024-01-12", AEDECOD="Immune effector cell-associated neurotoxicity syndrome"),
        crs("2", "2024-01-12", "2024-01-12", AEDECOD="Headache"),
    ]
    record = read(study(tmp_path, ae=rows))
    assert found(record, "documented-crs-grade", "low", "high", "measured_at", "measured_until", "record") == [
        (2.0, 2.0, at(11, 7), at(14), "AE/1"),
        (3.0, 3.0, at(15), datetime(2024, 2, 11, tzinfo=UTC), "AE/2"),
        (1.0, 5.0, at(20), at(22), "AE/3"),
    ]
    assert found(record, "documented-icans-grade", "low", "measured_at", "measured_until") == [(1.0, at(12), at(13))]


@pytest.mark.parametrize(
    ("events", "cause"),
    [
        ([], "unstated"),
        ([crs("5", "2024-01-11", "2024-01-20", AEOUT="FATAL")], "crs"),
        ([crs("5", "2024-01-11", "2024-01-20", AEDECOD="Sepsis", AEOUT="FATAL")], "other"),
        ([crs("3", "2024-01-11", "2024-01-13", AEOUT="RECOVERED/RESOLVED")], "unstated"),
    ],
)
def test_death_and_its_cause(tmp_path: Path, events: Rows, cause: str) -> None:
    """A death is of CRS where the event was fatal, and of something else where another was."""
    dead = [{**DM[0], "DTHDTC": "2024-01-20", "DTHFL": "Y"}]
    tables = {"ae": events} if events else {"vs": [temperature(38.6, "2024-01-11T08:00")]}
    record = read(study(tmp_path, dm=dead, **tables))
    assert found(record, "death", "text", "measured_at", "measured_until") == [(cause, at(20), at(21))]


def test_a_drug_of_several_days_is_a_dose_a_day(tmp_path: Path) -> None:
    """Taken regularly it was given each day at an unknown hour; as needed it may have been."""
    about = {"CMSTDTC": "2024-01-09", "CMENDTC": "2024-01-11"}
    rows: list[dict[str, object]] = [
        {"CMTRT": "DEXAMETHASONE", "CMDOSE": 10, "CMDOSU": "mg", "CMDOSFRQ": "QD", **about},
        {"CMTRT": "TYLENOL", "CMDOSE": 500, "CMDOSU": "mg", "CMDOSFRQ": "PRN", **about},
        {
            "CMTRT": "IBUPROFEN",
            "CMDOSE": 400,
            "CMDOSU": "mg",
            "CMDOSFRQ": "QD",
            "CMSTDTC": "2003",
            "CMENRTPT": "ONGOING",
        },
        {"CMTRT": "HYDROCORTISONE", "CMROUTE": "TOPICAL", "CMDOSFRQ": "QD", **about},
        {
            "CMTRT": "TOCILIZUMAB",
            "CMDOSE": 560,
            "CMDOSU": "mg",
            "CMSTDTC": "2024-01-11T10:00",
            "CMENDTC": "2024-01-11T11:00",
        },
    ]
    record = read(study(tmp_path, cm=rows))
    days = [(at(day), at(day + 1)) for day in (9, 10, 11)]
    assert found(record, "dexamethasone", "measured_at", "measured_until", "low") == [(*day, 10.0) for day in days]
    assert found(record, "acetaminophen", "measured_at", "measured_until", "low", "high") == [
        (*day, 0.0, float("inf")) for day in days
    ]
    assert found(record, "ibuprofen", "measured_at")[0] == (at(2),)
    assert len(found(record, "ibuprofen", "measured_at")) == 8 + 60 + 1
    assert found(record, "hydrocortisone", "measured_at") == []
    assert found(record, "tocilizumab", "measured_at", "measured_until", "low") == [(at(11, 10), at(11, 11), 560.0)]


def test_an_infusion_known_by_its_days_ran_surely_only_between_them(tmp_path: Path) -> None:
    """The days at its ends are open: it may have run or not."""
    told = {"CMTRT": "NOREPINEPHRINE", "CMDOSE": 5, "CMDOSU": "ug/min"}
    rows = [
        {**told, "CMSTDTC": "2024-01-12", "CMENDTC": "2024-01-14"},
        {**told, "CMSTDTC": "2024-01-20T08:00", "CMENDTC": "2024-01-20"},
    ]
    record = read(study(tmp_path, cm=rows))
    assert found(record, "norepinephrine", "measured_at", "measured_until", "low", "high") == [
        (at(12), at(13), 0.0, float("inf")),
        (at(13), at(14), 5.0, 5.0),
        (at(14), at(15), 0.0, float("inf")),
        (at(20, 8), at(21), 0.0, float("inf")),
    ]


def test_oxygen_is_a_procedure_or_a_drug(tmp_path: Path) -> None:
    """A device by its name; on a day known only as a day, a device that nobody can name."""
    rows = [
        {"PRTRT": "NASAL CANNULA", "PRSTDTC": "2024-01-11T08:30", "PRENDTC": "2024-01-11T20:00"},
        {"PRTRT": "MECHANICAL VENTILATION", "PRSTDTC": "2024-01-12", "PRENDTC": "2024-01-14"},
        {"PRTRT": "APPENDECTOMY", "PRSTDTC": "2024-01-12"},
        {"PRTRT": "NON-REBREATHER MASK", "PRSTDTC": "2024-01-16", "PROCCUR": "N"},
    ]
    record = read(study(tmp_path, pr=rows, cm=[{"CMTRT": "OXYGEN", "CMSTDTC": "2024-01-18T08:00"}]))
    assert found(record, "oxygen-device", "text", "measured_at", "measured_until") == [
        ("nasal-cannula", at(11, 8, 30), at(11, 20)),
        ("unrecognised", at(12), at(13)),
        ("ventilator", at(13), at(14)),
        ("unrecognised", at(14), at(15)),
        ("oxygen-unspecified", at(18, 8), None),
    ]
    assert record.refused == {"code-unknown": 1, "not-measured": 1}


def test_study_treatment(tmp_path: Path) -> None:
    """A dose of zero was not given, and a planned one neither."""
    folder = study(
        tmp_path,
        ex=[{"EXTRT": "Teclistamab", "EXDOSE": dose, "EXDOSU": "mg/kg", "EXSTDTC": "2024-01-10"} for dose in (0.06, 0)],
        ec=[{"ECTRT": "Teclistamab", "ECMOOD": "SCHEDULED", "ECSTDTC": "2024-01-12"}],
    )
    record = read(folder)
    assert found(record, "trigger", "measured_at", "measured_until") == [(at(10), at(11))]
    assert record.refused == {"order-only": 1, "status-not-usable": 1}


def test_a_split_dataset_is_one_domain(tmp_path: Path) -> None:
    """Large domains come in parts whose names begin with the domain's."""
    folder = study(tmp_path, vs=[temperature(38.6, "2024-01-11T08:00")])
    (folder / "vs.csv").rename(folder / "vsxx.csv")
    assert found(read(folder), "body-temperature", "low", "source") == [(38.6, "vsxx.csv")]


def test_a_transport_file_cut_short_is_said(tmp_path: Path) -> None:
    """What is there is read; that there was more is refused with its file; an empty file too."""
    rows = [temperature(38.0 + i / 10, f"2024-01-11T0{i}:00") for i in range(8)]
    folder = transported(tmp_path, vs=rows, lb=[{"LBTESTCD": "CRP"}])
    data = (folder / "vs.xpt").read_bytes()
    (folder / "vs.xpt").write_bytes(data[: len(data) - 200])
    (folder / "lb.xpt").write_bytes(b"")
    record = read(folder)
    assert record.refused == {"file-empty": 1, "file-truncated": 1}
    assert 0 < len(found(record, "body-temperature", "low")) < len(rows)


def test_a_file_that_is_no_transport_file_is_said(tmp_path: Path) -> None:
    """A dataset of another version of the format is refused by name, and the others are read."""
    folder = transported(tmp_path, vs=[temperature(38.6, "2024-01-11T08:00")])
    (folder / "lb.xpt").write_bytes(b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!".ljust(80) * 4)
    record = read(folder)
    assert record.refused == {"file-unreadable": 1}
    assert len(found(record, "body-temperature", "low")) == 1


def test_one_dataset_in_two_forms_is_read_once(tmp_path: Path) -> None:
    """The transport file is read, and the other is named."""
    vs = [temperature(38.6, "2024-01-11T08:00")]
    folder = transported(tmp_path, vs=vs)
    study(tmp_path, vs=vs)
    record = read(folder)
    assert record.refused == {"file-not-read": 2}
    assert len(found(record, "body-temperature", "low")) == 1


def test_dates_alone_widen_the_grade(tmp_path: Path) -> None:
    """A fever known to a day is possible over it and sure at no hour; a therapy counts from its day's start."""
    ex = [{"EXTRT": "Teclistamab", "EXSTDTC": "2024-01-10"}]
    vs = [
        temperature(39.0, "2024-01-11"),
        {**temperature(120, "2024-01-11T08:00"), "VSTESTCD": "SYSBP", "VSSTRESU": "mmHg"},
    ]
    answer = grade(read(study(tmp_path, ex=ex, vs=vs)))[0]
    assert (answer.triggers[0].at, answer.triggers[0].until) == (at(10), at(11))
    assert answer.episodes == []
    assert {change.at_least for change in answer.course if change.syndrome == "crs"} == {0}
    assert max(change.at_most for change in answer.course if change.syndrome == "crs") >= 1


@pytest.mark.data
def test_the_pilot_study_reads_whole_and_has_no_crs(third_party: Callable[[str], Path]) -> None:
    """Every refusal of the public pilot study has a reason that fits its row, and nobody in it has CRS."""
    record = read(third_party("cdisc-pilot-sdtm"))
    assert record.recognised.startswith("SDTM (7 datasets")
    assert set(record.refused) <= {"code-unknown", "not-measured", "unit-unknown", "rate-missing-weight"}
    assert record.refused["not-measured"] == 8  # the rows of VS that say NOT DONE
    assert len(found(record, "systolic-bp", "low")) == 8205
    assert len(found(record, "creatinine", "low")) == 1828
    assert found(record, "trigger", "text") == found(record, "documented-crs-grade", "low") == []
    answers = grade(record)
    assert len(answers) == 306
    assert [answer.episodes for answer in answers if answer.episodes] == []
