"""High-dose vasopressors by the table of Lee 2014 (doi:10.1182/blood-2014-05-552729), which later scales reuse."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
import msgspec

from leeward.knowledge import Evidence, load
from leeward.knowledge.definition import Decision, Line, value
from leeward.timeline.columns import pick, true
from leeward.timeline.rates import PARTS, UNKNOWN, lasting, summed
from leeward.timeline.settings import HOUR_S


class _Lasting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    at_least: Line


class _Combined(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vasopressin: str
    with_vasopressin: Line
    without_vasopressin: Line


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/scales/lee-2014-vasopressors.toml."""

    id: str
    scale: str
    title: str
    source: str
    evidence: Evidence
    lasting: _Lasting
    alone: dict[str, Line]
    equivalent: dict[str, Line]
    combined: _Combined
    decisions: list[Decision]


def limits() -> Limits:
    """The limits in force."""
    held: Limits = load("scales/lee-2014-vasopressors", Limits)
    return held


_PER_UNIT = 1000  # equivalents are counted in thousandths of a rate's millionth, so that a tenth of a drug stays whole


def high_dose(stretches: ir.Table, limits: Limits, *, surely: bool) -> ir.Table:
    """Stretches in which a high dose has run for long enough: who, from_s, until_s.

    `stretches`: timeline.rates.rates. A drug without an equivalent adds nothing surely, and possibly any amount.
    """
    drug, rate = stretches.drug, stretches.rate
    equivalents = [(drug == name, rate * int(value(line) * _PER_UNIT)) for name, line in limits.equivalent.items()]
    equivalents.append((drug == limits.combined.vasopressin, 0))
    alone = [(drug == name, true(rate >= int(value(line) * PARTS))) for name, line in limits.alone.items()]
    sums = {
        "equivalent": pick(equivalents, 0 if surely else UNKNOWN * _PER_UNIT),
        "alone": pick(alone, 0),
        "vasopressin": true((drug == limits.combined.vasopressin) & (rate > 0)),
    }
    states = summed(stretches, sums)
    return lasting(states, _is_high(states, limits), int(value(limits.lasting.at_least) * HOUR_S))


def _is_high(states: ir.Table, limits: Limits) -> Any:
    """1 where the drugs that run make a high dose together, or one of them does."""
    whole = PARTS * _PER_UNIT
    with_it = int(value(limits.combined.with_vasopressin) * whole)
    without = int(value(limits.combined.without_vasopressin) * whole)
    return true(
        (states.alone > 0)
        | (states.equivalent >= without)
        | ((states.vasopressin > 0) & (states.equivalent >= with_it))
    )
