"""ASTCT's signs and those of the older scales beside each other: one table that every older scale reads."""

from __future__ import annotations

from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir

from leeward.knowledge.definition import value
from leeward.scales import older_crs_signs
from leeward.scales.course import flags
from leeward.scales.inspired_oxygen import BELOW_LIMIT, FROM_LIMIT, PRESSURE_BY_MASK, VENTILATOR
from leeward.timeline.columns import back, last_known, pick, true
from leeward.timeline.settings import HOUR_S, SETTINGS


class State(NamedTuple):
    """A patient at one moment, each part as columns; a missing part is filled by whoever asks, mild or worst."""

    fever: Any  # 1 where there is fever, or a drug may be hiding it in an open episode
    treated: Any  # 1 where such a drug was given in this episode
    hypotension: Any  # 1 where systolic pressure is below the limit of the patient's age
    fluids: Any  # 1 where a low pressure was treated with several boluses
    vasopressor: Any  # 1 where any vasopressor runs
    several: Any  # 1 where two or more run together, vasopressin among them
    high_dose: Any  # 1 where a high dose has run for long enough
    long: Any  # 1 where vasopressors have run for long enough in all
    life_threatening: Any  # 1 where a pressure that stays low on much support is called that
    support: Any  # class of oxygen support (inspired_oxygen)
    kidney: Any  # grade of creatinine
    bilirubin: Any  # grade of bilirubin
    transaminases: Any  # worse grade of ALT and AST
    admitted: Any  # 1 where the patient is in hospital because of these signs
    coagulopathy: Any  # 1 where it was treated with plasma, cryoprecipitate or fibrinogen
    death: Any  # 1 where CRS was the principal cause of death


PARTS = State._fields
MISSING = (
    "body-temperature", "systolic-bp", "oxygen-device", "age-years", "fio2", "vasopressor-rate", "creatinine",
    "bilirubin-total", "alt", "ast", "value-before-therapy", "upper-limit-of-normal", "fluid-bolus", "care-setting",
    "neutrophils", "fibrinogen", "reason-for-admission", "life-threatening-hypotension", "cause-of-death",
)  # fmt: skip
"""The inputs behind the bits of `unknown`; each scale names those it asks for. The last depends on the episode."""
_TESTS = {"creatinine": "creatinine", "bilirubin": "bilirubin-total", "alt": "alt", "ast": "ast"}
_ORGAN_WORST = 4


def beside(signs: ir.Table, older: ir.Table) -> ir.Table:
    """ASTCT's carried signs (crs_signs) and the older ones (older_crs_signs) at every moment of either."""
    none = ibis.null("int64")
    rows = signs.select("who", "at_s", signs_s=signs.at_s, older_s=none)
    rows = rows.union(older.select("who", "at_s", signs_s=none, older_s=older.at_s))
    rows = rows.group_by(["who", "at_s"]).agg(signs_s=rows.signs_s.max(), older_s=rows.older_s.max())
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    rows = rows.mutate(signs_s=last_known(rows.signs_s, upto), older_s=last_known(rows.older_s, upto))
    rows = rows.filter(rows.signs_s.notnull())
    rows = rows.join(signs.rename(signs_s="at_s"), ["who", "signs_s"]).left_join(
        older.rename(older_s="at_s"), ["who", "older_s"], rname="{name}_older"
    )
    # A moment at which something only grew too old was not charted.
    return rows.mutate(charted=rows.charted * (1 - true((rows.at_s == rows.older_s) & (rows.expired == 1))))


