"""The signs of CRS at every moment: fever, pressure and oxygen, each in its mildest and its worst reading.

What a scale makes of them stands in that scale's own file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.definition import decided, value
from leeward.scales import astct_2019_crs as astct
from leeward.timeline.columns import back, front, last_known, latest, packed, pick, true
from leeward.timeline.exposures import DAY_S
from leeward.timeline.infusions import FOREVER_S, switches, together, together_by_now
from leeward.timeline.moments import Kinds, changes, with_expiries
from leeward.timeline.oxygen import DEVICES
from leeward.timeline.people import died_of, relevant
from leeward.timeline.settings import HOUR_S, limit_s

CHARTED = Kinds((), ("fever", "arterial", "cuff", "oxygen", "context"), "int32")
"""What is charted often. Signs carry their mildest and worst reading in one number (`readings`)."""

CONTEXT = Kinds(
    (
        "one_sure",
        "several_sure",
        "one_possible",
        "several_possible",
        "other_fever",
        "other_pressure",
        "other_oxygen",
        "some_fever",
        "some_pressure",
    ),
    ("masking_sure", "masking_possible", "setting", "death", "dose_s"),
)
"""What changes seldom: it is carried in a table of its own, and a moment only knows which of its rows holds."""

_BITS = {"fever": 1, "pressure": 1, "oxygen": 3, "death": 1}
"""How many bits one reading of a sign takes; both take twice as many."""
_SIGNS = ("fever", "pressure", "oxygen")
_PLACE_BITS, _DOSED_BITS = 2, 1
COMPONENTS = {"fever": "other_fever", "hypotension": "other_pressure", "hypoxia": "other_oxygen"}
"""Which column an attribution mark of each component switches."""


def quantities(limits: astct.Limits) -> list[str]:
    """The quantities that the signs are read from."""
    return [limits.fever.quantity, limits.hypotension.quantity, *beside_vital_signs(limits)]


def beside_vital_signs(limits: astct.Limits) -> list[str]:
    """Those that are charted seldom."""
    return [
        "oxygen-device", "oxygen-flow", "attribution", "care-setting",
        *limits.waiver.drugs, *limits.vasopressors.counted, *limits.vasopressors.never_several,
    ]  # fmt: skip


def lookback_s(limits: astct.Limits) -> int:
    """How far before the first dose a finding can still matter."""
    baseline_s = decided(limits.decisions, "baseline-oxygen") * DAY_S
    return int(max(baseline_s, decided(limits.decisions, "masking-before") * HOUR_S))


def vital_signs(known: ir.Table, people: ir.Table, limits: astct.Limits) -> ir.Table:
    """Temperatures and systolic pressures as signs: who, at_s, until_s, endless, kind (code into CHARTED), reading.

    They are most of a record, so that they are kept apart from what else is relevant, in few and narrow columns.
    `point`: measured at a moment, or over up to an hour, which counts at its end.
    """
    asked = [limits.fever.quantity, limits.hypotension.quantity]
    rows = relevant(known, people, quantities=asked, lookback_s=lookback_s(limits))
    mildest = astct.systolic_limit(rows.age_low, limits, value(limits.hypotension.neonate_below))
    strictest = astct.systolic_limit(rows.age_high, limits, value(limits.hypotension.adult_below))
    temperature = rows.quantity == limits.fever.quantity
    sure = pick([(temperature, true(astct.fever(rows.low, limits)))], true(rows.high < mildest))
    possible = pick([(temperature, true(astct.fever(rows.high, limits)))], true(rows.low < strictest))
    arterial = true(rows.site == "arterial") == 1
    kind = pick([(temperature, CHARTED.code("fever")), (arterial, CHARTED.code("arterial"))], CHARTED.code("cuff"))
    return rows.select(
        "who", "at_s", "until_s", "endless", kind=kind.cast("int8"),
        reading=readings("fever", sure, possible).cast("int8"),
        point=rows.endless | (true(rows.until_s - rows.at_s <= HOUR_S) == 1),
    )  # fmt: skip


def context(
    relevant: ir.Table, vital_signs: ir.Table, places: ir.Table, people: ir.Table, doses: ir.Table,
    stretches: Mapping[str, ir.Table], limits: astct.Limits,
) -> ir.Table:  # fmt: skip
    """What held beside the vital signs, a row per change: vasopressors, marks, drugs, setting, the last dose, death.

    `places`: timeline.places. `stretches`: those of vasopressors (timeline.infusions.running), sure and possible.
    Columns: who, at_s, context (a number that rises with time; in its last bits whether there was a dose, and the
    setting), dose_s, masks_sure_s, masks_from_s, masks_possible_s, death_low and _high, vasopressors_low and _high;
    some_fever and some_pressure (1: possible at any hour of the day); own_fever, own_hypotension, own_hypoxia (0:
    marked as having another cause).
    """
    events = [*_vasopressors(**stretches, people=people, limits=limits), *_attributions(relevant),
              *_masking(relevant, limits), *_some_time_that_day(vital_signs), _deaths(people),
              CONTEXT.events(places, "setting", places.at_s, ibis.coalesce(places.setting + 1, 0)),
              CONTEXT.events(doses, "dose_s", doses.dose_s, doses.dose_s)]  # fmt: skip
    rows = CONTEXT.gathered(events)
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    place = back(latest(rows.setting, rows.at_s, _PLACE_BITS, upto), _PLACE_BITS).fill_null(0)
    number = ibis.row_number().over(ibis.window(group_by=[rows.who], order_by=[rows.at_s])) + 1
    dose_s = last_known(rows.dose_s, upto)
    rows = rows.select(
        "who", "at_s",
        context=packed(packed(number, true(dose_s.notnull()), _DOSED_BITS), place, _PLACE_BITS),
        dose_s=dose_s,
        masks_sure_s=last_known(ibis.ifelse(rows.masking_sure.notnull(), rows.at_s, None), upto),
        masks_from_s=rows.masking_sure.max().over(upto), masks_possible_s=rows.masking_possible.max().over(upto),
        death=rows.death.max().over(upto).fill_null(0),
        **{name: rows[name].fill_null(0).sum().over(upto) for name in CONTEXT.switched},
    )  # fmt: skip
    on = {name: true(rows[name] > 0) for name in CONTEXT.switched}
    own = {component: 1 - on[switch] for component, switch in COMPONENTS.items()}
    return rows.select(
        "who", "at_s", "context", "dose_s", "masks_sure_s", "masks_from_s", "masks_possible_s",
        death_low=front(rows.death, _BITS["death"]), death_high=back(rows.death, _BITS["death"]),
        vasopressors_low=ibis.greatest(on["several_sure"] * 2, on["one_sure"]) * own["hypotension"],
        vasopressors_high=ibis.greatest(on["several_possible"] * 2, on["one_possible"]) * own["hypotension"],
        some_fever=on["some_fever"], some_pressure=on["some_pressure"],
        **{f"own_{component}": flag for component, flag in own.items()},
    )  # fmt: skip


def charted(vital_signs: ir.Table, oxygen: ir.Table, context: ir.Table) -> ir.Table:
    """One row per patient-moment with what was charted at it (null: not charted then). `oxygen`: see `supported`."""
    return CHARTED.gathered([
        _measured(vital_signs),
        CHARTED.events(oxygen, "oxygen", oxygen.at_s, readings("oxygen", oxygen.oxygen_low, oxygen.oxygen_high)),
        CHARTED.events(context, "context", context.at_s, context.context),
    ])  # fmt: skip


def readings(sign: str, mildest: Any, worst: Any) -> Any:
    """Two readings of a sign as one number, the mildest in front."""
    return packed(mildest, worst, _BITS[sign])


def _measured(vital_signs: ir.Table) -> ir.Table:
    """Temperatures and pressures as charted; an arterial line is kept apart from any other site.

    A sign of known day but unknown hour is carried, as a possibility only, from the day's last second on.
    """
    rows = _preferred(vital_signs)
    rows = rows.filter(rows.point | (rows.until_s.notnull() & (back(rows.reading, 1) == 1)))
    at_s = pick([(rows.endless, rows.at_s), (rows.point, rows.until_s)], rows.until_s - 1)
    return CHARTED.events(rows, rows.kind, at_s, pick([(rows.point, rows.reading)], back(rows.reading, 1)))


def _preferred(rows: ir.Table) -> ir.Table:
    """Without the pressures of another site within the minute of one from an arterial line."""
    line = rows.filter(rows.kind == CHARTED.code("arterial"))
    line = line.select("who", minute=line.at_s - line.at_s % 60).distinct().mutate(lined=1)
    rows = rows.mutate(minute=rows.at_s - rows.at_s % 60)
    rows = rows.left_join(line, ["who", "minute"], rname="{name}_line")
    return rows.filter(rows.lined.isnull() | (rows.kind != CHARTED.code("cuff")))


def _some_time_that_day(vital_signs: ir.Table) -> list[ir.Table]:
    """Switches of signs of which only the day is known: they may stand at any hour of it, and at none for sure."""
    rows = vital_signs.filter(~vital_signs.endless & ~vital_signs.point & (back(vital_signs.reading, 1) == 1))
    fever = rows.kind == CHARTED.code("fever")
    rows = rows.mutate(code=pick([(fever, CONTEXT.code("some_fever"))], CONTEXT.code("some_pressure")))
    ended = rows.filter(rows.until_s.notnull())
    return [CONTEXT.events(rows, rows.code, rows.at_s, 1), CONTEXT.events(ended, ended.code, ended.until_s, -1)]


def supported(states: ir.Table, people: ir.Table, limits: astct.Limits) -> ir.Table:
    """Oxygen states (timeline.oxygen.states) as their mildest and worst grade: who, at_s, oxygen_low, oxygen_high.

    Support that the patient already had before the first dose counts only where it rises; oxygen at home, of which no
    flow was charted before that dose, may be what a low flow still is.
    """
    rows = states.join(people.select("who", "first_dose_s", "home_oxygen"), "who")
    mildest, worst = astct.oxygen(rows.device, rows.flow_low, rows.flow_high, limits)
    rows = rows.mutate(mildest=mildest, worst=worst)
    before = rows.filter(rows.at_s < rows.first_dose_s)
    home = before.device.isin([DEVICES.index("cpap"), DEVICES.index("bipap")])
    own = ibis.window(group_by=[before.who])
    before = before.mutate(last_s=before.at_s.max().over(own), base_pressure=true(home).max().over(own))
    before = before.filter(before.at_s == before.last_s)
    base = before.select(
        base_who=before.who, base_device=before.device, base_flow=before.flow_low, base_mildest=before.mildest,
        base_worst=before.worst,
        base_pressure=before.base_pressure,
    )  # fmt: skip
    rows = rows.left_join(base, rows.who == base.base_who)
    now, baseline = (
        astct.Support(rows.device, rows.flow_high, rows.mildest, rows.worst),
        astct.Support(rows.base_device, rows.base_flow, rows.base_mildest, rows.base_worst),
    )
    surely, possibly = astct.rises(now, baseline, rows.home_oxygen, limits)
    # Positive pressure that the patient had on and off before may be the same again.
    again = true(rows.base_pressure == 1) * true(rows.device.isin([DEVICES.index("cpap"), DEVICES.index("bipap")]))
    surely = surely * (1 - again)
    return rows.select("who", "at_s", oxygen_low=rows.mildest * surely, oxygen_high=rows.worst * possibly)


def _vasopressors(sure: ir.Table, possible: ir.Table, people: ir.Table, limits: astct.Limits) -> list[ir.Table]:
    """Switches of one vasopressor and of several at once, as surely and as possibly charted."""
    overlap_s = int(decided(limits.decisions, "overlap") * 60)
    counted = limits.vasopressors.counted
    # Two that still run together count once they have run together for long enough, not before.
    so_far = together_by_now(sure.filter(sure.drug.isin(counted)), people, overlap_s)
    return [
        *switches(sure, CONTEXT, "one_sure"),
        *switches(so_far, CONTEXT, "several_sure"),
        *switches(possible, CONTEXT, "one_possible"),
        *switches(together(possible.filter(possible.drug.isin(counted)), overlap_s), CONTEXT, "several_possible"),
    ]


def _attributions(relevant: ir.Table) -> list[ir.Table]:
    """Switches of a clinician's marks that a component has another cause."""
    marks = relevant.filter(relevant.quantity == "attribution")
    component = marks.text.split("=")[0]
    code = pick([(component == name, CONTEXT.code(kind)) for name, kind in COMPONENTS.items()], None)
    marks = marks.mutate(code=code, ends_s=marks.until_s.fill_null(FOREVER_S))
    marks = marks.filter(marks.code.notnull())
    ended = marks.filter(marks.ends_s < FOREVER_S)
    return [CONTEXT.events(marks, marks.code, marks.at_s, 1), CONTEXT.events(ended, ended.code, ended.ends_s, -1)]


