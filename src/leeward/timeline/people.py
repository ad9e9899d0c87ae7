"""One row per patient who was given a therapy that can cause CRS: age, first dose, until when we look, death."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import pick, seconds, true

YEAR_S = 31_556_952
_DEATHS = ("other", "unstated", "icans", "crs")


def watched(known: ir.Table) -> ir.Table:
    """Until when each patient was watched: patient, last (finding), last_end (of anything measured or given)."""
    # Age, birth and sex have no moment; the end of a stay, a mark or a device is planned, and nothing was charted then.
    rows = known.filter(~known.quantity.isin(["age-years", "birth-date", "sex"]))
    ended = rows.measured_until.notnull() & ~rows.quantity.isin(["care-setting", "attribution", "oxygen-device"])
    return rows.group_by("patient").agg(
        last=rows.measured_at.max(), last_end=ibis.ifelse(ended, rows.measured_until, None).max()
    )


def told(known: ir.Table) -> ir.Table:
    """What the record tells once of each: patient, birth (text), age (years), death_s, death (code), home_oxygen."""
    rows = known.filter(known.quantity.isin(["birth-date", "age-years", "death", "home-oxygen"]))
    return rows.group_by("patient").agg(
        birth=ibis.ifelse(rows.quantity == "birth-date", rows.text, None).max(),
        age=ibis.ifelse(rows.quantity == "age-years", rows.low, None).max(),
        # A death of which only the day is known hides nothing that was charted on that day.
        death_s=ibis.ifelse(rows.quantity == "death", rows.until_s.fill_null(rows.at_s), None).min(),
        death=ibis.ifelse(rows.quantity == "death", _code(rows.text), None).max(),
        # A need that lasts for years is on record long before the therapy, or when the patient is admitted for it.
        home_oxygen=true((rows.quantity == "home-oxygen") & (rows.text == "present")).max(),
    )


def people(watched: ir.Table, told: ir.Table, doses: ir.Table, question: ir.Table) -> ir.Table:
    """patient, who, as_of_s, first_dose_s, age_low, age_high (at the first dose), death_s, death, home_oxygen (1 or 0).

    An age in years is null where it is unknown.
    `who` numbers the patients: every later step is keyed by it, since small numbers sort and join faster than ids.
    `as_of_s` is the question's moment, else the patient's last finding or end of an infusion; nobody is followed
    beyond death.
    """
    first = doses.group_by("patient").agg(first_dose_s=doses.dose_s.min())
    rows = first.left_join(watched, "patient").drop("patient_right").left_join(told, "patient").drop("patient_right")
    rows = rows.cross_join(question.select("as_of"))
    low, high = _age(rows)
    last_s = ibis.greatest(
        seconds(rows.last), seconds(ibis.coalesce(rows.last_end, rows.last)), rows.first_dose_s, rows.death_s
    )
    return rows.select(
        "patient",
        "first_dose_s",
        "death_s",
        "death",
        home_oxygen=rows.home_oxygen.fill_null(0),
        as_of_s=ibis.least(ibis.coalesce(seconds(rows.as_of), last_s), rows.death_s),
        age_low=low,
        age_high=high,
        who=ibis.row_number().over(ibis.window(order_by=[rows.patient])).cast("int32"),
    )


def _code(word: ir.StringColumn) -> ir.IntegerColumn:
    """The stated cause of death as a code; of several statements the one that names CRS, then ICANS, is taken."""
    return pick([(word == cause, code) for code, cause in enumerate(_DEATHS)], _DEATHS.index("unstated"))


def died_of(code: ir.IntegerColumn, cause: str) -> ir.BooleanColumn:
    """Whether the cause of death on record is `cause`."""
    return code == _DEATHS.index(cause)


def _age(rows: ir.Table) -> tuple[ir.FloatingColumn, ir.FloatingColumn]:
    """The youngest and the oldest a patient can have been: a birth date of a year or a month alone leaves a span."""
    latest = (rows.birth + "-12-31").left(10)
    earliest = (rows.birth + "-01-01").left(10)
    month_only = rows.birth.length() == 7
    latest = pick([(month_only, rows.birth + "-28")], latest)
    earliest = pick([(month_only, rows.birth + "-01")], earliest)

    def years(born: ir.StringColumn) -> ir.FloatingColumn:
        return (rows.first_dose_s - seconds(born.try_cast("date").cast("timestamp"))) / YEAR_S

    return ibis.coalesce(years(latest), rows.age), ibis.coalesce(years(earliest), rows.age)


def numbered(doses: ir.Table, people: ir.Table) -> ir.Table:
    """Doses by the patients' numbers: who, dose_s."""
    return doses.join(people.select("patient", "who"), "patient").select("who", "dose_s")


def relevant(known: ir.Table, people: ir.Table, quantities: Sequence[str], lookback_s: int) -> ir.Table:
    """The findings that can bear on a grade, by the patients' numbers, from `lookback_s` before the first dose on."""
    rows = known.filter(known.quantity.isin(sorted(quantities))).join(people, "patient")
    rows = rows.filter((rows.at_s <= rows.as_of_s) & (rows.at_s >= rows.first_dose_s - lookback_s))
    return rows.select("who", "quantity", "at_s", "until_s", "low", "high", "text", "site", "age_low", "age_high",
                       endless=rows.measured_until.isnull())  # fmt: skip
