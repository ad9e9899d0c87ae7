"""The findings behind an answer: what stood last, what deserves a note, and raw physiology where nothing is graded."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.scales import astct_2019_crs
from leeward.timeline.columns import true
from leeward.timeline.exposures import DAY_S

SHOWN: tuple[str, ...] = (
    "body-temperature", "systolic-bp", "diastolic-bp", "mean-bp", "heart-rate", "respiratory-rate", "spo2",
    "oxygen-device", "oxygen-flow", "fio2", "ice-score", "capd-score", "consciousness", "seizure", "motor-weakness",
    "cerebral-oedema", "death", "norepinephrine", "epinephrine", "dopamine", "phenylephrine", "vasopressin",
    "angiotensin-ii", "dobutamine", "milrinone", "tocilizumab", "siltuximab", "anakinra", "dexamethasone",
    "methylprednisolone", "hydrocortisone", "prednisolone", "acetaminophen", "ibuprofen",
    "diclofenac", "naproxen", "ketorolac", "indometacin", "aspirin", "metamizole", "sarilumab", "canakinumab",
    "emapalumab", "ruxolitinib", "baricitinib", "etanercept", "infliximab",
    "attribution",
)  # fmt: skip
"""Quantities that an answer can cite."""


SHOWN_FOR_OLDER = (
    "creatinine", "bilirubin-total", "alt", "ast", "creatinine-upper-limit", "bilirubin-total-upper-limit",
    "alt-upper-limit", "ast-upper-limit", "fibrinogen", "neutrophils", "fluid-bolus", "care-setting",
)  # fmt: skip
"""Quantities that only an answer on an older scale can cite."""


def standing(known: ir.Table, people: ir.Table, shown: tuple[str, ...] = SHOWN) -> ir.Table:
    """The last finding of each shown quantity up to the moment asked about, per patient."""
    rows = known.filter(known.quantity.isin(list(shown))).join(people.select("patient", "as_of_s"), "patient")
    rows = rows.filter(rows.at_s <= rows.as_of_s)
    # Within one minute an arterial line comes before a cuff, as it is graded.
    preferred = true(rows.site == "arterial")
    about_s = ibis.ifelse(rows.quantity == "systolic-bp", rows.at_s - rows.at_s % 60, rows.at_s)
    # An infusion or mark in force comes before a later one that has ended; marks are kept apart by what they mark.
    running = true(~rows.measured_until.isnull() & (rows.until_s.isnull() | (rows.until_s > rows.as_of_s)))
    kept_apart = ibis.ifelse(rows.quantity == "attribution", rows.text, "")
    # Of two values at one moment the one that the rule takes: the lowest pressure, the highest of anything else.
    severe = ibis.ifelse(rows.quantity == "systolic-bp", -rows.low, rows.low)
    rows = rows.mutate(kept_apart=kept_apart, severe=severe, running=running, preferred=preferred, about_s=about_s)
    order = ibis.window(
        group_by=[rows.patient, rows.quantity, rows.kept_apart],
        order_by=[
            rows.running.desc(),
            rows.about_s.desc(),
            rows.preferred.desc(),
            rows.at_s.desc(),
            rows.until_s.desc(nulls_first=True),
            rows.severe.desc(),
            rows.text,
            rows.place,
        ],
    )
    rows = rows.mutate(place_=ibis.row_number().over(order))
    return rows.filter(rows.place_ == 0).select(
        "patient",
        "quantity",
        "at_s",
        "until_s",
        "low",
        "high",
        "text",
        "site",
        "source",
        "place",
        endless=rows.measured_until.isnull(),
    )


def noted(known: ir.Table, people: ir.Table, limits: astct_2019_crs.Limits) -> ir.Table:
    """Findings after the first dose that a reader must hear of: patient, note, at_s (the first)."""
    rows = known.join(people.select("patient", "first_dose_s", "as_of_s"), "patient")
    rows = rows.filter((rows.at_s >= rows.first_dose_s) & (rows.at_s <= rows.as_of_s))
    drugs = limits.vasopressors
    vasopressor = rows.quantity.isin([*drugs.counted, *drugs.never_several])
    note = ibis.cases(
        (rows.quantity.isin(drugs.not_counted), "inotrope-not-counted"),
        (vasopressor & rows.measured_until.isnull(), "infusion-without-end"),
        ((rows.status == "preliminary") & rows.quantity.isin(list(SHOWN)), "rests-on-preliminary"),
        ((rows.status == "corrected") & rows.quantity.isin(list(SHOWN)), "corrected"),
    )
    rows = rows.mutate(note=note)
    rows = rows.filter(rows.note.notnull())
    return rows.group_by(["patient", "note"]).agg(at_s=rows.at_s.min())


def estimated(support: ir.Table, people: ir.Table) -> ir.Table:
    """When an oxygen fraction was estimated from device and flow: patient, at_s (the first of each day)."""
    rows = support.filter(support.estimated == 1).join(people.select("who", "patient", "first_dose_s"), "who")
    rows = rows.filter(rows.at_s >= rows.first_dose_s)
    return rows.group_by(["patient", ((rows.at_s - rows.first_dose_s) // DAY_S).name("day")]).agg(at_s=rows.at_s.min())


def raw(known: ir.Table, people: ir.Table) -> ir.Table:
    """Lowest, highest and last value of each measured vital sign of whom nothing is graded, since no dose is known."""
    rows = known.filter(known.quantity.isin(list(SHOWN[:10])) & known.low.notnull())
    rows = rows.select("patient", "quantity", "at_s", "low", "high").left_join(people.select("patient"), "patient")
    rows = rows.filter(rows.patient_right.isnull()).drop("patient_right")
    last = ibis.window(group_by=[rows.patient, rows.quantity])
    rows = rows.mutate(last_s=rows.at_s.max().over(last))
    return rows.group_by(["patient", "quantity"]).agg(
        lowest=rows.low.min(),
        highest=rows.high.max(),
        last_s=rows.last_s.max(),
        latest=ibis.ifelse(rows.at_s == rows.last_s, rows.low, None).max(),
    )
