"""What stands beside a score: whether it applies, percentile, base rates, what is refused, what was not understood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.risk.bedside import PLAIN, Line, answered, without

from leeward.knowledge.citations import citation
from leeward.knowledge.therapies import treatments
from leeward.knowledge.vocabulary import quantities
from leeward.risk.base_rates import rates
from leeward.risk.definitions import adapters, disease_words, inputs, moments, rules


def test_every_score_says_all_that_belongs_to_it(tmp_path: Path) -> None:
    """Range, missing, applies, evidence, citation, population, outcome and its scale, performance: none is left out."""
    answer = answered(tmp_path, list(PLAIN))["P"]
    assert set(answer["scores"]) == set(rules())
    wanted = {"at_least", "at_most", "missing", "applies", "why", "evidence", "citation", "inputs", "performance"}
    wanted |= {"population", "outcome", "outcome_scale", "percentile", "notes"}
    for name, one in answer["scores"].items():
        assert wanted <= set(one), name
        assert one["performance"], name
        assert one["citation"], name
    assert msgspec.json.decode(msgspec.json.encode(answer)) == answer


def test_a_score_that_does_not_apply_says_why(tmp_path: Path) -> None:
    """CAR-HEMATOTOX is asked before lymphodepletion only, Hay of adults after CAR-T."""
    scores = answered(tmp_path, list(PLAIN), "day0")["P"]["scores"]
    assert scores["car-hematotox"]["applies"] is False
    assert scores["car-hematotox"]["why"] == ["made for before lymphodepletion; asked at day 0"]
    assert "not a score of CRS" in " ".join(scores["car-hematotox"]["notes"])


def test_inputs_are_shown_with_unit_and_time(tmp_path: Path) -> None:
    """Whoever reads a score can look each value up."""
    made = {row["quantity"]: row for row in answered(tmp_path, list(PLAIN))["P"]["scores"]["easix"]["inputs"]}
    assert {name: (row["at_least"], row["unit"]) for name, row in made.items()} == {
        "ldh": (300.0, "U/L"),
        "creatinine": (1.0, "mg/dL"),
        "platelets": (100.0, "10*9/L"),
    }
    assert {row["at"] for row in made.values()} == {"2024-03-05T12:00:00Z"}


def _cohort(values: list[str]) -> list[Line]:
    """Patients who differ in LDH only."""
    return [
        (f"P{place}", line[1], line[2], ldh if line[2] == "ldh" else line[3], line[4], line[5])
        for place, ldh in enumerate(values)
        for line in PLAIN
    ]


def test_percentile_is_a_mid_rank_among_ones_own(tmp_path: Path) -> None:
    """Of 100, 200, 200 and 400 the second and third stand in the middle."""
    found = answered(tmp_path, _cohort(["100", "200", "200", "400"]))
    places = {patient: one["scores"]["easix"]["percentile"] for patient, one in found.items()}
    assert {patient: held["at_least"] for patient, held in places.items()} == {
        "P0": 12.5,
        "P1": 50.0,
        "P2": 50.0,
        "P3": 87.5,
    }
    assert {held["of"] for held in places.values()} == {4}


def test_the_lowest_of_many_is_not_at_zero(tmp_path: Path) -> None:
    """A patient is one of their own cohort, whatever the last digit of their value."""
    found = answered(tmp_path, _cohort(["0.11111111111111", "0.44444444444444", "0.77777777777777"]))
    assert [found[f"P{n}"]["scores"]["m-easix"]["percentile"]["at_least"] for n in range(3)] == [16.7, 50.0, 83.3]


def test_alone_there_is_no_percentile(tmp_path: Path) -> None:
    """One patient is no cohort, and a sign that is there or not has no place in one."""
    scores = answered(tmp_path, list(PLAIN))["P"]["scores"]
    assert scores["easix"]["percentile"] is None
    assert answered(tmp_path, _cohort(["100", "200"]))["P0"]["scores"]["marrow-blasts-40"]["percentile"] is None


def test_what_is_not_shipped_is_refused_by_name(tmp_path: Path) -> None:
    """Each says why, and how to give one's own numbers."""
    answer = answered(tmp_path, list(PLAIN))["P"]
    assert set(answer["refused"]) == set(adapters())
    assert {"teachey-2016", "zhou-2023", "easix-f", "easix-fc", "glofitamab-crs-risk", "inflamix"} <= set(adapters())
    for name, said in answer["refused"].items():
        assert "is not computed" in said, name
        assert "--coefficients" in said, name


def _person(**told: Any) -> dict[str, Any]:
    return {"product": None, "disease": None, "age_low": None, "age_high": None, **told}