def states(rows: ir.Table, limits: older_crs_signs.Limits) -> ir.Table:
    """Each part of State as `_low` and `_high` without what an open episode adds, with `unknown`."""
    order = ibis.window(group_by=[rows.who, rows.dose_s], order_by=[rows.at_s])
    rows = rows.mutate(was_low=ibis.coalesce(rows.hypotension_low.lag().over(order), 0))
    own = {
        "support": _support(rows), **_vasopressors(rows), **_organs(rows),
        "admitted": _admitted(rows), "coagulopathy": (ibis.literal(0, "int64"), _possibly(rows.fibrinogen)),
        "fever": (rows.fever_low, rows.fever_high), "hypotension": (rows.hypotension_low, rows.hypotension_high),
        "death": (rows.death_low, rows.death_high),
    }  # fmt: skip
    own["fluids"] = _fluids(rows, limits)
    much = ibis.greatest(own["several"][1], own["high_dose"][1])
    own["life_threatening"] = (ibis.literal(0, "int64"), much * rows.hypotension_high)
    parts = {
        f"{name}_{side}": column
        for name, both in own.items()
        for side, column in zip(("low", "high"), both, strict=True)
    }
    made = rows.select(
        "who", "dose_s", "as_of_s", "at_s", "charted", "masks_sure_s", "masks_from_s", "masks_possible_s",
        "setting", "neutrophils", "fever_known", "pressure_known", "oxygen_known", **parts,
        untested=flags(*(true(ibis.coalesce(rows[test], -1) < 0) for test in (*_TESTS, "fibrinogen"))),
        uncompared=_any([(ibis.coalesce(rows[test], -1) >= 0) & (back(rows[test], 1) == 0) for test in _TESTS]),
        unlimited=_any([_spread(rows[test]) for test in _TESTS]),
    )  # fmt: skip
    return made.mutate(unknown=_unknown(made))


def _readings(carried: Any) -> tuple[Any, Any]:
    """The mildest and worst reading of a carried number with a flag behind them; both null where unknown."""
    known = ibis.coalesce(carried, -1) >= 0
    return ibis.ifelse(known, back(carried >> 4, 3), None), ibis.ifelse(known, back(carried >> 1, 3), None)


def _support(rows: ir.Table) -> tuple[Any, Any]:
    """Oxygen support; baseline, marks of another cause and room air by declaration as ASTCT has them."""
    low, high = _readings(rows.support)
    none = (rows.oxygen_known == 1) & (rows.oxygen_low == 0)
    low = pick([(none | (rows.oxygen_high == 0), 0)], ibis.coalesce(low, 0))
    return low, pick([(rows.oxygen_high == 0, 0)], ibis.coalesce(high, VENTILATOR))


def _vasopressors(rows: ir.Table) -> dict[str, tuple[Any, Any]]:
    """Whether any, several, at a high dose, for long: only while ASTCT counts one."""
    surely, possibly = true(rows.vasopressors_low > 0), true(rows.vasopressors_high > 0)
    made = {"vasopressor": (surely, possibly)}
    for name, switch in (("several", "multiple"), ("high_dose", "high_dose"), ("long", "long")):
        low, high = ibis.coalesce(rows[f"{switch}_sure"], 0), ibis.coalesce(rows[f"{switch}_possible"], 0)
        made[name] = (low * surely, ibis.greatest(low, high) * possibly)
    return made


def _organs(rows: ir.Table) -> dict[str, tuple[Any, Any]]:
    """Grades of kidney and liver; an uncharted test can hide any grade."""
    bounds = {test: _readings(rows[test]) for test in _TESTS}
    low = {test: ibis.coalesce(both[0], 0) for test, both in bounds.items()}
    high = {test: ibis.coalesce(both[1], _ORGAN_WORST) for test, both in bounds.items()}
    return {
        "kidney": (low["creatinine"], high["creatinine"]), "bilirubin": (low["bilirubin"], high["bilirubin"]),
        "transaminases": (ibis.greatest(low["alt"], low["ast"]), ibis.greatest(high["alt"], high["ast"])),
    }  # fmt: skip


def _possibly(carried: Any) -> Any:
    """The worst reading of a laboratory flag, 1 where unknown."""
    return pick([(ibis.coalesce(carried, -1) >= 0, back(carried, 1))], 1)


def _admitted(rows: ir.Table) -> tuple[Any, Any]:
    """In hospital because of these signs: surely with neutropenic fever, possibly anywhere but at home."""
    home = rows.setting == SETTINGS.index("home")
    neutropenic = (ibis.coalesce(rows.neutrophils, -1) >= 0) & (back(rows.neutrophils >> 1, 1) == 1)
    inside = true(rows.setting.notnull() & ~home)
    return inside * true(neutropenic), 1 - true(home)


