"""The moments a guideline is asked about: the episode that runs there, and every scale's grade."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.therapies import treatments
from leeward.plan.numbers import number
from leeward.scales import astct_2019_crs, astct_2019_icans
from leeward.timeline.columns import pick, true
from leeward.timeline.settings import HOUR_S

NEVER = -1.0
"""Hours since something that never happened."""
MILDEST, WORST, RAISED, RAISED_WORST = range(4)
"""The ends of a range of grades, and one CRS grade above each: what a source has in mind that says `manage as`."""


def moments(people: ir.Table, exposed: ir.Table, episodes: ir.Table, asked: ir.Table) -> ir.Table:
    """One row per patient and moment of `asked` (patient, at_s): the therapy, the episodes that have begun by then.

    Columns: patient, at_s, dose_s, product, dose_number, age_low, age_high, onset_s, onset_dose_s (the dose that the
    episode follows), resolved_s (null while it runs), icans_onset_s. A masked episode counts as well.
    """
    rows = asked.join(people.select("patient", "age_low", "age_high"), "patient")
    rows = _beside(rows, _dose(rows, exposed))
    crs, icans = astct_2019_crs.limits().scale, astct_2019_icans.limits().scale
    rows = _beside(rows, _episode(rows, episodes.filter((episodes.syndrome == "crs") & (episodes.scale == crs))))
    marked = _episode(rows, episodes.filter((episodes.syndrome == "icans") & (episodes.scale == icans)))
    rows = _beside(rows, marked.select("patient", "at_s", icans_onset_s=marked.onset_s))
    gone = rows.resolved_s <= rows.at_s
    return rows.mutate(resolved_s=ibis.ifelse(gone, rows.resolved_s, None))


def _beside(rows: ir.Table, more: ir.Table) -> ir.Table:
    """Columns of another table at the same patient and moment, null where it has none."""
    joined = rows.left_join(more, ["patient", "at_s"])
    return joined.drop(*(name for name in joined.columns if name.endswith("_right")))


def _dose(rows: ir.Table, exposed: ir.Table) -> ir.Table:
    """The last dose of a therapy up to the moment, and how many of that product there had been."""
    doses = rows.select("patient", "at_s").join(exposed, "patient")
    doses = doses.filter(doses.from_s <= doses.at_s)
    last = doses.group_by(["patient", "at_s"]).agg(dose_s=doses.from_s.max())
    newest = last.join(doses, ["patient", "at_s"])
    newest = newest.filter(newest.from_s == newest.dose_s)
    newest = newest.group_by(["patient", "at_s"]).agg(dose_s=newest.dose_s.max(), product=newest["product"].min())
    counted = newest.join(doses.select("patient", "at_s", "from_s", given="product"), ["patient", "at_s"])
    counted = counted.filter(counted.given == counted["product"])
    return counted.group_by(["patient", "at_s", "dose_s", "product"]).agg(dose_number=counted.from_s.count())


def _episode(rows: ir.Table, episodes: ir.Table) -> ir.Table:
    """The episode that began last by the moment: onset_s, onset_dose_s and resolved_s."""
    begun = rows.select("patient", "at_s").join(
        episodes.select("patient", "onset_s", "resolved_s", own_dose_s="dose_s"), "patient"
    )
    begun = begun.filter(begun.onset_s <= begun.at_s)
    last = begun.group_by(["patient", "at_s"]).agg(latest_s=begun.onset_s.max())
    kept = last.join(begun, ["patient", "at_s"])
    kept = kept.filter(kept.onset_s == kept.latest_s)
    return kept.group_by(["patient", "at_s"]).agg(
        onset_s=kept.onset_s.max(), resolved_s=kept.resolved_s.max(), onset_dose_s=kept.own_dose_s.max()
    )


def graded(moments: ir.Table, course: ir.Table, treated: ir.Table) -> ir.Table:
    """Each scale's range of CRS at each moment, with ICANS beside it and what became of it since treatment.

    `treated`: plan.given.doses. Columns: patient, at_s, scale, crs_low, crs_high, icans_low, icans_high; in words
    (null: the grades do not tell) response, steroid_response, and the same of ICANS.
    """
    held = _held(moments.select("patient", "at_s", asked_s="at_s"), course)
    crs = held.filter(held.syndrome == "crs").select("patient", "at_s", "scale", crs_low="at_least", crs_high="at_most")
    icans = held.filter(held.syndrome == "icans").select(
        "patient", "at_s", icans_low=held.at_least, icans_high=held.at_most
    )
    rows = _beside(crs, icans)
    for name, since in (("response", "anti_il6_s"), ("steroid_response", "first_steroid_s")):
        rows = _beside(rows, treated.select("patient", "at_s", had=treated[since]))
        then = _held(treated.filter(treated[since].notnull()).select("patient", "at_s", asked_s=since), course)
        rows = _compared(rows, then, "crs", name)
        rows = _compared(rows, then, "icans", f"icans_{name}").drop("had")
    return rows


def _held(asked: ir.Table, course: ir.Table) -> ir.Table:
    """The range of every syndrome and scale that held at `asked_s`: patient, at_s, asked_s, syndrome, scale, bounds."""
    changes = course.select("patient", "syndrome", "scale", "at_least", "at_most", changed_s="at_s")
    rows = asked.join(changes, "patient")
    rows = rows.filter(rows.changed_s <= rows.asked_s)
    key = ["patient", "at_s", "asked_s", "syndrome", "scale"]
    last = rows.group_by(key).agg(last_s=rows.changed_s.max())
    kept = last.join(rows, key)
    kept = kept.filter(kept.changed_s == kept.last_s)
    return kept.group_by(key).agg(at_least=kept.at_least.max(), at_most=kept.at_most.max())


def _compared(rows: ir.Table, then: ir.Table, syndrome: str, name: str) -> ir.Table:
    """Adds `name`: better, same or worse, where both ranges leave no doubt; `no-dose` where nothing had been given."""
    mine = then.filter(then.syndrome == syndrome)
    key = ["patient", "at_s", *(["scale"] if syndrome == "crs" else [])]
    rows = rows.left_join(mine.select(*key, then_low="at_least", then_high="at_most"), key)
    rows = rows.drop(*(column for column in rows.columns if column.endswith("_right")))
    low, high = rows[f"{syndrome}_low"], rows[f"{syndrome}_high"]
    same = (low == high) & (rows.then_low == rows.then_high) & (low == rows.then_low)
    # An unchanged grade soon after a dose is no answer to it.
    same &= rows.at_s - rows.had >= int(number("response-from") * HOUR_S)
    cases = [
        (rows.had.isnull(), "no-dose"),
        (high < rows.then_low, "better"),
        (low > rows.then_high, "worse"),
        (same, "same"),
    ]
    return rows.mutate(**{name: pick(cases, ibis.null("string"))}).drop("then_low", "then_high")


def ends(graded: ir.Table, severe: ir.Table, highest: int = 4) -> ir.Table:
    """A row per end of each range: `graded` and `severe` with end and one grade in place of each pair of bounds.

    A range of one grade has one end. From grade 1 on each end has one raised by a grade beside it. A death is no end.
    """
    rows = graded.filter(graded.crs_low <= highest).left_join(severe, ["patient", "at_s", "scale"])
    rows = rows.drop(*(name for name in rows.columns if name.endswith("_right")))
    counts = ("crs_episodes", "grade_3_episodes", "worst_low", "worst_high")
    rows = rows.mutate(
        **{name: rows[name].fill_null(0) for name in counts}, grade_3_hours=rows.grade_3_hours.fill_null(0.0)
    )
    numbers = ibis.union(*[rows.mutate(end=ibis.literal(end, "int64")) for end in range(4)])
    worst = (numbers.end == WORST) | (numbers.end == RAISED_WORST)
    raised = true(numbers.end >= RAISED)
    grade = ibis.ifelse(worst, ibis.least(numbers.crs_high, highest), numbers.crs_low)
    icans = ibis.ifelse(worst, numbers.icans_high, numbers.icans_low)
    worst_grade = ibis.least(ibis.ifelse(worst, numbers.worst_high, numbers.worst_low), highest)
    numbers = numbers.mutate(crs_grade=grade + raised, raised_from=grade, icans_grade=icans, worst_grade=worst_grade)
    bounds = ("crs", "icans", "worst")
    ranged = ibis.or_(*((numbers[f"{one}_low"] != numbers[f"{one}_high"]).fill_null(False) for one in bounds))
    kept = (~worst | ranged) & ((raised == 0) | ((numbers.raised_from > 0) & (numbers.crs_grade <= highest)))
    numbers = numbers.filter(kept)
    return numbers.drop(*(f"{one}_{end}" for one in bounds for end in ("low", "high")), "raised_from")


def severe(moments: ir.Table, course: ir.Table, episodes: ir.Table) -> ir.Table:
    """How much CRS there has been: patient, at_s, scale, and what `_counted` and the hours at grade 3 tell."""
    mine = episodes.filter(episodes.syndrome == "crs")
    mine = mine.select("patient", "scale", "onset_s", "resolved_s", "peak_at_most")
    begun = moments.select("patient", "at_s").join(mine, "patient").filter(lambda table: table.onset_s <= table.at_s)
    crs = course.filter(course.syndrome == "crs")
    changes = crs.select("patient", "scale", "at_least", changed_s="at_s")
    rows = begun.left_join(changes, ["patient", "scale"])
    rows = rows.drop(*(name for name in rows.columns if name.endswith("_right")))
    until_s = ibis.least(rows.at_s, rows.resolved_s.fill_null(rows.at_s))
    rows = rows.mutate(
        reached=ibis.ifelse((rows.changed_s >= rows.onset_s) & (rows.changed_s <= until_s), rows.at_least, 0)
    )
    counted = _counted(rows)
    hours = _hours_at(moments, crs, moments.onset_s, int(number("severe-grade")))
    rows = counted.left_join(hours, ["patient", "at_s", "scale"])
    rows = rows.drop(*(column for column in rows.columns if column.endswith("_right")))
    return rows.mutate(grade_3_hours=rows.hours.fill_null(0.0)).drop("hours")


def _counted(rows: ir.Table) -> ir.Table:
    """Per moment and scale: crs_episodes, grade_3_episodes, worst_low and worst_high (of the newest episode).

    The worst that can have been is the episode's own, over moments at which something was charted.
    """
    key = ["patient", "at_s", "scale"]
    each = rows.group_by([*key, "onset_s", "peak_at_most"]).agg(worst=rows.reached.max())
    newest = ibis.window(group_by=[each.patient, each.at_s, each.scale])
    each = each.mutate(newest_s=each.onset_s.max().over(newest), hot=true(each.worst >= int(number("severe-grade"))))
    last = each.onset_s == each.newest_s
    return each.group_by(key).agg(
        crs_episodes=each.onset_s.count(),
        grade_3_episodes=each.hot.sum(),
        worst_low=ibis.ifelse(last, each.worst, None).max(),
        worst_high=ibis.ifelse(last, ibis.greatest(each.worst, each.peak_at_most), None).max(),
    )


def icans_severe(moments: ir.Table, course: ir.Table) -> ir.Table:
    """Hours surely at ICANS grade 3 or more in the episode: patient, at_s, icans_grade_3_hours."""
    mine = course.filter(course.syndrome == "icans")
    rows = _hours_at(moments, mine, moments.icans_onset_s, int(number("severe-grade")))
    return rows.group_by(["patient", "at_s"]).agg(icans_grade_3_hours=rows.hours.max())


def _hours_at(moments: ir.Table, course: ir.Table, onset_s: Any, least: int) -> ir.Table:
    """Hours from the onset on during which a grade surely was `least` or more: patient, at_s, scale, hours."""
    order = ibis.window(group_by=[course.patient, course.scale], order_by=[course.at_s])
    held = course.mutate(until_s=course.at_s.lead().over(order))
    held = held.filter(held.at_least >= least).select("patient", "scale", "until_s", from_s="at_s")
    rows = moments.select("patient", "at_s", began_s=onset_s).join(held, "patient")
    start, end = ibis.greatest(rows.from_s, rows.began_s), ibis.least(rows.until_s.fill_null(rows.at_s), rows.at_s)
    rows = rows.mutate(start=start, end=end).filter(lambda table: table.end > table.start)
    return rows.group_by(["patient", "at_s", "scale"]).agg(hours=(rows.end - rows.start).sum() / float(HOUR_S))


def therapy_class(product: Any) -> Any:
    """The class of a product, as guidelines-inputs.toml names it."""
    named = ("car-t", "tcr-t", "in-vivo-car-t", "til", "t-cell-engager")
    by_class = {klass: [item.inn for item in treatments() if item.klass == klass] for klass in named}
    cases = [(product.isin(inns), klass) for klass, inns in by_class.items() if inns]
    return pick([(product.isnull(), ibis.null("string")), *cases], "other")


def hours(since_s: Any, at_s: Any) -> Any:
    """Hours between two seconds."""
    return (at_s - since_s) / float(HOUR_S)


def hours_or_never(since_s: Any, at_s: Any) -> Any:
    """Hours between two seconds; NEVER where the first does not exist."""
    return hours(since_s, at_s).fill_null(NEVER)
