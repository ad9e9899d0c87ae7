"""Shock index adjusted for the age of a child (Acker 2015, doi:10.1016/j.jpedsurg.2014.08.009)."""

from __future__ import annotations

from leeward.scales.bands import Definition, Part, Span
from leeward.scales.outcome import Outcome, answered, part
from leeward.scales.score_inputs import At
from leeward.timeline.columns import quotient


def score(at: At, sipa: Definition) -> Outcome:
    """1 where heart rate over systolic pressure is above the limit of the age."""
    rate, pressure = at.span("heart-rate"), at.span("systolic-bp")
    index = Span(*quotient(*rate, *pressure))
    one = part(at, sipa, "index", index)
    open_ = one.at_least < one.at_most
    lacks = {"heart-rate": rate.low.isnull() & open_, "systolic-bp": pressure.low.isnull() & open_}
    return answered(at, sipa, Part(one.at_least, one.at_most, lacks), (index.low, index.high))
