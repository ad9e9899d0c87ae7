"""Inputs that a whole stretch gives: baselines, chemistry around the therapy, how long counts stayed low after it."""

from __future__ import annotations

from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir

from leeward.knowledge.definition import decided
from leeward.scales.bands import Definition, Span, points
from leeward.timeline.columns import pick, quotient, true
from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

_LYSIS = ("uric-acid", "potassium", "phosphate", "calcium")
_BASELINES = ("ferritin", "creatinine", *_LYSIS)
_COUNTED = ("neutrophils", "platelets")
_OPEN = float("inf")


class Low(NamedTuple):
    """What counts as a low day: the name of the run, of which count, at or below (else below) what, on which days."""

    name: str
    quantity: str
    limit: float
    inclusive: bool
    first_day: int
    last_day: int


def baselines(labs: ir.Table, days: float) -> ir.Table:
    """The newest value before the last dose, up to `days` old: patient, quantity, low, high."""
    rows = labs.filter(labs.quantity.isin(list(_BASELINES)))
    rows = rows.filter((rows.at_s <= rows.dose_s) & (rows.at_s > rows.dose_s - int(days * DAY_S)))
    newest = rows.group_by(["patient", "quantity"]).agg(last_s=rows.at_s.max())
    rows = rows.join(newest, ["patient", "quantity"])
    rows = rows.filter(rows.at_s == rows.last_s)
    return rows.group_by(["patient", "quantity"]).agg(low=rows.low.min(), high=rows.high.max())


def labs(known: ir.Table, people: ir.Table) -> ir.Table:
    """Laboratory values of patients with a therapy, up to the moment asked about, each with its patient's row."""
    rows = known.filter(known.quantity.isin([*_BASELINES, *_COUNTED, "albumin"]) & known.low.notnull())
    rows = rows.select("patient", "quantity", "at_s", "low", "high")
    rows = rows.join(people.select("patient", "as_of_s", "dose_s", "cells_s", "age_low", "age_high", "dead"), "patient")
    return rows.filter((rows.at_s <= rows.as_of_s) & rows.dose_s.notnull())


def lysis(labs: ir.Table, before: ir.Table, tls: Definition) -> ir.Table:
    """Worst chemistry around the last dose, and its change against the baseline: patient, quantity, low, high."""
    rows = _around(labs, tls)
    falls = rows.quantity == "calcium"
    worst = rows.group_by(["patient", "quantity"]).agg(
        low=pick([(falls.max(), rows.low.min())], rows.low.max()),
        high=pick([(falls.max(), rows.high.min())], rows.high.max()),
    )
    base = before.select("patient", "quantity", base_low=before.low, base_high=before.high)
    changed = worst.join(base, ["patient", "quantity"])
    low, high = quotient(changed.low, changed.high, changed.base_low, changed.base_high)
    change = changed.select("patient", quantity="tls-" + changed.quantity + "-change", low=low, high=high)
    return worst.mutate(quantity="tls-" + worst.quantity).union(change)


def _around(labs: ir.Table, tls: Definition) -> ir.Table:
    """Chemistry of the window around the last dose, calcium corrected by the newest albumin."""
    first_s, last_s = int(tls.number("from_day") * DAY_S), int((tls.number("until_day") + 1) * DAY_S)
    rows = labs.filter(labs.quantity.isin([*_LYSIS, "albumin"]))
    rows = rows.filter((rows.at_s >= rows.dose_s + first_s) & (rows.at_s < rows.dose_s + last_s))
    albumin = rows.filter(rows.quantity == "albumin")
    albumin = albumin.group_by("patient").agg(protein_low=albumin.low.min(), protein_high=albumin.high.max())
    rows = rows.filter(rows.quantity.isin(list(_LYSIS)))
    rows = rows.left_join(albumin, "patient").drop("patient_right")
    normal, factor = tls.number("albumin_normal"), tls.number("albumin_factor")
    lowest = decided(tls.decisions, "corrected-calcium")
    is_calcium = rows.quantity == "calcium"
    least = ibis.greatest(normal - rows.protein_high.fill_null(normal), 0.0) * factor
    most = ibis.greatest(normal - rows.protein_low.fill_null(lowest), 0.0) * factor
    return rows.mutate(
        low=pick([(is_calcium, rows.low + least)], rows.low), high=pick([(is_calcium, rows.high + most)], rows.high)
    )


