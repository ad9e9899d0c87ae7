"""Every score that is no CRS grade, in one table: its bounds, what is missing, how its numbers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.definition import decided
from leeward.scales import (
    bedside_pews,
    carhlh_cartox_2018,
    hlh_2004,
    hscore,
    icaht,
    iec_hs_2023,
    mas_2016,
    news2,
    ohi,
    phoenix,
    qsofa,
    score_courses,
    score_derived,
    score_inputs,
    sipa,
    sofa,
    tls_cairo_bishop_2004,
    tls_howard_2011,
)
from leeward.scales.bands import definition
from leeward.scales.outcome import Outcome, Score, itemised
from leeward.scales.score_inputs import At
from leeward.timeline.exposures import repeated_products

Step = Callable[..., ir.Table]


@cache
def scores() -> dict[str, Score]:
    """Each score by its id."""
    return {
        "sofa": Score(definition("sofa"), sofa.score),
        "qsofa": Score(definition("qsofa"), qsofa.score, "positive"),
        "news2": Score(definition("news2"), news2.score, "emergency"),
        "bedside-pews": Score(definition("bedside-pews"), bedside_pews.score, "trigger"),
        "phoenix": Score(definition("phoenix"), phoenix.score, "sepsis"),
        "sipa": Score(definition("sipa"), sipa.score, "index"),
        "hscore": Score(definition("hscore"), hscore.score, "probability"),
        "hlh-2004": Score(definition("hlh-2004"), hlh_2004.score, "met"),
        "mas-2016": Score(definition("mas-2016"), mas_2016.score, "met"),
        "ohi": Score(definition("ohi"), ohi.score, "met"),
        "carhlh-cartox-2018": Score(definition("carhlh-cartox-2018"), carhlh_cartox_2018.score, "met"),
        "iec-hs-2023": Score(definition("iec-hs-2023"), iec_hs_2023.criteria, "required"),
        "iec-hs-2023-grade": Score(definition("iec-hs-2023"), iec_hs_2023.grade),
        "icaht-early": Score(definition("icaht-2023"), icaht.early),
        "icaht-late": Score(definition("icaht-2023"), icaht.late),
        "t-icaht-early": Score(definition("t-icaht"), icaht.early_platelets),
        "t-icaht-late": Score(definition("t-icaht"), icaht.late_platelets),
        "tls-cairo-bishop-2004": Score(definition("tls-cairo-bishop-2004"), tls_cairo_bishop_2004.score, "met"),
        "tls-howard-2011": Score(definition("tls-howard-2011"), tls_howard_2011.score, "met"),
    }


def steps(step: Step, known: ir.Table, exposed: ir.Table, question: ir.Table) -> ir.Table:
    """Adds the steps of all scores to a plan; the last one, `scores`, holds the answer.

    `step(name, build, *inputs, **settings)` records a step and gives back its table, as in cohort.plan. Rows of
    `scores`: patient, score, at_least, at_most, missing (names with a comma after each), reading_low, reading_high.
    """
    people = step("score_people", score_inputs.people, known, exposed, question, repeated=repeated_products())
    rows = step("score_rows", score_inputs.rows, known, people)
    moments = step("score_moments", score_derived.moments, rows)
    saturation = definition("phoenix").number("saturation_at_most")
    gases = step("score_gases", score_derived.gases, rows, saturation_at_most=saturation)
    derived = step("score_derived", ir.Table.union, moments, gases)
    taken = step("score_taken", score_inputs.taken, rows, derived)
    given = _given(step, known, people)
    used = {each for score in scores().values() for each in score.used()}
    wide = step("score_wide", score_inputs.wide, taken, given, people, used=used)
    items = step("score_items", itemised, wide, scores=scores().values())
    return step("scores", table, step("score_parts", parted, items))


def _given(step: Step, known: ir.Table, people: ir.Table) -> ir.Table:
    """The steps whose inputs no record charts: rates, baselines, chemistry around the therapy, days of low counts."""
    lysis, howard = definition("tls-cairo-bishop-2004"), definition("tls-howard-2011")
    neutrophils, platelets = definition("icaht-2023"), definition("t-icaht")
    ran_s = int(decided(definition("sofa").decisions, "one-hour") * 60)
    infusions = step("score_infusions", score_derived.infusions, known, people)
    drugs = step("score_drugs", score_derived.rates, infusions, people, at_least_s=ran_s)
    labs = step("score_labs", score_courses.labs, known, people)
    days = decided(lysis.decisions, "baseline")
    before = step("score_before", score_courses.baselines, labs, days=days)
    chemistry = step("score_lysis", score_courses.lysis, labs, before, tls=lysis)
    same_day = step("score_together", score_courses.together, labs, howard=howard)
    counts = step("score_counts", score_courses.counts, labs)
    flags = step("score_low", score_courses.flagged, counts, lows=score_courses.low_days(neutrophils, platelets))
    gap, edge = (int(decided(neutrophils.decisions, name)) for name in ("joined-runs", "before-first-after-last"))
    runs = step("score_runs", score_courses.runs, flags, gap_days=gap, edge_days=edge)
    nadirs = step("score_nadirs", score_courses.nadirs, counts, icaht=neutrophils)
    return step("score_given", _together, drugs, before, chemistry, same_day, runs, nadirs)


def _together(drugs: ir.Table, before: ir.Table, *others: ir.Table) -> ir.Table:
    """Inputs made by several steps, as one table."""
    bases = before.mutate(quantity=before.quantity + "-baseline")
    tables = [table.select("patient", "quantity", "low", "high") for table in (bases, *others)]
    return drugs.union(*tables)


def parted(items: ir.Table) -> ir.Table:
    """Adds the parts that rules keep, so that what builds on them does not repeat them."""
    at = At(items)
    for score in scores().values():
        score.rule(at, score.knowledge)
    return items.mutate(**at.found)


def table(parts: ir.Table) -> ir.Table:
    """One row per patient and score that fits the patient's age."""
    at = At(parts)
    made = [_answer(name, score.rule(at, score.knowledge)) for name, score in scores().items()]
    rows = at.rows.select("patient", answer=ibis.array(made)).select("patient", answer=ibis._.answer.unnest())
    rows = rows.unpack("answer")
    return rows.filter(rows.applies).drop("applies")


def _answer(name: str, found: Outcome) -> Any:
    """One score's outcome as one value."""
    low, high = found.reading if found.reading is not None else (ibis.null("float64"), ibis.null("float64"))
    applies = ibis.literal(True) if found.applies is None else found.applies.fill_null(True)
    return ibis.struct(
        {
            "score": ibis.literal(name),
            "at_least": found.at_least.cast("int64"),
            "at_most": found.at_most.cast("int64"),
            "missing": found.missing,
            "reading_low": low.cast("float64"),
            "reading_high": high.cast("float64"),
            "applies": applies,
        }
    )


def as_json(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """One patient's rows of `scores` as the answer's object: bounds, missing inputs, evidence, second reading."""
    made: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: str(row["score"])):
        score = scores()[row["score"]]
        said: dict[str, Any] = {
            "at_least": row["at_least"],
            "at_most": row["at_most"],
            "missing": [name for name in str(row["missing"]).split(",") if name],
            "evidence": score.knowledge.rests_on(),
        }
        if score.reading is not None and row["reading_low"] is not None:
            said[score.reading] = {"at_least": round(row["reading_low"], 4), "at_most": round(row["reading_high"], 4)}
        made[row["score"]] = said
    return made
