"""What had been observed by a moment: fever and its length, vital signs and laboratory values that stand, marks."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.cells import inputs as asked
from leeward.knowledge.definition import value
from leeward.plan.given import antipyretics
from leeward.plan.moments import NEVER, hours, hours_or_never
from leeward.plan.numbers import number
from leeward.scales import astct_2019_crs
from leeward.timeline.columns import pick, true
from leeward.timeline.settings import HOUR_S, SETTINGS, limit_s

_STANDS = {"ferritin": "laboratory-other", "neutrophils": "laboratory-daily", "creatinine": "laboratory-daily",
           "ejection-fraction": "examination", "systolic-bp": "systolic-bp", "oxygen-flow": "oxygen",
           "body-weight": "body-weight", "body-temperature": "body-temperature", "capd-score": "neurological",
           "haemoglobin": "laboratory-daily", "spo2": "heart-rate", "iec-hs-grade": "examination",
           "organ-toxicities": "examination"}  # fmt: skip
"""Values of which the latest counts, and the limit of carry.toml by which it grows too old."""
_BASELINES = {"creatinine": "creatinine_ratio", "ferritin": "ferritin_ratio", "systolic-bp": "systolic_ratio"}
"""Values held against the last one before the therapy, and the input that is their ratio."""
_READ = ("fio2", "norepinephrine", "seizure", "sex", "risk-mark", "care-setting", "airway-swelling")


def fever_celsius() -> float:
    """The fever of the ASTCT definition."""
    return value(astct_2019_crs.limits().fever.at_least)


def marks() -> tuple[str, ...]:
    """The inputs that a mark on record can tell."""
    return tuple(name for name, one in asked().items() if one.mark)


def wanted() -> list[str]:
    """The quantities that this file reads."""
    return sorted({*_STANDS, *_READ, *antipyretics()})


def findings(moments: ir.Table, known: ir.Table) -> ir.Table:
    """The findings up to each moment that an input can be read from, with the moment's columns beside them."""
    kept = known.filter(known.quantity.isin(wanted()))
    kept = kept.select("patient", "quantity", "low", "high", "text", "until_s", found_s="at_s")
    rows = moments.join(kept, "patient").filter(lambda table: table.found_s <= table.at_s)
    stay = (rows.quantity == "care-setting") & (rows.until_s.isnull() | (rows.until_s >= rows.at_s))
    began = ibis.window(group_by=[rows.patient, rows.at_s])
    codes = pick([(stay & (rows.text == name), code) for code, name in enumerate(SETTINGS)], None)
    # Of two stays at once the one with the tighter watch counts: intensive care before home before ward.
    return rows.mutate(in_icu=true(codes == 1).max().over(began), at_home=true(codes == 2).max().over(began),
                       on_ward=true(codes == 0).max().over(began))  # fmt: skip


def _setting(rows: ir.Table) -> Any:
    """The moment's setting as a code into SETTINGS, null where none is on record."""
    return pick([(rows.in_icu == 1, 1), (rows.on_ward == 1, 0), (rows.at_home == 1, 2)], None)


def latest(findings: ir.Table) -> ir.Table:
    """The latest value of each quantity of _STANDS that has not grown too old: patient, at_s and a column for each.

    A value that is an interval (`<0.3`) is no number, and one of two that disagree at one second is neither.
    """
    setting = _setting(findings)
    fresh_s = pick([(findings.quantity == name, limit_s(limit, setting)) for name, limit in _STANDS.items()], None)
    rows = findings.mutate(fresh_s=fresh_s, setting=setting)
    rows = rows.filter(rows.fresh_s.notnull() & (rows.found_s >= rows.at_s - rows.fresh_s))
    key = ["patient", "at_s", "quantity"]
    last = rows.group_by(key).agg(last_s=rows.found_s.max())
    kept = last.join(rows, key)
    kept = kept.filter(kept.found_s == kept.last_s)
    own = kept.group_by(key).agg(low=kept.low.min(), high=kept.high.max())
    own = own.mutate(value=ibis.ifelse(own.low == own.high, own.low, None))
    return own.group_by(["patient", "at_s"]).agg(
        **{_column(name): ibis.ifelse(own.quantity == name, own.value, None).max() for name in _STANDS},
        cool=true((own.quantity == "body-temperature") & (own.high < fever_celsius())).max(),
        hot=true((own.quantity == "body-temperature") & (own.low >= fever_celsius())).max(),
        few=true((own.quantity == "neutrophils") & (own.high < number("neutropenia-below"))).max(),
        enough=true((own.quantity == "neutrophils") & (own.low >= number("neutropenia-below"))).max(),
    )