def _masking(relevant: ir.Table, limits: astct.Limits) -> list[ir.Table]:
    """Doses after which fever is no longer needed.

    Of a dose of known day but unknown hour it is sure at the day's end that it was given, and that it was not before
    the day began (masks_from_s); it may have been given as late as the day's end (masks_possible_s) from its beginning.
    An amount that may be zero, or of aspirin too little against fever, is possible, and sure at no time.
    """
    least = pick([(relevant.quantity == drug, value(line)) for drug, line in limits.waiver.from_dose.items()], 0.0)
    rows = relevant.filter(relevant.quantity.isin(limits.waiver.drugs)).mutate(least=least)
    drugs = rows.filter(rows.high.isnull() | ((rows.high != 0) & (rows.high >= rows.least)))
    told = drugs.low.notnull() & (drugs.low > 0) & (drugs.low >= drugs.least)
    given = drugs.filter(told | (drugs.low.isnull() & (drugs.least == 0)))
    return [
        CONTEXT.events(drugs, "masking_possible", drugs.at_s, drugs.until_s.fill_null(drugs.at_s)),
        CONTEXT.events(given, "masking_sure", given.until_s.fill_null(given.at_s), given.at_s),
    ]


def _deaths(people: ir.Table) -> ir.Table:
    """Death, surely of CRS where the record says so, possibly where it names no cause."""
    dead = people.filter(people.death_s.notnull())
    of_crs = true(died_of(dead.death, "crs"))
    maybe = ibis.greatest(of_crs, true(died_of(dead.death, "unstated")))
    return CONTEXT.events(dead, "death", dead.death_s, readings("death", of_crs, maybe))


