"""Shapes of the catalogue of causes in therapies/: a file per product, per group of products, per cause nobody gives.

Every number there says how it is known. What does not fit is refused with file and line: a percentage over 100, a range
reversed, an unknown code system, a missing citation, dates that overlap, one code or name in two files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from leeward.knowledge import loader
from leeward.knowledge.loader import BadKnowledge, Evidence, load, names

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Said = Annotated[str, msgspec.Meta(pattern=r"\S")]
"""Words that must not be blank: a citation, a rule."""
Kind = Literal["treatment", "group", "condition"]
"""A treatment is read from records; a group holds what several share; a condition is a cause that nobody gives."""
Unit = Literal["min", "h", "d", "wk"]

FOLDER = "therapies"


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the patients in percent, or the words that stand in its place; `evidence` where it is not the row's."""

    percent: Percent | None = None
    text: str | None = None
    evidence: Evidence | None = None


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A number of patients, or the words that stand in its place."""

    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    text: str | None = None
    evidence: Evidence | None = None


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A time as published: median and bounds in the unit printed; `spread`: do they hold all or the middle half."""

    median: float | None = None
    low: float | None = None
    high: float | None = None
    unit: Unit | None = None
    spread: Literal["range", "iqr"] = "range"
    text: str | None = None
    evidence: Evidence | None = None

    def __post_init__(self) -> None:
        """Refuses a reversed range, a median outside it, and numbers without a unit."""
        known = [number for number in (self.low, self.median, self.high) if number is not None]
        if known != sorted(known):
            raise ValueError("range reversed, or its median outside it")
        if known and self.unit is None:
            raise ValueError("a time needs its unit")


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one publication reports of one population: rates, scale, number of patients, onset and duration."""

    indication: Said
    source: Said
    evidence: Evidence
    given: str | None = None
    people: str | None = None
    scale: str | None = None
    n: Count | None = None
    crs_any: Share | None = None
    crs_grade_3_or_more: Share | None = None
    onset: Spread | None = None
    duration: Spread | None = None
    icans_any: Share | None = None
    icans_grade_3_or_more: Share | None = None
    tocilizumab: Share | None = None
    steroid: Share | None = None
    notes: str | None = None
    address: str | None = None
    dated: str | None = None

    def __post_init__(self) -> None:
        """Refuses more severe CRS than CRS."""
        some = self.crs_any.percent if self.crs_any else None
        severe = self.crs_grade_3_or_more.percent if self.crs_grade_3_or_more else None
        if some is not None and severe is not None and severe > some:
            raise ValueError("more patients with grade 3 or more than with any grade")

    def known(self, number: Share | Count | Spread | None) -> Evidence:
        """How one number of this row is known: by its own tag, else by the row's."""
        return self.evidence if number is None or number.evidence is None else number.evidence


class Dose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a schedule; `when` as the label spells it (d4, C1D15)."""

    when: Said
    amount: Annotated[float, msgspec.Meta(gt=0)]
    unit: Said


def in_force(start: date | None, end: date | None, day: date) -> bool:
    """Whether a line holds on a day: from its first day on, and no more on the day of its end."""
    return (start is None or start <= day) and (end is None or day < end)


class _InForce(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from", "for_": "for"}):
    """Words in force in a region, from a day on; `until` is the first day on which they no longer are."""

    region: Literal["US", "EU", "CH", "any"]
    says: Said
    source: Said
    evidence: Evidence
    for_: str | None = None
    from_: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        """Refuses a line that ends before it begins."""
        if self.from_ is not None and self.until is not None and self.from_ >= self.until:
            raise ValueError("ends before it begins")

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return in_force(self.from_, self.until, day)


class Schedule(_InForce, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the dose is stepped up or split."""

    doses: tuple[Dose, ...] = ()


About = Literal[
    "premedication", "prophylaxis", "monitoring", "hospital", "stay",
    "driving", "dose-gap", "stock", "rems", "follow-up",
]  # fmt: skip


