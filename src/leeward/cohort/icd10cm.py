"""ICD-10-CM codes of a computed course, by the peak of each episode (knowledge/icd-10-cm-grades.toml)."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from leeward.cohort.answer import Answer, Episode
from leeward.knowledge.loader import Evidence, load


class _Codes(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "since_evidence": "from_evidence"}
):
    """The codes of one syndrome."""

    title: str
    since: date
    since_evidence: Evidence
    grades: dict[str, str]
    unspecified: str
    unspecified_title: str


class _Grades(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/icd-10-cm-grades.toml."""

    source: str
    evidence: Evidence
    checked: date
    edition: str
    crs: _Codes
    icans: _Codes


class Coded(msgspec.Struct, frozen=True, rename={"why": "from"}):
    """One code and what it was taken from; no code where none fits, and `from` says why."""

    code: str | None
    title: str | None
    why: str


def coded(episode: Episode) -> list[Coded]:
    """The code of one episode, by its peak grade."""
    file: _Grades = load("icd-10-cm-grades", _Grades)
    codes: _Codes = getattr(file, episode.syndrome)
    low, high = episode.peak.at_least, episode.peak.at_most
    if episode.onset.date() < codes.since:
        return [Coded(None, None, f"onset before {codes.since.isoformat()}, when the codes came into use")]
    if low == 0:
        return [Coded(None, None, f"the peak is a range, 0 to {high}: that there was an episode is not certain")]
    if low != high:
        why = f"the peak is a range, {low} to {high} ({episode.scale})"
        return [Coded(codes.unspecified, codes.unspecified_title, why)]
    title = codes.title.format(grade=low)
    return [Coded(codes.grades[str(low)], title, f"peak grade {low} ({episode.scale}), {file.edition}")]


def with_codes(answer: Answer) -> dict[str, Any]:
    """An answer as JSON would have it, with `icd10cm` in each of its episodes."""
    made: dict[str, Any] = msgspec.to_builtins(answer)
    for episode, said in zip(answer.episodes, made["episodes"], strict=True):
        said["icd10cm"] = msgspec.to_builtins(coded(episode))
    return made