def carried(rows: ir.Table, context: ir.Table, people: ir.Table, limits: astct.Limits, *, room_air: bool) -> ir.Table:
    """What stood for the patient at each moment from the first dose on at which anything changed or expired.

    Adds to who, dose_s, at_s and charted (1: a vital sign or oxygen was charted just then): fever, pressure and oxygen
    `_known` (0 or 1) with `_low` and `_high`, vasopressors_low and _high, masks_sure_s, masks_from_s, masks_possible_s,
    death_low, death_high. Components marked as having another cause are 0. `room_air`: the source declares that no
    device charted means room air.
    """
    rows = rows.mutate(pressure=ibis.coalesce(rows.arterial, rows.cuff))
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    stands = rows.select(
        "who", "at_s",
        **{sign: latest(rows[sign], rows.at_s, 2 * _BITS[sign], upto) for sign in _SIGNS},
        context=last_known(rows.context, upto).fill_null(0),
        charted=true(ibis.coalesce(rows.fever, rows.pressure, rows.oxygen).notnull()),
        next_s=rows.at_s.lead().over(ibis.window(group_by=[rows.who], order_by=[rows.at_s])),
    )  # fmt: skip
    dosed = back(front(stands.context, _PLACE_BITS), _DOSED_BITS) == 1
    stands = stands.filter(dosed).join(people.select("who", "as_of_s", "first_dose_s"), "who")
    stands = stands.filter(stands.at_s <= stands.as_of_s)
    place = (back(stands.context, _PLACE_BITS) - 1).nullif(-1)
    quantities = {"fever": "body-temperature", "pressure": "systolic-bp", "oxygen": "oxygen"}
    ends = {
        f"{sign}_ends_s": front(stands[sign], 2 * _BITS[sign]) + limit_s(quantities[sign], place) for sign in _SIGNS
    }
    moments = with_expiries(stands.mutate(**ends), list(ends), "as_of_s")
    return _signs(_changed(moments, room_air=room_air), context, limits.grades.positive_pressure)


