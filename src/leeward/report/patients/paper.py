"""What a page is made of, before it is HTML or PDF: plain data that both are drawn from, and that a test can read."""

from __future__ import annotations

from typing import Literal

import msgspec

from leeward.knowledge.centre import Centre, Language
from leeward.knowledge.patients import PageName
from leeward.knowledge.therapies import Therapy
from leeward.plan.schedule import Start

BlockKind = Literal["text", "list", "dial", "call", "pairs", "table", "day"]
"""`dial` and `call` are framed lists; `pairs` a label and its value; `day` one day of a diary, with a slot a check."""


class NoCard(ValueError):
    """A card was asked for that nobody could call from; the message names what the centre's settings lack."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """For which product, day, centre, language and region of rules pages are made."""

    product: Therapy
    centre: Centre
    language: Language
    start: Start
    region: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sentence or a few: `marks` are numbers of the page's sources, `foreign` its language where it is another."""

    text: str
    marks: list[int] = []
    recalled: bool = False
    foreign: str = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One cell of a table; `strong` where it says something, `foreign` as in a line."""

    text: str
    strong: bool = False
    recalled: bool = False
    foreign: str = ""
    marks: list[int] = []


class Block(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part of a section; which fields it uses goes by its kind. `cells`: a head whose cells carry sources."""

    kind: BlockKind
    title: str = ""
    lines: list[Line] = []
    pairs: list[tuple[str, str]] = []
    head: list[str] = []
    cells: list[list[Cell]] = []
    rows: list[list[Cell]] = []
    slots: list[str] = []
    written: int = 0
    labels: dict[str, str] = {}
    note: str = ""
    caption: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A heading with its parts; `id` names it within the page."""

    id: str
    title: str
    blocks: list[Block]


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A source as a page lists it: its number, its own words, and how it is known in the page's language."""

    number: int
    source: str
    known: str
    recalled: bool


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of a wallet card."""

    front: str
    pairs: list[tuple[str, str]]
    blanks: list[str]
    phones: list[tuple[str, str]]
    back: str
    think: str
    before: str
    lines: list[Line]
    fever: str
    keep: str
    standing: str
    unreviewed: str


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One page. `notices` stand at its top: an unreviewed translation, what is missing. `card` holds a card's sides."""

    name: PageName
    language: Language
    title: str
    product: str
    day: str
    notices: list[str]
    sections: list[Section]
    references: list[Reference]
    closing: list[str]
    labels: dict[str, str]
    unreviewed: str = ""
    card: Card | None = None
