"""What risk scores are made of: the infusion, the stretch that a moment means, and the values in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.definition import decided
from leeward.knowledge.vocabulary import quantities
from leeward.risk.definitions import VASOACTIVE, Input, Moment, decisions, inputs
from leeward.scales.bands import codes
from leeward.scales.score_derived import drugs_of
from leeward.timeline.columns import pick, true
from leeward.timeline.exposures import DAY_S
from leeward.timeline.oxygen import device_code
from leeward.timeline.settings import HOUR_S, limit_s

DEPLETION, DISEASE = "lymphodepletion", "disease"
TAKEN = ("patient", "input", "low", "high", "at_s")
_OVER, _WAYS = ("day", "before", "after"), ("newest", "highest", "lowest")
_OPEN = float("inf")


def _middle(from_s: Any, until_s: Any) -> Any:
    """The middle of a stretch of a day or less (only the day may be known); of a longer one its beginning."""
    long = until_s.isnull() | (until_s - from_s > DAY_S) | (until_s < from_s)
    return pick([(long, from_s)], from_s + (until_s - from_s) // 2)


def infusions(exposed: ir.Table, repeated: Sequence[str]) -> ir.Table:
    """The infusion that a score is asked about: patient, product, infusion_s (moments.toml, `which-infusion`)."""
    once = ~exposed["product"].isin(list(repeated))
    rows = exposed.mutate(middle_s=_middle(exposed.from_s, exposed.until_s), once=once)
    start = rows.group_by("patient").agg(
        cells_s=ibis.ifelse(rows.once, rows.from_s, None).max(), first_s=rows.from_s.min()
    )
    rows = rows.join(start, "patient")
    rows = rows.filter(rows.from_s == ibis.coalesce(rows.cells_s, rows.first_s))
    rows = rows.filter(rows.once | rows.cells_s.isnull())
    return rows.group_by("patient").agg(product=rows["product"].min(), infusion_s=rows.middle_s.min())


def people(known: ir.Table, base: ir.Table, given: ir.Table, at: Moment) -> ir.Table:
    """One row per patient: product, infusion_s, lymphodepletion_s, disease, ages, and the moment's stretch.

    `base`: score_inputs.people. `from_s` to `until_s` is the stretch (the first excluded); nothing after `moment_s`
    counts: the stretch's end, or the moment asked about where that is earlier.
    """
    rows = _timed(base, known).left_join(given, "patient").drop("patient_right")
    reach_s = int(decided(decisions(), "lymphodepletion-before") * HOUR_S)
    told = known.filter(known.quantity.isin([DEPLETION, DISEASE]))
    told = told.mutate(middle_s=_middle(told.at_s, told.until_s))
    told = told.join(rows.select("patient", ref_s=ibis.coalesce(rows.infusion_s, rows.as_of_s)), "patient")
    near = (told.quantity == DEPLETION) & (told.middle_s <= told.ref_s) & (told.middle_s > told.ref_s - reach_s)
    told = told.group_by("patient").agg(
        lymphodepletion_s=ibis.ifelse(near, told.middle_s, None).min(),
        disease=ibis.ifelse(told.quantity == DISEASE, told.text, None).max(),
    )
    rows = rows.left_join(told, "patient").drop("patient_right")
    day_s = rows.infusion_s + int(at.until_hours * HOUR_S)
    before = at.id == "before-lymphodepletion"
    ends = ibis.coalesce(rows.lymphodepletion_s, day_s, rows.as_of_s) if before else day_s
    rows = rows.mutate(until_s=ends)
    return rows.select(
        "patient", "product", "infusion_s", "lymphodepletion_s", "disease", "age_low", "age_high", "as_of_s", "place",
        "until_s", from_s=rows.until_s - int(at.reach_hours * HOUR_S),
        moment_s=ibis.least(rows.as_of_s, rows.until_s),
    )  # fmt: skip


def _timed(base: ir.Table, known: ir.Table) -> ir.Table:
    """Of patients with nothing but timeless facts (a date of birth) no moment can be told, and so no age."""
    timeless = [name for name, quantity in quantities().items() if quantity.timeless]
    timed = known.filter(~known.quantity.isin(timeless)).select("patient").distinct().mutate(timed=ibis.literal(1))
    rows = base.left_join(timed, "patient").drop("patient_right")
    untold = {name: ibis.ifelse(rows.timed == 1, rows[name], None) for name in ("as_of_s", "age_low", "age_high")}
    return rows.mutate(**untold).drop("timed")


def rows(known: ir.Table, people: ir.Table) -> ir.Table:
    """The findings that inputs are made of, words by their place in `codes`: patient, quantity, at_s, low, high."""
    wanted = sorted({one.quantity for one in inputs().values()})
    found = known.filter(known.quantity.isin(wanted) & (known.low.notnull() | known.text.notnull()))
    found = found.select("patient", "quantity", "low", "high", "text", at_s=_middle(found.at_s, found.until_s))
    word = pick(
        [
            (found.low.notnull(), None),
            (found.quantity == "oxygen-device", device_code(found.text)),
            *[
                ((found.quantity == "consciousness") & (found.text == text), code)
                for code, text in enumerate(codes("consciousness"))
            ],
        ],
        None,
    ).cast("float64")
    found = found.mutate(low=ibis.coalesce(found.low, word), high=ibis.coalesce(found.high, word)).drop("text")
    found = found.join(people, "patient")
    back_s = int(decided(decisions(), "baseline-before") * HOUR_S)
    first_s = ibis.least(ibis.coalesce(found.infusion_s, found.moment_s) - back_s, found.from_s)
    return found.filter(found.low.notnull() & (found.at_s <= found.moment_s) & (found.at_s > first_s))


def _specified(one_row: ir.Table) -> ir.Table:
    """The inputs as rows, made in the engine from a table of one row."""
    named = sorted(inputs().items())
    columns: dict[str, list[Any]] = {
        "input": [name for name, _ in named],
        "quantity": [one.quantity for _, one in named],
        "over": [_OVER.index(one.over) for _, one in named],
        "way": [_WAYS.index(one.taken) for _, one in named],
        "opens_s": [int(one.from_hours * HOUR_S) for _, one in named],
        "closes_s": [-1 if one.until_hours is None else int(one.until_hours * HOUR_S) for _, one in named],
    }
    made = one_row.select(place_=ibis.range(len(named)).unnest())
    return made.select(**{name: ibis.array(values)[made.place_] for name, values in columns.items()})


def _limits(field: str, names: Sequence[tuple[str, Input]], rows: ir.Table) -> Any:
    """The age limit that a field of an input names, in seconds; null where it names none."""
    cases = [
        (rows.input == name, limit_s(getattr(one, field), rows.place)) for name, one in names if getattr(one, field)
    ]
    return pick(cases, ibis.null("int64"))


def windowed(rows: ir.Table, one_row: ir.Table) -> ir.Table:
    """Each finding once per input that it bears on: patient, input, way, at_s, low, high, start_s, end_s, limit_s."""
    found = rows.join(_specified(one_row), "quantity")
    back_s = int(decided(decisions(), "baseline-before") * HOUR_S)
    ref_s = ibis.coalesce(found.infusion_s, found.moment_s)
    stands_s = _limits("stands", sorted(inputs().items()), found)
    day = found.over == _OVER.index("day")
    after = found.over == _OVER.index("after")
    # A stretch leaves out its first second, except that the infusion's own second is after it.
    first_s = found.infusion_s + found.opens_s - true(found.opens_s == 0)
    last_s = pick([(found.closes_s < 0, found.moment_s)], found.infusion_s + found.closes_s)
    found = found.mutate(
        start_s=pick(
            [(after, first_s), (day & stands_s.notnull(), found.moment_s - stands_s), (day, found.from_s)],
            ref_s - back_s,
        ),
        end_s=pick([(after, last_s), (day, found.moment_s)], ibis.least(ref_s, found.moment_s)),
        limit_s=_limits("watched", sorted(inputs().items()), found),
    )
    return found.filter((found.at_s > found.start_s) & (found.at_s <= found.end_s)).select(
        "patient", "input", "way", "at_s", "low", "high", "start_s", "end_s", "limit_s", "moment_s"
    )


def taken(windowed: ir.Table) -> ir.Table:
    """One row per patient and input: TAKEN, with gap_s (the longest time without a value, where somebody watches).

    Of `highest` and `lowest`, the side that a gap or hours still to come may change is open (infinite).
    """
    own = ibis.window(group_by=[windowed.patient, windowed.input])
    order = ibis.window(group_by=[windowed.patient, windowed.input], order_by=[windowed.at_s])
    rows = windowed.mutate(last_s=windowed.at_s.max().over(own), before_s=windowed.at_s.lag().over(order))
    newest = rows.way == _WAYS.index("newest")
    lowest = rows.way == _WAYS.index("lowest")
    kept = rows.filter(~newest | (rows.at_s == rows.last_s))
    highest = kept.way == _WAYS.index("highest")
    made = kept.group_by(["patient", "input"]).agg(
        low=pick([(highest.max(), kept.low.max())], kept.low.min()),
        high=pick([(lowest.max(), kept.high.min())], kept.high.max()),
        at_s=pick([(lowest.max(), kept.at_s.argmin(kept.high))], kept.at_s.argmax(kept.high)),
        way=kept.way.max(),
        gap_s=ibis.greatest(
            (kept.at_s - ibis.coalesce(kept.before_s, kept.start_s)).max(),
            (ibis.least(kept.end_s, kept.moment_s) - kept.last_s).max(),
        ),
        limit_s=kept.limit_s.max(),
        coming=(kept.end_s > kept.moment_s).max(),
    )
    open_ = (made.coming | (made.gap_s > made.limit_s).fill_null(False)) & (made.way != _WAYS.index("newest"))
    fell = made.way == _WAYS.index("lowest")
    return made.select(
        "patient",
        "input",
        low=pick([(open_ & fell, -_OPEN)], made.low),
        high=pick([(open_ & ~fell, _OPEN)], made.high),
        at_s="at_s",
    )


def vasoactive(known: ir.Table, people: ir.Table) -> ir.Table:
    """Patients who had a vasoactive infusion between their infusion of cells and the moment: TAKEN, with 1."""
    drugs = known.filter(known.quantity.isin(drugs_of()) & (known.high.isnull() | (known.high != 0)))
    rows = drugs.select("patient", "at_s", "until_s").join(
        people.select("patient", "infusion_s", "moment_s"), "patient"
    )
    ran = (rows.at_s <= rows.moment_s) & (ibis.coalesce(rows.until_s, rows.at_s) >= rows.infusion_s)
    made = rows.filter(ran).group_by("patient").agg(at_s=rows.at_s.min())
    return made.select(
        "patient", input=ibis.literal(VASOACTIVE), low=ibis.literal(1.0), high=ibis.literal(1.0), at_s=made.at_s
    )


def wide(taken: ir.Table, people: ir.Table, used: Sequence[str]) -> ir.Table:
    """One row per patient: people, and two columns for each used input as scales.score_inputs.At reads them."""
    columns = {}
    for name in used:
        mine = taken.input == name
        for side in ("low", "high"):
            columns[f"{name}_latest_{side}"] = ibis.ifelse(mine, taken[side], None).max()
    made = people.left_join(taken.group_by("patient").agg(**columns), "patient").drop("patient_right")
    after = made.moment_s >= made.infusion_s
    none = {
        f"{VASOACTIVE}_latest_{side}": pick([(after, made[f"{VASOACTIVE}_latest_{side}"].fill_null(0.0))], None)
        for side in ("low", "high")
    }
    return made.mutate(**none)
