"""Scores that are not shipped: refused without a user's file, computed with one; a wrong file refused by name."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.risk.bedside import PLAIN, Line, answered, without

from leeward.knowledge import BadKnowledge
from leeward.risk.coefficients import Coefficients, group, load_file, posterior

HEAD = 'source = "our own cohort, not published"\nevidence = "derived"\nchecked = 2026-11-22\n'
LOGISTIC = f"""score = "zhou-2023"
kind = "logistic"
{HEAD}intercept = -2.0
term = [
  {{ input = "il-6-days-1-2", unit = "pg/mL", coefficient = 0.5, transform = "log2" }},
  {{ input = "il-4-days-1-2", unit = "pg/mL", coefficient = -0.1 }},
]
"""
POINTS = f"""score = "easix-f"
kind = "points"
{HEAD}item = [
  {{ input = "easix", unit = "1", cells = {{ "< 2" = 0, ">= 2" = 1 }} }},
  {{ input = "ferritin", unit = "ug/L", cells = {{ "< 500" = 0, ">= 500" = 1 }} }},
]
groups = {{ "<= 0" = 1, "= 1" = 2, ">= 2" = 3 }}
"""
MIXTURE = f"""score = "inflamix"
kind = "mixture"
{HEAD}[mixture]
inputs = ["crp", "albumin", "ldh"]
units = ["mg/L", "g/dL", "U/L"]
upper_limits = [5.0, 5.0, 250.0]
log10 = ["crp"]
mean = [0.5, 0.8, 1.0]
deviation = [0.5, 0.1, 0.5]
weights = [0.6, 0.4]
centres = [[-0.5, 0.5, -0.5], [0.8, -0.8, 0.8]]
covariances = [
  [[1.0, 0.2, 0.0], [0.2, 1.0, 0.0], [0.0, 0.0, 1.0]],
  [[1.0, -0.3, 0.1], [-0.3, 1.0, 0.0], [0.1, 0.0, 1.0]],
]
positive = 1
"""
CYTOKINES: list[Line] = [("P", 24, "il-6", "64", "pg/mL", ""), ("P", 24, "il-4", "10", "pg/mL", ""),
                         ("P", 80, "heart-rate", "80", "/min", "")]  # fmt: skip


def file(folder: Path, text: str) -> Coefficients:
    """A user's file, loaded."""
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_file(path)


def test_a_logistic_score(tmp_path: Path) -> None:
    """-2 + 0.5 x log2(64) - 0.1 x 10 = 0, so one half; the answer says whose numbers these are."""
    made = answered(tmp_path, [*PLAIN, *CYTOKINES], "day+3", coefficients=(file(tmp_path, LOGISTIC),))["P"]
    one = made["scores"]["zhou-2023"]
    assert one["value"] == pytest.approx(0.5)
    assert one["evidence"] == "the user's own file: derived"
    assert "our own cohort" in one["citation"]
    assert "zhou-2023" not in made["refused"]


def test_a_logistic_score_without_a_value_is_anything(tmp_path: Path) -> None:
    """A missing cytokine leaves 0 to 1 and is named."""
    lines = [*PLAIN, *CYTOKINES[1:]]
    one = answered(tmp_path, lines, "day+3", coefficients=(file(tmp_path, LOGISTIC),))["P"]["scores"]["zhou-2023"]
    assert (one["value"], one["at_least"], one["at_most"], one["missing"]) == (None, 0.0, 1.0, ["il-6"])


def test_a_logistic_score_below_detection_is_a_range(tmp_path: Path) -> None:
    """IL-6 below 64 may be nothing: from 0 to the value at its limit."""
    lines = [*PLAIN, ("P", 24, "il-6", "<64", "pg/mL", ""), *CYTOKINES[1:]]
    one = answered(tmp_path, lines, "day+3", coefficients=(file(tmp_path, LOGISTIC),))["P"]["scores"]["zhou-2023"]
    assert one["value"] is None
    assert one["at_least"] == pytest.approx(0.0, abs=1e-12)
    assert one["at_most"] == pytest.approx(0.5)


