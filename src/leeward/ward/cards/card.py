"""A card, which cannot be made without what it rests on, and the Markdown that no text of a record can leave."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

import msgspec

from leeward.knowledge.citations import citations

SUMMARY_MOST = 139
"""CDS Hooks: a summary has fewer than 140 characters."""
LABEL_MOST = 139
MORE = "\u2026"

Indicator = Literal["info", "warning"]
"""No card is `critical`: that word asks to stop somebody at work, which is a professional's decision, not ours."""

BASIS = "leeward.basis"
"""The extension of a card that says to programs what the card rests on."""
STANDING = "For a professional's review: a research instrument, not a medical device, and no order."

_MARKUP = re.compile(
    r"[\\`*_\[\]!|<>~&@]|:(?=//)|(?<=www)\.|^[#+\-=]|(?<=^\d)[.)](?=\s|$)|(?<=^\d\d)[.)](?=\s|$)", re.IGNORECASE
)
"""What Markdown reads as more than letters: emphasis, links bare or named, tags, tables, and what begins a block."""
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_BLANK = re.compile(r"\s+")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_ORDERS = (
    "give start stop hold check order administer consider call notify repeat measure treat withhold increase reduce "
    "decrease transfer admit discharge avoid use add switch escalate escalates taper review reassess monitor "
    "obtain draw send perform do don't take prescribe discontinue resume continue page ask tell begin draw see "
    "change verify confirm ensure contact weigh delay wait skip cancel sign select choose"
)
_SPOKEN = frozenset(_ORDERS.split())


class Cited(msgspec.Struct, frozen=True):
    """One finding that a card rests on: what it was, as charted, and when."""

    quantity: str
    value: float | str | None
    unit: str | None
    at: datetime
    place: str | None = None


class Origin(msgspec.Struct, frozen=True):
    """Who says it: how it is called, and where it can be read (a DOI, where it has one)."""

    label: str
    url: str | None = None


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What a card rests on. `missing` names what is not known; an empty list says that nothing is missing."""

    findings: tuple[Cited, ...]
    rule: str
    edition: str
    source: Origin
    missing: tuple[str, ...]
    as_of: datetime

    def __post_init__(self) -> None:
        """Refuses a basis in which something is wanting."""
        if not self.findings:
            raise ValueError("a card rests on findings; there are none")
        if any(one.at.tzinfo is None for one in self.findings) or self.as_of.tzinfo is None:
            raise ValueError("a finding of a card has no instant")
        if not (self.rule and self.edition and self.source.label):
            raise ValueError("a card names its rule, its edition and its source")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One card: what is said in a sentence, what it rests on, and more of it in Markdown lines."""

    name: str
    summary: str
    basis: Basis
    indicator: Indicator = "info"
    lines: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses a summary that is empty, too long, of several lines, or that orders something."""
        if not self.summary.strip() or len(self.summary) > SUMMARY_MOST or "\n" in self.summary:
            raise ValueError(f"a summary is one line of 1 to {SUMMARY_MOST} characters")
        if imperative(self.summary):
            raise ValueError("a summary tells; it does not order")

    def as_json(self, call: UUID) -> dict[str, Any]:
        """The card as CDS Hooks has it. `call`: the hookInstance, of which the card's own id is made."""
        basis = self.basis
        source: dict[str, Any] = {"label": basis.source.label[:LABEL_MOST]}
        if basis.source.url:
            source["url"] = basis.source.url
        made: dict[str, Any] = {
            "uuid": str(uuid5(call, self.name)), "summary": self.summary, "indicator": self.indicator,
            "detail": self.detail(), "source": source, "extension": {BASIS: msgspec.to_builtins(basis)},
        }  # fmt: skip
        if self.overrides:
            made["overrideReasons"] = [_REASONS[code] for code in self.overrides]
        return made

    def detail(self) -> str:
        """Its Markdown: what was told, then what is missing, then the standing of it all."""
        basis = self.basis
        missing = ", ".join(escaped(one) for one in basis.missing) or "nothing"
        return "\n".join(
            [
                *self.lines, "", f"Missing: {missing}.",
                f"As of {stamp(basis.as_of)}; rule {escaped(basis.rule)}; edition {escaped(basis.edition)}.",
                STANDING,
            ]
        )  # fmt: skip


_REASONS: dict[str, dict[str, str]] = {
    code: {"code": code, "system": "urn:leeward:override-reason", "display": display}
    for code, display in {
        "already-known": "Already known",
        "other-cause": "Another cause is more likely",
        "value-wrong": "A value of the record is wrong",
        "other-reason": "Given for another reason than CRS or ICANS",
        "own-protocol": "The centre's own protocol differs",
        "benefit": "Benefit judged greater than risk",
    }.items()
}


def imperative(summary: str) -> bool:
    """Whether a sentence begins as an order does."""
    first = re.match(r"\W*(?:please\s+|do\s+not\s+)?([\w']+)", summary, re.IGNORECASE)
    return bool(first and (first[1].lower() in _SPOKEN or summary.lower().lstrip().startswith(("please", "do not"))))


def escaped(text: object) -> str:
    """A record's text as Markdown that shows it and does nothing: no tag, no link, no emphasis, on one line."""
    bare = _BLANK.sub(" ", _UNSEEN.sub("", str(text))).strip()
    return _MARKUP.sub(lambda found: _ENTITIES.get(found[0]) or "\\" + found[0], bare)


def plain_text(text: object) -> str:
    """A text for a summary, which is no Markdown: on one line, without what hides or turns letters."""
    return _BLANK.sub(" ", _UNSEEN.sub("", str(text))).strip()


def fitting(*variants: str) -> str:
    """The first of several wordings that a summary can hold; the last one is cut where none can."""
    for one in variants:
        if len(one) <= SUMMARY_MOST:
            return one
    return variants[-1][: SUMMARY_MOST - 1].rstrip() + MORE


def stamp(at: datetime) -> str:
    """A moment in UTC, for a reader anywhere."""
    return at.strftime("%Y-%m-%d %H:%M UTC")


def origin(key: str, label: str | None = None) -> Origin:
    """A publication as the source of a card, by its key in sources.toml."""
    found = citations().get(key)
    if found is None:
        return Origin(label or key)
    author = found.authors.split(" ")[0].rstrip(",")
    url = f"https://doi.org/{found.doi}" if found.doi else None
    return Origin(label or f"{author} {found.year}: {found.title}"[:LABEL_MOST].strip(), url)


def compared(home: str) -> Origin:
    """The sources side by side, where they can be read. `home`: our own address."""
    return Origin("Comparison of the published sources, made for Leeward", f"{home}/knowledge")


def bullets(lines: Iterable[str]) -> list[str]:
    """Lines as a list; each must be Markdown already."""
    return [f"- {line}" for line in lines]