def test_base_rates_are_those_of_disease_and_age() -> None:
    """A child with leukaemia is shown ELIANA first, an adult with lymphoma JULIET; a row says why it does not fit."""
    child = rates(_person(product="tisagenlecleucel", disease="b-all", age_low=10.0, age_high=10.0))
    adult = rates(_person(product="tisagenlecleucel", disease="large-b-cell-lymphoma", age_low=60.0, age_high=60.0))
    young = rates(_person(product="tisagenlecleucel", disease="b-all", age_low=22.0, age_high=22.9))
    assert "ELIANA" in child[0].population.indication
    assert "ELIANA" in young[0].population.indication
    assert "JULIET" in adult[0].population.indication
    assert [one.fits for one in adult].count(True) == 1
    assert {one.population.indication: one.why for one in adult}["r/r B-cell ALL (ELIANA)"] == [
        "another disease",
        "another age",
    ]


def test_base_rates_of_an_unknown_disease_are_all_shown_as_possible() -> None:
    """Nothing on record rules nothing out."""
    found = rates(_person(product="axicabtagene ciloleucel", age_low=55.0, age_high=55.0))
    assert {one.fits for one in found} == {None}
    assert rates(_person()) == []
    assert rates(_person(product="assumed")) == []


def test_every_product_with_one_disease_has_a_fitting_row() -> None:
    """Words of indications are understood: each published row fits some disease, or names none."""
    from leeward.knowledge.therapies import populations
    from leeward.risk.base_rates import _named

    products = [item for item in treatments() if item.klass in ("car-t", "t-cell-engager")]
    rows = {row.indication for item in products for row in populations(item)}
    assert {one for one in rows if not _named(one)} == {
        "pooled NHL, current USPI", "malignant ascites, EpCAM+", "outside trials: range of several series",
    }  # fmt: skip


def test_a_product_named_with_the_question_stands_in_for_one_that_is_not_on_record(tmp_path: Path) -> None:
    """Before the infusion is on record; what is on record is never overruled."""
    planned = answered(tmp_path, without("trigger"), product="tisagenlecleucel", disease="b-all")["P"]
    assert planned["infusion"] == {"product": "tisagenlecleucel", "at": None}
    assert planned["scores"]["easix"]["value"] == 3.0
    assert planned["scores"]["easix"]["applies"] is None
    assert planned["disease"] == "large-b-cell-lymphoma"
    given = answered(tmp_path, list(PLAIN), product="tisagenlecleucel")["P"]
    assert given["infusion"]["product"] == "axicabtagene ciloleucel"


def test_before_the_infusion_a_score_applies_once_lymphodepletion_began(tmp_path: Path) -> None:
    """The usual moment of asking: the product named, the infusion not yet given."""
    lines = [*without("trigger"), ("P", -110.0, "lymphodepletion", "", "", "fludarabine")]
    one = answered(tmp_path, lines, product="tisagenlecleucel")["P"]["scores"]["easix"]
    assert (one["value"], one["applies"], one["why"]) == (3.0, True, [])
    later = [*lines, ("P", -109.0, "ldh", "900", "U/L", "")]
    assert answered(tmp_path, later, product="tisagenlecleucel")["P"]["scores"]["easix"]["value"] == 3.0


def test_a_planned_day_counts_from_itself(tmp_path: Path) -> None:
    """`--assume-trigger` is the planned infusion: a value two days before it is not one of day -5."""
    from datetime import timedelta

    from tests.risk.bedside import INFUSION, record

    from leeward.api import question
    from leeward.cohort import risk

    held = record(tmp_path, [*without("trigger"), ("P", 1, "heart-rate", "80", "/min", "")])
    for hours, expected in ((0, 3.0), (-72, None)):
        asked = question(held, assume_trigger=INFUSION + timedelta(hours=hours))
        answer = dict(risk.answers(held, asked, risk.Asked("before-lymphodepletion")))["P"]
        assert answer["scores"]["easix"]["value"] == expected


def test_a_patient_of_whom_nothing_was_understood_is_not_lost(tmp_path: Path) -> None:
    """A therapy before the birth: every statement refused, counted and shown."""
    early = [("P", hours, *rest) for _, hours, *rest in PLAIN if hours is not None]
    answer = answered(tmp_path, [("P", None, "birth-date", "", "", "2030-01-01"), *early])["P"]  # type: ignore[list-item]
    assert answer["not_understood"] == {"before-birth": 6}
    assert {one["applies"] for one in answer["scores"].values()} == {False}
    assert {one["value"] for one in answer["scores"].values()} == {None}
    assert answer["window"] == {"from": None, "until": None}


