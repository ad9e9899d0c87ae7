"""Severe CRS by Davila 2014 (Sci Transl Med 6:224ra25): fever, cytokines by fold change, and one sign of harm.

Three limbs of many inputs: `folds`, `signs` and `limbs` make the columns that each later one reads, step by step.
"""

from __future__ import annotations

from typing import Any

import ibis

from leeward.risk.definitions import Rule
from leeward.risk.outcome import STILL, Found, counted, every
from leeward.scales.bands import Part, Span
from leeward.scales.outcome import largest, part
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick, true
from leeward.timeline.exposures import DAY_S

SEVEN = ("ifn-gamma", "il-5", "il-6", "il-10", "flt3-ligand", "fractalkine", "gm-csf")
_DAYS = ("temperature-day-1", "temperature-day-2", "temperature-day-3", "temperature-day-4")
_ALERT = 0


def davila(at: At, rule: Rule) -> Found:
    """Fever on days running, the cytokine limb, and harm; the second reading is the cytokine limb alone."""
    limb = {name: _column(at, f"davila {name}") for name in ("fever", "cytokines", "harm")}
    lacks = {
        **{name: (at.rows[f"davila {name} least"] < at.rows[f"davila {name} most"]) for name in _DAYS},
        **{
            f"{name}-{when}": at.rows[f"davila {name} {when}"] & _open(limb["cytokines"])
            for name in SEVEN
            for when in ("before", "peak")
        },
    }
    whole = every([
        limb["fever"]._replace(lacks={name: lacks[name] & _open(limb["fever"]) for name in _DAYS}),
        limb["cytokines"]._replace(lacks={name: gone for name, gone in lacks.items() if name not in _DAYS}),
        limb["harm"]._replace(lacks={name: at.rows[f"davila lacks {name}"] & _open(limb["harm"]) for name in _HARM}),
    ])  # fmt: skip
    cytokines, below = limb["cytokines"], at.rows["davila below"]
    early = at.rows.moment_s - at.rows.infusion_s < int(rule.number("days_running")) * DAY_S
    waits = {STILL: early.fill_null(True) & _open(whole) & _open(limb["fever"])}
    whole = whole._replace(lacks={**whole.lacks, **waits})
    return counted(whole, (cytokines.at_least, cytokines.at_most), {"baseline-below-detection": below})


_HARM = ("vasoactive", "spo2", "ice-score")


def _open(one: Part) -> Any:
    return one.at_least < one.at_most


def _column(at: At, name: str) -> Part:
    """A part that an earlier step computed."""
    return Part(at.rows[f"{name} least"], at.rows[f"{name} most"], {})


def _kept(name: str, one: Part) -> dict[str, Any]:
    return {f"{name} least": one.at_least, f"{name} most": one.at_most}


def folds(at: At, _: Rule) -> dict[str, Any]:
    """Each cytokine's highest value since the infusion over its newest before, as bounds, and what of it is missing."""
    made: dict[str, Any] = {}
    below = ibis.literal(False)
    for name in SEVEN:
        base, peak = at.span(f"{name}-before"), at.span(f"{name}-peak")
        undetected = (base.low == 0) & (base.high > 0)
        below = below | undetected.fill_null(False)
        # Below detection its limit is taken, as such tables are made; a baseline of 0 without a limit tells nothing.
        floor = pick([(undetected, base.high), (base.low > 0, base.low)], None)
        made[f"davila {name} low"] = pick([(base.high > 0, peak.low / base.high)], None)
        made[f"davila {name} high"] = peak.high / floor
        made[f"davila {name} before"] = floor.isnull()
        made[f"davila {name} peak"] = peak.low.isnull()
    return {**made, "davila below": below}


def signs(at: At, rule: Rule) -> dict[str, Any]:
    """Which cytokine rose how far, on which day there was fever, and the signs of harm."""
    made: dict[str, Any] = {}
    for name in SEVEN:
        fold = Span(at.rows[f"davila {name} low"], at.rows[f"davila {name} high"])
        for item in ("several-fold", "many-fold"):
            made |= _kept(f"davila {name} {item}", part(at, rule, item, fold))
    for name in _DAYS:
        made |= _kept(f"davila {name}", part(at, rule, "fever", at.span(name)))
    made |= _kept("davila hypoxia", part(at, rule, "hypoxia", at.span("spo2-lowest")))
    made |= _kept("davila ice", part(at, rule, "ice", at.span("ice-lowest")))
    return made


def limbs(at: At, rule: Rule) -> dict[str, Any]:
    """The three limbs, each as 0 or 1."""
    running, days = int(rule.number("days_running")), [_column(at, f"davila {name}") for name in _DAYS]
    fever = largest([every(days[first : first + running]) for first in range(len(days) - running + 1)])
    harm, lacks = _harm(at)
    made = {
        **_kept("davila fever", fever),
        **_kept("davila cytokines", _cytokines(at, rule)),
        **_kept("davila harm", harm),
    }
    return {**made, **{f"davila lacks {name}": gone for name, gone in lacks.items()}}


def _cytokines(at: At, rule: Rule) -> Part:
    """Two of seven cytokines so many fold, or one of them more."""
    several = [_column(at, f"davila {name} several-fold") for name in SEVEN]
    many = [_column(at, f"davila {name} many-fold") for name in SEVEN]
    wanted = rule.number("cytokines_several")
    least, most = ibis.literal(0), ibis.literal(0)
    for one in several:
        least, most = least + one.at_least, most + one.at_most
    return Part(
        ibis.greatest(true(least >= wanted), *[one.at_least for one in many]),
        ibis.greatest(true(most >= wanted), *[one.at_most for one in many]),
        {},
    )


def _harm(at: At) -> tuple[Part, dict[str, Any]]:
    """A vasoactive drug, hypoxia, or a neurological change; and which of the three is not known."""
    drug, mind = at.span("vasoactive"), at.span("consciousness-worst")
    given = Part(drug.low.fill_null(0.0), drug.high.fill_null(1.0), {})
    hypoxia, ice = _column(at, "davila hypoxia"), _column(at, "davila ice")
    sure = ibis.greatest(ice.at_least, true(mind.low > _ALERT))
    neurological = Part(sure, ibis.greatest(sure, ice.at_most), {})
    parts = dict(zip(_HARM, (given, hypoxia, neurological), strict=True))
    return largest(parts.values()), {name: _open(one) for name, one in parts.items()}
