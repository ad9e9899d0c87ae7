"""IEC-HS, the HLH-like syndrome after immune effector cells (Hines 2023, doi:10.1016/j.jtct.2023.03.006)."""

from __future__ import annotations

import ibis

from leeward.scales.bands import Definition, Part
from leeward.scales.outcome import Outcome, answered, between, largest, part, total
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick, true


def criteria(at: At, iec_hs: Definition) -> Outcome:
    """How many further features are on record; the reading tells whether the required ferritin is there."""
    others = [part(at, iec_hs, name) for name in ("triglycerides", "spleen", "fever", "direct-bilirubin")]
    whole = total([common(at, iec_hs), *others, between(at, iec_hs, "ldh")])
    needed = required(at, iec_hs)
    lacks = whole.lacks | {
        name: gone | whole.lacks.get(name, ibis.literal(False)) for name, gone in needed.lacks.items()
    }
    found = answered(at, iec_hs, whole._replace(lacks=lacks), (needed.at_least, needed.at_most))
    return found._replace(applies=at.rows.dose_s.notnull())


def grade(at: At, iec_hs: Definition) -> Outcome:
    """A range: the rules of the grades are a clinician's judgement, only their outer bounds stand on record."""
    needed, usual = required(at, iec_hs), common(at, iec_hs)
    worst = pick([(at.rows.dead, int(iec_hs.number("death")))], int(iec_hs.number("worst_grade")))
    least, most = true((needed.at_least > 0) & (usual.at_least > 0)), pick([(needed.at_most == 0, 0)], worst)
    found = answered(at, iec_hs, Part(least, most, needed.lacks | {"clinical-judgement": least < most}))
    return found._replace(applies=at.rows.dose_s.notnull())


def required(at: At, iec_hs: Definition) -> Part:
    """Ferritin above twice the upper limit of normal, or above twice its baseline."""
    limit, change = between(at, iec_hs, "ferritin"), part(at, iec_hs, "ferritin-change")
    known = at.span("ferritin-change").low.notnull()
    changed = Part(pick([(known, change.at_least)], 0), pick([(known, change.at_most)], 0), {})
    return largest([limit, changed])


def common(at: At, iec_hs: Definition) -> Part:
    """Transaminases, fibrinogen, cytopenia (possible at most: it must be new or worse), haemophagocytosis."""
    liver = largest([between(at, iec_hs, "ast"), between(at, iec_hs, "alt")])
    low = largest(part(at, iec_hs, name) for name in ("haemoglobin", "platelets", "neutrophils"))
    cytopenia = Part(low.at_least * 0, low.at_most, {**low.lacks, "cytopenia-new-or-worse": low.at_least > 0})
    return total([liver, part(at, iec_hs, "fibrinogen"), cytopenia, part(at, iec_hs, "haemophagocytosis")])
