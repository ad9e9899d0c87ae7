"""Laboratory tumour lysis syndrome (Cairo and Bishop 2004, doi:10.1111/j.1365-2141.2004.05094.x)."""

from __future__ import annotations

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, largest, met, part, total
from leeward.scales.score_inputs import At

KINDS = {"uric-acid": "rise", "potassium": "rise", "phosphate": "rise", "calcium": "fall"}


def score(at: At, tls: Definition) -> Outcome:
    """How many of four are abnormal, or changed by a quarter, around the therapy; two make lysis."""
    whole = total(_kind(at, tls, name, change) for name, change in KINDS.items())
    found = answered(at, tls, whole, met(whole, tls.number("criteria_at_least")))
    return found._replace(applies=at.rows.dose_s.notnull())


def _kind(at: At, tls: Definition, name: str, change: str) -> Part:
    """One of the four: beyond its limit, or changed against the baseline."""
    worse = largest([part(at, tls, name), part(at, tls, f"{name}-{change}")])
    return Part(worse.at_least, worse.at_most, {name: worse.at_least < worse.at_most})
