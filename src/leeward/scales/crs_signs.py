"""The signs of CRS at every moment: fever, pressure and oxygen, each in its mildest and its worst reading.

What a scale makes of them stands in that scale's own file.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge.definition import decided, value
from leeward.scales import astct_2019_crs as astct
from leeward.timeline.columns import latest, packed_at_s, packed_value, pick, true
from leeward.timeline.exposures import DAY_S
from leeward.timeline.infusions import FOREVER_S, switches, together
from leeward.timeline.moments import Kinds, with_expiries
from leeward.timeline.people import died_of
from leeward.timeline.settings import HOUR_S, SETTINGS, limit_s

KINDS = Kinds(
    switched=("one_sure", "several_sure", "one_possible", "several_possible", "other_fever", "other_pressure", "other_oxygen"),
    charted=("fever", "arterial", "cuff", "oxygen", "masking_sure", "masking_possible", "setting", "dose", "death"),
)
"""Signs are charted as their mildest and worst reading in one number: `packed`."""
_WIDTH = {"fever": 4, "pressure": 4, "oxygen": 64}
_HALF = {"fever": 2, "pressure": 2, "oxygen": 8, "death": 2}
COMPONENTS = {"fever": "other_fever", "hypotension": "other_pressure", "hypoxia": "other_oxygen"}
"""Which column an attribution mark of each component switches."""


def quantities(limits: astct.Limits) -> list[str]:
    """The quantities that the signs are read from."""
    return [
        limits.fever.quantity, limits.hypotension.quantity, "oxygen-device", "oxygen-flow", "attribution", "care-setting",
        *limits.waiver.drugs, *limits.vasopressors.counted, *limits.vasopressors.never_several,
    ]  # fmt: skip


def lookback_s(limits: astct.Limits) -> int:
    """How far before the first dose a finding can still matter."""
    baseline_s = decided(limits.decisions, "baseline-oxygen") * DAY_S
    return int(max(baseline_s, decided(limits.decisions, "masking-before") * HOUR_S))


def charted(
    relevant: ir.Table, oxygen: ir.Table, sure: ir.Table, possible: ir.Table, people: ir.Table, doses: ir.Table, limits: astct.Limits
) -> ir.Table:
    """One row per patient-moment with what was charted at it (null: not charted then); switches are +1 and -1.

    `oxygen`: see `supported`. `sure`, `possible`: stretches of vasopressors (timeline.infusions.running).
    """
    events = [
        _vital_signs(relevant, limits),
        KINDS.events(oxygen, "oxygen", oxygen.at_s, packed("oxygen", oxygen.oxygen_low, oxygen.oxygen_high)),
        *_vasopressors(sure, possible, people, limits),
        *_attributions(relevant),
        *_masking(relevant, limits),
        _settings(relevant),
        KINDS.events(doses, "dose", doses.dose_s, 1),
        _deaths(people),
    ]
    rows = KINDS.gathered(events).join(people.select("who", "as_of_s"), "who")
    return rows.filter(rows.at_s <= rows.as_of_s)


def packed(sign: str, mildest: Any, worst: Any) -> Any:
    """Two readings of a sign as one number, the mildest in front."""
    return mildest * _HALF[sign] + worst


def _vital_signs(relevant: ir.Table, limits: astct.Limits) -> ir.Table:
    """Temperature and systolic pressure as signs; an arterial line is kept apart from any other site."""
    rows = relevant.filter(relevant.quantity.isin([limits.fever.quantity, limits.hypotension.quantity]))
    rows = rows.mutate(
        mildest=astct.systolic_limit(rows.age_low, limits, value(limits.hypotension.neonate_below)),
        strictest=astct.systolic_limit(rows.age_high, limits, value(limits.hypotension.adult_below)),
        temperature=rows.quantity == limits.fever.quantity,
    )
    fever = packed("fever", true(astct.fever(rows.low, limits)), true(astct.fever(rows.high, limits)))
    pressure = packed("pressure", true(rows.high < rows.mildest), true(rows.low < rows.strictest))
    site = pick([(true(rows.site == "arterial") == 1, KINDS.code("arterial"))], KINDS.code("cuff"))
    kind = pick([(rows.temperature, KINDS.code("fever"))], site)
    return KINDS.events(rows, kind, rows.at_s, ibis.ifelse(rows.temperature, fever, pressure))


def supported(states: ir.Table, people: ir.Table, limits: astct.Limits) -> ir.Table:
    """Oxygen states (timeline.oxygen.states) as their mildest and worst grade: who, at_s, oxygen_low, oxygen_high.

    Support that the patient already had before the first dose counts only where it rises.
    """
    rows = states.join(people.select("who", "first_dose_s"), "who")
    mildest, worst = astct.oxygen(rows.device, rows.flow_low, rows.flow_high, limits)
    rows = rows.mutate(mildest=mildest, worst=worst)
    before = rows.filter(rows.at_s < rows.first_dose_s)
    before = before.filter(before.at_s == before.at_s.max().over(ibis.window(group_by=[before.who])))
    base = before.select(base_who=before.who, base_device=before.device, base_flow=before.flow_low, base_worst=before.worst)
    rows = rows.left_join(base, rows.who == base.base_who)
    now, baseline = astct.Support(rows.device, rows.flow_high, rows.worst), astct.Support(rows.base_device, rows.base_flow, rows.base_worst)
    surely, possibly = astct.rises(now, baseline)
    return rows.select("who", "at_s", oxygen_low=rows.mildest * surely, oxygen_high=rows.worst * possibly)


def _vasopressors(sure: ir.Table, possible: ir.Table, people: ir.Table, limits: astct.Limits) -> list[ir.Table]:
    """Switches of one vasopressor and of several at once, as surely and as possibly charted."""
    overlap_s = int(decided(limits.decisions, "overlap") * 60)
    counted = limits.vasopressors.counted
    # Two that still run together count once they have run together for long enough, not before.
    so_far = sure.filter(sure.drug.isin(counted)).join(people.select("who", "as_of_s"), "who")
    so_far = so_far.select("who", "drug", "from_s", until_s=ibis.ifelse(so_far.until_s >= FOREVER_S, so_far.as_of_s, so_far.until_s))
    return [
        *switches(sure, KINDS, "one_sure"),
        *switches(together(so_far, overlap_s), KINDS, "several_sure"),
        *switches(possible, KINDS, "one_possible"),
        *switches(together(possible.filter(possible.drug.isin(counted)), overlap_s), KINDS, "several_possible"),
    ]


def _attributions(relevant: ir.Table) -> list[ir.Table]:
    """Switches of a clinician's marks that a component has another cause."""
    marks = relevant.filter(relevant.quantity == "attribution")
    component = marks.text.split("=")[0]
    code = pick([(component == name, KINDS.code(kind)) for name, kind in COMPONENTS.items()], None)
    marks = marks.mutate(code=code, ends_s=marks.until_s.fill_null(FOREVER_S))
    marks = marks.filter(marks.code.notnull())
    ended = marks.filter(marks.ends_s < FOREVER_S)
    return [KINDS.events(marks, marks.code, marks.at_s, 1), KINDS.events(ended, ended.code, ended.ends_s, -1)]


