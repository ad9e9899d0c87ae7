"""Optimised HLH inflammatory index (Zoref-Lorenz 2022, doi:10.1182/blood.2021012764)."""

from __future__ import annotations

from leeward.scales.bands import Definition
from leeward.scales.outcome import Outcome, answered, met, part, total
from leeward.scales.score_inputs import At


def score(at: At, ohi: Definition) -> Outcome:
    """Positive where receptor and ferritin are both above their limits."""
    whole = total([part(at, ohi, "receptor"), part(at, ohi, "ferritin")])
    return answered(at, ohi, whole, met(whole, ohi.number("criteria_at_least")))
