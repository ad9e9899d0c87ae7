"""One thing a source says, as a page shows it: its words, its dose, what holds it back, how it is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby

import msgspec

from leeward.knowledge.loader import Evidence
from leeward.plan.suggestions import Said, Suggestion
from leeward.plan.words import between
from leeward.report import words
from leeward.report.clock import Clock, seconds

KNOWN: dict[Evidence, str] = {
    "read": "read in its source", "secondary": "seen second-hand", "derived": "worked out by us",
    "recalled": "recalled only",
}  # fmt: skip
"""How a thing is known."""
GROUPS = {
    "drug": "Drug", "hold": "Drug", "resume": "Drug", "stop": "Drug", "next-dose": "Drug", "taper": "Drug",
    "care": "Care", "escalate": "Care", "stay": "Care", "discharge": "Care", "consult": "Consult",
    "supportive": "Support", "work-up": "Tests", "monitor": "Watch", "avoid": "Against", "warn": "To mind",
    "differs": "To mind",
}  # fmt: skip
"""Under which word a kind of step stands in a card, in the order of the card."""
DECISIVE = frozenset({"Drug", "Care"})
"""What the short list beside the course shows of each source."""
_ORDER = tuple(dict.fromkeys(GROUPS.values()))
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One step: what is said, the dose if any, why there is none or it must wait, and where it is printed."""

    group: str
    says: str
    dose: str = ""
    held: str = ""
    small: list[str] = []
    warns: list[str] = []
    option: bool = False
    known: str = ""
    short: str = ""
    waits: bool = False

    @property
    def same(self) -> tuple[str, str, str]:
        """What makes two lines say the same."""
        return (self.group, self.says, self.dose)


def local(said: str, wall: Clock) -> str:
    """The same words with the moments they name on the page's own clock: a page with two clocks gets misread."""

    def spelt(found: re.Match[str]) -> str:
        form = "%Y-%m-%d %H:%M:%S UTC" if found[0].count(":") > 1 else "%Y-%m-%d %H:%M UTC"
        return wall.moment(seconds(datetime.strptime(found[0], form).replace(tzinfo=UTC)))

    return _MOMENT.sub(spelt, said)


def line(one: Suggestion, wall: Clock, common: Evidence | None = None) -> Line:
    """One suggestion. `common`: how everything in its card is known, which need not be said again."""
    raised = f"as grade {one.as_grade}: " if one.as_grade is not None and one.kind != "escalate" else ""
    dose = _dose(one)
    held = local(one.blocked or "", wall)
    unnamed = one.kind == "drug" and one.drug is not None and not dose and one.drug.lower() not in one.says.lower()
    says = f"{one.drug}: {one.says}" if unnamed else one.says
    return Line(
        group=GROUPS[one.kind], says=f"{raised}{says}", dose=dose,
        held=held if dose or not held else f"no dose: {held}", small=list(_small(one, wall)) if dose or held else [],
        warns=[local(said, wall) for said in one.warnings], option=one.strength == "option",
        known="" if one.evidence in (common, "read") else KNOWN[one.evidence],
        short=raised + _short(one, dose or says, wall) + (" (an option)" if one.strength == "option" else ""),
        waits=bool(one.blocked),
    )  # fmt: skip


def _dose(one: Suggestion) -> str:
    """Amount, route and interval; empty where there is no dose."""
    if one.drug is None or one.dose is None:
        return ""
    amount = words.measure(between(one.dose, one.dose_to), words.unit(one.unit))
    parts = [f"{one.drug} {kept(amount)} {one.route or ''}".strip()]
    if one.interval_hours:
        parts.append(kept(f"every {between(one.interval_hours, one.interval_to_hours)} h"))
    return ", ".join(parts)


def kept(said: str) -> str:
    """Words that stay on one line: a number is never parted from its unit."""
    return said.replace(" ", "\u00a0")


def _small(one: Suggestion, wall: Clock) -> Iterable[str]:
    """The arithmetic, what remains, the plan of a dose that changes, and where it is printed."""
    if one.arithmetic:
        yield local(one.arithmetic, wall)
    counts = ((one.remaining_in_24_hours, "left in these 24 h"), (one.remaining_doses, "left in the episode"))
    left = [f"{count} {span}" for count, span in counts if count is not None]
    if left:
        yield words.capital(words.listed(left))
    if one.earliest is not None and seconds(one.earliest) > wall.as_of_s:
        yield f"Earliest {_wait(one.earliest, wall)}"
    if len(one.steps) > 1:
        unit = words.unit(one.unit)
        yield "; ".join(
            f"from {wall.moment(step.from_s)} {between(step.amount, None)} {unit} "
            f"every {between(step.interval_hours, None)} h" + (f" until {step.until}" if step.until else "")
            for step in one.steps
        )
    yield one.where


def _wait(at: datetime, wall: Clock) -> str:
    """A moment to come, and how far off it is."""
    at_s = seconds(at)
    return f"{wall.short(at_s)} ({kept('in ' + words.span(at_s - wall.as_of_s))})"


def _short(one: Suggestion, words_: str, wall: Clock) -> str:
    """The step in a few words, for the list beside the course: the dose, or what is said and what is missing for it."""
    if not one.blocked:
        return words_
    if one.dose is None:
        lacks = [reason for reason in one.blocked.split("; ") if reason.startswith("not on record")]
        return f"{one.drug or one.says}: no dose" + (f" ({'; '.join(lacks)})" if lacks else "")
    if one.earliest is not None and seconds(one.earliest) > wall.as_of_s:
        return f"{words_}: not before {_wait(one.earliest, wall)}"
    return f"{words_}: held back"


def grouped(several: Iterable[Line], but: Iterable[Line] = ()) -> list[tuple[str, list[Line]]]:
    """Lines under the word of their kind, each said once; `but`: what is said already."""
    said = {one.same for one in but}
    once: dict[tuple[str, str, str], Line] = {}
    for one in several:
        if one.same not in said:
            once.setdefault(one.same, one)
    ordered = sorted(once.values(), key=lambda one: _ORDER.index(one.group))
    return [(name, list(mine)) for name, mine in groupby(ordered, key=lambda one: one.group)]


def common(several: Sequence[Said]) -> Evidence | None:
    """How all of several things are known, where they are known alike."""
    known = {one.evidence for one in several}
    return known.pop() if len(known) == 1 else None
