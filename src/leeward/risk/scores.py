"""Every risk score in one table: its rule, and the steps from findings to the rows that answers are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.risk import davila, definitions, easix, inputs, own_temperature, points, signs
from leeward.risk.definitions import MADE, Moment, Rule, rules
from leeward.risk.outcome import Found
from leeward.scales import score_inputs
from leeward.scales.bands import points as given
from leeward.scales.score_inputs import At
from leeward.timeline.exposures import repeated_products

STEPS = ("risk_people", "risk_taken", "risk_own", "risk")
"""The steps whose rows answers are made of: the patients, the values taken, the own baseline, the scores."""
ALL = "risk_limbs"
"""The step with every input of every patient as columns, from which a user's own coefficients are computed."""

_MADE_BY: dict[str, Callable[[At, Rule], Found]] = {
    "easix": easix.easix,
    "s-easix": easix.s_easix,
    "m-easix": easix.m_easix,
    "car-hematotox": points.car_hematotox,
    "hay-2017": signs.hay,
    "gust-2017": signs.gust,
    "davila-2014": davila.davila,
    "davila-2014-crp": signs.charted,
    "marrow-blasts-40": signs.charted,
    "marrow-blasts-25": signs.charted,
    "pre-emptive-fever": signs.high_fever_twice,
    "ldh-above-normal": signs.over_normal,
    "tumour-volume": signs.volume,
    "bulky-lymphoma": signs.charted,
    "tebentafusp-burden": signs.over_normal,
    "individual-temperature": signs.own_temperature,
    "mews": points.mews,
}


def scores() -> dict[str, tuple[Rule, Callable[[At, Rule], Found]]]:
    """Each score by its id: what knowledge says of it, and its rule over columns."""
    return {name: (rules()[name], rule) for name, rule in _MADE_BY.items()}


def steps(known: ir.Table, exposed: ir.Table, question: ir.Table, at: Moment) -> list[tuple[str, ir.Table]]:
    """The steps of risk by name, over the plan's; the last, `risk`, has a row per patient and score."""
    made: list[tuple[str, ir.Table]] = []

    def step(name: str, build: Callable[..., ir.Table], *tables: ir.Table, **settings: Any) -> ir.Table:
        made.append((name, build(*tables, **settings)))
        return ibis.table(made[-1][1].schema(), name=name)

    repeated = repeated_products()
    base = step("risk_base", score_inputs.people, known, exposed, question, repeated=repeated)
    infused = step("risk_infusions", inputs.infusions, exposed, repeated=repeated)
    people = step("risk_people", inputs.people, known, base, infused, at=at)
    rows = step("risk_rows", inputs.rows, known, people)
    windowed = step("risk_windowed", inputs.windowed, rows, question)
    charted = step("risk_charted", inputs.taken, windowed)
    drugs = step("risk_drugs", inputs.vasoactive, known, people)
    own = _own(step, rows, known)
    twice = step("risk_twice", own_temperature.twice, windowed, rule=rules()["pre-emptive-fever"])
    taken = step("risk_taken", ir.Table.union, charted, drugs, own, twice)
    wide = step("risk_wide", inputs.wide, taken, people, used=sorted({*definitions.inputs(), *MADE}))
    step("risk", table, _davila(step, step("risk_items", itemised, wide)))
    return made


def _davila(step: Callable[..., ir.Table], rows: ir.Table) -> ir.Table:
    """The columns of the one score whose limbs have many inputs, each step over the one before it."""

    def add(rows: ir.Table, columns: Callable[[At, Rule], dict[str, Any]]) -> ir.Table:
        return rows.mutate(**columns(At(rows), rules()["davila-2014"]))

    for columns in (davila.folds, davila.signs, davila.limbs):
        rows = step(f"risk_{columns.__name__}", add, rows, columns=columns)
    return rows


def _own(step: Callable[..., ir.Table], rows: ir.Table, known: ir.Table) -> ir.Table:
    """The steps of the individual temperature; what the rule says, as an input."""
    rule = rules()["individual-temperature"]
    readings = step("risk_readings", own_temperature.readings, rows, known)
    hours = step("risk_hours", own_temperature.hours, readings)
    baselines = step("risk_baselines", own_temperature.baselines, hours, rule=rule)
    above = step("risk_above", own_temperature.above, readings, baselines, rule=rule)
    flags = [step(f"risk_{way}", own_temperature.alarms, above, rule=rule, way=way) for way in ("sure", "maybe")]
    return step(
        "risk_own_input", own_temperature.as_input, step("risk_own", own_temperature.own, above, *flags, rule=rule)
    )


def itemised(wide: ir.Table) -> ir.Table:
    """Adds the points of every item that an input feeds, at least and at most, so that rules only combine columns."""
    at = At(wide)
    columns: dict[str, Any] = {}
    for rule, _ in scores().values():
        for item in rule.items:
            if item.quantity:
                low, high = given(item, at.span(item.quantity), at.age)
                columns |= {f"{rule.id} {item.id} low": low, f"{rule.id} {item.id} high": high}
    return wide.mutate(**columns)


def table(items: ir.Table) -> ir.Table:
    """One row per patient and score."""
    at = At(items)
    made = [rule(at, known).as_value(name) for name, (known, rule) in scores().items()]
    rows = at.rows.select("patient", answer=ibis.array(made)).select("patient", answer=ibis._.answer.unnest())
    return rows.unpack("answer")
