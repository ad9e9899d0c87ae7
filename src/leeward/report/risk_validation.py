"""The report of a validation, in the shape of TRIPOD+AI: measures with intervals, curves, what the authors must add."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from leeward.cohort.validation import items, number
from leeward.knowledge.citations import citation
from leeward.report import risk_curves
from leeward.report.page import _style, _templates

NAMES = {
    "auc": ("AUC", "discrimination; 0.5 is chance, 1 perfect"),
    "intercept": ("Calibration intercept", "aim 0; above it, too low a risk was predicted"),
    "slope": ("Calibration slope", "aim 1; below it, predictions are too extreme"),
    "o_e": ("O/E", "observed over expected events; aim 1"),
    "ici": ("ICI", "mean distance of the smoothed curve from the prediction; aim 0"),
    "e50": ("E50", "its median"),
    "e90": ("E90", "its 90th percentile"),
    "emax": ("Emax", "its maximum"),
    "eci": ("ECI", "its mean square"),
    "brier": ("Brier score", "mean square error; lower is better"),
    "scaled_brier": ("Scaled Brier score", "1 less Brier over that of the prevalence; higher is better"),
}
CLOSING = (
    "A validation describes these patients only. Leeward is reviewable decision support and a research instrument, "
    "not a medical device."
)


def page(found: Mapping[str, Any], title: str) -> str:
    """A validation (cohort.validation_resampling.validated) as one self-contained page."""
    sheet, allowed = _sheet()
    curves = {name: one for name, one in found["predictions"].items() if one["probability"]}
    told = said(found)
    return (
        _templates()
        .get_template("risk-validation.html")
        .render(
            title=title,
            found=found,
            names=NAMES,
            few=_few(found),
            predictions=[(name, one, _rows(one["measures"])) for name, one in found["predictions"].items()],
            benefits=_benefits(found),
            calibrations=[(name, risk_curves.calibration(one, name)) for name, one in curves.items()],
            decision=risk_curves.decision(curves) if curves else None,
            items=[(one, told.get(one.filled or "")) for one in items()],
            source=citation("collins-2024"),
            interval=interval,
            sheet=sheet,
            allowed=allowed,
            closing=CLOSING,
        )
    )


def _sheet() -> tuple[Markup, str]:
    """The style sheet of every page with the few lines of this one."""
    base, _ = _style()
    sheet = f"{base}\n{_templates().get_template('risk.css').render().strip()}"
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return Markup(sheet), f"sha256-{digest}"  # noqa: S704  our own style sheets


def interval(one: Mapping[str, Any]) -> str:
    """`0.71 (0.64 to 0.78)`."""
    if one["value"] is None:
        return "no finite value"
    ends = f" ({one['low']:.3f} to {one['high']:.3f})" if one["low"] is not None else " (no interval)"
    lost = f"; {one['unusable']} resamples without a value" if one["unusable"] else ""
    return f"{one['value']:.3f}{ends}{lost}"


def _rows(measures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Measures that are not of one threshold: name, what it says, figure with interval."""
    return [(*NAMES[name], interval(measures[name])) for name in NAMES if name in measures]


def _benefits(found: Mapping[str, Any]) -> list[tuple[str, float, str, str, str]]:
    """Net benefit by prediction and threshold, beside treating all, and interventions avoided per 100."""
    return [
        (name, at, *(interval(one["measures"][f"{key}@{at:g}"]) for key in ("net_benefit", "treat_all", "avoided")))
        for name, one in found["predictions"].items()
        if one["probability"]
        for at in found["thresholds"]
    ]


def _few(found: Mapping[str, Any]) -> str | None:
    """A warning where there are fewer events or others than the rule of thumb asks for."""
    events, others = found["events"], found["used"] - found["events"]
    wanted = int(number("few_events"))
    if min(events, others) >= wanted:
        return None
    return f"{events} events and {others} without: a rule of thumb asks for {wanted} of each (recalled)."


def _lost(found: Mapping[str, Any]) -> str:
    """What was left out."""
    lost = ", ".join(f"{count} without {name}" for name, count in found["no_prediction"].items() if count)
    out = found["left_out"]
    return (
        f"Complete cases: {found['no_outcome']} rows without outcome, {lost or 'none without a prediction'}; left out "
        f"with a known outcome: {out['rows']} rows, {out['events']} of them events. Nothing was imputed; report "
        "multiple imputation beside it."
    )


def said(found: Mapping[str, Any]) -> dict[str, str]:
    """What this run can say to each item of TRIPOD+AI."""
    names = ", ".join(found["predictions"])
    drawn = found["resamples"]
    scores = [name for name, one in found["predictions"].items() if not one["probability"]]
    libraries = ", ".join(f"{name} {version}" for name, version in found["libraries"].items())
    return {
        "title": f"Evaluation of {names} for {found['outcome']}.",
        "objective": "Evaluation; nothing was developed or updated here.",
        "data": f"A table of {found['rows']} rows; {found['used']} of them were used, of {found['patients']} patients.",
        "preparation": "Numbers as given; none clipped or rounded; a predicted 0 or 1 was moved for its logit.",
        "outcome": f"{found['outcome']}: {found['events']} events in {found['used']} rows. The authors say how.",
        "predictions": f"{names}, as they stand in the table.",
        "size": _few(found) or f"{found['events']} events; the rule of thumb is met, formulae are better.",
        "missing": _lost(found),
        "methods": f"AUC; calibration intercept and slope, O/E, ICI by lowess; Brier score; net benefit at "
        f"{', '.join(f'{at:g}' for at in found['thresholds'])}. Intervals: {drawn['interval']:.0%} percentiles of "
        f"{drawn['used']} of {drawn['asked']} resamples of patients, seed {drawn['seed']}.",
        "imbalance": "None was applied.",
        "fairness": "AUC and O/E by " + ", ".join(found["groups"]) if found["groups"] else "No groups were asked for.",
        "output": f"Probabilities{'; scores without a probability: ' + ', '.join(scores) if scores else ''}.",
        "code": f"Leeward with {libraries}.",
        "flow": f"{found['rows']} rows, {found['used']} used.",
        "events": f"{found['events']} events in {found['used']} rows.",
        "performance": "The tables and curves above.",
        "updating": "None.",
        "limitations": "Complete cases only. A treatment given after the prediction changes what it predicted.",
        "usability": "A row without a prediction gets none.",
    }
