"""`leeward risk` and `leeward validate` from the command line: what they print and what they refuse."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from tests.risk.bedside import PLAIN, record, without
from tests.risk.test_coefficients import POINTS
from typer.testing import CliRunner

from leeward.cli import app

runner = CliRunner()


@pytest.fixture(name="patients")
def _patients(tmp_path: Path) -> Path:
    """A file with the plain patient."""
    record(tmp_path, list(PLAIN))
    return tmp_path / "patients.csv"


def test_json_has_the_scores(patients: Path) -> None:
    """One object per patient and line."""
    done = runner.invoke(app, ["risk", str(patients), "--at", "before-lymphodepletion", "--json"])
    assert done.exit_code == 0, done.stderr
    [answer] = [json.loads(line) for line in done.stdout.splitlines()]
    assert answer["scores"]["easix"]["at_least"] == answer["scores"]["easix"]["at_most"] == 3.0
    assert answer["scores"]["m-easix"]["at_most"] == 15.0
    assert answer["scores"]["car-hematotox"]["missing"] == ["ferritin", "haemoglobin", "neutrophils"]


def test_words_give_no_order_and_no_colour(patients: Path) -> None:
    """A value, what is missing, how it fared elsewhere; never what to do."""
    done = runner.invoke(app, ["risk", str(patients)])
    assert done.exit_code == 0
    assert "m-EASIX, EASIX with CRP in the place of creatinine: 15 [read]" in done.stdout
    assert "OR 4.3, interval not seen" in done.stdout
    assert "not a medical device" in done.stdout
    assert not {"high risk", "low risk:", "red", "green", "amber"} & set(done.stdout.lower().split())


def test_words_say_what_a_score_is_made_of(patients: Path) -> None:
    """Each value with its unit and time, so that a CRP of the wrong unit is seen."""
    said = runner.invoke(app, ["risk", str(patients), "--score", "m-easix"]).stdout
    [line, *_] = [line for line in said.splitlines() if "made of" in line]
    assert " U/L, " in line
    assert " mg/L, " in line
    assert " × 10⁹/L, " in line
    assert line.count(" UTC") == 3


def test_a_score_without_coefficients_is_refused_with_a_clear_message(patients: Path, tmp_path: Path) -> None:
    """By name, with the reason; with a file it is computed."""
    done = runner.invoke(app, ["risk", str(patients), "--score", "teachey-2016"])
    assert done.exit_code == 2
    assert "coefficients could not be recovered" in done.stderr
    (tmp_path / "own.toml").write_text(POINTS, encoding="utf-8")
    own = ["--coefficients", str(tmp_path / "own.toml"), "--score", "easix-f", "--json"]
    done = runner.invoke(app, ["risk", str(patients), *own])
    assert done.exit_code == 0, done.stderr
    assert set(json.loads(done.stdout)["scores"]) == {"easix-f"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "noon"], "no moment 'noon'; there is before-lymphodepletion, day-1, day0, day+1, day+3"),
        (["--product", "wonder-cel"], "no product 'wonder-cel'"),
        (["--disease", "gout"], "no disease 'gout'"),
        (["--score", "apache"], "no score 'apache'"),
        (["--patient", "Q"], "no patient 'Q'"),
        (["--coefficients", "absent.toml"], "absent.toml"),
    ],
)
def test_wrong_arguments_are_said(patients: Path, arguments: list[str], said: str) -> None:
    """Exit code 2 and what there is instead."""
    done = runner.invoke(app, ["risk", str(patients), *arguments])
    assert done.exit_code == 2
    assert said in done.stderr


def test_percentiles_in_another_record(patients: Path, tmp_path: Path) -> None:
    """One patient among those of the centre."""
    folder = tmp_path / "centre"
    folder.mkdir()
    record(folder, [(f"C{n}", hours, quantity, str(100 * n) if quantity == "ldh" else value, unit, text)
                    for n in range(1, 6) for _, hours, quantity, value, unit, text in PLAIN])  # fmt: skip
    done = runner.invoke(app, ["risk", str(patients), "--cohort", str(folder / "patients.csv"), "--json"])
    assert json.loads(done.stdout)["scores"]["easix"]["percentile"] == {"at_least": 50.0, "at_most": 50.0, "of": 5}


def test_a_table_for_validation(tmp_path: Path) -> None:
    """Scores beside outcomes: 1 and 0 only where sure; a range or a score that does not apply stands empty."""
    hot = [("P", hours, "body-temperature", "39", "Cel", "") for hours in range(24, 60, 4)]
    low = [("P", hours, "systolic-bp", "80", "mm[Hg]", "") for hours in range(24, 60, 4)]
    press = [("P", 30.0, "norepinephrine", "", "", ""), ("P", 30.0, "oxygen-device", "", "", "non-rebreather")]
    quiet = [("Q", hours, quantity, value, unit, text) for _, hours, quantity, value, unit, text in without("crp")]
    record(tmp_path, [*PLAIN, *hot, *low, *press, *quiet])
    target = tmp_path / "scores.csv"
    done = runner.invoke(app, ["risk", str(tmp_path / "patients.csv"), "--table", str(target)])
    assert done.exit_code == 0, done.stderr
    rows = {row["patient"]: row for row in csv.DictReader(target.read_text(encoding="utf-8").splitlines())}
    assert (rows["P"]["easix"], rows["P"]["m-easix"], rows["P"]["crs_3_or_more"]) == ("3.0", "15.0", "1")
    assert (rows["Q"]["easix"], rows["Q"]["m-easix"], rows["Q"]["crs_3_or_more"]) == ("3.0", "", "")
    assert rows["P"]["hay-2017"] == ""


@pytest.fixture(name="table")
def _table(tmp_path: Path) -> Path:
    """120 patients whose outcome follows their prediction."""
    draw = random.Random(1)  # noqa: S311  repeatable, no secret
    path = tmp_path / "cohort.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["patient", "crs", "model", "easix", "sex"])
        for n in range(120):
            risk = draw.random()
            rows.writerow(
                [f"P{n}", int(draw.random() < risk), f"{risk:.3f}", f"{10 * risk + draw.random():.2f}", "fm"[n % 2]]
            )
    return path


def test_validate_writes_a_report(table: Path, tmp_path: Path) -> None:
    """Numbers on the terminal, a page and its numbers in a folder."""
    pytest.importorskip("dcurves", reason="the extra `validate` is not installed")
    out = tmp_path / "report"
    asked = ["validate", str(table), "--outcome", "crs", "--predicted", "model", "--score", "easix", "--by", "sex",
             "--resamples", "20", "--out", str(out)]  # fmt: skip
    done = runner.invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "model: auc " in done.stdout
    page = (out / "validation.html").read_text(encoding="utf-8")
    assert page.count('<svg class="curve"') == 2
    assert "TRIPOD+AI" in page
    assert "For the authors." in page
    assert not any(word in page for word in ('http-equiv="refresh', "<script", "src=", "url("))
    numbers = json.loads((out / "validation.json").read_text(encoding="utf-8"))
    assert numbers["used"] == 120
    assert set(numbers["groups"]["sex"]) == {"f", "m"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--outcome", "crs"], 2, "name at least one column"),
        (
            ["--outcome", "death", "--predicted", "model"],
            3,
            "has no column death; it has patient, crs, model, easix, sex",
        ),
        (["--outcome", "crs", "--predicted", "easix"], 3, "is no probability (0 to 1): give it with --score"),
        (["--outcome", "easix", "--predicted", "model"], 3, "holds more than 0 and 1"),
        (["--outcome", "crs", "--predicted", "sex"], 3, "holds cells that are no numbers"),
        (["--outcome", "crs", "--predicted", "model", "--thresholds", "0.1,2"], 2, "between 0 and 1"),
    ],
)
def test_a_table_that_cannot_be_validated_is_refused(table: Path, arguments: list[str], code: int, said: str) -> None:
    """Column and reason, never a number from it."""
    done = runner.invoke(app, ["validate", str(table), *arguments])
    assert done.exit_code == code, done.output
    assert said in done.stderr


def test_without_the_libraries_the_command_says_what_to_install(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are an extra; the message names it."""
    import importlib

    real = importlib.import_module

    def absent(name: str, package: str | None = None) -> object:
        """As if scikit-learn were not there."""
        if name.startswith("sklearn"):
            raise ModuleNotFoundError(name=name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", absent)
    done = runner.invoke(app, ["validate", str(table), "--outcome", "crs", "--predicted", "model"])
    assert done.exit_code == 2
    assert "scikit-learn is not installed (sklearn.metrics): pip install 'leeward[validate]'" in done.stderr
