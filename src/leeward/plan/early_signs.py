"""Early signs against the patient's own baseline: temperature, CRP, ferritin, pressure, ICE, handwriting.

Each says yes, no or cannot tell, on which values, by whose word, or that it is our own and unvalidated. None grades.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge.loader import Evidence
from leeward.knowledge.vocabulary import quantities
from leeward.plan.around import EarlySign, early_signs
from leeward.risk import own_temperature
from leeward.risk.definitions import rules
from leeward.timeline.columns import true
from leeward.timeline.settings import HOUR_S

Step = Callable[..., ir.Table]
Row = Mapping[str, Any]
SENTENCE = "home-sentence"
RULE = "individual-temperature"
RULE_READS = "body-temperature"
COMPARED = ("crp", "ferritin", "systolic-bp", "ice-score")
"""What is compared with the value before it or with the baseline."""
_YES, _NO, _OPEN = "yes", "no", "cannot tell"
_RISING, _FALLING = ("crp", "ferritin"), ("ice-score",)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One early sign of one patient. `slope_per_day`: where two values allow one; `unit`: of all its numbers."""

    id: str
    title: str
    shown: str
    unit: str | None
    because: list[str]
    baseline: float | None
    value: float | None
    before: float | None
    slope_per_day: float | None
    at: datetime | None
    own: bool
    source: str
    evidence: Evidence
    notes: list[str]


def steps(step: Step, known: ir.Table, dosed: ir.Table) -> ir.Table:
    """Adds the steps of the temperature rule and of what is compared; `dosed`: patient, dose_s, as_of_s."""
    rule = rules()[RULE]
    rows = known.filter(known.quantity == RULE_READS).join(dosed.select("patient", "as_of_s"), "patient")
    rows = rows.filter(rows.at_s <= rows.as_of_s)
    heat = step("watch_heat", lambda: rows.select("patient", "quantity", "at_s", "low", "high", moment_s=rows.as_of_s))
    readings = step("watch_readings", own_temperature.readings, heat, known)
    hours = step("watch_hours", own_temperature.hours, readings)
    baselines = step("watch_baselines", own_temperature.baselines, hours, rule=rule)
    above = step("watch_above", own_temperature.above, readings, baselines, rule=rule)
    flags = [step(f"watch_{way}", own_temperature.alarms, above, rule=rule, way=way) for way in ("sure", "maybe")]
    step("watch_own", _masked, step("watch_rule", own_temperature.own, above, *flags, rule=rule), above)
    step("watch_written", written, known, dosed)
    return step("watch_compared", compared, known, dosed)


def written(known: ir.Table, dosed: ir.Table) -> ir.Table:
    """The newest sentence written at home since the dose: patient, text, at_s. Of two at one moment the worse."""
    rows = known.filter(known.quantity == SENTENCE).join(dosed.select("patient", "dose_s", "as_of_s"), "patient")
    rows = rows.filter((rows.at_s <= rows.as_of_s) & (rows.at_s > rows.dose_s))
    rows = rows.mutate(last_s=rows.at_s.max().over(ibis.window(group_by=[rows.patient])))
    # Of their words, `changed` and `not-written` come before `written` in the alphabet.
    return rows.filter(rows.at_s == rows.last_s).group_by(["patient", "at_s"]).agg(text=rows.text.min())


def _masked(own: ir.Table, above: ir.Table) -> ir.Table:
    """The temperature rule with how many readings above the own limit an antipyretic masks: `masked`."""
    hot = above.filter((above.celsius > above.own_limit) & (above.sure == 0))
    counts = hot.group_by("patient").agg(masked=hot.count())
    rows = own.left_join(counts, "patient").drop("patient_right")
    return rows.mutate(masked=rows.masked.fill_null(0))


def compared(known: ir.Table, dosed: ir.Table) -> ir.Table:
    """The newest value since the dose beside the one before it and the baseline, and whether it rose, fell, is low.

    patient, quantity, now_s, before_s, now_low, now_high, before_low, before_high, baseline (a median), n, drug_s (the
    newest tocilizumab), and `rose`, `fell`, `low` each as `_sure` and `_maybe` (1 or 0).
    """
    numbers = early_signs().numbers
    reach_s = int(numbers["baseline_hours"].value * HOUR_S)
    rows = known.filter(known.quantity.isin(list(COMPARED)) & known.low.notnull()).drop("until_s")
    rows = rows.join(dosed.select("patient", "dose_s", "as_of_s"), "patient")
    rows = rows.filter((rows.at_s <= rows.as_of_s) & (rows.at_s > rows.dose_s - reach_s))
    rows = rows.group_by(["patient", "quantity", "at_s", "dose_s"]).agg(low=rows.low.min(), high=rows.high.max())
    newest = ibis.window(group_by=[rows.patient, rows.quantity], order_by=[rows.at_s.desc()])
    rows = rows.mutate(back=ibis.row_number().over(newest))
    early = rows.at_s <= rows.dose_s
    now, before = rows.back == 0, rows.back == 1
    made = rows.group_by(["patient", "quantity", "dose_s"]).agg(
        now_s=rows.at_s.max(),
        before_s=ibis.ifelse(before, rows.at_s, None).max(),
        now_low=ibis.ifelse(now, rows.low, None).max(),
        now_high=ibis.ifelse(now, rows.high, None).max(),
        before_low=ibis.ifelse(before, rows.low, None).max(),
        before_high=ibis.ifelse(before, rows.high, None).max(),
        base_low=ibis.ifelse(early, rows.low, None).median(),
        base_high=ibis.ifelse(early, rows.high, None).median(),
    )
    made = made.filter(made.now_s > made.dose_s)
    drugs = known.filter(known.quantity == "tocilizumab").drop("until_s").join(dosed, "patient")
    drugs = drugs.filter(drugs.at_s <= drugs.as_of_s).group_by("patient").agg(drug_s=drugs.at_s.max())
    return _verdicts(made.left_join(drugs, "patient").drop("patient_right"))


