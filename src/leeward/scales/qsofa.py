"""Quick SOFA (Singer 2016, doi:10.1001/jama.2016.0287)."""

from __future__ import annotations

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, met, part, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick


def score(at: At, qsofa: Definition) -> Outcome:
    """One point each for fast breathing, low systolic pressure and altered mentation."""
    whole = total([part(at, qsofa, "respiratory-rate"), part(at, qsofa, "systolic"), mentation(at, qsofa)])
    return answered(at, qsofa, whole, met(whole, qsofa.number("positive_at_least")))


def mentation(at: At, qsofa: Definition) -> Part:
    """By the coma scale; where none stands, by the level of consciousness."""
    coma, level = part(at, qsofa, "coma"), part(at, qsofa, "consciousness")
    scaled = at.span("gcs-total").low.notnull()
    least = pick([(scaled, coma.at_least)], level.at_least)
    most = pick([(scaled, coma.at_most)], level.at_most)
    return Part(least, most, {"gcs-total": ~scaled & (least < most)})
