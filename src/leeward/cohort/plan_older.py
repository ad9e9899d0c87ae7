"""The further steps for CRS scales older than ASTCT; they are taken only where such a scale is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import ibis.expr.types as ir

from leeward.knowledge.definition import decided, value
from leeward.scales import (
    astct_2019_crs,
    ctcae_4_03_organs,
    inspired_oxygen,
    older_crs,
    older_crs_course,
    older_crs_signs,
    older_crs_state,
    reasons,
    vasopressor_dose,
)
from leeward.timeline.exposures import DAY_S
from leeward.timeline.infusions import together, together_by_now
from leeward.timeline.people import relevant
from leeward.timeline.rates import rates, reached
from leeward.timeline.settings import HOUR_S

MakeStep = Callable[..., ir.Table]


class Before(NamedTuple):
    """Tables of the plan that the older scales read as well."""

    known: ir.Table
    people: ir.Table
    doses: ir.Table
    places: ir.Table
    relevant: ir.Table
    states: ir.Table
    sure: ir.Table
    possible: ir.Table
    signs: ir.Table


def graded(step: MakeStep, before: Before, scales: tuple[str, ...], crs: astct_2019_crs.Limits) -> list[ir.Table]:
    """Adds the steps they share; the grades of each scale, as expressions over the last of them."""
    signs_, organs = older_crs_signs.limits(), ctcae_4_03_organs.limits()
    lookback_s = int(decided(organs.decisions, "baseline") * DAY_S)
    asked = older_crs_signs.quantities(signs_)
    further = step("older_relevant", relevant, before.known, before.people, quantities=asked, lookback_s=lookback_s)
    limit = value(signs_.oxygen.limit)
    support = step("older_support", inspired_oxygen.supported, before.states, further, limit=limit)
    toxicity = step("older_organs", ctcae_4_03_organs.graded, further, before.people, limits=organs)
    stretches = _stretches(step, before, crs)
    charted = step("older_charted", older_crs_signs.charted, further, before.places, support, toxicity, before.people,
                   stretches=stretches, limits=signs_)  # fmt: skip
    carried = step("older_carried", older_crs_signs.carried, charted, organ_limits=organs)
    beside = step("older_beside", older_crs_state.beside, before.signs, carried)
    states = step("older_states", older_crs_state.states, beside, limits=signs_)
    opened: dict[float | None, ir.Table] = {}
    made = []
    for name in older_crs.older(scales):
        scale = older_crs.scale(name)
        days = scale.organs_open_days
        if days not in opened:
            number = f"older_opened_{len(opened) + 1}"
            opened[days] = step(number, older_crs_course.opened, states, limits=crs, organs_open_days=days)
        made.append(older_crs_course.graded(opened[days], scale))
    step("signs_shown", older_crs_state.shown, next(iter(opened.values())), before.people)
    step("estimated", reasons.estimated, support, before.people)
    return made


def _stretches(step: MakeStep, before: Before, crs: astct_2019_crs.Limits) -> dict[str, ir.Table]:
    """Stretches of several vasopressors, of a high dose, of long enough, each surely and possibly."""
    table = vasopressor_dose.limits()
    drugs = [*crs.vasopressors.counted, *crs.vasopressors.never_several]
    overlap_s = int(decided(crs.decisions, "overlap") * 60)
    long_s = int(older_crs.long_vasopressor_hours() * HOUR_S)
    made = {}
    for reading, ran, surely in (("sure", before.sure, True), ("possible", before.possible, False)):
        rate = step(f"rates_{reading}", rates, before.relevant, drugs=drugs, surely=surely)
        made[f"high_dose_{reading}"] = step(
            f"high_dose_{reading}", vasopressor_dose.high_dose, rate, limits=table, surely=surely
        )
        if surely:
            made["multiple_sure"] = step("multiple_sure", together_by_now, ran, before.people, at_least_s=overlap_s)
        else:
            made["multiple_possible"] = step("multiple_possible", together, ran, at_least_s=overlap_s)
        made[f"long_{reading}"] = step(f"long_{reading}", reached, ran, before.doses, total_s=long_s)
    return made
