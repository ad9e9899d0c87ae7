"""What scores are made of: the newest and the worst value of each input, as of the moment asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge import Evidence, load
from leeward.scales.bands import Span, codes
from leeward.scales.score_derived import drugs_of, per_kg
from leeward.timeline.columns import pick, quotient, seconds
from leeward.timeline.exposures import DAY_S
from leeward.timeline.oxygen import device_code
from leeward.timeline.people import YEAR_S
from leeward.timeline.settings import HOUR_S, SETTINGS, carry, limit_s

_WORDS = (
    "pupils",
    "consciousness",
    "confusion",
    "respiratory-effort",
    "splenomegaly",
    "hepatomegaly",
    "haemophagocytosis",
    "nk-activity",
    "pulmonary-oedema",
    "immunosuppression",
    "systemic-juvenile-arthritis",
    "hypercapnic-target",
    "hlh-gene",
)
BY_WEIGHT = ("epinephrine", "norepinephrine")
"""Drugs charted by the minute whose rate per kg a score asks for, as the input `<drug>-per-kg`."""
BASELINES = {"ferritin": "ferritin-baseline", "creatinine": "creatinine-baseline"}
CHANGES = {"ferritin-change": "ferritin", "creatinine-change": "creatinine"}
"""Values against their baseline at the therapy, by the charted quantity."""
_TAKEN = ("latest", "highest", "lowest")


class _Inputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    evidence: Evidence
    checked: date
    stands: dict[str, list[str]]


def stands() -> dict[str, list[str]]:
    """Inputs by the limit of carry.toml that says how long they stand."""
    file: _Inputs = load("score-inputs", _Inputs)
    return file.stands


class At:
    """The inputs of every patient as columns of one row each."""

    def __init__(self, rows: ir.Table) -> None:
        self.rows = rows
        self.found: dict[str, Any] = {}

    def span(self, quantity: str, taken: str = "latest") -> Span:
        """A value as bounds, null where nothing stands."""
        return Span(self.rows[f"{quantity}_{taken}_low"], self.rows[f"{quantity}_{taken}_high"])

    def keep(self, name: str, column: Any) -> Any:
        """A column that an earlier step computed; where none did, its expression, noted in `found` for that step."""
        self.found[name] = column
        return self.rows[name] if name in self.rows.columns else column

    @property
    def age(self) -> Span:
        """Age in years."""
        return Span(self.rows.age_low, self.rows.age_high)


def people(known: ir.Table, exposed: ir.Table, question: ir.Table, repeated: Sequence[str]) -> ir.Table:
    """One row per patient, therapy or not.

    patient, as_of_s, place (setting), dose_s (last dose of any therapy that can cause CRS), cells_s (last one given
    once, as cells are), age_low, age_high (years at as_of_s), dead.
    """
    stay = known.quantity == "care-setting"
    setting = pick([(known.text == name, code) for code, name in enumerate(SETTINGS)], None)
    facts = known.group_by("patient").agg(
        last_s=ibis.greatest(known.at_s, known.until_s.fill_null(known.at_s)).max(),
        birth=ibis.ifelse(known.quantity == "birth-date", known.text, None).max(),
        age=ibis.ifelse(known.quantity == "age-years", known.low, None).max(),
        death_s=ibis.ifelse(known.quantity == "death", known.at_s, None).min(),
        place=(ibis.ifelse(stay, known.at_s, None) * 4 + setting).max() % 4,
    )
    once = ~exposed["product"].isin(list(repeated))
    given = exposed.group_by("patient").agg(
        dose_s=exposed.from_s.max(), cells_s=ibis.ifelse(once, exposed.from_s, None).max()
    )
    rows = facts.left_join(given, "patient").drop("patient_right").cross_join(question.select("as_of"))
    rows = rows.mutate(
        as_of_s=ibis.least(ibis.coalesce(seconds(rows.as_of), rows.last_s), rows.death_s.fill_null(2**40))
    )
    young, old = _age(rows)
    return rows.select(
        "patient", "as_of_s", "place", "dose_s", "cells_s", age_low=young, age_high=old, dead=rows.death_s.notnull()
    )


def _age(rows: ir.Table) -> tuple[Any, Any]:
    """The youngest and the oldest a patient can be by then: a year or month of birth leaves a span."""

    def years(born: Any) -> Any:
        return (rows.as_of_s - seconds(born.try_cast("date").cast("timestamp"))) / YEAR_S

    last_day = pick([(rows.birth.length() == 7, rows.birth + "-28")], (rows.birth + "-12-31").left(10))
    first_day = pick([(rows.birth.length() == 7, rows.birth + "-01")], (rows.birth + "-01-01").left(10))
    return ibis.coalesce(years(last_day), rows.age), ibis.coalesce(years(first_day), rows.age)


def rows(known: ir.Table, people: ir.Table) -> ir.Table:
    """The findings that can still stand, words by their place in `codes`: patient, quantity, at_s, low, high, ..."""
    groups: dict[int, list[str]] = {}
    for limit, names in stands().items():
        hours = carry().limits_hours[limit]
        day_s = DAY_S if limit in ("oxygen", "systolic-bp", "neurological") else 0
        reach_s = max(DAY_S, int(max(hours.ward, hours.icu, hours.home) * HOUR_S) + day_s)
        groups.setdefault(reach_s, []).extend(names)
    wanted = [name for names in groups.values() for name in names]
    found = known.filter(known.quantity.isin(wanted) & (known.low.notnull() | known.text.notnull()))
    found = found.join(people.select("patient", "as_of_s", "place"), "patient", rname="{name}_of")
    reach = pick([(found.quantity.isin(names), reach_s) for reach_s, names in groups.items()], 0)
    found = found.filter((found.at_s <= found.as_of_s) & (found.at_s > found.as_of_s - reach))
    word = pick(
        [
            (found.low.notnull(), None),
            (found.quantity == "oxygen-device", device_code(found.text)),
            *[
                ((found.quantity == name) & (found.text == text), code)
                for name in _WORDS
                for code, text in enumerate(codes(name))
            ],
        ],
        None,
    )
    found = found.mutate(code=word.cast("float64"))
    return found.select(
        "patient",
        "quantity",
        "at_s",
        low=ibis.coalesce(found.low, found.code),
        high=ibis.coalesce(found.high, found.code),
        as_of_s=found.as_of_s,
        place=found.place_of,
    )


def taken(rows: ir.Table, derived: ir.Table) -> ir.Table:
    """One row per patient and input: bounds of its newest value, and of its highest and lowest within a day.

    Two values at one second: either may be the true one. Nothing within a day: the newest, while it stands.
    """
    rows = rows.filter(rows.low.notnull() & rows.high.notnull()).union(derived)
    last = rows.group_by(["patient", "quantity"]).agg(last_s=rows.at_s.max())
    found = rows.join(last, ["patient", "quantity"])
    newest, day = found.at_s == found.last_s, found.at_s > found.as_of_s - DAY_S
    grouped = found.group_by(["patient", "quantity"]).agg(
        last_s=found.last_s.max(),
        as_of_s=found.as_of_s.max(),
        place=found.place.max(),
        latest_low=ibis.ifelse(newest, found.low, None).min(),
        latest_high=ibis.ifelse(newest, found.high, None).max(),
        highest_low=ibis.ifelse(day, found.low, None).max(),
        highest_high=ibis.ifelse(day, found.high, None).max(),
        lowest_low=ibis.ifelse(day, found.low, None).min(),
        lowest_high=ibis.ifelse(day, found.high, None).min(),
    )
    limit = pick([(grouped.quantity.isin(names), limit_s(name, grouped.place)) for name, names in stands().items()], 0)
    grouped = grouped.mutate(stands=grouped.last_s + limit > grouped.as_of_s)
    kept = {name: ibis.ifelse(grouped.stands, grouped[name], None) for name in ("latest_low", "latest_high")}
    made = grouped.mutate(**kept)
    worst = {
        f"{way}_{side}": ibis.coalesce(made[f"{way}_{side}"], made[f"latest_{side}"])
        for way in ("highest", "lowest")
        for side in ("low", "high")
    }
    return made.mutate(**worst).select(
        "patient", "quantity", *[f"{way}_{side}" for way in _TAKEN for side in ("low", "high")]
    )


def wide(taken: ir.Table, given: ir.Table, people: ir.Table, used: Iterable[tuple[str, str]]) -> ir.Table:
    """One row per patient with a column per bound of each used input, as `At` reads them.

    `given`: inputs that other steps made (patient, quantity, low, high): rates, runs of days, baselines.
    A drug without a row did not run.
    """
    drugs, made = drugs_of(), set(made_elsewhere(used))
    columns, other = {}, {}
    for quantity, way in sorted(used):
        if quantity not in made and quantity not in CHANGES and not quantity.endswith("-per-kg"):
            mine = taken.quantity == quantity
            for side in ("low", "high"):
                columns[f"{quantity}_{way}_{side}"] = ibis.ifelse(mine, taken[f"{way}_{side}"], None).max()
    for name in sorted(made):
        for side in ("low", "high"):
            other[f"{name}_latest_{side}"] = ibis.ifelse(given.quantity == name, given[side], None).max()
    inputs, elsewhere = taken.group_by("patient").agg(**columns), given.group_by("patient").agg(**other)
    whole = (
        people.left_join(inputs, "patient").drop("patient_right").left_join(elsewhere, "patient").drop("patient_right")
    )
    none = {
        f"{drug}_latest_{side}": whole[f"{drug}_latest_{side}"].fill_null(0.0)
        for drug in drugs
        for side in ("low", "high")
    }
    return _compared(whole.mutate(**none))


def made_elsewhere(used: Iterable[tuple[str, str]]) -> list[str]:
    """Used inputs that stand in no record: drug rates, baselines, chemistry of a window, days of low counts."""
    charted = {name for names in stands().values() for name in names}
    others = {name for name, _ in used if name not in charted and name not in CHANGES and not name.endswith("-per-kg")}
    return sorted({*drugs_of(), *others, *BASELINES.values()})


def _compared(whole: ir.Table) -> ir.Table:
    """Adds what is one input over another: rates per kg, values against their baseline."""
    weight = Span(whole["body-weight_latest_low"], whole["body-weight_latest_high"])
    by_weight: dict[str, Any] = {}
    for drug in BY_WEIGHT:
        low, high = per_kg(Span(whole[f"{drug}_latest_low"], whole[f"{drug}_latest_high"]), weight)
        by_weight |= {f"{drug}-per-kg_latest_low": low, f"{drug}-per-kg_latest_high": high}
    for name, quantity in CHANGES.items():
        base, now = BASELINES[quantity], f"{quantity}_highest"
        low, high = quotient(*(whole[f"{one}_{side}"] for one in (now, f"{base}_latest") for side in ("low", "high")))
        by_weight |= {f"{name}_latest_low": low, f"{name}_latest_high": high}
    return whole.mutate(**by_weight)
