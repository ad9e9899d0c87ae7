"""Validation with intervals from resampled patients: every row of a drawn patient comes along."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from leeward.cohort.validation import LIBRARIES, brief, curve, decisions, differences, grouped, measures, number
from leeward.cohort.validation_table import Cohort, Columns

Tell = Callable[[str, int, int], None]
"""Hears of progress: what, how many are done, how many there are."""
_FINE = 0.01


def validated(
    cohort: Cohort,
    columns: Columns,
    *,
    thresholds: Sequence[float],
    resamples: int,
    seed: int,
    tell: Tell | None = None,
) -> dict[str, Any]:
    """Every measure of every prediction with its interval, differences of AUC, groups, curves, and what was used."""
    whole = _found(cohort, columns, thresholds)
    drawn = _resampled(cohort, columns, thresholds, resamples, seed, tell)
    made = {
        name: {
            "measures": {
                key: _with_interval(value, [one[0][name][key] for one in drawn]) for key, value in held.items()
            },
            "probability": name in columns.predicted,
        }
        for name, held in whole.items()
    }
    for name in columns.predicted:
        made[name] |= _curves(cohort.outcome, cohort.predictions[name], thresholds)
    first = {name: _with_interval(value, [one[1][name] for one in drawn]) for name, value in differences(whole).items()}
    return {
        "outcome": columns.outcome,
        "rows": cohort.rows,
        "used": len(cohort.outcome),
        "patients": len(set(cohort.patients)),
        "events": int(cohort.outcome.sum()),
        "no_outcome": cohort.no_outcome,
        "no_prediction": cohort.no_prediction,
        "left_out": {"rows": cohort.left_out, "events": cohort.events_left_out},
        "thresholds": list(thresholds),
        "resamples": {"asked": resamples, "used": len(drawn), "seed": seed, "interval": number("interval")},
        "predictions": made,
        "auc_less_first": first,
        "groups": {name: _groups(cohort, columns, name, resamples, seed) for name in columns.by},
        "libraries": {pip: importlib.metadata.version(pip) for pip in LIBRARIES.values()},
    }


def _found(cohort: Cohort, columns: Columns, thresholds: Sequence[float]) -> dict[str, dict[str, float]]:
    """The measures of each prediction."""
    return {
        name: measures(cohort.outcome, values, thresholds, probability=name in columns.predicted)
        for name, values in cohort.predictions.items()
    }


def draws(patients: Any, resamples: int, seed: int) -> list[Any]:
    """Row indices of each resample: as many patients as there are, drawn with replacement, each with all their rows."""
    ids, place = np.unique(patients, return_inverse=True)
    rows = [np.flatnonzero(place == one) for one in range(len(ids))] if len(ids) < len(patients) else None
    chance = np.random.default_rng(seed)
    made = []
    for _ in range(resamples):
        picked = chance.integers(0, len(ids), len(ids))
        made.append(
            np.argsort(place, kind="stable")[picked] if rows is None else np.concatenate([rows[at] for at in picked])
        )
    return made


def _resampled(
    cohort: Cohort, columns: Columns, thresholds: Sequence[float], resamples: int, seed: int, tell: Tell | None
) -> list[tuple[dict[str, dict[str, float]], dict[str, float]]]:
    """Measures and differences of each resample in which both outcomes occur."""
    made = []
    for done, rows in enumerate(draws(cohort.patients, resamples, seed)):
        if tell is not None:
            tell("resampling", done, resamples)
        part = cohort.where(rows)
        if 0 < part.outcome.sum() < len(part.outcome):
            found = _found(part, columns, thresholds)
            made.append((found, differences(found)))
    return made


def _with_interval(value: float, drawn: Sequence[float]) -> dict[str, Any]:
    """A measure with the percentiles of its resamples; `unusable`: resamples in which it had no finite value."""
    finite = [one for one in drawn if np.isfinite(one)]
    tail = (1 - number("interval")) / 2
    ends = [float(np.quantile(finite, at)) for at in (tail, 1 - tail)] if finite else [None, None]
    return {
        "value": value if np.isfinite(value) else None,
        "low": ends[0],
        "high": ends[1],
        "unusable": len(drawn) - len(finite),
    }


def _curves(outcome: Any, predicted: Any, thresholds: Sequence[float]) -> dict[str, Any]:
    """What is drawn: the calibration curve with tenths of patients, the decision curve on a fine grid."""
    fine = np.round(np.arange(min(thresholds), max(thresholds) + _FINE / 2, _FINE), 4)
    counts, edges = np.histogram(predicted, bins=20, range=(0.0, 1.0))
    return {
        "calibration_curve": curve(outcome, predicted),
        "tenths": grouped(outcome, predicted),
        "decision_curve": decisions(outcome, predicted, [float(at) for at in fine]),
        "histogram": [
            {"from": float(edges[at]), "to": float(edges[at + 1]), "patients": int(count)}
            for at, count in enumerate(counts)
        ],
    }


def _brief(part: Cohort, columns: Columns) -> dict[str, dict[str, float]]:
    """AUC, and O/E of probabilities."""
    return {
        name: brief(part.outcome, values, probability=name in columns.predicted)
        for name, values in part.predictions.items()
    }


def _groups(cohort: Cohort, columns: Columns, name: str, resamples: int, seed: int) -> dict[str, Any]:
    """AUC and O/E in each group that has both outcomes, with intervals; the others with their counts only."""
    made: dict[str, Any] = {}
    for value in sorted(set(cohort.groups[name])):
        part = cohort.where(cohort.groups[name] == value)
        told: dict[str, Any] = {"rows": len(part.outcome), "events": int(part.outcome.sum())}
        if 0 < part.outcome.sum() < len(part.outcome):
            whole = _brief(part, columns)
            parts = (part.where(rows) for rows in draws(part.patients, resamples, seed))
            drawn = [_brief(one, columns) for one in parts if 0 < one.outcome.sum() < len(one.outcome)]
            told["predictions"] = {
                name_: {key: _with_interval(held[key], [one[name_][key] for one in drawn]) for key in held}
                for name_, held in whole.items()
            }
        made[str(value)] = told
    return made