class Rule(_InForce, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a source asks around the treatment; the numbers repeat those in `says`."""

    about: About
    days: int | None = None
    daily_days: int | None = None
    hours: int | None = None


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing worth knowing when this is weighed as a cause."""

    says: Said
    source: Said
    evidence: Evidence


class Coded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A code of a product. Before `from` it meant something else and is not read; from `until` on it is retired."""

    system: str
    code: Said
    source: Said
    evidence: Evidence
    from_: date | None = None
    until: date | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuses a code system nobody knows, and a code that ends before it begins."""
        if self.system not in _systems():
            raise ValueError(f"unknown code system '{self.system}'")
        if self.from_ is not None and self.until is not None and self.from_ >= self.until:
            raise ValueError("ends before it begins")


class Therapy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"klass": "class"}):
    """One file of therapies/. `inn` is the name that findings carry; `see` names groups whose rows are its too."""

    inn: Said
    title: Said
    kind: Kind
    klass: Said
    step_up: bool
    repeated: bool
    evidence: Evidence
    checked: date
    target: str | None = None
    format: str | None = None
    brands: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    onset_counted_from: Literal["latest dose", "first dose"] = "latest dose"
    see: tuple[str, ...] = ()
    codes: tuple[Coded, ...] = ()
    population: tuple[Population, ...] = ()
    schedule: tuple[Schedule, ...] = ()
    rule: tuple[Rule, ...] = ()
    note: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        """Refuses two lines about one thing on one day."""
        _apart("rule", self.rule, lambda line: (line.about, line.region, line.for_))
        _apart("schedule", self.schedule, lambda line: (line.region, line.for_))
        _apart("codes", self.codes, lambda line: (line.system, line.code))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is called in records."""
        return (self.inn, *self.brands, *self.words)


def _apart(kind: str, lines: tuple[Any, ...], about: Callable[[Any], object]) -> None:
    """No two dated lines about one thing may hold on one day; the message ends with the later one's place."""
    for place, line in enumerate(lines):
        for other in lines[:place]:
            if about(line) == about(other) and _overlap(line, other):
                raise ValueError(f"dates overlap: two lines about {about(line)} - at `$.{kind}[{place}]`")


def _overlap(one: Any, other: Any) -> bool:
    """Whether two dated lines hold on some day together."""
    first, second = sorted((one, other), key=lambda line: line.from_ or date.min)
    return first.until is None or (second.from_ or date.min) < first.until


@cache
def _systems() -> frozenset[str]:
    """The code systems that systems.toml names."""
    return frozenset(load("systems", _Systems).system)


class _Systems(msgspec.Struct, frozen=True):
    """What is needed of systems.toml here."""

    system: dict[str, dict[str, Any]]


@cache
def catalogue() -> dict[str, Therapy]:
    """Every file of therapies/, by its name; raises BadKnowledge where one is wrong or two contradict each other."""
    made = {name.removeprefix(f"{FOLDER}/"): load(name, Therapy) for name in names(FOLDER)}
    return agreed(made, loader.ROOT / FOLDER)


def agreed(made: dict[str, Therapy], folder: Path) -> dict[str, Therapy]:
    """The files, once each name and each code stands in one of them only and every group they name is there."""
    _once(made, folder, ((name, word.lower(), None) for name, item in made.items() for word in item.names))
    _once(made, folder, ((name, code.code, code) for name, item in made.items() for code in item.codes))
    for name, item in made.items():
        for group in item.see:
            if group not in made or made[group].kind != "group":
                raise BadKnowledge(f"{name}.toml{_at(folder / f'{name}.toml', 'see')}: no group '{group}'")
    return made


def _once(made: dict[str, Therapy], folder: Path, words: Iterable[tuple[str, str, Coded | None]]) -> None:
    """Refuses a name or a code that two files claim at one time."""
    claimed: dict[str, list[tuple[str, Coded | None]]] = {}
    for name, word, code in words:
        for other, held in claimed.get(word, []):
            same = held is None or code is None or (held.system == code.system and _overlap(held, code))
            if other != name and same:
                line = _at(folder / f"{name}.toml", word)
                raise BadKnowledge(f"{name}.toml{line}: '{word}' already means {made[other].inn}")
        claimed.setdefault(word, []).append((name, code))


def _at(file: Path, word: str) -> str:
    """The first line of a file that holds a word, as `:12`."""
    lines = file.read_text(encoding="utf-8").lower().splitlines()
    return next((f":{number}" for number, line in enumerate(lines, 1) if word.lower() in line), "")


def treatments() -> list[Therapy]:
    """What a record can name as given: products, and transplants that cause CRS."""
    return [item for item in catalogue().values() if item.kind == "treatment"]


@cache
def of(inn: str) -> Therapy | None:
    """The file of a treatment, by the name that findings carry; None where there is none."""
    return next((item for item in treatments() if item.inn == inn), None)


def populations(item: Therapy) -> list[Population]:
    """Its own rows, then those of its groups."""
    return [row for one in _with_groups(item) for row in one.population]


def notes(item: Therapy) -> list[Note]:
    """Its own notes, then those of its groups."""
    return [row for one in _with_groups(item) for row in one.note]


def rules(item: Therapy, day: date) -> list[Rule]:
    """What is asked on a day: its own lines, and its groups' where it has none of its own for everybody."""
    own = [line for line in item.rule if line.holds(day)]
    said = {(line.about, line.region) for line in own if line.for_ is None}
    shared = [line for one in _with_groups(item)[1:] for line in one.rule if line.holds(day)]
    return own + [line for line in shared if (line.about, line.region) not in said]


def schedules(item: Therapy, day: date) -> list[Schedule]:
    """Its step-up or split schedules in force on a day."""
    return [line for line in item.schedule if line.holds(day)]


def _with_groups(item: Therapy) -> list[Therapy]:
    return [item, *(catalogue()[group] for group in item.see)]
