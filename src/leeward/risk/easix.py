"""EASIX, s-EASIX and m-EASIX (Pennisi 2021, doi:10.1182/bloodadvances.2020003885), with their log2."""

from __future__ import annotations

from typing import Any

import ibis

from leeward.knowledge.definition import decided
from leeward.risk.definitions import Rule, decisions
from leeward.risk.outcome import Found
from leeward.scales.bands import Span
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick


def easix(at: At, _: Rule) -> Found:
    """LDH times creatinine over platelets."""
    return _over_platelets(at, {"ldh": at.span("ldh"), "creatinine": at.span("creatinine")})


def s_easix(at: At, _: Rule) -> Found:
    """LDH over platelets."""
    return _over_platelets(at, {"ldh": at.span("ldh")})


def m_easix(at: At, rule: Rule) -> Found:
    """LDH times CRP (mg/dL) over platelets; CRP below detection gives a range, and half its limit the one value."""
    crp = at.span("crp")
    each = rule.number("crp_per_milligram_per_decilitre")
    made = _over_platelets(at, {"ldh": at.span("ldh"), "crp": Span(crp.low / each, crp.high / each)})
    below = (crp.low == 0) & (crp.high > 0)
    nil = crp.high == 0
    half = made.at_most * decided(decisions(), "below-detection")
    others = _exact(at.span("ldh")) & _exact(at.span("platelets"))
    return made._replace(
        at_least=pick([(nil, None)], made.at_least),
        at_most=pick([(nil, None)], made.at_most),
        value=pick([(nil, None), (below & others, half)], made.value),
        notes={**made.notes, "crp-below-detection": below, "crp-zero": nil},
    )


def _exact(span: Span) -> Any:
    """Whether a value is known exactly."""
    return span.low == span.high


def _over_platelets(at: At, factors: dict[str, Span]) -> Found:
    """A product over the platelets; platelets that may be 0 leave no upper bound, and surely 0 no bound at all."""
    platelets = at.span("platelets")
    low, high = ibis.literal(1.0), ibis.literal(1.0)
    for span in factors.values():
        low, high = low * span.low, high * span.high
    none = platelets.high <= 0
    least = pick([(none, None)], low / platelets.high)
    most = pick([(platelets.low <= 0, None)], high / platelets.low)
    lacks = {name: span.low.isnull() for name, span in {**factors, "platelets": platelets}.items()}
    known = _log2(least), _log2(most)
    return Found(least, most, ibis.ifelse(least == most, least, None), lacks, {"platelets-zero": none}, known)


def _log2(number: Any) -> Any:
    """The logarithm to base 2; none of 0."""
    return pick([(number > 0, number.log2())], None)