def _verdicts(rows: ir.Table) -> ir.Table:
    """Whether a value rose over the one before it, fell under its baseline, is low as Crombie 2024 prints it."""
    numbers = early_signs().numbers
    below, fall = numbers["pressure_below"].value, numbers["pressure_fall"].value
    return rows.mutate(
        rose_sure=true(rows.now_low > rows.before_high),
        rose_maybe=true(rows.now_high > rows.before_low),
        fell_sure=true(rows.now_high < rows.base_low),
        fell_maybe=true(rows.now_low < rows.base_high),
        low_sure=true((rows.now_high < below) & (rows.base_low - rows.now_high > fall)),
        # Without a baseline a low pressure may have fallen; one that is not low has not, whatever the baseline was.
        low_maybe=true((rows.now_low < below) & (rows.base_high - rows.now_low > fall).fill_null(True)),
    )


def told(own: Sequence[Row], compared: Sequence[Row], written: Sequence[Row]) -> list[Told]:
    """Every early sign of one patient, from their rows of `watch_own`, `watch_compared` and `watch_written`."""
    by_name = {row["quantity"]: row for row in compared}
    made = []
    for name, sign in early_signs().sign.items():
        if name == "handwriting":
            made.append(_handwriting(name, sign, written))
        elif name == "temperature":
            made.append(_temperature(name, sign, own))
        else:
            made.append(_compared(name, sign, by_name.get(name)))
    return made


def _told(name: str, sign: EarlySign, shown: str, because: list[str], **numbers: Any) -> Told:
    """A sign with the words that always stand beside it."""
    none: dict[str, Any] = dict.fromkeys(("baseline", "value", "before", "slope_per_day", "at"))
    measured = quantities().get(RULE_READS if name == "temperature" else name)
    return Told(
        id=name, title=sign.title, shown=shown, unit=measured.unit if measured else None, because=because,
        own=sign.own, source=sign.source, evidence=sign.evidence, notes=list(sign.notes), **{**none, **numbers},
    )  # fmt: skip


def _handwriting(name: str, sign: EarlySign, written: Sequence[Row]) -> Told:
    """The newest sentence that somebody at home has looked at."""
    if not written:
        return _told(name, sign, _OPEN, ["no sentence since the dose on record (docs/home.md)"])
    [row] = written
    shown = _NO if row["text"] == "written" else _YES
    at = datetime.fromtimestamp(row["at_s"], UTC)
    return _told(name, sign, shown, [f"the sentence at home: {row['text']}"], at=at)


def _temperature(name: str, sign: EarlySign, own: Sequence[Row]) -> Told:
    """The individual temperature rule, as risk/ runs it."""
    if not own:
        return _told(name, sign, _OPEN, [rules()[RULE].notes["too-few-readings"]])
    [row] = own
    since = row["sure_s"] if row["low"] else row["maybe_s"]
    # A masked reading is neither an alarm nor a sign that all is well.
    shown = _YES if row["low"] else _OPEN if row["high"] or row["masked"] else _NO
    because = [f"own limit {row['own_limit']:.2f} Cel: mean {row['mean_c']:.2f}, deviation {row['deviation']:.2f}"]
    if shown == _OPEN:
        masked = f"{row['masked']} readings above it came in the hours after an antipyretic"
        because.append(masked if row["masked"] else "too few hours have a reading")
    at = None if since is None else datetime.fromtimestamp(since, UTC)
    return _told(name, sign, shown, because, baseline=round(row["mean_c"], 2), at=at)


def _compared(name: str, sign: EarlySign, row: Row | None) -> Told:
    """A value against the one before it or against the baseline."""
    if row is None:
        return _told(name, sign, _OPEN, ["no value since the dose on record"])
    numbers = {
        "baseline": row["base_low"], "value": row["now_low"], "before": row["before_low"],
        "slope_per_day": _slope(row), "at": datetime.fromtimestamp(row["now_s"], UTC),
    }  # fmt: skip
    if name in _RISING:
        if row["before_s"] is None:
            return _told(name, sign, _OPEN, ["one value only"], **numbers)
        if name == "crp" and row["drug_s"] is not None and row["drug_s"] <= row["now_s"]:
            return _told(name, sign, _OPEN, ["tocilizumab was given before it"], **numbers)
        return _told(name, sign, _verdict(row, "rose"), [], **numbers)
    why = [] if row["base_low"] is not None else ["no baseline: no value in the week before the dose"]
    if name in _FALLING:
        return _told(name, sign, _OPEN if why else _verdict(row, "fell"), why, **numbers)
    return _told(name, sign, _verdict(row, "low"), why, **numbers)


def _verdict(row: Row, what: str) -> str:
    """Yes, no, or that the values leave it open."""
    return _YES if row[f"{what}_sure"] else _OPEN if row[f"{what}_maybe"] else _NO


def _slope(row: Row) -> float | None:
    """The change per day between two exact values; of a value below detection there is none."""
    exact = row["now_low"] == row["now_high"] and row["before_low"] == row["before_high"]
    if row["before_s"] is None or row["before_low"] is None or not exact:
        return None
    days = (row["now_s"] - row["before_s"]) / (24 * HOUR_S)
    return float(round((row["now_low"] - row["before_low"]) / days, 4)) if days > 0 else None
