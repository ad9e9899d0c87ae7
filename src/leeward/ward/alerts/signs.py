"""The words between what an answer says and what is told: signs, what is held of them, and changes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

Class = Literal["physiological", "technical"]
Kind = Literal[
    "rising-grade", "icans-sign", "first-fever", "marked-rise", "untreated-hypoxia", "look-alike",
    "feed-silent", "backlog", "grade-open", "answer-widened", "overdue-check", "rule-firing",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every kind of alert; of several that open together the first named here leads."""
TECHNICAL: frozenset[Kind] = frozenset(
    {"feed-silent", "backlog", "grade-open", "answer-widened", "overdue-check", "rule-firing"}
)
"""Kinds that say "we cannot see", where the others say "the patient has changed"."""
Part = Literal["crs", "icans", "alarm", "open", "widened", "check", "silent", "backlog", "marked", "firing"]
"""What a sign is about, without its detail: the part of a look that shows it."""

ANALYTE = "silent/analyte/"
"""What a sign is about that tells of one analyte, before its name; all that are silent are told in one alert."""
STANDING = "Information for a professional's review. Not an alarm, not a medical device."


def class_of(kind: Kind) -> Class:
    """Whether a kind tells of the patient or of what we cannot see."""
    return "technical" if kind in TECHNICAL else "physiological"


def spoken(kind: str) -> str:
    """A kind in words."""
    return kind.replace("-", " ").replace("icans", "ICANS")


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """One finding that a sign rests on; `value` is a number in `unit` or a word."""

    quantity: str
    at: datetime
    value: float | str | None = None
    unit: str | None = None


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may hold of a patient, or of the ward, at a moment: somewhere from `at_least` to `at_most`.

    about: "crs", "icans", "alarm/<id>", "open/crs", "widened/<syndrome>", "check/<ids>", "silent/<feed>",
    "marked/<what rose>", "firing/<rule>". Level 0: it does not hold.
    A sign that can be told at all rests on findings, or names what is missing. `covers`: quantities (all: "*") of which
    it already says that they are not seen, so that narrower technical signs need not say so again.
    can_wait: nothing new was charted, so it is told only once it has lasted.
    """

    about: str
    kind: Kind
    at_least: int
    at_most: int
    says: str
    source: str
    since: datetime | None = None
    because: tuple[Basis, ...] = ()
    missing: tuple[str, ...] = ()
    covers: frozenset[str] = frozenset()
    can_wait: bool = False

    def __post_init__(self) -> None:
        """Refuses a sign without a basis, or with a range that is none."""
        if not 0 <= self.at_least <= self.at_most:
            raise ValueError(f"{self.about}: {self.at_least} to {self.at_most} is no range")
        if self.at_least and not (self.because or (self.missing and self.kind in TECHNICAL)):
            raise ValueError(f"{self.about}: nothing is told without what it rests on")

    @property
    def part(self) -> str:
        """The part of a look that shows it."""
        return part(self.about)


def part(about: str) -> str:
    """The part of a look that shows what is spoken about."""
    return about.partition("/")[0]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one look shows: its signs, which parts were looked at, and which findings no longer stand.

    gone: of the findings that open alerts rest on, those that were corrected or taken back.
    silent: it belongs to a backlog; once that is in, one alert is opened for what holds then.
    covered: quantities ("*": all) of which a technical alert of the whole ward already tells.
    acknowledged: of the open alerts, the numbers of those that somebody has seen.
    """

    signs: tuple[Sign, ...]
    looked: frozenset[str]
    gone: frozenset[Basis] = frozenset()
    silent: bool = False
    covered: frozenset[str] = frozenset()
    acknowledged: frozenset[int] = frozenset()


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What has been told about one thing: up to which level, by which open alert (None: settled at that level).

    before: up to which level had been told before that alert; seen: up to which level of that somebody acknowledged.
    lower_since: for each level from 1 to this, since when it is lower than that for sure; null: it is not.
    says: what holds now, where the alert was opened with other words.
    """

    about: str
    kind: Kind
    level: int
    alert: int | None
    before: int = 0
    seen: int = 0
    says: str = ""
    because: tuple[Basis, ...] = ()
    covers: frozenset[str] = frozenset()
    lower_since: tuple[datetime | None, ...] = ()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the machine remembers of one patient, or of the ward: kept in the store, so a restart changes nothing.

    opened: how many alerts there have ever been; the next is numbered on. waiting: what holds and is not told yet.
    behind: since when a backlog of theirs comes in.
    """

    opened: int = 0
    behind: datetime | None = None
    held: tuple[Held, ...] = ()
    waiting: tuple[tuple[str, datetime], ...] = ()

    @property
    def open(self) -> frozenset[int]:
        """The numbers of the alerts that are open."""
        return frozenset(one.alert for one in self.held if one.alert is not None)


What = Literal["opened", "overtaken", "resolved", "withdrawn", "corrected"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell: what became of alert `alert`, about what, and whether this closes it.

    signs: those that opened it, the leading one first; of a correction, what holds now. by: the alert that overtook it.
    after: the alerts in whose place it was opened, overtaken or withdrawn.
    """

    what: What
    alert: int
    at: datetime
    abouts: tuple[str, ...]
    level: int
    kind: Kind
    signs: tuple[Sign, ...] = ()
    closes: bool = False
    by: int | None = None
    after: tuple[int, ...] = ()


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """How long what must last before it is told, or before it counts as lower (knowledge/ward.toml)."""

    settle_s: float
    settle_grade_1_s: float
    settle_feed_s: float
    widened_s: float
    behind_s: float

    def settle(self, about: str, level: int) -> float:
        """Seconds for which something must be lower than a level for sure."""
        if part(about) == "silent":
            return self.settle_feed_s
        return self.settle_grade_1_s if about == "crs" and level == 1 else self.settle_s

    def before(self, sign: Sign) -> float:
        """Seconds for which something must hold before it is told."""
        return self.widened_s if sign.can_wait else 0.0
