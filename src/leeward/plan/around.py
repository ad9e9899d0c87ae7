"""Shapes of knowledge/prepare/: what is looked at before a dose, how late one may be, what was tried, what is watched.

Every line says who says it and how that is known; what does not fit is refused with file and line.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Literal

import msgspec

from leeward.knowledge.loader import Evidence, load
from leeward.knowledge.therapies import Count, Share, Therapy, in_force
from leeward.knowledge.vocabulary import quantities

FOLDER = "prepare"


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number with its unit, and where it is printed or why it was decided."""

    value: float
    unit: str
    evidence: Evidence
    checked: date
    where: str = ""
    why: str = ""


class Says(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """What a source says of an item, of which classes or products, and from when until when."""

    says: str
    source: str
    evidence: Evidence
    classes: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    from_: date | None = None
    until: date | None = None

    def of(self, product: Therapy, day: date | None) -> bool:
        """Whether it speaks of a product on a day; without a day every dated line is shown."""
        held = day is None or in_force(self.from_, self.until, day)
        return held and speaks_of(self.classes, self.products, product)


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that settles an item or speaks against it: a word, or a number that is reached or not passed."""

    quantity: str
    word: str | None = None
    at_least: Limit | None = None
    at_most: Limit | None = None


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the checklist; what the fields mean stands at the top of checklist.toml."""

    id: str
    title: str
    asks: tuple[Says, ...]
    within: Literal["laboratory", "examined", "arranged", "given", "standing"] = "standing"
    classes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    defers: tuple[Sign, ...] = ()
    clears: tuple[Sign, ...] = ()
    suggests: tuple[Sign, ...] = ()
    against: tuple[Sign, ...] = ()

    @property
    def reads(self) -> set[str]:
        """Every quantity that it is read from."""
        named = {one.partition("=")[0] for one in (*self.needs, *self.any_of)}
        return named | {one.quantity for one in (*self.defers, *self.clears, *self.suggests, *self.against)}

    def __post_init__(self) -> None:
        """Refuses a quantity that nobody reads, and an item that no quantity shows."""
        _known(sorted(self.reads))
        if not self.reads:
            raise ValueError(f"item {self.id}: no quantity shows it")


class Checklist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """checklist.toml."""

    evidence: Evidence
    checked: date
    words: dict[str, str]
    within: dict[str, Limit]
    item: tuple[Item, ...]


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for", "from_": "from"}):
    """What a label says where so many days lie between a dose and the next; fields as at the top of gaps.toml."""

    product: str
    region: str
    over_days: int
    says: str
    source: str
    evidence: Evidence
    next: Literal["continue", "repeat", "restart", "back"] | None = None
    for_: str | None = None
    after: int | None = None
    onwards: bool = False
    up_to_days: int | None = None
    step: int | None = None
    then_days: int | None = None
    from_: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        """Refuses a way back without its step, and a step without a way back."""
        if (self.next == "back") is (self.step is None):
            raise ValueError(f"{self.product}, {self.says}: `back` and its step go together")

    def holds(self, after: int, days: int) -> bool:
        """Whether it speaks of this many days after this dose."""
        mine = self.after in (None, after) or (self.onwards and self.after is not None and after > self.after)
        return mine and days > self.over_days and days <= (self.up_to_days or days)

    def of(self, product: str, region: str | None, day: date) -> bool:
        """Whether it is this product's and region's, and in force for a dose of a day."""
        mine = self.product == product and region in (None, self.region)
        return mine and in_force(self.from_, self.until, day)


class Unread(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """What a label is known to say about late doses and was not read, so that silence is not taken for the label's."""

    product: str
    region: str
    says: str
    source: str
    evidence: Evidence
    from_: date | None = None

    def of(self, product: str, region: str | None, day: date) -> bool:
        """Whether it is this product's and region's, and already so on a day."""
        return self.product == product and region in (None, self.region) and in_force(self.from_, None, day)


class Cycle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a cycle of a product is."""

    product: str
    days: int
    says: str
    source: str
    evidence: Evidence


class Gaps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """gaps.toml."""

    evidence: Evidence
    checked: date
    no_rule: str
    gap: tuple[Gap, ...]
    unread: tuple[Unread, ...]
    cycle: tuple[Cycle, ...]


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rates of one side of a comparison; an absent one was not read."""

    n: Count | None = None
    crs_any: Share | None = None
    crs_grade_3_or_more: Share | None = None
    icans_any: Share | None = None
    icans_grade_3_or_more: Share | None = None


class Study(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"with_": "with"}):
    """One published attempt to prevent CRS: what was given, to how many, with what rates and what harm."""

    id: str
    title: str
    intervention: str
    design: str
    source: str
    evidence: Evidence
    classes: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    diseases: str | None = None
    scale: str | None = None
    with_: Arm | None = None
    without: Arm | None = None
    harm: str | None = None
    notes: str | None = None


class Studies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """prophylaxis.toml."""

    evidence: Evidence
    checked: date
    study: tuple[Study, ...]


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"if_": "if"}):
    """One line of the monitoring schedule; what the fields mean stands at the top of monitoring.toml."""

    id: str
    title: str
    says: str
    why: str
    source: str
    evidence: Evidence
    classes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    every_hours: float | None = None
    until_days: int | None = None
    until_hours: float | None = None
    crs_at_least: int | None = None
    if_: str | None = None

    def __post_init__(self) -> None:
        """Refuses a quantity that nobody reads."""
        _known([*self.quantities, *self.any_of])


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """monitoring.toml."""

    evidence: Evidence
    checked: date
    open_end: Limit
    watch: tuple[Watch, ...]


class EarlySign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One early sign: who says so, or that it is our own and unvalidated."""

    title: str
    source: str
    evidence: Evidence
    own: bool
    notes: tuple[str, ...] = ()


class EarlySigns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """early-signs.toml."""

    evidence: Evidence
    checked: date
    numbers: dict[str, Limit]
    sign: dict[str, EarlySign]


def _known(named: list[str]) -> None:
    """Refuses a quantity that nobody reads."""
    unknown = sorted(set(named) - set(quantities()))
    if unknown:
        raise ValueError(f"no quantity {', '.join(unknown)}")


def speaks_of(classes: tuple[str, ...], products: tuple[str, ...], product: Therapy) -> bool:
    """Whether a line is about a product: one of those it names, of a class it names, or any where it names none."""
    if not classes and not products:
        return True
    return product.inn in products or product.klass in classes


@cache
def checklist() -> Checklist:
    """What is looked at before the dose."""
    held: Checklist = load(f"{FOLDER}/checklist", Checklist)
    return held


@cache
def gaps() -> Gaps:
    """How late a dose may be, and how long a cycle is."""
    held: Gaps = load(f"{FOLDER}/gaps", Gaps)
    return held


@cache
def studies() -> Studies:
    """What was tried to prevent CRS."""
    held: Studies = load(f"{FOLDER}/prophylaxis", Studies)
    return held


@cache
def monitoring() -> Schedule:
    """What is watched after the dose."""
    held: Schedule = load(f"{FOLDER}/monitoring", Schedule)
    return held


@cache
def early_signs() -> EarlySigns:
    """Early signs."""
    held: EarlySigns = load(f"{FOLDER}/early-signs", EarlySigns)
    return held
