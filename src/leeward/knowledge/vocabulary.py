"""Shapes of the files the door reads: quantities, units, codes, words, and what it tolerates about time."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from leeward.knowledge.loader import Evidence, load, names
from leeward.knowledge.therapies import treatments

Kind = Literal["number", "word", "interval", "dose", "rate", "date"]


TRIGGER = "trigger"
"""The quantity of a given treatment that can cause CRS."""
ORDERED = "ordered"
"""The quantity of an order; its text is the quantity that was ordered."""


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing Leeward reads; the fields are explained at the top of quantities.toml."""

    title: str
    kind: Kind
    unit: str | None = None
    also: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    resolution: str | None = None
    bare: bool = False
    timeless: bool = False
    ends_ahead: bool = False
    words: dict[str, tuple[str, ...]] = {}
    absent_word: str | None = None
    pattern: str | None = None
    factors: dict[str, str] = {}
    why: str = ""

    def is_free(self, value: object) -> bool:
        """Whether a value is words that somebody wrote freely: a drug's amount as spelt, a clinician's other cause."""
        return isinstance(value, str) and (self.kind in ("dose", "rate") or self.pattern is not None)


class Quantities(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """quantities.toml."""

    evidence: Evidence
    checked: date
    quantity: dict[str, Quantity]


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One unit: how the conversion library writes it, how people do (none: as UCUM does), and how records spell it."""

    pint: str
    printed: str | None = None
    spellings: tuple[str, ...] = ()
    any_case: tuple[str, ...] = ()


class Units(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """units.toml: units by their UCUM spelling."""

    evidence: Evidence
    checked: date
    unit: dict[str, Unit]


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"becomes": "is"}):
    """A regular expression and the word it stands for."""

    becomes: str
    like: str


class Oxygen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """oxygen.toml: words for oxygen devices."""

    evidence: Evidence
    checked: date
    unless: str
    may_be: str
    words: dict[str, tuple[str, ...]]
    patterns: tuple[Pattern, ...]


class Drugs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """drugs.toml: names under which drugs are charted."""

    evidence: Evidence
    checked: date
    not_with: tuple[str, ...]
    no_product_with: tuple[str, ...]
    names: dict[str, tuple[str, ...]]


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One code and what it means: a quantity, and where the code itself says it, a word, a value, a site, a unit."""

    code: str
    quantity: str
    source: str = ""
    evidence: Evidence = "derived"
    text: str | None = None
    value: str | None = None
    unit: str | None = None
    site: str | None = None
    general: bool = False
    omop: str | None = None
    from_: date | None = None
    label: str | None = None
    note: str | None = None


class CodeSystem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published code system in codes/."""

    system: str
    checked: date
    codes: tuple[Code, ...]
    uris: tuple[str, ...] = ()
    ignore_dots: bool = False


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a composed code is written (`LAB//{code}//{unit}`), and the system its part belongs to."""

    like: str
    system: str


class Recognition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What gives a local source away: files beside the record, columns that every file has, or words in first bytes."""

    files: tuple[tuple[str, ...], ...] = ()
    columns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Local(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One centre's own codes, words and clock, in local/."""

    id: str
    title: str
    checked: date
    source: str
    evidence: Evidence
    zone: str
    zone_why: str
    recognised_by: Recognition
    declares: tuple[str, ...] = ()
    uris: dict[str, str] = {}
    same_as: dict[str, tuple[str, ...]] = {}
    meds: tuple[Template, ...] = ()
    words: dict[str, dict[str, tuple[str, ...]]] = {}
    codes: dict[str, tuple[Code, ...]] = {}


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """status.toml: a record's words for the state of a statement."""

    evidence: Evidence
    where: str
    checked: date
    means: dict[str, tuple[str, ...]]


class Future(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far ahead of now a time may lie."""

    minutes: float
    why: str


class Past(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first year a time may lie in."""

    year: int
    why: str


class Skew(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the clocks of two sources may stand apart without anybody noticing."""

    minutes: float
    why: str


class Tolerance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """door.toml."""

    evidence: Evidence
    checked: date
    future: Future
    skew: Skew
    past: Past


def quantities() -> dict[str, Quantity]:
    """Everything Leeward reads, by its id."""
    file: Quantities = load("quantities", Quantities)
    return file.quantity


def printed(ucum: str | None) -> str:
    """A UCUM unit as people write it: "10*9/L" as "× 10⁹/L"; a pure number has none; one not listed stays."""
    file: Units = load("units", Units)
    held = file.unit.get(ucum or "1")
    return (ucum or "") if held is None or held.printed is None else held.printed


def code_systems() -> list[CodeSystem]:
    """The published code systems, with the codes of treatments, which stand in therapies/."""
    given: dict[str, list[Code]] = {}
    for item in treatments():
        for code in item.codes:
            known = Code(
                code.code, TRIGGER, code.source, code.evidence, text=item.inn, from_=code.from_, note=code.note
            )
            given.setdefault(code.system, []).append(known)
    made = []
    for name in names("codes"):
        system: CodeSystem = load(name, CodeSystem)
        made.append(msgspec.structs.replace(system, codes=(*given.pop(system.system, ()), *system.codes)))
    return made


def local(name: str) -> Local:
    """One centre's codes, by the name of its file in local/."""
    file: Local = load(f"local/{name}", Local)
    return file