def _masking(relevant: ir.Table, limits: astct.Limits) -> list[ir.Table]:
    """Doses after which fever is no longer needed; a dose of known day but unknown hour is sure only at the day's end."""
    drugs = relevant.filter(relevant.quantity.isin(limits.waiver.drugs) & (relevant.high.isnull() | (relevant.high != 0)))
    sure_s = drugs.until_s.fill_null(drugs.at_s)
    return [KINDS.events(drugs, "masking_possible", drugs.at_s, 1), KINDS.events(drugs, "masking_sure", sure_s, 1)]


def _settings(relevant: ir.Table) -> ir.Table:
    """Where the patient was from when on, as a code into SETTINGS."""
    stays = relevant.filter(relevant.quantity == "care-setting")
    code = pick([(stays.text == name, number) for number, name in enumerate(SETTINGS)], None)
    return KINDS.events(stays, "setting", stays.at_s, code)


def _deaths(people: ir.Table) -> ir.Table:
    """Death, surely of CRS where the record says so, possibly where it names no cause."""
    dead = people.filter(people.death_s.notnull())
    of_crs = true(died_of(dead.death, "crs"))
    maybe = ibis.greatest(of_crs, true(died_of(dead.death, "unstated")))
    return KINDS.events(dead, "death", dead.death_s, packed("death", of_crs, maybe))


