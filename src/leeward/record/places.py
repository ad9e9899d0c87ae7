"""Where a patient is, by the name of the place."""

from __future__ import annotations

from datetime import date

import msgspec

from leeward.knowledge.loader import Evidence, load
from leeward.record.tables import literal


class _Places(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/places.toml."""

    evidence: Evidence
    checked: date
    why: str
    intensive: str
    not_intensive: str


def setting(name: str) -> str:
    """SQL: `icu` or `ward` for the name of a place (SQL), null without a name."""
    words = load("places", _Places)
    return (
        f"case when {name} is null then null when regexp_matches(lower({name}), {literal(words.intensive)}) "
        f"and not regexp_matches(lower({name}), {literal(words.not_intensive)}) then 'icu' else 'ward' end"
    )
