"""CAR-T-related HLH by CARTOX (Neelapu 2018, doi:10.1038/nrclinonc.2017.148)."""

from __future__ import annotations

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, between, largest, met, part, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick


def score(at: At, carhlh: Definition) -> Outcome:
    """How many of four organ criteria hold; met with two of them and a ferritin above 10,000."""
    liver = largest(between(at, carhlh, name) for name in ("bilirubin", "ast", "alt"))
    organs = [liver, kidney(at, carhlh), part(at, carhlh, "pulmonary-oedema"), part(at, carhlh, "haemophagocytosis")]
    whole = total(organs)
    ferritin = part(at, carhlh, "ferritin")
    reading = met(whole, carhlh.number("criteria_at_least"), ferritin)
    found = answered(at, carhlh, whole._replace(lacks=whole.lacks | ferritin.lacks), reading)
    return found._replace(applies=at.rows.dose_s.notnull())


def kidney(at: At, carhlh: Definition) -> Part:
    """Creatinine above three times its baseline; without one, above three times the upper limit of normal."""
    change, limit = part(at, carhlh, "creatinine-change"), between(at, carhlh, "creatinine")
    known = at.span("creatinine-change").low.notnull()
    least, most = pick([(known, change.at_least)], limit.at_least), pick([(known, change.at_most)], limit.at_most)
    open_ = least < most
    return Part(
        least,
        most,
        {
            "creatinine": limit.lacks["creatinine"] & open_,
            "creatinine-baseline": ~known & ~limit.lacks["creatinine"] & open_,
        },
    )