def carried(rows: ir.Table, limits: astct.Limits, *, room_air: bool) -> ir.Table:
    """What stood for the patient at each moment from the first dose on, moments of expiry included.

    Adds to who, dose_s, at_s and charted (1: a vital sign or oxygen was charted just then): fever, hypotension
    and oxygen `_known` (0 or 1) with `_low` and `_high`, vasopressors_low and _high, masks_sure_s, masks_possible_s,
    death_low, death_high. Components marked as having another cause are 0. `room_air`: the source declares that
    no device charted means room air.
    """
    rows = rows.mutate(pressure=ibis.coalesce(rows.arterial, rows.cuff))
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    stands = rows.select(
        "who", "at_s", "as_of_s", "death",
        **{sign: latest(rows[sign], rows.at_s, width, upto) for sign, width in _WIDTH.items()},
        place=latest(rows.setting, rows.at_s, 4, upto),
        dose_s=ibis.ifelse(rows.dose == 1, rows.at_s, None).max().over(upto),
        masks_sure_s=ibis.ifelse(rows.masking_sure == 1, rows.at_s, None).max().over(upto),
        masks_possible_s=ibis.ifelse(rows.masking_possible == 1, rows.at_s, None).max().over(upto),
        charted=true(ibis.coalesce(rows.fever, rows.pressure, rows.oxygen).notnull()),
        **{name: rows[name].fill_null(0).sum().over(upto) for name in KINDS.switched},
    )  # fmt: skip
    place = packed_value(stands.place, 4)
    stands = stands.mutate(
        fever_ends_s=packed_at_s(stands.fever, _WIDTH["fever"]) + limit_s("body-temperature", place),
        pressure_ends_s=packed_at_s(stands.pressure, _WIDTH["pressure"]) + limit_s("systolic-bp", place),
        oxygen_ends_s=packed_at_s(stands.oxygen, _WIDTH["oxygen"]) + limit_s("oxygen", place),
    )
    moments = with_expiries(stands, ["fever_ends_s", "pressure_ends_s", "oxygen_ends_s"], "as_of_s")
    worst_oxygen = 0 if room_air else limits.grades.positive_pressure
    return _signs(moments.filter(moments.dose_s.notnull()), worst_oxygen)


def _signs(rows: ir.Table, worst_oxygen: int) -> ir.Table:
    """The carried columns taken apart, what is too old made unknown, marked components taken out."""
    fever_known = true(rows.moment_s < rows.fever_ends_s)
    # A temperature from before the dose cannot open an episode: it is known, and no fever.
    since_dose = true(packed_at_s(rows.fever, 4) >= rows.dose_s)
    pressure_known = true(rows.moment_s < rows.pressure_ends_s)
    oxygen_known = true(rows.moment_s < rows.oxygen_ends_s)
    fever, pressure, oxygen = (packed_value(rows[sign], width) for sign, width in _WIDTH.items())
    own_fever, own_pressure, own_oxygen = (1 - true(rows[name] > 0) for name in COMPONENTS.values())
    several_low, several_high = true(rows.several_sure > 0), true(rows.several_possible > 0)
    one_low, one_high = true(rows.one_sure > 0), true(rows.one_possible > 0)
    return rows.select(
        "who", "dose_s", "as_of_s", "masks_sure_s", "masks_possible_s",
        at_s=rows.moment_s,
        charted=rows.charted * true(rows.moment_s == rows.at_s),
        fever_known=fever_known, pressure_known=pressure_known, oxygen_known=oxygen_known,
        fever_low=pick([(fever_known == 1, fever // 2 * since_dose)], 0) * own_fever,
        fever_high=pick([(fever_known == 1, fever % 2 * since_dose)], 1) * own_fever,
        hypotension_low=pick([(pressure_known == 1, pressure // 2)], 0) * own_pressure,
        hypotension_high=pick([(pressure_known == 1, pressure % 2)], 1) * own_pressure,
        vasopressors_low=ibis.greatest(several_low * 2, one_low) * own_pressure,
        vasopressors_high=ibis.greatest(several_high * 2, one_high) * own_pressure,
        oxygen_low=pick([(oxygen_known == 1, oxygen // 8)], 0) * own_oxygen,
        oxygen_high=pick([(oxygen_known == 1, oxygen % 8)], worst_oxygen) * own_oxygen,
        death_low=rows.death.fill_null(0) // 2, death_high=rows.death.fill_null(0) % 2,
    )  # fmt: skip
