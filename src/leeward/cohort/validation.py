"""How well predicted risks fit what came after: discrimination, calibration, Brier score, decision curves.

The measures are those of scikit-learn, statsmodels and dcurves, which come with the extra `validate`; nothing of theirs
is written again here. Definitions: knowledge/validation.toml.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Dated
from leeward.record.errors import LeewardError

Numbers = npt.NDArray[np.float64]
LIBRARIES = {"sklearn": "scikit-learn", "statsmodels": "statsmodels", "dcurves": "dcurves"}


class LibraryAbsent(LeewardError):
    """A library of the extra `validate` is not installed; the message says how to install it."""


class BadTable(LeewardError):
    """The table cannot be validated; the message names column and reason."""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of TRIPOD+AI; `filled` names what a run says of it, None: the authors must."""

    number: int
    section: str
    asks: str
    filled: str | None = None


class _Validation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    evidence: Evidence
    checked: date
    source: str
    number: dict[str, Dated]
    item: tuple[Item, ...]


def number(name: str) -> float:
    """A number of knowledge/validation.toml."""
    held: _Validation = load("validation", _Validation)
    return held.number[name].value


def items() -> tuple[Item, ...]:
    """The items of TRIPOD+AI in order."""
    held: _Validation = load("validation", _Validation)
    return held.item


def library(name: str) -> Any:
    """A module of the extra `validate`. Raises LibraryAbsent where it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        wanted = LIBRARIES[name.split(".", maxsplit=1)[0]]
        raise LibraryAbsent(f"{wanted} is not installed ({error.name}): pip install 'leeward[validate]'") from None


def measures(
    outcome: Numbers, predicted: Numbers, thresholds: Sequence[float], *, probability: bool
) -> dict[str, float]:
    """Every measure of one prediction. `predicted`: a probability, or a score that only orders patients.

    intercept, slope: of the logit of the prediction (aims 0 and 1); o_e: events over the sum predicted (1); ici, e50,
    e90, emax, eci: distance of the lowess curve from the prediction, its mean, median, 90th percentile, maximum, mean
    square; scaled_brier: 1 less Brier over that of the prevalence; net_benefit@t and treat_all@t.
    """
    made = brief(outcome, predicted, probability=probability)
    if not probability:
        return made
    prevalence = float(outcome.mean())
    brier = float(library("sklearn.metrics").brier_score_loss(outcome, predicted))
    made |= calibration(outcome, predicted)
    made |= {"brier": brier, "scaled_brier": 1 - brier / (prevalence * (1 - prevalence))}
    for row in decisions(outcome, predicted, thresholds):
        made |= {f"{name}@{row['threshold']:g}": row[name] for name in ("net_benefit", "treat_all")}
        made[f"avoided@{row['threshold']:g}"] = row["avoided"]
    return made


def brief(outcome: Numbers, predicted: Numbers, *, probability: bool) -> dict[str, float]:
    """AUC, and of a probability O/E: what a group is told by."""
    made = {"auc": float(library("sklearn.metrics").roc_auc_score(outcome, predicted))}
    if not probability:
        return made
    expected = float(predicted.sum())
    return made | {"o_e": float(outcome.sum()) / expected if expected > 0 else float("nan")}


def calibration(outcome: Numbers, predicted: Numbers) -> dict[str, float]:
    """Intercept, slope, and the distances of the smoothed curve."""
    models = library("statsmodels.api")
    logit = logits(predicted)
    family = models.families.Binomial()
    with warnings.catch_warnings():
        # Outcomes that a prediction parts completely have no finite slope; what comes out is dropped and counted.
        warnings.simplefilter("ignore")
        large = models.GLM(outcome, np.ones(len(outcome)), family=family, offset=logit).fit()
        line = models.GLM(outcome, models.add_constant(logit, has_constant="add"), family=family).fit()
    away = np.abs(smoothed(outcome, predicted) - predicted)
    return {
        "intercept": float(large.params[0]),
        "slope": float(line.params[1]) if np.ptp(logit) > 0 else float("nan"),
        "ici": float(away.mean()),
        "e50": float(np.quantile(away, 0.5)),
        "e90": float(np.quantile(away, 0.9)),
        "emax": float(away.max()),
        "eci": float((away**2).mean()),
    }


def logits(predicted: Numbers) -> Numbers:
    """The logit of a probability, 0 and 1 moved a little inwards."""
    edge = number("nearly_zero")
    kept = np.clip(predicted, edge, 1 - edge)
    made: Numbers = np.log(kept / (1 - kept))
    return made


def smoothed(outcome: Numbers, predicted: Numbers) -> Numbers:
    """The share of events near each prediction, by lowess without its outlier step (outcomes are 0 or 1).

    Where equal predictions fill a whole window, no line can be laid through it (the library's is far off): there the
    share among them is the answer.
    """
    smoothers = library("statsmodels.nonparametric.smoothers_lowess")
    if np.ptp(predicted) == 0:
        return np.full(len(outcome), outcome.mean())
    step = 0.01 * float(np.ptp(predicted))
    with warnings.catch_warnings():
        # Many equal predictions make windows without width, which the library warns of and fills from its neighbours.
        warnings.simplefilter("ignore")
        curve = smoothers.lowess(outcome, predicted, frac=number("smoothing"), it=0, delta=step, return_sorted=False)
    _, level, count = np.unique(predicted, return_inverse=True, return_counts=True)
    share = np.bincount(level, weights=outcome) / count
    fills = count >= int(number("smoothing") * len(outcome))
    curve = np.where(fills[level], share[level], curve)
    known = np.where(np.isnan(curve), outcome.mean(), curve)
    made: Numbers = np.clip(known, 0.0, 1.0)
    return made


def decisions(outcome: Numbers, predicted: Numbers, thresholds: Sequence[float]) -> list[dict[str, float]]:
    """Net benefit of the prediction, of treating all, and interventions avoided per 100, at each threshold."""
    if not thresholds:
        return []
    dca = library("dcurves").dca
    table = importlib.import_module("pandas").DataFrame({"outcome": outcome, "predicted": predicted})
    found = dca(data=table, outcome="outcome", modelnames=["predicted"], thresholds=list(thresholds))
    by_model = {name: rows.set_index("threshold") for name, rows in found.groupby("model")}
    mine, everyone = by_model["predicted"], by_model["all"]
    return [
        {
            "threshold": float(at),
            "net_benefit": float(mine.loc[at, "net_benefit"]),
            "treat_all": float(everyone.loc[at, "net_benefit"]),
            "avoided": 100 * float(mine.loc[at, "net_intervention_avoided"]),
        }
        for at in mine.index
    ]


def curve(outcome: Numbers, predicted: Numbers) -> list[dict[str, float]]:
    """The smoothed calibration curve, for drawing: a point per prediction, at most 200."""
    order = np.argsort(predicted, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, 200).astype(int))]
    near = smoothed(outcome, predicted)
    return [{"predicted": float(predicted[at]), "observed": float(near[at])} for at in shown]


def grouped(outcome: Numbers, predicted: Numbers) -> list[dict[str, float]]:
    """Tenths of the patients by prediction: mean predicted, share observed, as scikit-learn groups them."""
    shares = library("sklearn.calibration").calibration_curve(outcome, predicted, n_bins=10, strategy="quantile")
    return [{"predicted": float(p), "observed": float(o)} for o, p in zip(*shares, strict=True)]


def differences(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """AUC of each prediction less that of the first."""
    names = list(found)
    return {name: found[name]["auc"] - found[names[0]]["auc"] for name in names[1:]}
