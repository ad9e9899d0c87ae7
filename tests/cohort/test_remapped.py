"""Row 28: what another mapping changes is said: what reads otherwise, which rules read that, whose answers move."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from leeward.cli import app
from leeward.cohort.remapped import Remapped, readers
from leeward.commands import mapping_change
from leeward.knowledge.vocabulary import quantities

MAPPING = """title = "Charts of one ward"
zone = "UTC"

[[table]]
file = "charts"
patient = "who"
start = "at"
quantity = { column = "sign", words = { TEMP = "body-temperature", RRSYS = "systolic-bp" } }
value = "result"
unit = "units"
text = "word"
"""
CHARTS = """who,at,sign,result,units,word
a,2026-03-01 08:00,trigger,,,axicabtagene ciloleucel
a,2026-03-02 08:00,TEMP,38.6,Cel,
a,2026-03-02 08:00,RRSYS,84,mm[Hg],
a,2026-03-02 08:00,oxygen-device,,,room air
a,2026-03-02 08:00,age-years,60,a,
a,2026-03-02 08:00,NEU,2,10*9/L,
b,2026-03-01 08:00,trigger,,,axicabtagene ciloleucel
b,2026-03-02 08:00,TEMP,38.6,Cel,
b,2026-03-02 08:00,RRSYS,124,mm[Hg],
b,2026-03-02 08:00,oxygen-device,,,room air
b,2026-03-02 08:00,age-years,60,a,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of charts, and the mapping in use."""
    (tmp_path / "record").mkdir()
    (tmp_path / "record" / "charts.csv").write_text(CHARTS, encoding="utf-8")
    (tmp_path / "before.toml").write_text(MAPPING, encoding="utf-8")
    return tmp_path


def run(folder: Path, old: str, new: str, *more: str) -> str:
    """What the command says when one word of the mapping is another."""
    assert old in MAPPING
    (folder / "after.toml").write_text(MAPPING.replace(old, new), encoding="utf-8")
    asked = ["mapping-change", "record", "--before", "before.toml", "--after", "after.toml", *more]
    done = CliRunner().invoke(app, [str(folder / one) if (folder / one).exists() else one for one in asked])
    assert done.exit_code == 0, done.output
    return done.stdout


def found(folder: Path, old: str, new: str) -> Remapped:
    """The same, as it is for programs."""
    return msgspec.json.decode(run(folder, old, new, "--json"), type=Remapped)


def test_28_a_code_mapped_to_the_wrong_quantity_names_the_rules_and_the_patients(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every file still reads and nothing is refused; the hypotension of one patient is gone all the same."""
    changed = found(folder, 'RRSYS = "systolic-bp"', 'RRSYS = "diastolic-bp"')
    (one,) = changed.reread
    assert (one.was, one.now, one.statements, one.patients) == ("systolic-bp", "diastolic-bp", 2, 2)
    assert {"CRS on every scale", "decision tables of the plan", "scales/news2", "scales/sipa"} <= set(one.rules)
    assert "ICANS" not in one.rules
    moved = {rule.rule: rule.patients for rule in changed.moved}
    assert moved["CRS on astct-2019"] == [
        "a",
        "b",
    ]  # a hypotension is lost, and what ruled one out
    assert moved["news2"] == ["a", "b"]
    assert "ICANS" not in moved
    mapping_change._print(changed)
    said = capsys.readouterr().out
    assert "systolic-bp -> diastolic-bp: 2 of 11 statements, 2 patients\n    read by: CRS on every scale" in said
    assert "CRS on astct-2019: another answer for a, b\n" in said


@pytest.mark.slow
def test_28_a_retired_code_is_refused_and_counted(folder: Path) -> None:
    """A word taken out of the mapping: its statements are refused, and the rules that wait for them are named."""
    changed = found(folder, 'TEMP = "body-temperature", ', "")
    (one,) = changed.reread
    assert (one.was, one.now, one.statements) == ("body-temperature", "refused as code-unknown", 2)
    assert "CRS on every scale" in one.rules


@pytest.mark.slow
def test_28_a_new_code_says_what_begins_to_read_it(folder: Path) -> None:
    """A word that nobody knew before; where its value moves no grade, only those who read it are named."""
    changed = found(folder, "RRSYS =", 'NEU = "neutrophils", RRSYS =')
    (one,) = changed.reread
    assert (one.was, one.now, one.statements, one.patients) == ("refused as code-unknown", "neutrophils", 1, 1)
    assert "scales/hlh-2004" in one.rules
    assert {patient for rule in changed.moved for patient in rule.patients} == {"a"}
    assert "CRS on astct-2019" not in {rule.rule for rule in changed.moved}


def test_28_a_mapping_that_says_the_same_otherwise_changes_nothing(folder: Path) -> None:
    """Another title moves nothing, and says so."""
    assert run(folder, "Charts of one ward", "Charts") == "Nothing reads otherwise (11 statements).\n"


@pytest.mark.parametrize(
    ("quantity", "rule"),
    [
        ("oxygen-device", "CRS on every scale"),
        ("norepinephrine", "CRS on every scale"),
        ("ice-score", "ICANS"),
        ("alt", "CRS on scales other than ASTCT"),
        ("ferritin", "decision tables of the plan"),
        ("troponin-i", "lookalikes/heart"),
        ("crp", "risk/scores/m-easix"),
    ],
)
def test_28_who_reads_a_quantity_is_known(quantity: str, rule: str) -> None:
    """By what the statements ask for, and by what the definitions name."""
    assert rule in readers()[quantity]
    assert readers().keys() <= quantities().keys()
