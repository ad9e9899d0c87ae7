"""Properties of risk scores: against plain arithmetic, and that learning a value only narrows a range."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.score_cases import NOW
from tests.cases.test_risk import answered

LIMITS = {
    "ldh": [1.0, 299.0, 300.0, 5000.0],
    "creatinine": [0.2, 1.0, 4.0],
    "platelets": [1.0, 75.0, 175.0, 400.0],
    "crp": [0.5, 30.0, 200.0],
    "neutrophils": [0.1, 1.2, 9.0],
    "haemoglobin": [6.0, 9.0, 14.0],
    "ferritin": [100.0, 650.0, 2000.0, 40000.0],
}
"""Limits of the scores; values are drawn from these and the floats beside them."""
Chart = dict[str, float]


def beside(limits: list[float]) -> list[float]:
    """Each limit with its two neighbouring floats."""
    return [near for at in limits for near in (math.nextafter(at, -math.inf), at, math.nextafter(at, math.inf))]


charts = st.fixed_dictionaries({name: st.sampled_from(beside(at)) for name, at in LIMITS.items()})


def findings(patient: str, chart: Chart) -> list[dict[str, Any]]:
    """A chart on day -5 of a CAR-T infusion."""
    from datetime import timedelta

    about = {"patient": patient, "status": "final", "revised": False}
    made = [{**about, "quantity": "trigger", "measured_at": NOW, "text": "axicabtagene ciloleucel"}]
    at = NOW - timedelta(hours=120)
    return made + [
        {**about, "quantity": n, "measured_at": at, "low": v, "high": v, "text": None} for n, v in chart.items()
    ]


def hematotox(chart: Chart) -> int:
    """The points table, written once more as a clinician reads it."""
    platelets, ferritin = chart["platelets"], chart["ferritin"]
    return (
        (0 if platelets > 175 else 1 if platelets >= 75 else 2)
        + int(chart["neutrophils"] < 1.2)
        + int(chart["haemoglobin"] < 9.0)
        + int(chart["crp"] >= 30)
        + (0 if ferritin < 650 else 1 if ferritin <= 2000 else 2)
    )


@settings(max_examples=8, deadline=None)
@given(st.lists(charts, min_size=20, max_size=20))
def test_scores_are_plain_arithmetic(drawn: list[Chart]) -> None:
    """The formulas, in the units in which they are printed."""
    found = answered(
        [row for n, chart in enumerate(drawn) for row in findings(f"P{n}", chart)], "before-lymphodepletion"
    )
    for n, chart in enumerate(drawn):
        scores = found[f"P{n}"]["scores"]
        over = chart["ldh"] / chart["platelets"]
        assert scores["easix"]["value"] == pytest.approx(over * chart["creatinine"], rel=1e-9)
        assert scores["s-easix"]["value"] == pytest.approx(over, rel=1e-9)
        assert scores["m-easix"]["value"] == pytest.approx(over * chart["crp"] / 10, rel=1e-9)
        assert scores["easix"]["log2"]["value"] == pytest.approx(math.log2(over * chart["creatinine"]), abs=1e-9)
        assert scores["car-hematotox"]["value"] == hematotox(chart)


@settings(max_examples=6, deadline=None)
@given(st.lists(charts, min_size=4, max_size=4))
def test_learning_a_value_only_narrows(drawn: list[Chart]) -> None:
    """Whatever is left out, the full answer lies within the range, and what is missing is named."""
    rows: list[dict[str, Any]] = []
    for n, chart in enumerate(drawn):
        rows += findings(f"P{n}", chart)
        for gone in chart:
            rows += findings(f"P{n} {gone}", {name: value for name, value in chart.items() if name != gone})
    found = answered(rows, "before-lymphodepletion")
    for n, chart in enumerate(drawn):
        whole = found[f"P{n}"]["scores"]
        for gone in chart:
            part = found[f"P{n} {gone}"]["scores"]
            for name in ("easix", "s-easix", "m-easix", "car-hematotox"):
                low, high = part[name]["at_least"], part[name]["at_most"]
                assert low is None or low <= whole[name]["at_least"]
                assert high is None or high >= whole[name]["at_most"]
                assert (low, high) == (whole[name]["at_least"], whole[name]["at_most"]) or gone in part[name]["missing"]


def test_no_other_package_has_these_scores() -> None:
    """medcalc-bench and vitalscore know neither EASIX, MEWS nor HScore; once one does, it is to be compared here.

    What they do know (NEWS2, qSOFA, SOFA) is compared in tests/cases/test_score_fixtures.py.
    """
    pkgutil = pytest.importorskip("pkgutil")
    names: set[str] = set()
    for package in ("medcalc", "vitalscore"):
        module = pytest.importorskip(package, reason=f"{package} is not installed")
        names |= {one.name.lower() for one in pkgutil.walk_packages(module.__path__)}
    assert {
        name for name in names if any(word in name for word in ("easix", "hematotox", "mews", "hscore", "hlh"))
    } == set()
