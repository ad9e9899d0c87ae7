"""The units trap: CRP in mg/L and mg/dL, LDH in ukat/L, creatinine in umol/L, through the door."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.risk.bedside import PLAIN, answered, without


@pytest.mark.parametrize(
    ("quantity", "value", "unit"),
    [
        ("crp", "50", "mg/L"),
        ("crp", "5", "mg/dL"),
        ("crp", "50", "ug/mL"),
        ("ldh", "5", "ukat/L"),
        ("creatinine", "88.4", "umol/L"),
        ("platelets", "100000", "/uL"),
        ("platelets", "100", "K/uL"),
    ],
)
def test_the_worked_numbers_in_any_unit(tmp_path: Path, quantity: str, value: str, unit: str) -> None:
    """One patient has one score, in whatever unit the laboratory prints."""
    scores = answered(tmp_path, [*without(quantity), ("P", -120, quantity, value, unit, "")])["P"]["scores"]
    assert scores["m-easix"]["value"] == pytest.approx(15.0, rel=1e-12)
    assert scores["easix"]["value"] == pytest.approx(3.0, rel=1e-12)


def test_crp_of_five_is_ten_times_less_in_the_larger_unit(tmp_path: Path) -> None:
    """5 mg/L is not 5 mg/dL."""
    scores = answered(tmp_path, [*without("crp"), ("P", -120, "crp", "5", "mg/L", "")])["P"]["scores"]
    assert scores["m-easix"]["value"] == pytest.approx(1.5, rel=1e-12)


def test_crp_without_a_unit_makes_no_score(tmp_path: Path) -> None:
    """A unit that is not there is not assumed; the answer says that the statement was not understood."""
    answer = answered(tmp_path, [*without("crp"), ("P", -120, "crp", "5", "", "")])["P"]
    assert answer["scores"]["m-easix"]["value"] is None
    assert answer["scores"]["m-easix"]["missing"] == ["crp"]
    assert answer["not_understood"] == {"unit-unknown": 1}


def test_a_value_of_which_only_the_day_is_known_counts_at_noon(tmp_path: Path) -> None:
    """A laboratory date beside an infusion at 12:00 of the same day is day 0, whichever hour the infusion had."""
    file = tmp_path / "days.csv"
    rows = [
        "patient_id,start,end,quantity,value,unit,text",
        "P,2024-03-10T20:00:00Z,,trigger,,,axi-cel",
        *[f"P,2024-03-10,,{line[2]},{line[3]},{line[4]}," for line in PLAIN if line[2] in ("ldh", "platelets")],
    ]
    file.write_text("\n".join(rows), encoding="utf-8")
    from leeward.api import question
    from leeward.cohort import risk
    from leeward.record.read import read

    held = read(file, zone="UTC")
    found = {
        at: dict(risk.answers(held, question(held), risk.Asked(at=at)))["P"]["scores"]["s-easix"]["value"]
        for at in ("day-1", "day0", "day+1")
    }
    assert found == {"day-1": None, "day0": 3.0, "day+1": None}
