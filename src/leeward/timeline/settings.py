"""How long a charted value stands, from knowledge/carry.toml."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir
import msgspec

from leeward.knowledge import Evidence, load
from leeward.timeline.columns import pick

HOUR_S = 3600
SETTINGS = ("ward", "icu", "home")
"""Settings by their code in a moment's `setting` column."""


class _Default(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    setting: str
    why: str


class _Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ward: float
    icu: float
    home: float
    why: str


class _Carry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    evidence: Evidence
    checked: date
    default_setting: _Default
    limits_hours: dict[str, _Limit]


def carry() -> _Carry:
    """The age limits in force."""
    held: _Carry = load("carry", _Carry)
    return held


def limit_s(quantity: str, setting: ir.IntegerColumn) -> ir.IntegerColumn:
    """Seconds that a value of `quantity` stands in a moment's setting (code into SETTINGS, null: the default)."""
    limit = carry().limits_hours[quantity]
    hours = {name: int(getattr(limit, name) * HOUR_S) for name in SETTINGS}
    cases = [(setting == code, hours[name]) for code, name in enumerate(SETTINGS)]
    return pick(cases, hours[carry().default_setting.setting])