def _changed(moments: ir.Table, *, room_air: bool) -> ir.Table:
    """The moments at which a reading, its age or the context changed; each reading as it stands, -1 if it is too old.

    A temperature from before the first dose cannot open an episode: it is known, and no fever. Everything but the times
    travels in one number, which is compared and sorted faster than many.
    """
    since_dose = front(moments.fever, 2 * _BITS["fever"]) >= moments.first_dose_s
    read = {sign: back(moments[sign], 2 * _BITS[sign]) for sign in _SIGNS}
    read["fever"] = pick([(since_dose, read["fever"])], 0)
    rows = moments.select(
        "who", "as_of_s", "context",
        at_s=moments.moment_s,
        charted=moments.charted * true(moments.moment_s == moments.at_s),
        **{sign: pick([(moments.moment_s < moments[f"{sign}_ends_s"], reading)], -1) for sign, reading in read.items()},
        supported=true(read["oxygen"] > 0),
    )  # fmt: skip
    if room_air:
        # Silence means room air only where no support was charted before it.
        rows = rows.mutate(oxygen=pick([((rows.oxygen < 0) & (rows.supported == 0), 0)], rows.oxygen))
    state = packed(rows.context, rows.charted, 1)
    for sign in _SIGNS:
        state = packed(state, rows[sign] + 1, 2 * _BITS[sign] + 1)
    rows = changes(rows.select("who", "as_of_s", "at_s", state=state), ["who"], "at_s", ["state"])
    state, parts = rows.state, dict[str, Any]()
    for sign in reversed(_SIGNS):
        parts[sign] = back(state, 2 * _BITS[sign] + 1) - 1
        state = front(state, 2 * _BITS[sign] + 1)
    return rows.select("who", "as_of_s", "at_s", charted=back(state, 1), context=front(state, 1), **parts)


