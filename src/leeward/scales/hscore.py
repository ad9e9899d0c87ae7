"""HScore for reactive haemophagocytic syndrome, with its probability (Fardet 2014, doi:10.1002/art.38690)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import ibis

from leeward.scales.bands import Definition
from leeward.scales.outcome import Outcome, answered, kept, part, then, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick

_PRINTED = "probability_"


def score(at: At, hscore: Definition) -> Outcome:
    """Nine items; organs and lineages are counted first."""
    single = ("immunosuppression", "temperature", "ferritin", "triglycerides", "fibrinogen", "ast", "haemophagocytosis")
    organs = then(at, hscore, "organs", total(part(at, hscore, name) for name in ("spleen", "liver")))
    counts = total(part(at, hscore, name) for name in ("haemoglobin", "leukocytes", "platelets"))
    whole = total([*(part(at, hscore, name) for name in single), organs, then(at, hscore, "lineages", counts)])
    whole = kept(at, "hscore", whole)
    return answered(at, hscore, whole, (probability(whole.at_least, hscore)[0], probability(whole.at_most, hscore)[1]))


def probability(points: Any, hscore: Definition) -> tuple[Any, Any]:
    """Probability (0 to 1) of a score, at least and at most: between printed points on the logit, outside them open."""
    printed = sorted(
        (int(name.removeprefix(_PRINTED)), hscore.number(name) / 100)
        for name in hscore.numbers
        if name.startswith(_PRINTED)
    )
    cases = []
    for (low, p_low), (high, p_high) in pairwise(printed):
        start, end = math.log(p_low / (1 - p_low)), math.log(p_high / (1 - p_high))
        logit = start + (points - low).cast("float64") * ((end - start) / (high - low))
        cases.append((points < high, 1 / (1 + (-logit).exp())))
    (first, least), (_, most) = printed[0], printed[-1]
    certain = ibis.literal(1.0)
    below = points < first
    return pick([(below, ibis.literal(0.0)), *cases], ibis.literal(most)), pick(
        [(below, ibis.literal(least)), *cases], certain
    )
