"""Shapes of the dated numbers and decisions that definitions are made of."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import msgspec

from leeward.knowledge.loader import BadKnowledge, Evidence


class Dated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value of one limit, from a day on: what it is, where it is printed, when somebody last looked."""

    value: float
    unit: str
    from_: date = msgspec.field(name="from")
    where: str
    checked: date
    until: date | None = None
    evidence: Evidence | None = None  # the file's tag, where the line has none


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a definition leaves open, and what was decided; with a number where the decision needs one."""

    id: str
    says: str
    number: Dated | None = None


Line = list[Dated]


def value(lines: Line, on: date | None = None) -> float:
    """The value in force on a day (that on which a line was last checked, when none is given), in the line's unit.

    So a line entered ahead of its day takes effect once somebody has looked again, and never by the clock alone.

    Raises BadKnowledge when two lines hold on one day or none does.
    """
    ordered = sorted(lines, key=lambda line: line.from_)
    for earlier, later in pairwise(ordered):
        if earlier.from_ == later.from_ or (earlier.until is not None and earlier.until != later.from_):
            raise BadKnowledge(f"dated lines from {earlier.from_} and {later.from_} overlap or leave a gap")
    on = on or max((line.checked for line in lines), default=date.max)
    held = [line for line in ordered if line.from_ <= on]
    if not held or (held[-1].until is not None and held[-1].until <= on):
        raise BadKnowledge(f"no value in force on {on}")
    return held[-1].value


def decided(decisions: list[Decision], name: str) -> float:
    """The number of a decision, in its own unit."""
    for decision in decisions:
        if decision.id == name and decision.number is not None:
            return decision.number.value
    raise BadKnowledge(f"no decision '{name}' with a number")