@pytest.mark.parametrize(("ferritin", "points", "reached"), [("499", 1, 2), ("500", 2, 3), (None, None, None)])
def test_points_with_groups(tmp_path: Path, ferritin: str | None, points: int | None, reached: int | None) -> None:
    """EASIX of 3 gives a point; what is missing leaves both groups."""
    lines = [*PLAIN, *([("P", -120.0, "ferritin", ferritin, "ug/L", "")] if ferritin else [])]
    one = answered(tmp_path, lines, coefficients=(file(tmp_path, POINTS),))["P"]["scores"]["easix-f"]
    assert one["value"] == points
    assert one["group"] == ({"at_least": reached, "at_most": reached} if reached else {"at_least": 2, "at_most": 3})
    assert one["missing"] == ([] if ferritin else ["ferritin"])


def test_a_mixture_by_hand(tmp_path: Path) -> None:
    """The posterior of the second component, with LDH left out of both densities."""
    mixture = file(tmp_path, MIXTURE).mixture
    assert mixture is not None
    crp, albumin = (math.log10(50 / 5) - 0.5) / 0.5, (4.0 / 5 - 0.8) / 0.1

    def density(weight: float, centre: tuple[float, float], apart: float) -> float:
        """A normal density of two values with unit variances and a covariance."""
        x, y = crp - centre[0], albumin - centre[1]
        size = 1 - apart * apart
        return weight / math.sqrt(size) * math.exp(-(x * x - 2 * apart * x * y + y * y) / (2 * size))

    first, second = density(0.6, (-0.5, 0.5), 0.2), density(0.4, (0.8, -0.8), -0.3)
    assert posterior(mixture, {"crp": 50.0, "albumin": 4.0}) == pytest.approx(second / (first + second))
    assert posterior(mixture, {"crp": 50.0}) is None


def test_a_mixture_in_an_answer(tmp_path: Path) -> None:
    """What is left out is named; with too few values anything is possible."""
    lines: list[Line] = [("P", -10.0, "crp", "50", "mg/L", ""), ("P", -10.0, "albumin", "4", "g/dL", "")]
    own = (file(tmp_path, MIXTURE),)
    one = answered(tmp_path, [*PLAIN, *lines], "day0", coefficients=own)["P"]["scores"]["inflamix"]
    assert one["missing"] == ["ldh"]
    assert 0 < one["value"] < 1
    few = answered(tmp_path, [*without("crp"), *lines[:1]], "day0", coefficients=own)["P"]["scores"]["inflamix"]
    assert (few["value"], few["at_least"], few["at_most"]) == (None, 0.0, 1.0)


def test_groups_hold_their_ends() -> None:
    """Points at the end of a group belong to it."""
    made = Coefficients(score="easix-f", kind="points", source="x", evidence="x", checked=None, groups={"<= 0": 1, ">0..1": 2, "> 1": 3})  # type: ignore[arg-type]  # fmt: skip  # noqa: E501
    assert [group(made, points) for points in (-1, 0, 0.5, 1, 1.5, None)] == [1, 1, 2, 2, 3, None]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('score = "zhou-2023"', 'score = "easix"'), "no score 'easix' takes coefficients"),
        (('kind = "logistic"', 'kind = "mixture"'), "takes logistic, points, not mixture"),
        (("intercept = -2.0\n", ""), "holds no numbers of a logistic score"),
        (("il-4-days-1-2", "il-5-peak"), "is made of"),
        (("il-4-days-1-2", "il-99"), "no input 'il-99'"),
        (
            ('unit = "pg/mL", coefficient = -0.1', 'unit = "ng/mL", coefficient = -0.1'),
            "is kept in pg/mL, not in ng/mL",
        ),
        (('source = "our own cohort, not published"', 'source = " "'), "mine.toml"),
        (("intercept", "interzept"), "interzept"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """Nothing is computed from a file that does not fit."""
    with pytest.raises(BadKnowledge, match=r"mine\.toml") as raised:
        file(tmp_path, LOGISTIC.replace(*change))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POINTS.replace('">= 2" = 1', '">= 3" = 1'), "gap or overlap"),
        (MIXTURE.replace("mean = [0.5, 0.8, 1.0]", "mean = [0.5, 0.8]"), "not all of 3"),
    ],
)
def test_a_table_with_a_gap_or_uneven_lists_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """As our own knowledge is."""
    with pytest.raises(BadKnowledge, match=said):
        file(tmp_path, text)
