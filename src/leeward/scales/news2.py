"""National early warning score 2 (Royal College of Physicians 2017)."""

from __future__ import annotations

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, largest, met, on_oxygen, part, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick


def score(at: At, news2: Definition) -> Outcome:
    """Seven parameters; the saturation by scale 2 where a clinician set a target of 88 to 92 %."""
    parts = [part(at, news2, name) for name in ("respiratory-rate", "systolic", "pulse", "temperature")]
    whole = total([*parts, saturation(at, news2), oxygen(at, news2), mind(at, news2)])
    return answered(at, news2, whole, met(whole, news2.number("emergency_at_least")))


def oxygen(at: At, news2: Definition) -> Part:
    """Two points for any supplemental oxygen."""
    given = on_oxygen(at, news2.number("room_air"))
    one = part(at, news2, "oxygen", given)
    return Part(one.at_least, one.at_most, {"oxygen-device": one.at_least < one.at_most})


def saturation(at: At, news2: Definition) -> Part:
    """Scale 1, or scale 2 on air or on oxygen."""
    first = part(at, news2, "saturation-scale-1")
    air, given = part(at, news2, "saturation-scale-2-on-air"), part(at, news2, "saturation-scale-2-on-oxygen")
    oxygen = on_oxygen(at, news2.number("room_air"))
    second = at.span("hypercapnic-target").low == 1
    least = pick([(second & (oxygen.low == 1), given.at_least), (second, air.at_least)], first.at_least)
    most = pick([(second & (oxygen.high == 0), air.at_most), (second, given.at_most)], first.at_most)
    return Part(least, most, {"spo2": first.lacks["spo2"]})


def mind(at: At, news2: Definition) -> Part:
    """Level of consciousness, or new confusion; confusion uncharted beside a charted level is none."""
    level, confused = part(at, news2, "consciousness"), part(at, news2, "confusion")
    seen = at.span("confusion").low.notnull()
    stated = Part(pick([(seen, confused.at_least)], 0), pick([(seen, confused.at_most)], 0), {})
    return largest([level, stated])
