"""What `leeward risk --json` says of one patient: scores and all beside them, base rates, what is refused."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from leeward.knowledge import edition
from leeward.knowledge.citations import citation
from leeward.knowledge.therapies import Population
from leeward.knowledge.vocabulary import quantities
from leeward.risk.base_rates import rates
from leeward.risk.definitions import Moment, Rule, adapters, inputs, rules
from leeward.risk.fits import Person, verdict
from leeward.scales.bands import codes

Row = Mapping[str, Any]
Values = Mapping[str, Sequence[float]]
"""By score the values of a cohort, sorted."""


def answer(
    person: Person, rows: Mapping[str, Sequence[Row]], at: Moment, cohort: Values, not_understood: Mapping[str, int]
) -> dict[str, Any]:
    """One patient's object; `rows`: this patient's rows of scores.STEPS, and of `own`, the user's coefficients.

    `cohort`: in whose values percentiles are taken. `not_understood`: statements refused at the door, by reason.
    """
    taken = {row["input"]: row for row in rows["risk_taken"]}
    own = next(iter(rows["risk_own"]), None)
    scored = {row["score"]: row for row in sorted(rows["risk"], key=lambda row: str(row["score"]))}
    made = {name: _score(rules()[name], row, person, at, taken) for name, row in scored.items()}
    if own is not None:
        made["individual-temperature"] |= _own(own)
    made |= {row["score"]: dict(row["answer"]) for row in rows.get("own", ())}
    for name, one in made.items():
        one["percentile"] = percentile(one, cohort.get(name, ()))
    return {
        "patient": person["patient"],
        "as_of": _time(person["as_of_s"]),
        "at": at.id,
        "infusion": {"product": person["product"], "at": _time(person["infusion_s"])},
        "lymphodepletion": _time(person["lymphodepletion_s"]),
        "window": {"from": _time(person["from_s"]), "until": _time(person["until_s"])},
        "age": _bounds(person["age_low"], person["age_high"]),
        "disease": person["disease"],
        "scores": made,
        "refused": {name: refusal(name) for name in sorted(adapters()) if name not in made},
        "base_rates": [{**_rate(one.population), "fits": one.fits, "why": one.why} for one in rates(person)],
        "not_understood": dict(not_understood),
        "edition": edition(),
    }


def refusal(name: str) -> str:
    """Why a score is not computed, and what would make it."""
    one = adapters()[name]
    return (
        f"{one.title} is not computed: {one.refused}. Give your own coefficients with --coefficients FILE "
        f'(a TOML file with score = "{name}"; docs/risk.md says how)'
    )


@cache
def _published(name: str) -> dict[str, Any]:
    """What stands beside a score whoever the patient is."""
    rule = rules()[name]
    return {
        "evidence": rule.rests_on(),
        "citation": citation(rule.source),
        "formula": rule.formula,
        "population": rule.fits.population,
        "outcome": rule.fits.outcome,
        "outcome_scale": rule.fits.scale,
        "performance": [msgspec.to_builtins(one) for one in rule.performance],
    }


@cache
def _rate(row: Population) -> dict[str, Any]:
    """A published population as an answer holds it."""
    made: dict[str, Any] = msgspec.to_builtins(row)
    return made


def _score(rule: Rule, row: Row, person: Person, at: Moment, taken: Mapping[str, Row]) -> dict[str, Any]:
    """One score with its range, what it was made of, and what was published of it."""
    told = verdict(rule.fits, person, at)
    made: dict[str, Any] = {
        "title": rule.title,
        "kind": rule.kind,
        "value": rounded(row["value"]),
        "at_least": rounded(row["at_least"]),
        "at_most": rounded(row["at_most"]),
        "missing": [name for name in row["missing"].split(",") if name],
        "applies": told.applies,
        "why": told.why,
        **_published(rule.id),
        "inputs": [_input(taken[name]) for name in rule.made_of() if name in taken],
        "notes": [rule.notes[name] for name in (*rule.always, *_named(row["notes"]))],
    }
    if rule.cut:
        made["cuts"] = [_cut(one, row) for one in rule.cut if at.id in one.at]
    if rule.id.endswith("easix"):
        made["log2"] = _bounds(row["reading_low"], row["reading_high"])
        made["log2"]["value"] = math.log2(row["value"]) if row["value"] else None
    elif rule.reading and rule.id != "individual-temperature":
        made[rule.reading] = _bounds(row["reading_low"], row["reading_high"])
    return made


def _cut(one: Any, row: Row) -> dict[str, Any]:
    """Whether a published cut is passed, surely and possibly."""
    limit = one.above.value
    sure = row["at_least"] is not None and row["at_least"] > limit
    maybe = row["at_most"] is None or row["at_most"] > limit
    return {
        "above": limit,
        "met": {"at_least": int(sure), "at_most": int(maybe)},
        "says": one.says,
        "evidence": one.above.evidence,
    }


def _own(row: Row) -> dict[str, Any]:
    """The individual baseline, its alarms, and their lead."""
    return {
        "baseline": {
            "from": _time(row["base_from_s"]),
            "until": _time(row["base_until_s"]),
            "mean": round(row["mean_c"], 3),
            "deviation": round(row["deviation"], 3),
            "limit": round(row["own_limit"], 3),
            "unit": "Cel",
        },
        "alarms": {"at_least": row["sure"], "at_most": row["maybe"]},
        "first_alarm": _time(row["sure_s"]),
        "alarms_per_day": None if row["alarms_per_day"] is None else round(row["alarms_per_day"], 3),
        "fever_at": _time(row["fever_s"]),
        "lead_hours": None if row["lead_hours"] is None else round(row["lead_hours"], 2),
    }


def _input(row: Row) -> dict[str, Any]:
    """A value that a score was made of: bounds in the quantity's unit, or a word, and its time."""
    one = inputs().get(row["input"])
    quantity = one.quantity if one else None
    known = quantities().get(quantity or "")
    made: dict[str, Any] = {"input": row["input"], "quantity": quantity, **_bounds(row["low"], row["high"])}
    if known is not None and known.kind == "word" and made["at_least"] is not None:
        made["word"] = codes(quantity or "")[int(made["at_least"])]
    return {**made, "unit": known.unit if known else None, "at": _time(row["at_s"])}


def percentile(one: Mapping[str, Any], values: Sequence[float]) -> dict[str, Any] | None:
    """The share of the cohort below a value (ties count half), in percent, at least and at most; None where alone."""
    low, high = one["at_least"], one["at_most"]
    if one["value"] is not None:
        low = high = one["value"]
    if (low is None and high is None) or len(values) <= 1:
        return None
    ends = [0.0 if low is None else _rank(values, low), 100.0 if high is None else _rank(values, high)]
    return {"at_least": ends[0], "at_most": ends[1], "of": len(values)}


def _rank(values: Sequence[float], value: float) -> float:
    """The mid-rank of a value among sorted values, in percent."""
    below, upto = bisect.bisect_left(values, value), bisect.bisect_right(values, value)
    return round(100 * (below + upto) / 2 / len(values), 1)


def _named(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def rounded(value: float | None) -> float | None:
    """A number without the noise of its last digits; an open side is null."""
    return None if value is None or math.isinf(value) or math.isnan(value) else float(f"{value:.12g}")


def _bounds(low: float | None, high: float | None) -> dict[str, Any]:
    return {"at_least": rounded(low), "at_most": rounded(high)}


def _time(at_s: int | None) -> str | None:
    """Seconds since 1970 as RFC 3339."""
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