def _column(quantity: str) -> str:
    """A quantity as a column's name."""
    return quantity.replace("-", "_")


def fever(findings: ir.Table) -> ir.Table:
    """The run of fever that lasts at the moment: patient, at_s, fever_s (its first fever), last_fever_s.

    A run has a fever charted at least once a day; one that ended before has no row.
    """
    gap_s = int(number("fever-run-gap") * HOUR_S)
    hot = findings.filter((findings.quantity == "body-temperature") & (findings.low >= fever_celsius()))
    order = ibis.window(group_by=[hot.patient, hot.at_s], order_by=[hot.found_s])
    before_s = hot.found_s.lag().over(order)
    hot = hot.mutate(opens_s=ibis.ifelse(before_s.isnull() | (hot.found_s - before_s > gap_s), hot.found_s, None))
    runs = hot.group_by(["patient", "at_s"]).agg(fever_s=hot.opens_s.max(), last_fever_s=hot.found_s.max())
    return runs.filter(runs.at_s - runs.last_fever_s <= gap_s)


def cooled(findings: ir.Table) -> ir.Table:
    """Temperatures while an antipyretic worked: patient, at_s, stayed (1: one was a fever), came_down (1: one was not).

    Only antipyretics of the last day count, and only temperatures within the hours in which one works.
    """
    first_s, last_s = (int(number(name) * HOUR_S) for name in ("antipyretic-from", "antipyretic-until"))
    recent_s = int(number("antipyretic-within") * HOUR_S)
    gave = findings.filter(findings.quantity.isin(antipyretics()) & (findings.found_s > findings.at_s - recent_s))
    gave = gave.select("patient", "at_s", given_s="found_s")
    charted = findings.filter(findings.quantity == "body-temperature").select(
        "patient", "at_s", "low", "high", "found_s"
    )
    rows = charted.join(gave, ["patient", "at_s"])
    after_s = rows.found_s - rows.given_s
    rows = rows.filter((after_s >= first_s) & (after_s <= last_s))
    limit = fever_celsius()
    return rows.group_by(["patient", "at_s"]).agg(
        stayed=true(rows.low >= limit).max(), came_down=true(rows.high < limit).max()
    )


def told(findings: ir.Table) -> ir.Table:
    """What findings tell together: marks, sex, seizures, norepinephrine, oxygen fraction, the first creatinine."""
    rows = findings
    before_s = ibis.ifelse(rows.found_s <= rows.dose_s, rows.found_s, None)
    rows = rows.mutate(base_s=before_s.max().over(ibis.window(group_by=[rows.patient, rows.at_s, rows.quantity])))
    at_base = (rows.found_s == rows.base_s) & (rows.low == rows.high)
    since = rows.found_s >= rows.onset_s
    pressed = (rows.quantity == "norepinephrine") & (rows.low > number("norepinephrine-above")) & since
    rich = (rows.quantity == "fio2") & (rows.low > number("half-oxygen"))
    lean = (rows.quantity == "fio2") & (rows.high <= number("half-oxygen"))
    seized = (rows.quantity == "seizure") & (rows.text != "none") & (rows.found_s >= rows.dose_s)
    return rows.group_by(["patient", "at_s"]).agg(
        **{
            f"{_column(name)}_before": ibis.ifelse(at_base & (rows.quantity == name), rows.low, None).max()
            for name in _BASELINES
        },
        norepinephrine_s=ibis.ifelse(pressed, rows.found_s, None).min(),
        rich_s=ibis.ifelse(rich, rows.found_s, None).max(),
        first_rich_s=ibis.ifelse(rich, rows.found_s, None).min(),
        lean_s=ibis.ifelse(lean, rows.found_s, None).max(),
        seizure=ibis.ifelse(seized, 1, None).max(),
        swelling=_last_word(rows, "airway-swelling"),
        female=ibis.ifelse(rows.quantity == "sex", true(rows.text == "female"), None).max(),
        sexed=true((rows.quantity == "sex") & rows.text.isin(["female", "male"])).max(),
        setting_code=_setting(rows).max(),
        **{mark: _mark(rows, mark) for mark in marks()},
    )


