"""The letters and numbers of HL7's tables (knowledge/formats/hl7.toml)."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Literal

import msgspec

from leeward.knowledge.loader import Evidence, load

Does = Literal[
    "results", "orders", "orders-of-any-kind", "given", "placed", "updated", "discharged", "never-came",
    "moved-back", "merged", "parted", "by-hand",
]  # fmt: skip
FieldAt = tuple[str, int]
"""A field: the name of its segment and its number."""


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which times tell versions of a record apart."""

    results: FieldAt
    drugs: FieldAt
    people: FieldAt
    last: FieldAt
    why: str


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a whole message is refused: the acknowledgement, the code of table 0357, what is said."""

    answer: Literal["AE", "AR"]
    code: int
    says: str


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """formats/hl7.toml."""

    evidence: Evidence
    checked: date
    version: Version
    status: dict[str, str]
    status_only: dict[str, Any]
    flag: dict[str, str]
    system: dict[str, str]
    charset: dict[str, str]
    versions: dict[str, tuple[str, ...]]
    message: dict[str, str]
    passed: dict[str, Any]
    class_: dict[str, Any] = msgspec.field(name="class")
    completion: dict[str, str]
    action: dict[str, str]
    ordered: dict[str, tuple[str, ...]]
    per: dict[str, str]
    sex: dict[str, str]
    refusal: dict[str, Answer]


@cache
def vocabulary() -> Vocabulary:
    """What stands in formats/hl7.toml."""
    found: Vocabulary = load("formats/hl7", Vocabulary)
    return found


class Refusal(Exception):
    """A whole message that is refused; `reason` is a key of [refusal], `place` names a segment and a field."""

    def __init__(self, reason: str, place: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.place = reason, place

    @property
    def told(self) -> Answer:
        """What the sender is answered."""
        return vocabulary().refusal[self.reason]
