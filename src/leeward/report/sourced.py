"""What a page takes from knowledge: the fever line, how long a value stands, who said it and how we know."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from leeward.knowledge import BadKnowledge, Evidence, load
from leeward.knowledge.citations import citations
from leeward.knowledge.definition import Line, value
from leeward.report.words import HOUR_S, words
from leeward.timeline.settings import carry

SETTINGS = ("ward", "icu", "home")


class _Fever(msgspec.Struct, frozen=True):
    at_least: Line


class _Definition(msgspec.Struct, frozen=True):
    title: str
    source: str
    evidence: Evidence
    fever: _Fever | None = None


class Citation(NamedTuple):
    """One definition as the foot of a page names it."""

    scale: str
    title: str
    reference: str
    evidence: str


def _definition(scale: str, syndrome: str) -> _Definition | None:
    """The definition behind a scale of a syndrome; none where no knowledge file holds it."""
    try:
        found: _Definition = load(f"scales/{scale}-{syndrome}", _Definition)
    except BadKnowledge:
        return None
    return found


def fever_celsius(scale: str) -> float | None:
    """The temperature from which a CRS scale speaks of fever; none where the scale names no limit."""
    found = _definition(scale, "crs")
    return value(found.fever.at_least) if found and found.fever else None


def stands_s(name: str, setting: str) -> int:
    """Seconds for which a charted value of `name` stands in a setting (ward, icu, home)."""
    limits = carry().limits_hours[name]
    held = setting if setting in SETTINGS else carry().default_setting.setting
    return int(getattr(limits, held) * HOUR_S)


def default_setting() -> str:
    """The setting of a record that names none."""
    return carry().default_setting.setting


def citation(scale: str, syndrome: str) -> Citation | None:
    """Who published a scale, and how its numbers are known."""
    found = _definition(scale, syndrome)
    if found is None:
        return None
    name = words().scale_names.get(scale, scale)
    return Citation(name, found.title, _reference(found.source), words().evidence[found.evidence])


def _reference(key: str) -> str:
    """A source as a reference list prints it."""
    held = citations().get(key)
    if held is None:
        return key
    parts = [f"{held.authors} {held.journal}".strip() or held.title, held.cite or str(held.year)]
    return f"{' '.join(parts)}{f', doi:{held.doi}' if held.doi else ''}"
