"""A drug's codes for other systems, looked up backwards in the codes that records are read by."""

from __future__ import annotations

from functools import cache

from leeward.knowledge.loader import load
from leeward.knowledge.vocabulary import code_systems
from leeward.record.fhir.words import Systems

SYSTEMS = ("atc", "rxnorm")
"""The systems by which a dose is proposed, by their names in knowledge/systems.toml."""


@cache
def codings(drug: str) -> tuple[tuple[str, str], ...]:
    """The address of a system and its code of a drug (INN), for each system that has one we did not only recall.

    None where a system has several: they are forms or uses, and none of them says the drug alone.
    """
    systems: Systems = load("systems", Systems)
    found = []
    for system in code_systems():
        if system.system in SYSTEMS:
            codes = {code.code for code in system.codes if code.quantity == drug and code.evidence != "recalled"}
            if len(codes) == 1:
                found.append((systems.system[system.system].urls[0], codes.pop()))
    return tuple(sorted(found))
