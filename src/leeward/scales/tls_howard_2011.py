"""Laboratory tumour lysis syndrome, all within one day (Howard 2011, doi:10.1056/NEJMra0904569)."""

from __future__ import annotations

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, met
from leeward.scales.score_inputs import At
from leeward.scales.tls_cairo_bishop_2004 import KINDS


def score(at: At, tls: Definition) -> Outcome:
    """How many of four are abnormal within a day of each other; two make lysis."""
    counted = at.span("tls-together")
    least, most = counted.low.fill_null(0.0).cast("int64"), counted.high.fill_null(float(len(KINDS))).cast("int64")
    lacks = {name: at.span(f"tls-{name}").low.isnull() & (least < most) for name in KINDS}
    whole = Part(least, most, lacks)
    found = answered(at, tls, whole, met(whole, tls.number("criteria_at_least")))
    return found._replace(applies=at.rows.dose_s.notnull())
