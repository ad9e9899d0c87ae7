"""The signs that CRS scales older than ASTCT ask for beside its own: doses, oxygen fractions, organs, fluids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Decision, Line, value
from leeward.scales import ctcae_4_03_organs as organs
from leeward.timeline.columns import back, front, latest, packed, pick, true
from leeward.timeline.infusions import switches
from leeward.timeline.moments import Kinds, changes, with_expiries
from leeward.timeline.settings import HOUR_S, limit_s


class _Oxygen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Line


class _Fluids(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: str
    several: Line
    within: Line


class _Below(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: str
    below: Line


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/scales/older-crs-signs.toml."""

    id: str
    title: str
    evidence: Evidence
    oxygen: _Oxygen
    fluids: _Fluids
    neutropenia: _Below
    coagulopathy: _Below
    decisions: list[Decision]
    astct_words: dict[str, str]


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/older-crs-signs", Limits)
    return held


_DRUGS = ("multiple", "high_dose", "long")
_SWITCHED = tuple(f"{name}_{reading}" for name in _DRUGS for reading in ("sure", "possible"))
_ORGANS = ("creatinine", "bilirubin", "alt", "ast")
_BITS = {"support": 7, "fibrinogen": 2, "neutrophils": 2, **dict.fromkeys(_ORGANS, 7)}
"""What is carried, and its bits: two readings, the mildest in front, and for support and organs a flag behind."""
_CARRIED_AS = {"support": "oxygen", "fibrinogen": "laboratory-other", "neutrophils": "laboratory-daily"}
KINDS = Kinds((*_SWITCHED, "bolus"), (*_BITS, "setting"))


def quantities(limits: Limits) -> list[str]:
    """The quantities read beside those of ASTCT."""
    return [
        "fio2",
        limits.fluids.quantity,
        limits.neutropenia.quantity,
        limits.coagulopathy.quantity,
        *organs.quantities(organs.limits()),
    ]


def charted(
    relevant: ir.Table, places: ir.Table, support: ir.Table, graded: ir.Table, people: ir.Table,
    stretches: Mapping[str, ir.Table], limits: Limits,
) -> ir.Table:  # fmt: skip
    """One row per patient-moment with what was charted at it.

    `places`: timeline.places; `support`: inspired_oxygen.supported; `graded`: ctcae_4_03_organs.graded; `stretches`:
    stretches by the switch they are.
    """
    readings = packed(packed(support.support_low, support.support_high, 3), support.estimated, 1)
    organ = packed(packed(graded.grade_low, graded.grade_high, 3), graded.compared, 1)
    code = pick([(graded.test == name, KINDS.code(name)) for name in _ORGANS], None)
    events = [
        KINDS.events(support, "support", support.at_s, readings),
        KINDS.events(graded, code, graded.at_s, organ),
        *_boluses(relevant, limits),
        *(
            _low(relevant, test, name)
            for name, test in (("fibrinogen", limits.coagulopathy), ("neutrophils", limits.neutropenia))
        ),
        KINDS.events(places, "setting", places.at_s, ibis.coalesce(places.setting + 1, 0)),
    ]
    for name, spans in stretches.items():
        events += switches(spans, KINDS, name)
    rows = KINDS.gathered(events).join(people.select("who", "as_of_s"), "who")
    return rows.filter(rows.at_s <= rows.as_of_s)


def _boluses(relevant: ir.Table, limits: Limits) -> list[ir.Table]:
    """Switches of fluid boluses: each counts for a day."""
    given = relevant.filter(
        (relevant.quantity == limits.fluids.quantity) & (relevant.high.isnull() | (relevant.high > 0))
    )
    spans = given.select("who", from_s=given.at_s, until_s=given.at_s + int(value(limits.fluids.within) * HOUR_S))
    return switches(spans, KINDS, "bolus")


def _low(relevant: ir.Table, test: _Below, kind: str) -> ir.Table:
    """Whether a laboratory value is surely, and possibly, below its limit."""
    rows, below = relevant.filter(relevant.quantity == test.quantity), value(test.below)
    return KINDS.events(
        rows, kind, ibis.coalesce(rows.until_s, rows.at_s), packed(true(rows.high < below), true(rows.low < below), 1)
    )


def carried(rows: ir.Table, organ_limits: organs.Limits) -> ir.Table:
    """What stood at each moment at which any of it changed.

    Columns: who, at_s, expired (1: only because something grew too old), the switches (1: on), bolus (how many),
    setting (code, null: unknown), and each carried reading, -1 where unknown.
    """
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    stands = rows.select(
        "who", "at_s", "as_of_s",
        next_s=rows.at_s.lead().over(ibis.window(group_by=[rows.who], order_by=[rows.at_s])),
        setting=latest(rows.setting, rows.at_s, 2, upto),
        **{name: latest(rows[name], rows.at_s, bits, upto) for name, bits in _BITS.items()},
        **{name: rows[name].fill_null(0).sum().over(upto) for name in KINDS.switched},
    )  # fmt: skip
    place = (back(stands.setting, 2) - 1).nullif(-1)
    carried_as = _CARRIED_AS | {name: test.carried_as for name, test in organ_limits.tests.items()}
    ends = {
        f"{name}_ends_s": front(stands[name], bits) + limit_s(carried_as[name], place) for name, bits in _BITS.items()
    }
    moments = with_expiries(stands.mutate(**ends), list(ends), "as_of_s")
    read = {
        name: pick([(moments.moment_s < moments[f"{name}_ends_s"], back(moments[name], bits))], -1)
        for name, bits in _BITS.items()
    }
    flags = {name: true(moments[name] > 0) for name in _SWITCHED}
    made = moments.select(
        "who", at_s=moments.moment_s, expired=true(moments.moment_s > moments.at_s),
        setting=(back(moments.setting, 2) - 1).nullif(-1),
        bolus=sum(true(moments.bolus >= count) for count in (1, 2, 3)), **read, **flags,
    )  # fmt: skip
    return changes(made.mutate(state=_state(made)), ["who"], "at_s", ["state"]).drop("state")


def _state(rows: ir.Table) -> Any:
    """Everything carried as one number, so that a change is one comparison."""
    state = packed(ibis.coalesce(rows.setting + 1, 0), rows.bolus, 2)
    for name in _SWITCHED:
        state = packed(state, rows[name], 1)
    for name, bits in _BITS.items():
        state = packed(state, rows[name] + 1, bits + 1)
    return state