def _last_word(rows: ir.Table, quantity: str) -> Any:
    """0 or 1 as the last finding of a quantity says `absent` or anything else; of two at one second the latter."""
    said = ibis.ifelse(rows.quantity == quantity, rows.found_s * 2 + true(rows.text != "absent"), None)
    return said.max() % 2


def _mark(rows: ir.Table, mark: str) -> Any:
    """1 or 0 where the last mark says yes or no, else null; of two at one second yes counts."""
    word = mark.replace("_", "-")
    said = pick([(rows.text == word, rows.found_s * 2 + 1), (rows.text == f"no-{word}", rows.found_s * 2)], None)
    return ibis.ifelse(rows.quantity == "risk-mark", said, None).max() % 2


def inputs(rows: ir.Table) -> dict[str, Any]:
    """The inputs of decision tables, from `latest`, `fever`, `cooled` and `told` side by side."""
    febrile = pick([(rows.hot == 1, 1), (rows.cool == 1, 0)], None)
    charted = rows.hot.notnull() | rows.fever_s.notnull()
    return {
        "febrile": febrile,
        "fever_hours": pick([(rows.fever_s.notnull(), hours(rows.fever_s, rows.at_s)), (charted, NEVER)], None),
        "fever_refractory": pick([(rows.stayed == 1, 1), (rows.came_down == 1, 0)], None),
        "neutropenic": pick([(rows.few == 1, 1), (rows.enough == 1, 0)], None),
        "systolic_bp": rows.systolic_bp,
        "oxygen_flow": rows.oxygen_flow,
        "ferritin": rows.ferritin,
        "ejection_fraction": rows.ejection_fraction,
        "weight_kg": rows.body_weight,
        "age_years": _age(rows),
        "temperature": rows.body_temperature,
        "capd_score": rows.capd_score,
        "haemoglobin": rows.haemoglobin,
        "spo2": rows.spo2,
        "iec_hs_grade": rows.iec_hs_grade,
        "organ_toxicities": rows.organ_toxicities,
        "neck_swelling": rows.swelling,
        **{ratio: _ratio(rows, _column(name)) for name, ratio in _BASELINES.items()},
        "creatinine_clearance": _clearance(rows),
        "norepinephrine_hours": hours_or_never(rows.norepinephrine_s, rows.at_s),
        "fio2_above_half_hours": _rich(rows),
        "seizure": rows.seizure,
        "setting": pick([(rows.setting_code == code, name) for code, name in enumerate(SETTINGS)], None),
        **{mark: rows[mark] for mark in marks()},
    }


def _ratio(rows: ir.Table, name: str) -> Any:
    """A value over the last one before the therapy."""
    return ibis.ifelse(rows[f"{name}_before"] > 0, rows[name] / rows[f"{name}_before"], None)


def _age(rows: ir.Table) -> Any:
    """Completed years where they are known: a span within which a birthday lies is not."""
    return ibis.ifelse(rows.age_low.floor() == rows.age_high.floor(), rows.age_low, None)


def _clearance(rows: ir.Table) -> Any:
    """Creatinine clearance in mL/min (Cockcroft and Gault) of an adult; null where anything for it is missing."""
    usual = (number("clearance-age") - rows.age_low) * rows.body_weight
    made = usual / (rows.creatinine * number("clearance-factor"))
    by_sex = ibis.ifelse(rows.female == 1, made * number("clearance-female"), made)
    known = (rows.age_low >= number("clearance-from")) & (rows.sexed == 1) & (rows.creatinine > 0)
    return ibis.ifelse(known, by_sex, None)


def _rich(rows: ir.Table) -> Any:
    """Hours of an oxygen fraction above a half: NEVER where none is charted high, null where unsure since when."""
    running = rows.rich_s > rows.lean_s.fill_null(0)
    began_s = ibis.ifelse(rows.lean_s.isnull() | (rows.first_rich_s > rows.lean_s), rows.first_rich_s, None)
    return pick([(running, hours(began_s, rows.at_s)), (rows.rich_s.isnull() | ~running, NEVER)], None)
