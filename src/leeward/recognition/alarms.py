"""Alarms that are no grade: states that no scale shows and that a reader must see."""

from __future__ import annotations

from functools import cache

import msgspec

from leeward.knowledge import BadKnowledge, load
from leeward.recognition.features import Feature, Said, checked


class Alarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One alarm: what it is called, what is published about it, and the finding that raises it."""

    id: str
    title: Said
    advice: Said
    feature: Feature


class _Alarms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alarms: tuple[Alarm, ...]


@cache
def alarms() -> tuple[Alarm, ...]:
    """Every alarm; one whose feature nobody could meet, or whose id stands twice, is refused."""
    file: _Alarms = load("alarms", _Alarms)
    made = file.alarms
    checked([alarm.feature for alarm in made], "alarms")
    if len({alarm.id for alarm in made}) != len(made):
        raise BadKnowledge("alarms.toml: two alarms share an id")
    return made


def features() -> list[tuple[str, Feature]]:
    """The findings that raise alarms, by `alarms/` and their id."""
    return [(f"alarms/{alarm.id}", alarm.feature) for alarm in alarms()]