def _signs(rows: ir.Table, context: ir.Table, worst_oxygen: int) -> ir.Table:
    """Readings and context taken apart; what is unknown at its mildest and worst; marked components taken out."""
    rows = rows.join(context.drop("at_s"), ["who", "context"])
    known = {sign: true(rows[sign] >= 0) for sign in _SIGNS}
    low = {sign: front(ibis.greatest(rows[sign], 0), _BITS[sign]) for sign in _SIGNS}
    high = {sign: back(ibis.greatest(rows[sign], 0), _BITS[sign]) for sign in _SIGNS}
    fever_high = pick([(known["fever"] == 1, ibis.greatest(high["fever"], rows.some_fever))], 1)
    pressure_high = pick([(known["pressure"] == 1, ibis.greatest(high["pressure"], rows.some_pressure))], 1)
    return rows.select(
        "who", "dose_s", "as_of_s", "at_s", "charted", "masks_sure_s", "masks_from_s", "masks_possible_s",
        **{f"{sign}_known": flag for sign, flag in known.items()},
        fever_low=low["fever"] * rows.own_fever, fever_high=fever_high * rows.own_fever,
        hypotension_low=low["pressure"] * rows.own_hypotension, hypotension_high=pressure_high * rows.own_hypotension,
        vasopressors_low=rows.vasopressors_low, vasopressors_high=rows.vasopressors_high,
        oxygen_low=low["oxygen"] * rows.own_hypoxia,
        oxygen_high=pick([(known["oxygen"] == 1, high["oxygen"])], worst_oxygen) * rows.own_hypoxia,
        death_low=rows.death_low, death_high=rows.death_high,
    )  # fmt: skip
