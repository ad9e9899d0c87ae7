"""Sequential organ failure assessment (Vincent 1996, doi:10.1007/BF01709751)."""

from __future__ import annotations

import ibis

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, kept, largest, part, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick
from leeward.timeline.oxygen import DEVICES

_SUPPORT = ("ecmo", "ventilator", "cpap", "bipap", "unrecognised", "oxygen-unspecified")


def score(at: At, sofa: Definition) -> Outcome:
    """Six systems, each by its worst value of the last day."""
    made = {"breathing": breathing(at, sofa), "circulation": circulation(at, sofa), "kidneys": kidneys(at, sofa)}
    systems = [kept(at, f"sofa {name}", one) for name, one in made.items()]
    systems += [part(at, sofa, name) for name in ("platelets", "bilirubin", "coma")]
    return answered(at, sofa, total(systems))


def breathing(at: At, sofa: Definition) -> Part:
    """Oxygenation; the two worst steps only on respiratory support, which a known other device rules out."""
    plain, supported = part(at, sofa, "oxygenation"), part(at, sofa, "oxygenation-supported")
    device = at.span("oxygen-device")
    unsupported = device.high.notnull() & ~device.high.isin([DEVICES.index(name) for name in _SUPPORT])
    unknown = at.span("pao2-fio2-supported", "lowest").low.isnull()
    most = pick([(unknown & unsupported, plain.at_most)], supported.at_most)
    worst = largest([plain, Part(supported.at_least, ibis.greatest(plain.at_most, most), supported.lacks)])
    open_ = worst.at_least < worst.at_most
    ratio, gone = at.span("pao2-fio2", "lowest"), plain.lacks["pao2-fio2"]
    unsure = (worst.at_most > plain.at_most) & ~(unknown & unsupported)
    return Part(
        worst.at_least,
        worst.at_most,
        {
            "pao2": gone & open_,
            "fio2": (ratio.low < ratio.high).fill_null(False) & open_,
            "oxygen-device": unsure & open_,
        },
    )


def circulation(at: At, sofa: Definition) -> Part:
    """Mean pressure, or the vasoactive drugs by their rates per kg."""
    weight = at.span("body-weight")
    parts = [part(at, sofa, "mean-pressure")]
    for drug in ("dopamine", "dobutamine", "epinephrine", "norepinephrine"):
        one, rate = part(at, sofa, drug), at.span(drug)
        lacks = {
            drug: rate.low < rate.high,
            "body-weight": weight.low.isnull() & (rate.high > 0) & (one.at_least < one.at_most),
        }
        parts.append(Part(one.at_least, one.at_most, lacks))
    return largest(parts)


def kidneys(at: At, sofa: Definition) -> Part:
    """Creatinine, raised by a day's urine where that was charted."""
    creatinine, urine = part(at, sofa, "creatinine"), part(at, sofa, "urine")
    charted = at.span("urine-output").low.notnull()
    raised = Part(pick([(charted, urine.at_least)], 0), pick([(charted, urine.at_most)], 0), {})
    return largest([creatinine, raised])
