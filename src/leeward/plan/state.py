"""What holds when a guideline is asked: one row per patient, moment, scale and end of the range, a column per input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.cells import inputs as asked
from leeward.plan import given, moments, observed, signs
from leeward.plan.moments import hours, hours_or_never

Step = Callable[..., ir.Table]
KEY = ("patient", "at_s", "scale", "end")


def steps(
    step: Step, known: ir.Table, people: ir.Table, exposed: ir.Table, episodes: ir.Table, course: ir.Table,
    carried: ir.Table, asked: ir.Table,
) -> ir.Table:  # fmt: skip
    """Adds the steps of the state at the moments of `asked` (patient, at_s), and gives the last one.

    `carried`: scales.crs_signs.carried; the others are the plan's own steps of those names.
    """
    moments_ = step("plan_moments", moments.moments, people, exposed, episodes, asked)
    doses = step("plan_doses", given.doses, moments_, known)
    found = step("plan_findings", observed.findings, moments_, known)
    step("plan_given", given.listed, moments_, known)
    graded = step("plan_graded", moments.graded, moments_, course, doses)
    beside = step(
        "plan_beside", _beside, moments_, doses,
        *(step(f"plan_{name}", getattr(observed, name), found) for name in ("latest", "fever", "cooled", "told")),
        step("plan_signs", signs.signs, moments_, people, carried),
        step("plan_icans_severe", moments.icans_severe, moments_, course),
    )  # fmt: skip
    severe = step("plan_severe", moments.severe, moments_, course, episodes)
    return step("plan_state", _state, step("plan_ends", moments.ends, graded, severe), beside)


def _beside(moments_: ir.Table, *more: ir.Table) -> ir.Table:
    """Everything that no scale changes, in one row per patient and moment."""
    rows = moments_
    for table in more:
        rows = rows.left_join(table, ["patient", "at_s"])
        rows = rows.drop(*(name for name in rows.columns if name.endswith("_right")))
    at_s = rows.at_s
    made: dict[str, Any] = {
        "therapy_class": moments.therapy_class(rows["product"]),
        "product": rows["product"],
        "since_infusion_hours": hours(rows.dose_s, at_s),
        "onset_after_infusion_hours": hours(rows.onset_dose_s, rows.onset_s),
        "dose_number": rows.dose_number,
        "since_onset_hours": hours(rows.onset_s, at_s),
        "resolved_hours": hours_or_never(rows.resolved_s, at_s),
        "icans_hours": hours_or_never(rows.icans_onset_s, at_s),
        "icans_grade_3_hours": rows.icans_grade_3_hours.fill_null(0.0),
        **given.inputs(rows),
        **observed.inputs(rows),
        **signs.inputs(rows),
    }
    return rows.select("patient", "at_s", "dose_s", "onset_s", "age_low", "age_high", **made)


def _state(ends: ir.Table, beside: ir.Table) -> ir.Table:
    """A column for every input that tables ask for, in one type each; null where it is not known."""
    rows = ends.join(beside, ["patient", "at_s"])
    columns: dict[str, Any] = {}
    for name, one in asked().items():
        kind = "string" if one.kind == "word" else "float64"
        columns[name] = rows[name].cast(kind) if name in rows.columns else ibis.null(kind)
    return rows.select(*KEY, "dose_s", "onset_s", "age_low", "age_high", **columns)


def asked_now(people: ir.Table) -> ir.Table:
    """The moment each patient is answered for."""
    return people.select("patient", at_s=people.as_of_s)
