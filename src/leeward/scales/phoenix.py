"""Phoenix sepsis score of children (Sanchez-Pinto 2024, doi:10.1001/jama.2024.0196)."""

from __future__ import annotations

from leeward.scales.bands import Definition, Part, Span
from leeward.scales.outcome import Outcome, answered, capped, kept, largest, met, part, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick, true

_VASOACTIVE = ("norepinephrine", "epinephrine", "dopamine", "dobutamine", "milrinone", "vasopressin")
_CLOTTING = ("platelets", "inr", "d-dimer", "fibrinogen")


def score(at: At, phoenix: Definition) -> Outcome:
    """Breathing, circulation, clotting and nervous system."""
    clotting = capped(total(part(at, phoenix, name) for name in _CLOTTING), int(phoenix.number("cap_clotting")))
    circulation = total([vasoactives(at, phoenix), part(at, phoenix, "lactate"), part(at, phoenix, "mean-pressure")])
    mind = capped(nervous(at, phoenix), int(phoenix.number("cap_neuro")))
    made = {"breathing": breathing(at, phoenix), "circulation": circulation, "clotting": clotting, "mind": mind}
    whole = total(kept(at, f"phoenix {name}", one) for name, one in made.items())
    return answered(at, phoenix, whole, met(whole, phoenix.number("sepsis_at_least")))


def breathing(at: At, phoenix: Definition) -> Part:
    """The worse of the arterial and the saturation ratio, as far as either is known."""
    kinds = ("pf-ventilated", "sf-ventilated", "pf-on-oxygen", "sf-on-oxygen")
    parts = [part(at, phoenix, name) for name in kinds]
    known = [at.span(phoenix.item(name).quantity or "", "lowest").low.notnull() for name in kinds]
    stated = [
        Part(pick([(k, p.at_least)], 0), pick([(k, p.at_most)], 0), {}) for p, k in zip(parts, known, strict=True)
    ]
    worst = largest(stated)
    none = ~(known[0] | known[1])
    most = pick([(none, parts[0].at_most)], worst.at_most)
    return Part(
        worst.at_least,
        most,
        {"pao2": none, "oxygen-device": (worst.at_least < most) & at.span("oxygen-device").low.isnull()},
    )


def vasoactives(at: At, phoenix: Definition) -> Part:
    """One point for one drug, two for several."""
    least, most = true(at.span(_VASOACTIVE[0]).low > 0), true(at.span(_VASOACTIVE[0]).high > 0)
    for drug in _VASOACTIVE[1:]:
        least, most = least + true(at.span(drug).low > 0), most + true(at.span(drug).high > 0)
    one = part(at, phoenix, "vasoactives", Span(least.cast("float64"), most.cast("float64")))
    return Part(one.at_least, one.at_most, {})


def nervous(at: At, phoenix: Definition) -> Part:
    """Coma scale and pupils; pupils uncharted beside a charted coma scale are reactive."""
    coma, pupils = part(at, phoenix, "coma"), part(at, phoenix, "pupils")
    quiet = at.span("pupils").low.isnull() & at.span("gcs-total", "lowest").low.notnull()
    seen = Part(
        pupils.at_least,
        pick([(quiet, 0)], pupils.at_most),
        {name: gone & ~quiet for name, gone in pupils.lacks.items()},
    )
    return total([coma, seen])
