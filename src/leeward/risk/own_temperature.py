"""A temperature against the patient's own baseline (Rajeeve 2023); two high ones within a day (Kadauke 2021)."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.risk.definitions import OWN_TEMPERATURE, TWICE, Rule
from leeward.timeline.columns import pick, true
from leeward.timeline.settings import HOUR_S

ANTIPYRETICS = ("acetaminophen", "ibuprofen")
_MINUTE_S = 60
_OPEN = float("inf")


def readings(rows: ir.Table, known: ir.Table) -> ir.Table:
    """Exact temperatures up to the moment, each with the last antipyretic before it: patient, at_s, celsius, drug_s."""
    mine = rows.filter((rows.quantity == "body-temperature") & (rows.low == rows.high))
    heat = mine.select("patient", "at_s", "moment_s", celsius=mine.low, given_s=ibis.null("int64"))
    drugs = known.filter(known.quantity.isin(list(ANTIPYRETICS)))
    drugs = drugs.select(
        "patient",
        "at_s",
        moment_s=ibis.null("int64"),
        celsius=ibis.null("float64"),
        given_s=drugs.at_s,
    )
    both = heat.union(drugs)
    upto = ibis.window(group_by=[both.patient], order_by=[both.at_s], range=(None, 0))
    both = both.mutate(drug_s=both.given_s.max().over(upto))
    return both.filter(both.celsius.notnull()).drop("given_s")


def hours(readings: ir.Table) -> ir.Table:
    """Readings by the hour since each patient's first: patient, first_s, hour, n, total, squares, top, moment_s."""
    rows = readings.mutate(first_s=readings.at_s.min().over(ibis.window(group_by=[readings.patient])))
    rows = rows.mutate(hour=(rows.at_s - rows.first_s) // HOUR_S)
    return rows.group_by(["patient", "first_s", "hour"]).agg(
        n=rows.count(),
        total=rows.celsius.sum(),
        squares=(rows.celsius * rows.celsius).sum(),
        top=rows.celsius.max(),
        moment_s=rows.moment_s.max(),
    )


def baselines(hours: ir.Table, rule: Rule) -> ir.Table:
    """The first stretch that serves as baseline: patient, base_from_s, base_until_s, mean_c, deviation, own_limit."""
    length = int(rule.number("baseline_hours"))
    ahead = ibis.window(group_by=[hours.patient], order_by=[hours.hour], range=(0, length - 1))
    rows = hours.mutate(
        covered=hours.n.count().over(ahead),
        n_=hours.n.sum().over(ahead),
        total_=hours.total.sum().over(ahead),
        squares_=hours.squares.sum().over(ahead),
        top_=hours.top.max().over(ahead),
    )
    rows = rows.mutate(from_s=rows.first_s + rows.hour * HOUR_S)
    whole = rows.from_s + length * HOUR_S <= rows.moment_s
    fit = (rows.covered >= rule.number("coverage") * length) & (rows.top_ < rule.number("fever_at_least"))
    rows = rows.filter(whole & fit & (rows.n_ > 1))
    rows = rows.mutate(first_from_s=rows.from_s.min().over(ibis.window(group_by=[rows.patient])))
    rows = rows.filter(rows.from_s == rows.first_from_s)
    mean = rows.total_ / rows.n_
    spread = ibis.greatest(rows.squares_ - rows.n_ * mean * mean, 0.0) / (rows.n_ - 1)
    rows = rows.mutate(mean_c=mean, deviation=spread.sqrt())
    return rows.select(
        "patient",
        "mean_c",
        "deviation",
        base_from_s=rows.from_s,
        base_until_s=rows.from_s + length * HOUR_S,
        own_limit=rows.mean_c + rule.number("deviations") * rows.deviation,
    )


def above(readings: ir.Table, baselines: ir.Table, rule: Rule) -> ir.Table:
    """Readings after the baseline, and whether each surely and possibly counts above its limit (1 or 0)."""
    rows = readings.join(baselines, "patient")
    rows = rows.filter(rows.at_s >= rows.base_until_s)
    since_h = (rows.at_s - rows.drug_s) / HOUR_S
    hot = rows.celsius > rows.own_limit
    return rows.mutate(
        sure=true(hot & (rows.drug_s.isnull() | (since_h > rule.number("antipyretic_hours_most")))),
        maybe=true(hot & (rows.drug_s.isnull() | (since_h > rule.number("antipyretic_hours_least")))),
    )


def alarms(above: ir.Table, rule: Rule, way: str) -> ir.Table:
    """The stretches that stayed above long enough, by the flag `way` (sure, maybe): patient, alarm_s."""
    joins_s = int(rule.number("joins_minutes") * _MINUTE_S)
    lasts_s = int(rule.number("persists_minutes") * _MINUTE_S)
    order = ibis.window(group_by=[above.patient], order_by=[above.at_s])
    rows = above.mutate(flag=above[way], flagged=above[way].lag().over(order), before_s=above.at_s.lag().over(order))
    apart = (rows.flagged == 1) & (rows.at_s - rows.before_s <= joins_s)
    rows = rows.filter(rows.flag == 1).mutate(opens=true(~apart.fill_null(False)))
    upto = ibis.window(group_by=[rows.patient], order_by=[rows.at_s], rows=(None, 0))
    rows = rows.mutate(run=rows.opens.sum().over(upto))
    runs = rows.group_by(["patient", "run"]).agg(from_s=rows.at_s.min(), to_s=rows.at_s.max())
    runs = runs.filter(runs.to_s - runs.from_s >= lasts_s)
    return runs.select("patient", alarm_s=runs.from_s + lasts_s)


def own(above: ir.Table, sure: ir.Table, maybe: ir.Table, rule: Rule) -> ir.Table:
    """One row per patient with a baseline and readings after it: baseline, alarms, lead, and what the rule says.

    low, high: 0 or 1; where fewer than the asked share of hours had a reading, an alarm may have been missed.
    """
    fever = above.celsius >= rule.number("fever_at_least")
    hour = (above.at_s - above.base_until_s) // HOUR_S
    rows = above.mutate(hour=hour)
    made = rows.group_by(["patient", "mean_c", "deviation", "own_limit", "base_from_s", "base_until_s"]).agg(
        moment_s=rows.moment_s.max(), hours=rows.hour.nunique(), fever_s=ibis.ifelse(fever, rows.at_s, None).min()
    )
    for name, table in (("sure", sure), ("maybe", maybe)):
        counted = table.group_by("patient").agg(**{name: table.count(), f"{name}_s": table.alarm_s.min()})
        made = made.left_join(counted, "patient").drop("patient_right")
    days = (made.moment_s - made.base_until_s) / (24 * HOUR_S)
    covered = made.hours >= rule.number("coverage") * ((made.moment_s - made.base_until_s) // HOUR_S)
    made = made.mutate(sure=made.sure.fill_null(0), maybe=made.maybe.fill_null(0), days=days, covered=covered)
    return made.mutate(
        low=true(made.sure > 0).cast("float64"),
        high=true((made.maybe > 0) | ~made.covered).cast("float64"),
        lead_hours=(made.fever_s - made.sure_s) / HOUR_S,
        alarms_per_day=pick([(made.days > 0, made.sure / made.days)], None),
    )


def as_input(own: ir.Table) -> ir.Table:
    """What the rule says, as an input of a score (risk.inputs.TAKEN)."""
    at_s = ibis.coalesce(own.sure_s, own.maybe_s, own.moment_s)
    return own.select("patient", "low", "high", input=ibis.literal(OWN_TEMPERATURE), at_s=at_s).select(
        "patient", "input", "low", "high", "at_s"
    )


def twice(windowed: ir.Table, rule: Rule) -> ir.Table:
    """Whether two high temperatures lay within the rule's hours, surely and possibly, as an input of a score."""
    mine = windowed.filter(windowed.input == "temperature-after")
    limit, within_s = rule.number("fever_at_least"), int(rule.number("within_hours") * HOUR_S)
    flags: dict[str, Any] = {"sure": mine.low >= limit, "maybe": mine.high >= limit}
    made = mine.select("patient", "at_s").group_by("patient").agg(at_s=mine.at_s.max())
    for name, flag in flags.items():
        hot = mine.filter(flag).select("patient", "at_s").distinct()
        order = ibis.window(group_by=[hot.patient], order_by=[hot.at_s])
        hot = hot.mutate(near=true(hot.at_s - hot.at_s.lag().over(order) <= within_s))
        made = made.left_join(hot.group_by("patient").agg(**{name: hot.near.max()}), "patient").drop("patient_right")
    return made.select(
        "patient",
        input=ibis.literal(TWICE),
        low=made.sure.fill_null(0).cast("float64"),
        high=made.maybe.fill_null(0).cast("float64"),
        at_s=made.at_s,
    )
