"""What is missing, impossible or unknown gets a clear answer through the command line, and nothing is invented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from leeward import cli

HEAD = "patient_id,start,end,quantity,value,unit,text\n"
LDH = "A,2026-03-20T08:00:00Z,,ldh,300,U/L,\n"
REST = "A,2026-03-20T08:00:00Z,,creatinine,1,mg/dL,\nA,2026-03-20T08:00:00Z,,crp,50,mg/L,\n"
DOSE = "A,2026-03-25T08:00:00Z,,trigger,,,axicabtagene ciloleucel\n"


def run(tmp_path: Path, charted: str, *arguments: str, exit_code: int = 0) -> str:
    """What a command says of a record."""
    file = tmp_path / "a.csv"
    file.write_text(HEAD + charted, encoding="utf-8")
    command, *options = arguments
    done = CliRunner().invoke(cli.app, [command, str(file), *options])
    assert done.exit_code == exit_code, done.output
    return done.stdout if exit_code == 0 else done.output


def platelets(count: float) -> str:
    """A line of platelets."""
    return f"A,2026-03-20T08:00:00Z,,platelets,{count},10*9/L,\n"


def scored(said: str) -> dict[str, Any]:
    """The scores of an answer."""
    scores: dict[str, Any] = json.loads(said)["scores"]
    return scores


@pytest.mark.parametrize("name", ["easix", "s-easix", "m-easix"])
def test_a_missing_ldh(tmp_path: Path, name: str) -> None:
    """Named as missing; no bound, since nothing bounds it; in words `not known`."""
    charted = REST + platelets(100) + DOSE
    one = scored(run(tmp_path, charted, "risk", "--json"))[name]
    assert (one["at_least"], one["at_most"], one["missing"]) == (None, None, ["ldh"])
    assert {"applies", "evidence", "citation"} <= set(one)
    said = run(tmp_path, charted, "risk", "--score", name)
    assert ": not known [" in said
    assert "missing: ldh" in said


@pytest.mark.parametrize("name", ["easix", "s-easix", "m-easix"])
def test_platelets_of_zero(tmp_path: Path, name: str) -> None:
    """Undefined, and why is said: not infinite, not zero, not missing."""
    charted = LDH + REST + platelets(0) + DOSE
    one = scored(run(tmp_path, charted, "risk", "--json"))[name]
    assert (one["at_least"], one["at_most"], one["value"], one["missing"]) == (None, None, None, [])
    said = run(tmp_path, charted, "risk", "--score", name)
    assert "Platelets of 0: nothing can be divided by them, so the score is undefined." in said


def test_findings_before_birth(tmp_path: Path) -> None:
    """Refused at the door and counted; the scores have nothing to stand on, and no age is made of it."""
    charted = "A,,,birth-date,,,2026-04-01\n" + LDH + REST + platelets(100) + DOSE
    answer = json.loads(run(tmp_path, charted, "risk", "--json"))
    assert answer["not_understood"] == {"before-birth": 5}
    assert answer["scores"]["easix"]["value"] is None
    assert answer["age"] == {"at_least": None, "at_most": None}
    assert "5 x before-birth" in run(tmp_path, charted, "watch")


def test_a_dose_before_birth(tmp_path: Path) -> None:
    """Nothing is planned for a day before the birth on record."""
    said = run(
        tmp_path, "A,,,birth-date,,,1960-01-01\n" + LDH, "prepare", "--product", "tecvayli", "--date", "1959-12-31"
    )
    assert "1959-12-31 is before the date of birth on record (1960-01-01): one of them is wrong" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["risk", "--product", "examplumab"],
        ["prepare", "--product", "examplumab", "--date", "2026-03-27"],
        ["home", "--product", "examplumab"],
    ],
    ids=lambda one: one[0],
)
def test_a_product_nobody_knows(tmp_path: Path, arguments: list[str]) -> None:
    """Named on the command line."""
    said = run(tmp_path, LDH, *arguments, exit_code=2)
    assert "no product 'examplumab' is known; docs/therapies.md lists them" in said


@pytest.mark.parametrize("command", ["risk", "watch"])
def test_a_product_nobody_knows_in_the_record(tmp_path: Path, command: str) -> None:
    """Not guessed at: told as not understood, and nothing is counted from it."""
    said = run(tmp_path, LDH + DOSE.replace("axicabtagene ciloleucel", "examplumab"), command)
    assert "not understood, so not used: 1 x word-unknown" in said
    assert "no therapy" in said


def test_a_centre_without_a_number(tmp_path: Path) -> None:
    """Said to be missing, and no number stands in for it."""
    settings = tmp_path / "centre.toml"
    settings.write_text('name = "Lee Hospital"\n', encoding="utf-8")
    charted = "A,2026-03-28T08:00:00Z,,body-temperature,38.5,Cel,\n"
    said = run(tmp_path, charted, "home", "--centre", str(settings))
    assert "Your centre: Lee Hospital" in said
    for missing in ("The day phone number", "The night phone number", "The emergency number"):
        assert missing in said
