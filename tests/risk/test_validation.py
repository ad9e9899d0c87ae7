"""Validation against worked numbers, closed forms, and one patient's rows drawn together."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from leeward.cohort import validation
from leeward.cohort.validation import BadTable, Numbers, calibration, decisions, items, measures, smoothed
from leeward.cohort.validation_resampling import draws, validated
from leeward.cohort.validation_table import Cohort, Columns, read

for _name in ("sklearn", "statsmodels", "dcurves"):
    pytest.importorskip(_name, reason="the extra `validate` is not installed")

WORKED = {0.2: (0.11, 0.0, 44.0), 0.1: (0.16 - 0.2 / 9, 1 / 9, 24.0)}
"""Of 100 patients, 20 events, 16 true and 20 false positives: net benefit, that of treating all, avoided per 100."""


def worked() -> tuple[Numbers, Numbers]:
    """Those patients: a prediction above or below every threshold."""
    outcome = np.array([1.0] * 20 + [0.0] * 80)
    predicted = np.concatenate([np.full(16, 0.9), np.full(4, 0.01), np.full(20, 0.9), np.full(60, 0.01)])
    return outcome, predicted


def test_net_benefit_is_the_worked_one() -> None:
    """16/100 - 20/100 x t/(1-t), beside treating all."""
    found = {row["threshold"]: row for row in decisions(*worked(), [0.1, 0.2])}
    for at, (benefit, everyone, avoided) in WORKED.items():
        assert found[at]["net_benefit"] == pytest.approx(benefit)
        assert found[at]["treat_all"] == pytest.approx(everyone, abs=1e-12)
        assert found[at]["avoided"] == pytest.approx(avoided)


def test_calibration_has_its_closed_forms() -> None:
    """Two levels of prediction: slope and intercept are those of the two observed logits."""
    outcome, predicted = worked()
    made = measures(outcome, predicted, [], probability=True)

    def logit(p: float) -> float:
        return math.log(p / (1 - p))

    high, low = logit(16 / 36), logit(4 / 64)
    assert made["slope"] == pytest.approx((high - low) / (logit(0.9) - logit(0.01)), rel=1e-6)
    assert made["o_e"] == pytest.approx(20 / (36 * 0.9 + 64 * 0.01))
    assert made["brier"] == pytest.approx((16 * 0.01 + 4 * 0.9801 + 20 * 0.81 + 60 * 0.0001) / 100)
    assert made["scaled_brier"] == pytest.approx(1 - made["brier"] / 0.16)
    # Mann-Whitney by hand: of 20 x 80 pairs, 16 x 60 right and 16 x 20 + 4 x 60 tied.
    assert made["auc"] == pytest.approx((16 * 60 + 0.5 * (16 * 20 + 4 * 60)) / 1600)


def test_calibration_in_the_large_finds_a_shift() -> None:
    """Odds that were halved in prediction have an intercept of log 2 and a slope of 1."""
    chance = np.random.default_rng(5)
    logit = chance.normal(-1, 1, 20000)
    outcome = (chance.random(20000) < 1 / (1 + np.exp(-logit))).astype(float)
    made = calibration(outcome, 1 / (1 + np.exp(-(logit - math.log(2)))))
    assert made["intercept"] == pytest.approx(math.log(2), abs=0.06)
    assert made["slope"] == pytest.approx(1.0, abs=0.06)


def test_a_perfect_prediction_is_close_to_its_curve_and_a_shifted_one_is_not() -> None:
    """ICI is the mean distance: near nothing where the model is true, near the shift where it is not."""
    chance = np.random.default_rng(6)
    predicted = chance.uniform(0.1, 0.6, 5000)
    outcome = (chance.random(5000) < predicted).astype(float)
    assert calibration(outcome, predicted)["ici"] < 0.03
    shifted = calibration(outcome, predicted + 0.2)
    assert shifted["ici"] == pytest.approx(0.2, abs=0.03)
    assert shifted["e50"] <= shifted["e90"] <= shifted["emax"]


@pytest.mark.parametrize("low", range(60, 100))
def test_one_level_for_most_patients_is_their_share_of_events(low: int) -> None:
    """Two levels, four events among those at the lower one: the curve is the share of each level."""
    predicted = np.concatenate([np.full(low, 0.05), np.full(100 - low, 0.7)])
    outcome = np.concatenate([np.ones(4), np.zeros(low - 4), np.arange(100 - low) % 2.0])
    shares = np.concatenate([np.full(low, 4 / low), np.full(100 - low, outcome[low:].mean())])
    assert smoothed(outcome, predicted) == pytest.approx(shares, abs=1e-6)
    assert calibration(outcome, predicted)["emax"] == pytest.approx(np.abs(shares - predicted).max(), abs=1e-6)


def test_predictions_of_zero_and_one_are_measured() -> None:
    """They have no logit and are moved a little; nothing becomes infinite."""
    outcome = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    made = measures(outcome, np.array([0.0, 1.0, 0.2, 0.7, 0.4, 0.5]), [0.1], probability=True)
    assert all(math.isfinite(value) for value in made.values())


def test_one_prediction_for_all_has_no_slope() -> None:
    """A slope cannot be told, and is not invented."""
    outcome, _ = worked()
    made = calibration(outcome, np.full(100, 0.2))
    assert math.isnan(made["slope"])
    assert made["ici"] == pytest.approx(0.0, abs=1e-12)


def test_a_drawn_patient_brings_all_rows() -> None:
    """Patients are drawn, not rows."""
    patients = np.array(["a", "a", "a", "b", "c", "c"])
    for rows in draws(patients, 50, 1):
        counts = {name: int((patients[rows] == name).sum()) for name in "abc"}
        assert counts["a"] % 3 == counts["c"] % 2 == 0
        assert counts["a"] // 3 + counts["b"] + counts["c"] // 2 == 3
    single = np.array(["b", "a", "c"])
    assert {tuple(sorted(single[rows])) for rows in draws(single, 200, 1)} > {("a", "b", "c"), ("a", "a", "b")}


def table(folder: Path, rows: list[str]) -> Path:
    """A CSV with a header of the columns used here."""
    file = folder / "cohort.csv"
    file.write_text("\n".join(["patient,y,p,q,sex", *rows]), encoding="utf-8")
    return file


def rows() -> list[str]:
    """80 patients, 24 events, a good prediction and a worse one."""
    chance = np.random.default_rng(2)
    made = []
    for n in range(80):
        y = int(n % 10 < 3)
        made.append(f"P{n},{y},{0.2 + 0.4 * y + 0.3 * chance.random():.3f},{chance.random():.3f},{'fm'[n % 2]}")
    return made


COLUMNS = Columns("y", ("p", "q"), (), "patient", ("sex",))


def test_intervals_hold_the_value_and_repeat(tmp_path: Path) -> None:
    """One seed, one answer; the value lies inside; a worse prediction is worse by an interval that says so."""
    cohort = read(table(tmp_path, rows()), COLUMNS)
    found = validated(cohort, COLUMNS, thresholds=[0.2], resamples=40, seed=7)
    again = validated(cohort, COLUMNS, thresholds=[0.2], resamples=40, seed=7)
    assert found == again
    for name in ("auc", "brier", "o_e", "net_benefit@0.2"):
        one = found["predictions"]["p"]["measures"][name]
        assert one["low"] <= one["value"] <= one["high"], name
    less = found["auc_less_first"]["q"]
    assert less["high"] < 0
    assert {value: one["rows"] for value, one in found["groups"]["sex"].items()} == {"f": 40, "m": 40}
    assert set(found["libraries"]) == {"scikit-learn", "statsmodels", "dcurves"}


def test_gaps_are_left_out_of_all_and_counted(tmp_path: Path) -> None:
    """No outcome, no prediction: each counted, events among them told; nothing is imputed."""
    whole = rows()
    whole[0] = "P0,,0.5,0.5,f"
    whole[10] = "P10,1,,0.5,f"
    whole[15] = "P15,0,0.2,,m"
    cohort = read(table(tmp_path, whole), COLUMNS)
    assert (cohort.rows, len(cohort.outcome), cohort.no_outcome) == (80, 77, 1)
    assert cohort.no_prediction == {"p": 1, "q": 1}
    assert (cohort.left_out, cohort.events_left_out) == (2, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [("P0,2,0.5,0.5,f", "more than 0 and 1"), ("P0,1,1.2,0.5,f", "no probability"), ("P0,1,inf,0.5,f", "infinite")],
)
def test_a_spoilt_cell_is_refused(tmp_path: Path, line: str, said: str) -> None:
    """A column that holds what it cannot is not measured in part."""
    with pytest.raises(BadTable, match=said):
        read(table(tmp_path, [line, *rows()[1:]]), COLUMNS)


def test_patients_keep_their_ids_and_nobody_at_risk_has_no_ratio(tmp_path: Path) -> None:
    """007 and 7 are two patients; O/E over an expectation of nothing is no number."""
    cohort = read(table(tmp_path, ["007,1,0,0.5,f", "7,0,0,0.2,m", "7,1,0,0.1,m"]), COLUMNS)
    assert sorted(set(cohort.patients)) == ["007", "7"]
    found = validated(cohort, COLUMNS, thresholds=[0.2], resamples=5, seed=1)["predictions"]["p"]["measures"]
    assert found["o_e"]["value"] is None
    assert found["auc"]["value"] == 0.5


def test_one_outcome_only_is_refused(tmp_path: Path) -> None:
    """Without events there is nothing to measure."""
    with pytest.raises(BadTable, match="nothing to measure"):
        read(table(tmp_path, ["P0,0,0.5,0.5,f", "P1,0,0.2,0.1,m"]), COLUMNS)


def test_a_group_with_one_outcome_is_counted_only() -> None:
    """It has no AUC."""
    outcome, predicted = worked()
    group = np.array(["a"] * 50 + ["b"] * 50)
    cohort = Cohort(outcome, {"p": predicted}, np.arange(100).astype(str), {"g": group}, 100, 0, {"p": 0}, 0, 0)
    found = validated(cohort, Columns("y", ("p",), (), None, ("g",)), thresholds=[0.2], resamples=5, seed=1)
    assert found["groups"]["g"]["b"] == {"rows": 50, "events": 0}
    assert "predictions" in found["groups"]["g"]["a"]


def test_the_checklist_has_its_27_items_and_each_word_of_ours_is_used() -> None:
    """An item that we fill is filled by a sentence that exists."""
    from leeward.report.risk_validation import said

    assert [one.number for one in items()] == list(range(1, 28))
    outcome, predicted = worked()
    cohort = Cohort(outcome, {"p": predicted}, np.arange(100).astype(str), {}, 100, 0, {"p": 0}, 0, 0)
    found = validated(cohort, Columns("y", ("p",)), thresholds=[0.2], resamples=3, seed=1)
    told = said(found)
    assert {one.filled for one in items() if one.filled} == set(told)
    assert "20 events and 80 without" in told["size"]


def test_hundred_events_at_seven_percent_need_1430_patients() -> None:
    """The rule of thumb, as it stands beside a small cohort."""
    assert math.ceil(validation.number("few_events") / 0.07 / 10) * 10 == 1430
