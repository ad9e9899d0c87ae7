"""The answer as a page reads it: the JSON object of `leeward grade --json`, held to its types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from leeward.knowledge import Evidence

Time = Annotated[datetime, msgspec.Meta(tz=True)]
Grade = int | None


class Because(msgspec.Struct, frozen=True):
    """A finding that a grade rests on."""

    quantity: str
    value: float | str | None = None
    unit: str | None = None
    at: Time | None = None
    until: Time | None = None
    source: str | None = None
    place: str | None = None


class Missing(msgspec.Struct, frozen=True):
    """A quantity that is not known, and since when where the answer says so."""

    quantity: str
    since: Time | None = None


class Range(msgspec.Struct, frozen=True):
    """A grade between its bounds, with what is missing and what it rests on."""

    at_least: Grade = None
    at_most: Grade = None
    missing: list[str | Missing] = []
    because: list[Because] = []
    evidence: Evidence | None = None

    @property
    def graded(self) -> bool:
        """Whether there is a grade at all: without a therapy on record there is none."""
        return self.at_least is not None or self.at_most is not None

    @property
    def lacks(self) -> list[Missing]:
        """What is missing, always as an object."""
        return [Missing(item) if isinstance(item, str) else item for item in self.missing]


class Trigger(msgspec.Struct, frozen=True):
    """A therapy that can cause CRS, and when."""

    name: str
    at: Time


class Peak(msgspec.Struct, frozen=True):
    """The worst moment of an episode."""

    at_least: Grade = None
    at_most: Grade = None
    at: Time | None = None


class Episode(msgspec.Struct, frozen=True):
    """One episode of one syndrome; `resolved` is null while it is open."""

    syndrome: str
    onset: Time
    peak: Peak
    scale: str = ""
    resolved: Time | None = None
    duration_hours: float | None = None
    masked: bool = False
    warnings: list[str] = []


class Change(msgspec.Struct, frozen=True):
    """From this moment on the grade is this, until the next change of the same syndrome."""

    at: Time
    syndrome: str
    at_least: Grade = None
    at_most: Grade = None
    missing: list[str | Missing] = []


class Unobserved(msgspec.Struct, frozen=True):
    """A stretch in which everything relevant was past its age limit."""

    syndrome: str
    start: Time = msgspec.field(name="from")
    until: Time = msgspec.field(name="to")
    hours: float


class Physiology(msgspec.Struct, frozen=True):
    """What one quantity did over the record, for a patient without a trigger."""

    quantity: str
    lowest: float | str | None = None
    highest: float | str | None = None
    latest: float | str | None = None
    at: Time | None = None
    unit: str | None = None


class Correction(msgspec.Struct, frozen=True):
    """A value that was replaced, or (`now` null) taken back; `was_at`: when it was said to be measured before."""

    quantity: str
    at: Time
    was: float | str | None
    now: float | str | None
    known: Time
    unit: str | None = None
    was_at: Time | None = None

    @property
    def stood(self) -> str:
        """The value before, as one word."""
        return value_word(self.was)

    @property
    def stands(self) -> str:
        """The value now, as one word."""
        return value_word(self.now)


def value_word(value: float | str | None) -> str:
    """A value as one word."""
    return "no value" if value is None else value if isinstance(value, str) else f"{value:g}"


class Answer(msgspec.Struct, frozen=True):
    """One patient's answer; keys that a page does not know are left alone."""

    patient: str
    as_of: Time | None = None  # none: all that is on record
    triggers: list[Trigger] = []
    episodes: list[Episode] = []
    now: dict[str, Range | None] = {}
    course: list[Change] = []
    refused: dict[str, int] = {}
    edition: str = ""
    unobserved: list[Unobserved] = []
    assumptions: list[str] = []
    physiology: list[Physiology] = []
    corrections: list[Correction] = []

    @property
    def syndromes(self) -> list[str]:
        """The syndromes this answer speaks of, CRS first."""
        named = {change.syndrome for change in self.course} | {episode.syndrome for episode in self.episodes}
        named |= {syndrome for syndrome, held in self.now.items() if held is not None and held.graded}
        return sorted(named, key=lambda name: (name != "crs", name))

    def episodes_of(self, syndrome: str) -> list[Episode]:
        """One syndrome's episodes, in order of onset."""
        return sorted((held for held in self.episodes if held.syndrome == syndrome), key=lambda held: held.onset)

    def peak(self, syndrome: str) -> Peak | None:
        """The worst peak of one syndrome over all its episodes; of equals the first."""
        peaks = [episode.peak for episode in self.episodes_of(syndrome)]
        return max(peaks, key=lambda peak: (peak.at_least or 0, peak.at_most or 0), default=None)


def understood(answer: Mapping[str, Any]) -> Answer:
    """The answer as typed; a ValueError names the key that does not fit."""
    return msgspec.convert(answer, Answer)
