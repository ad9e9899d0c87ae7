"""The numbers that say what holds when a guideline is asked, and where their file stands."""

from __future__ import annotations

from datetime import date

import msgspec

from leeward.knowledge import Evidence, load
from leeward.recognition.features import Number


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """guidelines-state.toml."""

    evidence: Evidence
    checked: date
    number: dict[str, Number]


def number(name: str) -> float:
    """A number of guidelines-state.toml, in its own unit."""
    file: Numbers = load("guidelines-state", Numbers)
    return file.number[name].value
