"""A look-alike, a work-up or an alarm that cannot be trusted is refused at load, naming file and line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leeward.knowledge import BadKnowledge
from leeward.knowledge.loader import ROOT, names, read
from leeward.recognition import alarms, workup
from leeward.recognition.features import Feature, Observed, checked, observed
from leeward.recognition.lookalikes import Lookalike, features, lookalikes

GOOD = (ROOT / "lookalikes" / "infection.toml").read_text(encoding="utf-8")


def changed(folder: Path, old: str, new: str) -> Lookalike:
    """The infection file with one change, loaded and checked."""
    assert old in GOOD
    path = folder / "infection.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    one: Lookalike = read(path, Lookalike)
    checked(one.features, "lookalikes/infection")
    return one


def test_twelve_lookalikes_stand() -> None:
    """Every look-alike of the catalogue loads, each in its own place."""
    assert len(lookalikes()) == 12
    assert len({one.order for one in lookalikes()}) == 12
    assert len({name for name, _ in features()}) == len(features())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "review of CRS, PMC7327099"\n', "", "missing required field `source`"),
        ('source = "review of CRS, PMC7327099"', 'source = " "', "Expected `str` matching regex"),
        ('where = "Table 2"\n', "", "missing required field `where`"),
        ('evidence = "read"', 'evidence = "rumoured"', "Invalid enum value 'rumoured'"),
        ('words = ["positive"]', 'words = ["positiv"]', "blood-culture knows no positiv"),
        ('quantity = "neutrophils"', 'quantity = "neutrophil"', "no quantity 'neutrophil'"),
        ('unit = "10*9/L"', 'unit = "/uL"', "is kept in 10*9/L, not in /uL"),
        ('below = 0.5\nunit = "10*9/L"\n', "below = 0.5\n", "a limit needs its unit"),
        ('words = ["positive"]\n', "", "must ask for one thing"),
        ("checked = 2026-11-22\n", "", "missing required field `checked`"),
    ],
)
def test_a_bad_lookalike_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A missing citation, an unknown word, unit or quantity: none is read past."""
    with pytest.raises(BadKnowledge, match=re.escape(message)) as refused:
        changed(tmp_path, old, new)
    assert "infection.toml" in str(refused.value)


def test_a_strict_limit_is_the_neighbouring_number() -> None:
    """Above 0.4 does not take 0.4; at most 0.4 does, and nothing lies between the two."""
    by_id = {feature.id: feature for one in lookalikes() if one.id == "infection" for feature in one.features}
    assert by_id["procalcitonin-high"].bounds[0] > 0.4 == by_id["procalcitonin-low"].bounds[1]


def test_every_number_is_cited() -> None:
    """Each feature, note, test and number says where it is from, how we know it, and when somebody last looked."""
    cited: list[Feature] = [feature for _, feature in features()]
    assert all(one.source and one.where and one.checked for one in cited)
    assert all(one.source and one.why for one in observed().number.values())
    assert all(test.why for test in workup.tests().values())
    assert {alarm.id for alarm in alarms.alarms()} >= {"airway-swelling", "masked-onset", "untreated-hypoxia"}


def test_an_unproven_rate_says_so() -> None:
    """No source gives a rate for a rapid rise of ferritin: ours is called own and not validated."""
    rising = next(alarm for alarm in alarms.alarms() if alarm.id == "ferritin-rising-fast")
    assert rising.feature.evidence == "derived"
    assert "not validated" in rising.advice


def test_nccn_is_named_and_not_encoded() -> None:
    """Its licence restricts derived use, so it is shown beside the others as something to consult."""
    nccn = next(guideline for guideline in workup.guidelines() if guideline.id == "nccn")
    assert nccn.items == ()
    assert nccn.consult is not None


def test_a_guideline_without_a_citation_is_refused(tmp_path: Path) -> None:
    """A guideline that does not say where it stands is refused by file."""
    text = (ROOT / "workup" / "asco-2021.toml").read_text(encoding="utf-8")
    path = tmp_path / "asco-2021.toml"
    path.write_text(re.sub(r"(?m)^source = .*\n", "", text), encoding="utf-8")
    with pytest.raises(BadKnowledge, match=r"asco-2021\.toml.*`source`"):
        read(path, workup.Guideline)
    assert {"workup/tests", "workup/nccn"} < set(names("workup"))
    assert isinstance(observed(), Observed)
