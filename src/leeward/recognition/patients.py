"""One row per patient whose look-alikes are asked for: the episode, its dose, the grades that hold now."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.definition import value
from leeward.recognition.features import number
from leeward.scales import astct_2019_crs, astct_2019_icans
from leeward.timeline.columns import pick, true
from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

STATES = ("open", "suspected", "settling", "none")
"""An episode is open; only suspected (fever masked, or an input missing); has resolved lately; or there is none."""
_STATE = (
    "patient",
    "syndrome",
    "episode",
    "dose_s",
    "onset_s",
    "resolved_s",
    "masked",
    "peak_at_least",
    "peak_at_most",
)


def cases(known: ir.Table, people: ir.Table, exposed: ir.Table, episodes: ir.Table, now: ir.Table) -> ir.Table:
    """Each patient's state (one of STATES): onset, dose and product, tocilizumab, fever, boluses, age and grades.

    `known`: timeline.known. `exposed`: timeline.exposures. `episodes`, `now`: scales.course, of which the ASTCT scales
    are read. Where nothing is open or recent, onset is the moment asked about.
    """
    rows = people.left_join(_chosen(episodes), "patient").drop("patient_right")
    for syndrome, limits in (("crs", astct_2019_crs.limits()), ("icans", astct_2019_icans.limits())):
        mine = now.filter((now.syndrome == syndrome) & (now.scale == limits.scale))
        mine = mine.select("patient", **{f"{syndrome}_at_least": mine.at_least, f"{syndrome}_at_most": mine.at_most,
                                         f"{syndrome}_seen": mine.observed})  # fmt: skip
        rows = rows.left_join(mine, "patient").drop("patient_right")
    rows = rows.mutate(state=_state(rows), onset_s=ibis.coalesce(rows.onset_s, rows.as_of_s))
    rows = rows.left_join(_given(exposed, rows), "patient").drop("patient_right")
    rows = rows.mutate(dose_s=ibis.coalesce(rows.dose_s, rows.given_s))
    return rows.left_join(_beside(known, rows), "patient").select(
        "patient", "as_of_s", "state", "syndrome", "onset_s", "resolved_s", "dose_s", "product", "doses",
        "tocilizumab_s", "crs_at_least", "crs_at_most", "icans_at_least", "icans_at_most",
        "peak_at_least", "peak_at_most",
        episode=rows.episode.fill_null(0) + 1, masked=rows.masked.fill_null(0),
        fever_recent=ibis._.fever_recent.fill_null(0), boluses=ibis._.boluses.fill_null(0),
        in_icu=ibis._.in_icu.fill_null(0),
        adult=true(rows.age_low >= number("adult-from")), child=true(rows.age_high < number("adult-from")),
    )  # fmt: skip


def _chosen(episodes: ir.Table) -> ir.Table:
    """The open episode that began last, CRS before ICANS of the same second; else the one that resolved last."""
    scales = [astct_2019_crs.limits().scale, astct_2019_icans.limits().scale]
    rows = episodes.filter(episodes.scale.isin(scales))
    order = ibis.window(
        group_by=[rows.patient],
        order_by=[
            true(rows.resolved_s.notnull()),
            rows.resolved_s.desc(),
            rows.onset_s.desc(),
            rows.syndrome,
            rows.episode.desc(),
        ],
    )
    rows = rows.mutate(place_=ibis.row_number().over(order))
    return rows.filter(rows.place_ == 0).select(*_STATE)


def _state(rows: ir.Table) -> Any:
    """One of STATES."""
    recent = rows.resolved_s >= rows.as_of_s - int(number("suspected-recent") * DAY_S)
    opened = rows.onset_s.notnull() & rows.resolved_s.isnull()
    unsure = ((rows.crs_seen == 1) & (rows.crs_at_most > 0)) | ((rows.icans_seen == 1) & (rows.icans_at_most > 0))
    return pick(
        [(opened & (rows.masked == 1), "suspected"), (opened, "open"), (unsure, "suspected"), (recent, "settling")],
        "none",
    )


def _given(exposed: ir.Table, rows: ir.Table) -> ir.Table:
    """The last dose up to the onset: when, of what, and how many of that product there had been."""
    doses = exposed.join(rows.select("patient", "onset_s"), "patient")
    doses = doses.filter(doses.from_s <= doses.onset_s)
    same = ibis.window(group_by=[doses.patient, doses["product"]])
    doses = doses.mutate(so_far=doses.from_s.count().over(same))
    return doses.group_by("patient").agg(
        given_s=doses.from_s.max(),
        product=doses["product"].argmax(doses.from_s),
        doses=doses.so_far.argmax(doses.from_s),
    )


def _beside(known: ir.Table, rows: ir.Table) -> ir.Table:
    """First tocilizumab of this dose, fever since onset or within two days, boluses since onset, intensive care now."""
    fever_celsius = value(astct_2019_crs.limits().fever.at_least)
    quantities = ["tocilizumab", "body-temperature", "fluid-bolus", "care-setting"]
    found = known.filter(known.quantity.isin(quantities)).join(
        rows.select("patient", "as_of_s", "onset_s", "dose_s"), "patient"
    )
    found = found.filter(found.at_s <= found.as_of_s)
    gave = found.high.isnull() | (found.high != 0)
    early_s = int(number("tocilizumab-before") * HOUR_S)
    blocked = (found.quantity == "tocilizumab") & gave & (found.at_s >= found.dose_s - early_s)
    hot = (
        (found.quantity == "body-temperature")
        & (found.high >= fever_celsius)
        & (found.at_s >= ibis.least(found.onset_s, found.as_of_s - 2 * DAY_S))
    )
    bolus = (found.quantity == "fluid-bolus") & gave & (found.at_s >= found.onset_s)
    stays = (
        (found.quantity == "care-setting")
        & (found.text == "icu")
        & (found.until_s.isnull() | (found.until_s >= found.as_of_s))
    )
    return found.group_by("patient").agg(
        tocilizumab_s=ibis.ifelse(blocked, found.at_s, None).min(), fever_recent=true(hot).max(),
        boluses=true(bolus).sum(), in_icu=true(stays).max(),
    )  # fmt: skip