def together(labs: ir.Table, howard: Definition) -> ir.Table:
    """The most abnormal kinds of chemistry within a day of each other: patient, quantity, low, high.

    A kind that was never measured in the window may have been abnormal too.
    """
    rows = _around(labs, howard)
    limit = {name: howard.item(name) for name in _LYSIS}
    sure, maybe = ibis.literal(0), ibis.literal(0)
    for name, item in limit.items():
        low, high = _judged(item, rows)
        sure = pick([(rows.quantity == name, low)], sure)
        maybe = pick([(rows.quantity == name, high)], maybe)
    rows = rows.mutate(sure=sure, maybe=maybe)
    span_s = int(decided(howard.decisions, "same-day") * HOUR_S)
    within = ibis.window(group_by=[rows.patient], order_by=[rows.at_s], range=(-span_s, 0))
    whole = ibis.window(group_by=[rows.patient])
    least, most, unmeasured = ibis.literal(0), ibis.literal(0), ibis.literal(0)
    for name in _LYSIS:
        mine = rows.quantity == name
        least = least + ibis.ifelse(mine, rows.sure, 0).max().over(within)
        most = most + ibis.ifelse(mine, rows.maybe, 0).max().over(within)
        unmeasured = unmeasured + 1 - true(mine).max().over(whole)
    rows = rows.mutate(least=least, most=most, unmeasured=unmeasured)
    counted = rows.group_by("patient").agg(low=rows.least.max(), high=(rows.most + rows.unmeasured).max())
    return counted.select(
        "patient",
        quantity=ibis.literal("tls-together"),
        low=counted.low.cast("float64"),
        high=counted.high.cast("float64"),
    )


def _judged(item: Any, rows: ir.Table) -> tuple[Any, Any]:
    """Whether a value is abnormal by an item of one point."""
    return points(item, Span(rows.low, rows.high), Span(rows.age_low, rows.age_high))


def low_days(icaht: Definition, platelets: Definition) -> list[Low]:
    """The runs that haematotoxicity counts."""
    early = int(icaht.number("first_day")), int(icaht.number("early_until_day"))
    late = early[1] + 1, int(platelets.number("late_until_day"))
    return [
        Low("neutrophils-500-days", "neutrophils", icaht.number("low"), True, *early),
        Low("neutrophils-100-days", "neutrophils", icaht.number("very_low"), True, *early),
        Low("platelets-50-days", "platelets", platelets.number("low"), False, *early),
        Low("platelets-20-days", "platelets", platelets.number("very_low"), False, *early),
        Low("platelets-late-20-days", "platelets", platelets.number("very_low"), False, *late),
    ]