def test_an_unknown_product_is_not_guessed(tmp_path: Path) -> None:
    """It is counted as not understood; scores and base rates say that the therapy is not on record."""
    answer = answered(tmp_path, [*without("trigger"), ("P", 0, "trigger", "", "", "wonder-cel")])["P"]
    assert answer["not_understood"] == {"word-unknown": 1}
    assert answer["infusion"]["product"] is None
    assert answer["base_rates"] == []


def test_tumour_volume_is_shown_and_cut_nowhere(tmp_path: Path) -> None:
    """Published cuts are for survival."""
    lines = [*PLAIN, ("P", -130.0, "metabolic-tumour-volume", "450", "mL", "")]
    one = answered(tmp_path, lines)["P"]["scores"]["tumour-volume"]
    assert (one["value"], one["at_least"], one["at_most"]) == (450.0, 450.0, 450.0)
    assert "cuts" not in one
    assert "survival" in " ".join(one["notes"])


def test_the_individual_baseline_tells_alarms_and_lead(tmp_path: Path) -> None:
    """Alarms a day and lead to 38.0 stand beside the rule."""
    day = [("P", -24 + n / 3, "body-temperature", ("36.8", "37.0")[n % 2], "Cel", "") for n in range(72)]
    after = [("P", n / 3, "body-temperature", "36.9", "Cel", "") for n in range(108)]
    rise = [
        ("P", 20 + n / 6 + 0.05, "body-temperature", value, "Cel", "")
        for n, value in enumerate(("37.4", "37.5", "37.6"))
    ]
    fever = [("P", 25.05, "body-temperature", "38.1", "Cel", "")]
    one = answered(tmp_path, [*PLAIN, *day, *after, *rise, *fever], "day+1")["P"]["scores"]["individual-temperature"]
    assert one["value"] == 1
    assert one["baseline"]["mean"] == pytest.approx(36.9)
    assert one["baseline"]["deviation"] == pytest.approx(0.101, abs=0.001)
    assert one["alarms"] == {"at_least": 1, "at_most": 1}
    assert one["lead_hours"] == pytest.approx(25.05 - 20.05 - 1 / 6, abs=0.01)
    assert one["alarms_per_day"] == pytest.approx(24 / 36, abs=0.02)


@pytest.mark.parametrize("name", [*rules(), *adapters()])
def test_every_cited_source_is_listed(name: str) -> None:
    """A score's source is a key of sources.toml, and each figure says where it was seen."""
    one = rules().get(name) or adapters()[name]
    assert citation(one.source)
    for row in one.performance:
        assert row.cite
        assert row.where
        numbers = (row.value, row.about_value, row.high_of_several)
        assert (row.unit is not None) == any(number is not None for number in numbers), row.cite


@pytest.mark.parametrize("name", [*rules(), *adapters()])
def test_a_score_was_made_for_something_that_exists(name: str) -> None:
    """Classes, products, diseases and moments of a score are known elsewhere; a misspelt one would never apply."""
    fits = (rules().get(name) or adapters()[name]).fits
    known = treatments()
    assert set(fits.classes) <= {one.klass for one in known}
    assert set(fits.products) <= {one.inn for one in known}
    assert set(fits.diseases) <= set(quantities()["disease"].words) == set(disease_words())
    assert set(fits.at) <= set(moments())


@pytest.mark.parametrize("name", ["hay-2017", "gust-2017"])
def test_the_hours_of_a_tree_are_those_of_its_inputs(name: str) -> None:
    """What the paper prints stands in the score; the inputs it reads end at the same hour."""
    hours = rules()[name].number("within_hours")
    assert {inputs()[one].until_hours for one in rules()[name].made_of() if one.endswith("-36h")} == {hours}
    assert inputs()["temperature-later"].from_hours == hours


def test_a_rule_that_did_not_fire_is_not_a_low_risk(tmp_path: Path) -> None:
    """38.9 first reached at 40 h: the answer is no, and says that this is no low risk."""
    quiet: list[Line] = [("P", float(hours), "body-temperature", "37", "Cel", "") for hours in range(0, 85, 4)]
    late: list[Line] = [("P", 40.5, "body-temperature", "39.5", "Cel", "")]
    one = answered(tmp_path, [*PLAIN, *quiet, *late], "day+3")["P"]["scores"]["hay-2017"]
    assert one["value"] == 0
    assert any("not the same as a low risk" in note for note in one["notes"])
    calm = answered(tmp_path, [*PLAIN, *quiet], "day+3")["P"]["scores"]["hay-2017"]
    assert not any("not the same as a low risk" in note for note in calm["notes"])
