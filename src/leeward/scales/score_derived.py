"""Inputs that no record charts as such: mean pressure, coma scale from parts, oxygenation ratios, infusion rates."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.vocabulary import quantities
from leeward.timeline.columns import back, closed, front, latest, pick, quotient
from leeward.timeline.exposures import DAY_S
from leeward.timeline.infusions import FOREVER_S, running
from leeward.timeline.oxygen import DEVICES
from leeward.timeline.settings import limit_s

_COMA = {"gcs-eye": 4, "gcs-verbal": 5, "gcs-motor": 6}
_BITS, _DEVICE_BITS = 10, 4  # a fraction in thousandths, a device
_OPEN = float("inf")
_AIR = 0.21
_TRACE = 1e-9  # an infusion whose rate nobody can tell is more than nothing


def moments(rows: ir.Table) -> ir.Table:
    """Mean pressure from systolic and diastolic of one moment, and the coma scale from its parts, where not charted."""
    parts = ("systolic-bp", "diastolic-bp", "mean-bp", *_COMA, "gcs-total")
    mine = rows.filter(rows.quantity.isin(list(parts)))
    columns = {
        f"{name}_{side}": ibis.ifelse(mine.quantity == name, mine[side], None).max()
        if side == "high"
        else ibis.ifelse(mine.quantity == name, mine[side], None).min()
        for name in parts
        for side in ("low", "high")
    }
    at = mine.group_by(["patient", "at_s", "as_of_s", "place"]).agg(**columns)
    third = 1 / 3
    pressure = [
        at[f"diastolic-bp_{side}"] + (at[f"systolic-bp_{side}"] - at[f"diastolic-bp_{side}"]) * third
        for side in ("low", "high")
    ]
    lows = [at[f"{name}_low"].fill_null(1.0) for name in _COMA]
    highs = [at[f"{name}_high"].fill_null(float(best)) for name, best in _COMA.items()]
    some = ibis.coalesce(*[at[f"{name}_low"] for name in _COMA]).notnull()
    coma = _named(
        at.filter(some & at["gcs-total_low"].isnull()),
        "gcs-total",
        lows[0] + lows[1] + lows[2],
        highs[0] + highs[1] + highs[2],
    )
    mean = _named(at.filter(at["mean-bp_low"].isnull()), "mean-bp", pressure[0], pressure[1])
    return mean.filter(mean.low.notnull()).union(coma)


def _named(rows: ir.Table, quantity: str, low: Any, high: Any) -> ir.Table:
    """Rows of a derived input."""
    made = rows.select("patient", "at_s", "as_of_s", "place", low=low, high=high, quantity=ibis.literal(quantity))
    return made.select("patient", "quantity", "at_s", "low", "high", "as_of_s", "place")


def gases(rows: ir.Table, saturation_at_most: float) -> ir.Table:
    """Each arterial pressure, and each saturation, over the inspired fraction in force at its moment.

    The fraction is the charted one while it stands, 0.21 once room air was charted, else anything from 0.21 to 1.
    Saturations above `saturation_at_most` (%) tell nothing of the ratio. Ratios are told apart by support; where
    there surely was none the ratio is infinite, so that it never scores.
    """
    mine = rows.filter(rows.quantity.isin(["pao2", "spo2", "fio2", "oxygen-device"]))
    at = mine.group_by(["patient", "at_s", "as_of_s", "place"]).agg(
        **{
            f"{name}_{side}": getattr(
                ibis.ifelse(mine.quantity == name, mine[side], None), "min" if side == "low" else "max"
            )()
            for name in ("pao2", "spo2", "fio2", "oxygen-device")
            for side in ("low", "high")
        }
    )
    upto = ibis.window(group_by=[at.patient], order_by=[at.at_s], rows=(None, 0))
    known = quantities()["fio2"]
    low, high = closed(at.fio2_low, at.fio2_high, known.low, known.high)
    fraction = (low * 1000).round().cast("int64") * 2**_BITS + (high * 1000).round().cast("int64")
    at = at.mutate(
        set=latest(fraction, at.at_s, 2 * _BITS, upto),
        worn=latest(at["oxygen-device_high"].cast("int64"), at.at_s, _DEVICE_BITS, upto),
    )
    return _ratios(_in_force(at), saturation_at_most)


def _in_force(at: ir.Table) -> ir.Table:
    """Fraction and device in force at each moment, unknown where too old."""
    limit = limit_s("oxygen", at.place)
    set_s, worn_s = front(at.set, 2 * _BITS), front(at.worn, _DEVICE_BITS)
    both = back(at.set, 2 * _BITS)
    device = ibis.ifelse(worn_s + limit > at.at_s, back(at.worn, _DEVICE_BITS), None)
    air = (device == DEVICES.index("room-air")) & (set_s.isnull() | (worn_s >= set_s))
    set_stands = set_s + limit > at.at_s
    low = pick([(air, _AIR), (set_stands, (both >> _BITS) / 1000)], _AIR)
    high = pick([(air, _AIR), (set_stands, (both & (2**_BITS - 1)) / 1000)], 1.0)
    unnamed = device.isnull() | device.isin([DEVICES.index("unrecognised"), DEVICES.index("oxygen-unspecified")])
    return at.mutate(f_low=ibis.greatest(low, _AIR), f_high=ibis.greatest(high, _AIR), unnamed=unnamed, device=device)


def _ratios(at: ir.Table, saturation_at_most: float) -> ir.Table:
    """The ratios by support: any, positive pressure, ventilator, any oxygen."""
    positive = at.device.isin([DEVICES.index(name) for name in ("ecmo", "ventilator", "cpap", "bipap")]).fill_null(
        False
    )
    ventilator = at.device.isin([DEVICES.index("ecmo"), DEVICES.index("ventilator")]).fill_null(False)
    on_oxygen = (at.f_low > _AIR) | (at.device != DEVICES.index("room-air")).fill_null(False)
    maybe_oxygen = on_oxygen | (at.f_high > _AIR)
    everywhere = ibis.literal(True)
    low, high = at.pao2_low / at.f_high, at.pao2_high / at.f_low
    s_low, s_high = at.spo2_low / at.f_high, at.spo2_high / at.f_low
    gas, light = at.pao2_low.notnull(), at.spo2_high <= saturation_at_most
    made = [
        (gas, "pao2-fio2", low, high, everywhere, everywhere),
        (gas, "pao2-fio2-supported", low, high, positive, positive | at.unnamed),
        (gas, "pao2-fio2-ventilated", low, high, ventilator, ventilator | at.unnamed),
        (gas, "pao2-fio2-on-oxygen", low, high, on_oxygen, maybe_oxygen),
        (light, "spo2-fio2-ventilated", s_low, s_high, ventilator, ventilator | at.unnamed),
        (light, "spo2-fio2-on-oxygen", s_low, s_high, on_oxygen, maybe_oxygen),
    ]
    tables = [
        _named(at.filter(there), name, pick([(maybe, least)], _OPEN), pick([(sure, most)], _OPEN))
        for there, name, least, most, sure, maybe in made
    ]
    return tables[0].union(*tables[1:])


def infusions(known: ir.Table, people: ir.Table) -> ir.Table:
    """Infusions up to the moment asked about: patient, quantity, at_s, until_s, low, high, endless, as_of_s."""
    rows = known.filter(known.quantity.isin(drugs_of()))
    rows = rows.select("patient", "quantity", "at_s", "until_s", "low", "high", endless=rows.measured_until.isnull())
    rows = rows.join(people.select("patient", "as_of_s"), "patient")
    return rows.filter(rows.at_s <= rows.as_of_s)


def rates(rows: ir.Table, people: ir.Table, at_least_s: int) -> ir.Table:
    """Bounds of the highest rate at which each drug ran in the last day, of infusions that ran `at_least_s` or longer.

    patient, quantity, low, high. A rate that cannot be told is anything above nothing; a drug that only possibly
    still ran (its end was never charted) may have run at nothing.
    """
    mine = rows.select("quantity", "at_s", "until_s", "low", "high", "endless", who=rows.patient)
    drugs = drugs_of()
    sure = _ran(running(mine, drugs, surely=True), people, at_least_s)
    possible = _ran(running(mine, drugs, surely=False), people, at_least_s)
    order = ibis.window(group_by=[rows.patient, rows.quantity], order_by=[rows.at_s])
    rows = rows.mutate(again_s=rows.at_s.lead().over(order).fill_null(FOREVER_S))
    ends_s = ibis.coalesce(rows.until_s, rows.again_s)
    rows = rows.filter((rows.high.isnull() | (rows.high != 0)) & (ends_s > rows.as_of_s - DAY_S))
    peak = rows.group_by(["patient", "quantity"]).agg(
        low=ibis.greatest(rows.low.fill_null(0.0), _TRACE).max(), high=rows.high.fill_null(_OPEN).max()
    )
    ran = possible.left_join(sure.mutate(sure=ibis.literal(1)), ["patient", "quantity"]).drop(
        "patient_right", "quantity_right"
    )
    joined = ran.left_join(peak, ["patient", "quantity"]).drop("patient_right", "quantity_right")
    low = ibis.ifelse(joined.sure == 1, joined.low.fill_null(_TRACE), 0.0)
    return joined.select("patient", "quantity", low=low, high=joined.high.fill_null(_OPEN))


def _ran(stretches: ir.Table, people: ir.Table, at_least_s: int) -> ir.Table:
    """Which drugs ran within the last day, for long enough: patient, quantity."""
    rows = stretches.join(people.select(who=people.patient, as_of_s=people.as_of_s), "who")
    end_s = ibis.least(rows.until_s, rows.as_of_s)
    rows = rows.filter((rows.until_s > rows.as_of_s - DAY_S) & (end_s - rows.from_s >= at_least_s))
    return rows.select(patient=rows.who, quantity=rows.drug).distinct()


def per_kg(rate: Any, weight: Any) -> tuple[Any, Any]:
    """Bounds of a rate by weight; without a weight a running drug runs at any rate above nothing."""
    low, high = quotient(*rate, *weight)
    least = ibis.coalesce(low, ibis.ifelse(rate.low > 0, _TRACE, 0.0))
    return least, ibis.coalesce(high, ibis.ifelse(rate.high > 0, _OPEN, 0.0))


def drugs_of() -> list[str]:
    """Vasoactive infusions that a score counts."""
    return [name for name, quantity in quantities().items() if quantity.kind == "rate"]
