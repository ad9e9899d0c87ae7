"""What had been given by a moment: doses counted, hours since the last, boluses, antipyretics."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.guidelines import InUse, in_use
from leeward.knowledge.vocabulary import quantities
from leeward.plan import bundle
from leeward.plan.moments import hours_or_never
from leeward.plan.numbers import number
from leeward.scales import astct_2019_crs
from leeward.timeline.columns import true
from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

ANTI_IL6 = ("tocilizumab", "siltuximab")
_OTHERS = ("anakinra", "fluid-bolus")


def steroids() -> list[str]:
    """The corticosteroids of the definition's fever waiver: those of the record's vocabulary that count as given."""
    return list(astct_2019_crs.limits().waiver.steroids)


def antipyretics() -> list[str]:
    """The antipyretics of the definition's fever waiver."""
    return list(astct_2019_crs.limits().waiver.antipyretics)


def wanted() -> list[str]:
    """The quantities that `doses` reads."""
    return sorted({*ANTI_IL6, *_OTHERS, *steroids(), *antipyretics()})


def listed_drugs() -> dict[str, str]:
    """The drugs of which some source gives a dose and records are read for, with the quantity that tells of them."""
    return _listed(in_use())


@lru_cache(maxsize=1)
def _listed(held: InUse) -> dict[str, str]:
    """The same of one set of guidelines."""
    files = held.published if held.protocol is None else (held.protocol, *held.published)
    named = {dose.drug: dose.counted_as or dose.drug for one in files for dose in one.doses.values()}
    return {drug: quantity for drug, quantity in sorted(named.items()) if quantity in _charted()}


def _charted() -> list[str]:
    """Everything that records tell of as given. A guideline taken later may give a dose of any of it."""
    return [name for name, held in quantities().items() if held.kind in ("dose", "rate")]


def by_day(from_s: Any, until_s: Any) -> Any:
    """Whether of a dose only the day is known: an hour is left for the day on which clocks go forward."""
    return until_s - from_s >= DAY_S - HOUR_S


def listed(moments: ir.Table, known: ir.Table) -> ir.Table:
    """Each dose, weight, height and step of the bundle by a moment.

    Columns: patient, at_s, quantity, given_s, until_s, low, high, text (what was ordered), by_day (only the day of a
    dose is known).
    """
    wanted = {*_charted(), "body-weight", "body-height", *bundle.QUANTITIES}
    rows = known.filter(known.quantity.isin(sorted(wanted & set(quantities()))))
    gave = rows.high.isnull() | (rows.high != 0)
    rows = rows.filter(gave).select("patient", "quantity", "until_s", "low", "high", "text", given_s="at_s")
    rows = moments.select("patient", "at_s").join(rows, "patient")
    rows = rows.filter(rows.given_s <= rows.at_s)
    return rows.mutate(by_day=by_day(rows.given_s, rows.until_s))


def doses(moments: ir.Table, known: ir.Table) -> ir.Table:
    """Doses by each moment: a row per row of `moments` with seconds of the doses that matter, and counts.

    A dose known only by its day counts from that day's start on, until 24 hours after its end.
    """
    given = known.filter(known.quantity.isin(wanted()) & (known.high.isnull() | (known.high != 0)))
    given = given.select("patient", "quantity", "low", given_s="at_s", ended_s=given.until_s.fill_null(given.at_s))
    rows = moments.left_join(given, "patient").drop("patient_right")
    rows = rows.mutate(given_s=ibis.ifelse(rows.given_s <= rows.at_s, rows.given_s, None))
    rows = rows.mutate(
        mine=rows.given_s >= rows.dose_s - int(number("before-dose") * HOUR_S), since_onset=rows.given_s >= rows.onset_s
    )
    return rows.group_by(["patient", "at_s"]).agg(**_counted(rows), **_steroids(rows), **_beside(rows))


def _last(rows: ir.Table, condition: Any) -> Any:
    """The last dose that meets a condition."""
    return ibis.ifelse(condition, rows.given_s, None).max()


def _first(rows: ir.Table, condition: Any) -> Any:
    """The first dose that meets a condition."""
    return ibis.ifelse(condition, rows.given_s, None).min()


def _counted(rows: ir.Table) -> dict[str, Any]:
    """Anti-IL-6 drugs and anakinra."""
    tocilizumab = (rows.quantity == "tocilizumab") & rows.mine
    anti_il6 = rows.quantity.isin(list(ANTI_IL6)) & rows.mine
    return {
        "tocilizumab_s": _last(rows, tocilizumab),
        "first_tocilizumab_s": _first(rows, tocilizumab),
        "tocilizumab_episode": true(tocilizumab).sum(),
        "tocilizumab_24h": true(tocilizumab & (rows.ended_s > rows.at_s - DAY_S)).sum(),
        "anti_il6_s": _last(rows, anti_il6),
        "anti_il6_episode": true(anti_il6).sum(),
        "anakinra_episode": true((rows.quantity == "anakinra") & rows.mine).sum(),
    }


def _steroids(rows: ir.Table) -> dict[str, Any]:
    """Corticosteroids: those since the onset, and one given just before the therapy."""
    steroid = rows.quantity.isin(steroids())
    before_s = rows.dose_s - int(number("before-dose") * HOUR_S)
    premedication = steroid & (rows.given_s >= before_s) & (rows.given_s < rows.dose_s)
    return {
        "steroid_s": _last(rows, steroid & rows.mine),
        "first_steroid_s": _first(rows, steroid & rows.since_onset),
        "steroid_episode": true(steroid & rows.since_onset).sum(),
        "steroid_before_infusion": true(premedication).max(),
    }


def _beside(rows: ir.Table) -> dict[str, Any]:
    """Boluses and antipyretics."""
    bolus = (rows.quantity == "fluid-bolus") & rows.since_onset
    recent = rows.given_s > rows.at_s - int(number("antipyretic-within") * HOUR_S)
    return {
        "boluses": true(bolus).sum(),
        # A bolus of unknown volume leaves the sum unknown.
        "bolus_unknown": true(bolus & rows.low.isnull()).sum(),
        "bolus_ml": ibis.ifelse(bolus, rows.low, None).sum(),
        "antipyretic": true(rows.quantity.isin(antipyretics()) & recent).max(),
    }


def inputs(treated: ir.Table) -> dict[str, Any]:
    """The inputs of decision tables that `doses` knows."""
    at_s = treated.at_s
    counts = ("tocilizumab_24h", "tocilizumab_episode", "anti_il6_episode", "anakinra_episode", "steroid_episode",
              "steroid_before_infusion", "boluses", "antipyretic")  # fmt: skip
    return {
        **{name: treated[name] for name in counts},
        "bolus_ml": ibis.ifelse(treated.bolus_unknown > 0, None, treated.bolus_ml.fill_null(0.0)),
        "since_tocilizumab_hours": hours_or_never(treated.tocilizumab_s, at_s),
        "since_first_tocilizumab_hours": hours_or_never(treated.first_tocilizumab_s, at_s),
        "since_anti_il6_hours": hours_or_never(treated.anti_il6_s, at_s),
        "since_steroid_hours": hours_or_never(treated.steroid_s, at_s),
        "on_steroid_hours": hours_or_never(treated.first_steroid_s, at_s),
    }
