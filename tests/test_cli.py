"""What the command line writes beside its answers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leeward import cli
from leeward.commands import options

HEADER = "patient_id,start,end,quantity,value,unit,text\n"
FEVER = "A,2026-03-01T08:00:00Z,,body-temperature,39.0,Cel,\n"
REFUSED = "A,2026-03-01T09:00:00Z,,body-temperature,NaN,Cel,\n"


@pytest.mark.parametrize(
    ("rows", "code"),
    [(FEVER + REFUSED, 0), (REFUSED, options.NOTHING_UNDERSTOOD)],
    ids=["beside what was understood", "although nothing was understood"],
)
def test_refusals_are_listed(tmp_path: Path, rows: str, code: int) -> None:
    """Each refusal stands in the file that `--refused` names, whatever became of the rest."""
    source, listed = tmp_path / "record.csv", tmp_path / "refused.csv"
    source.write_text(HEADER + rows, encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["grade", str(source), "--refused", str(listed)])
    assert done.exit_code == code, done.output
    with listed.open(encoding="utf-8", newline="") as file:
        assert [row["reason"] for row in csv.DictReader(file)] == ["not-a-number"]


@pytest.mark.parametrize("command", ["grade", "explain", "plan", "watch", "home", "lookalikes", "clocks"])
def test_17_whoever_is_refused_for_want_of_a_zone_is_told_how_to_say_it(tmp_path: Path, command: str) -> None:
    """By every command that takes one; not where one was given."""
    source = tmp_path / "record.csv"
    source.write_text(HEADER + FEVER.replace("Z,", ","), encoding="utf-8")
    asked = [command, str(source), *(["A"] if command == "explain" else [])]
    assert "--zone says which one they mean" in CliRunner().invoke(cli.app, asked).stderr
    assert "--zone says" not in CliRunner().invoke(cli.app, [*asked, "--zone", "UTC"]).stderr


@pytest.mark.parametrize("option", ["--refused", "--parquet"])
def test_a_place_that_cannot_be_written_to_is_a_wrong_argument(tmp_path: Path, option: str) -> None:
    """It is said, with its own exit code, and not shown as a fault of ours."""
    source = tmp_path / "record.csv"
    source.write_text(HEADER + FEVER, encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["grade", str(source), option, str(source / "below a file")])
    assert done.exit_code == options.WRONG_ARGUMENTS


def test_a_plan_for_nobody_says_so(tmp_path: Path) -> None:
    """A patient who is not in the record has no plan, and that is said, not silence."""
    record = tmp_path / "record.csv"
    record.write_text(HEADER + FEVER, encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["plan", str(record), "--patient", "nobody"])
    assert done.exit_code == options.WRONG_ARGUMENTS
    assert "no patient 'nobody'" in done.output
