"""HLH-2004 diagnostic criteria (Henter 2007, doi:10.1002/pbc.21039)."""

from __future__ import annotations

import ibis

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, largest, met, part, then, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick, true

_DAYS_IN_YEAR = 365.2425


def score(at: At, hlh: Definition) -> Outcome:
    """Eight criteria, five of which make the diagnosis; a genetic diagnosis makes it alone."""
    single = ("fever", "spleen", "haemophagocytosis", "nk-activity", "ferritin", "receptor")
    counts = total([haemoglobin(at, hlh), part(at, hlh, "platelets"), part(at, hlh, "neutrophils")])
    clotting = largest([part(at, hlh, "triglycerides"), part(at, hlh, "fibrinogen")])
    whole = total([*(part(at, hlh, name) for name in single), then(at, hlh, "lineages", counts), clotting])
    sure, maybe = met(whole, hlh.number("criteria_at_least"))
    gene = true(at.span("hlh-gene").low == 1)
    return answered(at, hlh, whole, (ibis.greatest(sure, gene), ibis.greatest(maybe, gene)))


def haemoglobin(at: At, hlh: Definition) -> Part:
    """Below 9 g/dL, below 10 in the first four weeks."""
    newborn, older = part(at, hlh, "haemoglobin-newborn"), part(at, hlh, "haemoglobin")
    until = hlh.number("newborn_until_days") / _DAYS_IN_YEAR
    surely = (at.age.high < until).fill_null(False)
    possibly = at.age.low.isnull() | (at.age.low < until)
    least = pick([(surely, newborn.at_least)], older.at_least)
    return Part(least, pick([(possibly, newborn.at_most)], older.at_most), older.lacks)