def counts(labs: ir.Table) -> ir.Table:
    """The lowest count of each day since the cells: patient, quantity, day, low, high, lived (days so far), dead."""
    rows = labs.filter(labs.quantity.isin(list(_COUNTED)))
    rows = rows.filter(rows.at_s >= rows.cells_s)
    rows = rows.mutate(day=(rows.at_s - rows.cells_s) // DAY_S, lived=(rows.as_of_s - rows.cells_s) // DAY_S)
    return rows.group_by(["patient", "quantity", "day", "lived"]).agg(
        low=rows.low.min(), high=rows.high.min(), dead=rows.dead.max()
    )


def flagged(counts: ir.Table, lows: list[Low]) -> ir.Table:
    """Each day's count as low or not, once per run it bears on: patient, name, day, flag, first_day, last_day."""
    made = []
    for low in lows:
        rows = counts.filter(
            (counts.quantity == low.quantity) & (counts.day >= low.first_day) & (counts.day <= low.last_day)
        )
        surely = rows.high <= low.limit if low.inclusive else rows.high < low.limit
        never = rows.low > low.limit if low.inclusive else rows.low >= low.limit
        flag = pick([(surely, 1), (never, 0)], None)
        made.append(
            rows.select(
                "patient",
                "day",
                name=ibis.literal(low.name),
                flag=flag,
                first_day=ibis.literal(low.first_day, "int64"),
                last_day=ibis.least(rows.lived, low.last_day),
            )
        )
    joined = made[0].union(*made[1:])
    return joined.filter(joined.flag.notnull())


def runs(flags: ir.Table, gap_days: int, edge_days: int) -> ir.Table:
    """The longest run of low days: patient, quantity, low, high. Low days join unless `gap_days` not low lie between.

    Between counts that agree all days are like them; between counts that do not, and further than `edge_days` from
    the first or last count, a day may be either.
    """
    blocks = _blocks(flags, edge_days)
    low = blocks.filter(blocks.flag == 1)
    sure = _longest(low, "from_day", "to_day", gap_days)
    maybe = _longest(low, "may_from", "may_to", gap_days)
    edges = blocks.filter(blocks.flag == 0)
    edges = edges.group_by(["patient", "name"]).agg(
        edge=ibis.greatest(edges.from_day - edges.may_from, edges.may_to - edges.to_day).max()
    )
    # A block of days that are not low, at either end of the counts, leaves only the days beyond it open.
    inner = low.select("patient", "name").distinct().mutate(some=ibis.literal(1))
    whole = blocks.select("patient", "name").distinct()
    for table in (sure.rename(least="days"), maybe.rename(most="days"), edges, inner):
        whole = whole.left_join(table, ["patient", "name"]).drop("patient_right", "name_right")
    most = ibis.coalesce(ibis.ifelse(whole.some == 1, whole.most, whole.edge), 0)
    return whole.select(
        "patient", quantity=whole.name, low=whole.least.fill_null(0).cast("float64"), high=most.cast("float64")
    )


def _blocks(flags: ir.Table, edge_days: int) -> ir.Table:
    """Counts in a row that agree, as one block: its days for sure, and the days it may have had."""
    key = [flags.patient, flags.name]
    rows = flags.mutate(
        turns=true(flags.flag != flags.flag.lag().over(ibis.window(group_by=key, order_by=[flags.day])))
    )
    rows = rows.mutate(
        block=rows.turns.sum().over(
            ibis.window(group_by=[rows.patient, rows.name], order_by=[rows.day], rows=(None, 0))
        )
    )
    blocks = rows.group_by(["patient", "name", "block"]).agg(
        flag=rows.flag.max(),
        from_day=rows.day.min(),
        to_day=rows.day.max(),
        first_day=rows.first_day.max(),
        last_day=rows.last_day.max(),
    )
    order = ibis.window(group_by=[blocks.patient, blocks.name], order_by=[blocks.block])
    early = pick([(blocks.from_day - blocks.first_day > edge_days, blocks.first_day)], blocks.from_day)
    late = pick([(blocks.last_day - blocks.to_day > edge_days, blocks.last_day)], blocks.to_day)
    return blocks.mutate(
        may_from=ibis.coalesce(blocks.to_day.lag().over(order) + 1, early),
        may_to=ibis.coalesce(blocks.from_day.lead().over(order) - 1, late),
    )


def _longest(low: ir.Table, start: str, end: str, gap_days: int) -> ir.Table:
    """The longest stretch of low blocks from `start` to `end`; they are apart where the gap between them is long."""
    order = ibis.window(group_by=[low.patient, low.name], order_by=[low.block])
    apart = low[start] - low[end].lag().over(order) - 1
    rows = low.mutate(opens=true(apart.isnull() | (apart >= gap_days)))
    rows = rows.mutate(
        run=rows.opens.sum().over(
            ibis.window(group_by=[rows.patient, rows.name], order_by=[rows.block], rows=(None, 0))
        )
    )
    lengths = rows.group_by(["patient", "name", "run"]).agg(days=rows[end].max() - rows[start].min() + 1)
    return lengths.group_by(["patient", "name"]).agg(days=lengths.days.max())


def nadirs(counts: ir.Table, icaht: Definition) -> ir.Table:
    """The lowest late counts, and whether early neutrophils never rose: patient, quantity, low, high."""
    until, last = int(icaht.number("early_until_day")), int(icaht.number("late_until_day"))
    late = counts.filter((counts.day > until) & (counts.day <= last))
    confirmed = (late.count() == 1) | (true(late.high <= icaht.number("late_low")).sum() > 1)
    lowest = late.group_by(["patient", "quantity"]).agg(low=late.low.min(), high=late.high.min(), confirmed=confirmed)
    stands = (lowest.quantity == "platelets") | lowest.confirmed
    nadir = lowest.select(
        "patient",
        quantity=lowest.quantity + "-late",
        low=pick([(stands, lowest.low)], _OPEN),
        high=pick([(stands, lowest.high)], _OPEN),
    )
    early = counts.filter((counts.quantity == "neutrophils") & (counts.day <= until))
    limit, begins = icaht.number("low"), int(decided(icaht.decisions, "never-above"))
    seen = early.group_by("patient").agg(
        risen=true(early.low > limit).max(),
        maybe_risen=true(early.high > limit).max(),
        first=early.day.min(),
        lived=early.lived.max(),
        dead=early.dead.max(),
    )
    over = (seen.lived >= until) | seen.dead
    never = seen.select(
        "patient",
        quantity=ibis.literal("neutrophils-never-above"),
        low=true(over & (seen.maybe_risen == 0) & (seen.first <= begins)).cast("float64"),
        high=true(over & (seen.risen == 0)).cast("float64"),
    )
    return nadir.union(never)