def _fluids(rows: ir.Table, limits: older_crs_signs.Limits) -> tuple[Any, Any]:
    """Several boluses within a day, for a low pressure of the same day; possibly, wherever the pressure may be low."""
    upto = ibis.window(group_by=[rows.who, rows.dose_s], order_by=[rows.at_s], rows=(None, 0))
    low = (rows.hypotension_low == 1) | (rows.was_low == 1)
    last_s = last_known(ibis.ifelse(low, rows.at_s, None), upto)
    recent = last_s >= rows.at_s - int(value(limits.fluids.within) * HOUR_S)
    several = ibis.coalesce(rows.bolus, 0) >= int(value(limits.fluids.several))
    surely = true(several & recent)
    return surely, ibis.greatest(surely, rows.hypotension_high)


def _any(conditions: list[Any]) -> Any:
    """1 where one of several conditions is known and true."""
    return ibis.greatest(*(true(condition) for condition in conditions))


def _spread(carried: Any) -> Any:
    """Whether a test that has its baseline still spans several grades: its upper limit is not on record."""
    low, high = _readings(carried)
    return low.notnull() & (low != high) & (back(carried, 1) == 1)


def _unknown(rows: ir.Table) -> Any:
    """A bit per input of MISSING that is not known."""
    fraction = (
        (rows.support_low != rows.support_high) & (rows.support_low == BELOW_LIMIT) & (rows.support_high == FROM_LIMIT)
    )
    tests = [back(rows.untested >> place, 1) for place in range(len(_TESTS) + 1)]
    fever = rows.fever_high == 1
    found = {
        "body-temperature": 1 - rows.fever_known, "systolic-bp": 1 - rows.pressure_known,
        "oxygen-device": 1 - rows.oxygen_known,
        "age-years": true((rows.pressure_known == 1) & (rows.hypotension_low != rows.hypotension_high)),
        "fio2": true(fraction), "vasopressor-rate": true(rows.high_dose_low != rows.high_dose_high),
        **dict(zip(_TESTS.values(), tests, strict=False)), "fibrinogen": tests[-1],
        "value-before-therapy": rows.uncompared, "upper-limit-of-normal": rows.unlimited,
        "fluid-bolus": true(rows.fluids_low != rows.fluids_high), "care-setting": true(fever & rows.setting.isnull()),
        "neutrophils": true(fever & (ibis.coalesce(rows.neutrophils, -1) < 0) & (rows.admitted_high == 1)),
        "reason-for-admission": true(fever & rows.setting.notnull() & (rows.admitted_low != rows.admitted_high)),
        "life-threatening-hypotension": rows.life_threatening_high,
    }  # fmt: skip
    return flags(*(found[name] for name in MISSING if name in found))


SIGNS = ("fever", "hypotension", "low_dose", "high_dose", "several", "long", "oxygen_below_40", "oxygen_from_40",
         "positive_pressure", "ventilator", "organs")  # fmt: skip
"""What scales have a rule for, and differ in."""


def shown(opened: ir.Table, people: ir.Table) -> ir.Table:
    """Which of SIGNS are there for sure at each moment, of oxygen the worst only: patient, at_s, each sign."""
    rows = opened.join(people.select("who", "patient"), "who")
    running = rows.vasopressor_low == 1
    toxic = (rows.kidney_low + rows.bilirubin_low + rows.transaminases_low) > 0
    found = {
        "hypotension": (rows.hypotension_low == 1) & ~running,
        "low_dose": running & (rows.high_dose_low == 0) & (rows.several_low == 0),
        "high_dose": running & (rows.high_dose_low == 1), "several": running & (rows.several_low == 1),
        "long": rows.long_low == 1, "oxygen_below_40": rows.support_low == BELOW_LIMIT,
        "oxygen_from_40": rows.support_low == FROM_LIMIT, "positive_pressure": rows.support_low == PRESSURE_BY_MASK,
        "ventilator": rows.support_low == VENTILATOR, "organs": toxic & (rows.organs_low == 1),
    }  # fmt: skip
    signs = {name: true(condition) for name, condition in found.items()}
    alone = 1 - ibis.greatest(*signs.values())
    return rows.select("patient", "at_s", fever=rows.fever_low * alone, **signs)
