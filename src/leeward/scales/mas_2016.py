"""Macrophage activation syndrome in systemic juvenile arthritis (Ravelli 2016, doi:10.1002/art.39332)."""

from __future__ import annotations

from leeward.scales.bands import Definition
from leeward.scales.outcome import Outcome, answered, met, part, total
from leeward.scales.score_inputs import At


def score(at: At, mas: Definition) -> Outcome:
    """Counts the four laboratory criteria; met with two of them, fever, arthritis and ferritin."""
    whole = total(part(at, mas, name) for name in ("platelets", "ast", "triglycerides", "fibrinogen"))
    needed = [part(at, mas, name) for name in ("arthritis", "fever", "ferritin")]
    reading = met(whole, mas.number("criteria_at_least"), *needed)
    lacks = dict(whole.lacks)
    for each in needed:
        lacks |= {name: gone & (reading[1] == 1) for name, gone in each.lacks.items()}
    return answered(at, mas, whole._replace(lacks=lacks), reading)
