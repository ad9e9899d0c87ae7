"""When a therapy that can cause CRS was given, and which stretch of time belongs to which dose."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from leeward.knowledge.therapies import treatments
from leeward.timeline.columns import nothing, pick, seconds

TRIGGER = "trigger"
ASSUMED = "assumed"
DAY_S = 86_400


def exposures(
    known: ir.Table, question: ir.Table, repeated: Sequence[str], same_dose_s: int, same_course_s: int
) -> ir.Table:
    """One row per dose: patient, product, from_s, until_s (the end of its giving, or of the day if only that is known).

    Records of one product less than `same_dose_s` apart are one dose (the order, the infusion and its code; the daily
    bags of a continuous infusion). Products that are given once (not in `repeated`) also count as one dose within
    `same_course_s`: a split infusion of cells is one treatment. The question's `assumed_trigger` or `assumed_setting`
    adds one to every patient.
    """
    given = known.filter(known.quantity == TRIGGER)
    given = given.select(
        "patient", "until_s", product=given.text, from_s=given.at_s, last_s=given.until_s.fill_null(given.at_s)
    )
    keys = [given.patient, given.product]
    before = ibis.window(group_by=keys, order_by=[given.from_s, given.last_s], rows=(None, -1))
    apart_s = pick([(given["product"].isin(list(repeated)), same_dose_s)], same_course_s)
    since_s = given.from_s - given.last_s.max().over(before)
    given = given.mutate(opens=since_s.isnull() | (since_s >= apart_s))
    given = given.filter(given.opens).select("patient", "product", "from_s", "until_s")
    return given.union(_assumed(known, question))


def _assumed(known: ir.Table, question: ir.Table) -> ir.Table:
    """A trigger that the user assumes for every patient: at a moment, or when each first came to a setting."""
    # Filtered before it is crossed, so that nobody's findings are read where nothing is assumed.
    moment = question.filter(question.assumed_trigger.notnull()).select("assumed_trigger")
    people = known.select("patient").cross_join(moment)
    people = people.group_by("patient").agg(from_s=seconds(people.assumed_trigger.max()))
    setting = question.filter(question.assumed_setting.notnull()).select("assumed_setting")
    stays = known.filter(known.quantity == "care-setting").cross_join(setting)
    stays = stays.filter(stays.text == stays.assumed_setting)
    stays = stays.group_by("patient").agg(from_s=stays.at_s.min())
    return people.union(stays).select("patient", product=ibis.literal(ASSUMED), from_s=_.from_s, until_s=nothing())


def doses(exposed: ir.Table) -> ir.Table:
    """The stretch that belongs to each dose: patient, dose_s (its start), next_dose_s (null for the last).

    Two products within a day share a stretch.
    """
    order = ibis.window(group_by=[exposed.patient], order_by=[exposed.from_s])
    rows = exposed.mutate(since_s=exposed.from_s - exposed.from_s.lag().over(order))
    rows = rows.filter(rows.since_s.isnull() | (rows.since_s >= DAY_S))
    after = ibis.window(group_by=[rows.patient], order_by=[rows.from_s])
    return rows.select("patient", dose_s=rows.from_s, next_dose_s=rows.from_s.lead().over(after))


def repeated_products() -> list[str]:
    """Products whose every dose can have its own episode, by knowledge/therapies/."""
    return [item.inn for item in treatments() if item.repeated]
