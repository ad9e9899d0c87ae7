"""The steps from findings to courses, as expressions; each step reads the ones before it by name.

One list of steps serves one patient (cohort.bedside) and a cohort (cohort.engine), table by table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.cohort import plan_older
from leeward.knowledge.definition import decided
from leeward.scales import (
    astct_2019_crs,
    astct_2019_crs_course,
    astct_2019_icans,
    course,
    crs_signs,
    icans_signs,
    older_crs,
    reasons,
)
from leeward.scales import scores as all_scores
from leeward.timeline.corrections import corrections
from leeward.timeline.exposures import DAY_S, doses, exposures, repeated_products
from leeward.timeline.infusions import running
from leeward.timeline.known import known, newest
from leeward.timeline.oxygen import states
from leeward.timeline.people import numbered, people, relevant, told, watched
from leeward.timeline.places import places
from leeward.timeline.settings import HOUR_S

_INSTANT = "timestamp('UTC', 6)"
FINDINGS = ibis.table(
    {
        "patient": "string", "quantity": "string", "measured_at": _INSTANT, "measured_until": _INSTANT,
        "reported_at": _INSTANT, "received_at": _INSTANT, "low": "float64", "high": "float64", "text": "string",
        "site": "string", "status": "string", "record": "string", "version": "string", "revised": "boolean",
        "source": "string", "place": "string",
    },
    name="findings",
)  # fmt: skip
"""The findings table every plan starts from (record.schema.FINDING)."""

QUESTION = ibis.table({"as_of": _INSTANT, "assumed_trigger": _INSTANT, "assumed_setting": "string"}, name="question")
"""One row: the moment asked about (null: all that is known); an assumed trigger, as a moment or as the first arrival in
a setting (null: only triggers on record)."""

COURSES = ("exposed", "people", "course", "episodes", "now", "unobserved")
"""The steps whose rows are the courses of a cohort."""

REASONS = ("standing", "noted", "raw", "corrected")
"""The steps whose rows say why; they cost one more look at the findings."""

Step = tuple[str, ir.Table]


def steps(
    *, room_air: bool, scales: tuple[str, ...] = (older_crs.ASTCT,), scores: bool = False, **asked: bool
) -> list[Step]:
    """Every step in order, its name and its expression over the tables named before it.

    `room_air`: the source declares that no oxygen device charted means room air. `scales`: those of CRS to grade on;
    ASTCT is graded always, and steps are added only for others; so are those of `scores`. `asked`: see
    `timeline.known.known`.
    """
    crs, icans = astct_2019_crs.limits(), astct_2019_icans.limits()
    made: list[Step] = []

    def step(name: str, build: Callable[..., ir.Table], *inputs: ir.Table, **settings: Any) -> ir.Table:
        made.append((name, build(*inputs, **settings)))
        return ibis.table(made[-1][1].schema(), name=name)

    known_ = _known(step, **asked)
    exposed = _exposed(step, known_)
    doses_ = step("doses", doses, exposed)
    people_ = step("people", people, step("watched", watched, known_), step("told", told, known_), doses_, QUESTION)
    numbered_ = step("numbered", numbered, doses_, people_)
    wanted = {*crs_signs.beside_vital_signs(crs), *icans_signs.quantities(icans)}
    relevant_ = step("relevant", relevant, known_, people_, quantities=wanted, lookback_s=crs_signs.lookback_s(crs))
    places_ = step("places", places, relevant_)
    oxygen_states = step("oxygen_states", states, relevant_)
    oxygen = step("oxygen", crs_signs.supported, oxygen_states, people_, limits=crs)
    sure, possible = (_ran(step, relevant_, surely=surely) for surely in (True, False))
    vital_signs = step("vital_signs", crs_signs.vital_signs, known_, people_, limits=crs)
    ran = {"stretches": {"sure": sure, "possible": possible}, "limits": crs}
    context = step("context", crs_signs.context, relevant_, vital_signs, places_, people_, numbered_, **ran)
    charted = step("crs_charted", crs_signs.charted, vital_signs, oxygen, context)
    signs = step("crs_signs", crs_signs.carried, charted, context, people_, limits=crs, room_air=room_air)
    crs_graded = step("crs_graded", astct_2019_crs_course.graded, signs, limits=crs)
    icans_graded = _icans(step, relevant_, places_, people_, numbered_)
    graded = step("graded", ir.Table.union, crs_graded, icans_graded)
    before = plan_older.Before(known_, people_, numbered_, places_, relevant_, oxygen_states, sure, possible, signs)
    _answered(step, graded, before, scales)
    if scores:
        all_scores.steps(step, known_, exposed, QUESTION)
    return made


def _known(step: Callable[..., ir.Table], *, dated: bool = True, revised: bool = True) -> ir.Table:
    """Adds the findings that were known."""
    newest_ = step("newest", newest, FINDINGS, QUESTION, dated=dated)
    return step("known", known, FINDINGS, newest_, QUESTION, dated=dated, revised=revised)


def _exposed(step: Callable[..., ir.Table], known: ir.Table) -> ir.Table:
    """Adds the doses of therapies that can cause CRS, those close together as one."""
    decisions = astct_2019_crs.limits().decisions
    once_s = int(decided(decisions, "late-onset") * DAY_S)
    dose_s = int(decided(decisions, "one-dose") * HOUR_S)
    apart = {"repeated": repeated_products(), "same_dose_s": dose_s, "same_course_s": once_s}
    return step("exposed", exposures, known, QUESTION, **apart)


def _ran(step: Callable[..., ir.Table], relevant: ir.Table, *, surely: bool) -> ir.Table:
    """Adds the stretches of vasopressors."""
    limits = astct_2019_crs.limits()
    drugs, pause_s = limits.vasopressors, int(decided(limits.decisions, "bag-change") * 60)
    name = "ran_surely" if surely else "ran_possibly"
    wanted = [*drugs.counted, *drugs.never_several]
    return step(name, running, relevant, drugs=wanted, surely=surely, pause_s=pause_s)


def _icans(step: Callable[..., ir.Table], *inputs: ir.Table) -> ir.Table:
    """Adds the steps of ICANS; its grades."""
    limits = astct_2019_icans.limits()
    charted = step("icans_charted", icans_signs.charted, *inputs, limits=limits)
    return step("icans_graded", icans_signs.graded, step("icans_signs", icans_signs.carried, charted), limits=limits)


def _answered(
    step: Callable[..., ir.Table], graded: ir.Table, before: plan_older.Before, scales: tuple[str, ...]
) -> None:
    """Adds the steps whose rows are answers. Older scales are graded only where they are asked for."""
    crs, shown = astct_2019_crs.limits(), reasons.SHOWN
    if older_crs.older(scales):
        graded = step("graded_all", ir.Table.union, graded, *plan_older.graded(step, before, scales, crs))
        shown = (*shown, *reasons.SHOWN_FOR_OLDER)
    turns = step("turns", course.turns, graded)
    for name, rows in (("course", turns), ("unobserved", turns), ("episodes", graded), ("now", graded)):
        step(name, getattr(course, name), rows, before.people)
    step("standing", reasons.standing, before.known, before.people, shown=shown)
    step("noted", reasons.noted, before.known, before.people, limits=crs)
    step("raw", reasons.raw, before.known, before.people)
    step("corrected", corrections, FINDINGS, QUESTION)
