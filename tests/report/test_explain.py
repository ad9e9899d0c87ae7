"""`leeward explain`: which part gave which grade, what was corrected, what a missing temperature leaves open."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from leeward.api import explain
from leeward.cli import app
from leeward.record.read import read
from leeward.samples import FOLDER
from tests.record.fhir_bedside import concept, ndjson, observation, patient, quantity

NOW = datetime(2026, 3, 10, tzinfo=UTC)
GIVEN = {
    "resourceType": "Procedure", "id": "p", "status": "completed", "subject": {"reference": "Patient/007"},
    "performedDateTime": "2026-03-01T00:00:00Z",
    "code": {"coding": [{"system": "http://www.cms.gov/Medicare/Coding/ICD10", "code": "XW033J7"}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "lines"),
    [
        ("C03", ["by fever: grade 1", "by blood pressure and vasopressors: grade 3", "by oxygen support: grade 2"]),
        ("C28", ["by fever: none now; it is not asked for", "by oxygen support: grade 2 to 4"]),
        ("C16", ["by fever: grade 0 to 1, not charted", "with fever grade 4, without any none"]),
        ("C01c", ["by fever: grade 1", "by blood pressure and vasopressors: grade 0 to 2, not charted or too old"]),
    ],
)
def test_each_part_says_its_grade(case: str, lines: list[str]) -> None:
    """The worst of them is the grade; a missing temperature says what it leaves open."""
    told = explain(FOLDER, case)
    assert [line for line in lines if line not in told] == []


def test_the_domains_of_icans_say_their_grades(tmp_path: Path) -> None:
    """ICE, consciousness and seizure each by themselves; what nobody charted is not listed as none."""
    rows = ["trigger,,,tisagenlecleucel", "ice-score,5,{score},", "consciousness,,,touch", "seizure,,,brief"]
    hours = ("2026-03-01T00:00:00Z", *["2026-03-05T10:00:00Z"] * 3)
    lines = ["patient_id,start,end,quantity,value,unit,text"]
    lines += [f"A,{at},,{row}" for at, row in zip(hours, rows, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = explain(read(tmp_path / "a.csv", now=NOW), "A")
    for line in ("by ICE or CAPD score: grade 2", "by consciousness: grade 3", "by seizure: grade 3"):
        assert line in told
    assert "by motor weakness" not in told


def course(tmp_path: Path, *versions: dict[str, object]) -> Path:
    """A patient with a therapy, and versions of one temperature."""
    path = tmp_path / "record.ndjson"
    path.write_bytes(ndjson([patient(), GIVEN, *versions]))
    return path


def temperature(value: float, status: str, version: str) -> dict[str, object]:
    """One version of a temperature two days after the therapy."""
    at = {"effectiveDateTime": "2026-03-03T08:00:00Z", "issued": f"2026-03-03T{8 + int(version):02d}:00:00Z"}
    meta = {"versionId": version}
    return observation(valueQuantity=quantity(value, "Cel"), status=status, meta=meta, **at)


def test_a_correction_shows_the_old_value_the_new_one_and_when(tmp_path: Path) -> None:
    """Even where the episode that rested on the old value is gone."""
    path = course(tmp_path, temperature(39.5, "final", "1"), temperature(36.5, "corrected", "2"))
    said = (
        "Corrected: body-temperature of 2026-03-03 08:00 UTC was 39.5 °C and is 36.5 °C (known 2026-03-03 10:00 UTC)."
    )
    assert said in explain(read(path, now=NOW), "007")
    assert "Corrected" not in explain(read(path, now=NOW), "007", at=datetime(2026, 3, 3, 9, 30, tzinfo=UTC))


def test_every_time_is_told_in_the_zone_that_was_asked_for(tmp_path: Path) -> None:
    """Therapy, moment, reasons, episodes and corrections; without a zone all of them in UTC."""
    path = course(tmp_path, temperature(39.5, "final", "1"), temperature(39.2, "corrected", "2"))
    there = explain(read(path, now=NOW), "007", at=datetime(2026, 3, 3, 12, tzinfo=UTC), zone=ZoneInfo("Asia/Kolkata"))
    assert "UTC+05:30" in there
    assert re.findall(r"UTC(?!\+05:30)", there) == []
    for line in ("as of 2026-03-03 17:30", "at 2026-03-01 05:30", "onset 2026-03-03 13:30", "(known 2026-03-03 15:30"):
        assert f"{line} UTC+05:30" in there
    here = explain(read(path, now=NOW), "007", at=datetime(2026, 3, 3, 12, tzinfo=UTC))
    assert re.findall(r"UTC[+-]", here) == []


def test_the_command_tells_times_in_its_zone() -> None:
    """West of Greenwich too."""
    told = CliRunner().invoke(app, ["explain", str(FOLDER), "C03", "--zone", "America/New_York"])
    assert told.exit_code == 0
    assert "UTC-0" in told.output
    assert re.findall(r"UTC(?!-0)", told.output) == []


def test_what_was_taken_back_is_said(tmp_path: Path) -> None:
    """A withdrawal is a correction too; one that changes nothing is none."""
    path = course(tmp_path, temperature(39.5, "final", "1"), temperature(39.5, "entered-in-error", "2"))
    assert "body-temperature of 2026-03-03 08:00 UTC, 39.5 °C, was taken back" in explain(read(path, now=NOW), "007")
    path = course(tmp_path, temperature(39.5, "preliminary", "1"), temperature(39.5, "final", "2"))
    assert "Corrected" not in explain(read(path, now=NOW), "007")


def test_what_else_it_could_be_is_said_in_short() -> None:
    """What speaks for or against, what nothing is on record of, what guidelines still ask for; never a rank."""
    told = explain(FOLDER, "C28")
    assert "Drug fever: against it: needs norepinephrine" in told
    assert "Nothing on record for or against: Infection and neutropenic sepsis" in told
    assert "Asked for by guidelines, not on record or not fresh: blood count with differential" in told
    assert "nothing is ranked or ruled out" in told


def test_where_no_code_is_known_nothing_of_it_is_said(tmp_path: Path) -> None:
    """A patient without a therapy has no parts and no look-alikes."""
    path = tmp_path / "record.ndjson"
    path.write_bytes(ndjson([patient(), observation(concept("8310-5"))]))
    told = explain(read(path, now=NOW), "007")
    assert "by fever" not in told
    assert "What else" not in told
