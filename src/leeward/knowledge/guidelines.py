"""Shapes of the published guidelines in guidelines/: a file per source, its decision tables and its doses.

A file is refused, by name and line, for a cell that can never match, a citation that does not exist, an action that
names a dose nobody defined, a table that lets a patient fall through or fires two rows (knowledge/completeness.py).
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from leeward.knowledge import completeness, loader
from leeward.knowledge.cells import Cell, Written, cell
from leeward.knowledge.citations import citation, citations
from leeward.knowledge.loader import BadKnowledge, Evidence, read

Said = Annotated[str, msgspec.Meta(pattern=r"\S")]
Strength = Literal["recommend", "option"]
ActionKind = Literal[
    "supportive", "work-up", "monitor", "drug", "care", "escalate", "hold", "resume", "stop",
    "next-dose", "stay", "taper", "discharge", "avoid", "warn", "differs", "consult",
]  # fmt: skip
Nature = Literal["guideline", "consensus", "institution", "label", "local", "safety", "disagreements"]
FOLDER = "guidelines"
SCALES = (
    "astct-2019", "lee-2014", "penn-2018", "mskcc-2018", "cartox-2018", "cartox-paediatric-2019",
    "ctcae-4.03", "ctcae-5.0",
)  # fmt: skip


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a dose that changes by plan: so much, so often, for so many days (none: until the words say)."""

    amount: float
    interval_hours: float
    days: float | None = None
    until: str | None = None


class LowWeight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The dose per kilogram below a weight."""

    below_kg: float
    per_kg: float


class DoseRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of a drug a source gives, how often, and how much at most. Amounts are in `unit`.

    One of `fixed`, `per_kg`, `per_m2`, `steps`; `*_to` makes it a range. `in_24_hours`, `in_episode`, `in_lifetime`:
    doses at most; `apart_hours`: at least between two; `max_days`: so many days after the drug's first dose since the
    onset it ends. `min_age_years`: below it no dose was read; `age_source`: where the ages are printed, if not there.
    `counted_as`: the quantity under which earlier doses are on record, where that is not the drug's own. `by_label`:
    limits that are those of the drug's label, since the source prints none.
    """

    drug: Said
    route: Literal[
        "intravenous", "oral", "subcutaneous", "intrathecal", "oral or intravenous", "subcutaneous or intravenous"
    ]
    unit: Literal["mg", "mL", "ug/min", "ug/kg/min", "g"]
    where: Said
    fixed: float | None = None
    fixed_to: float | None = None
    per_kg: float | None = None
    per_kg_to: float | None = None
    per_m2: float | None = None
    low_weight: LowWeight | None = None
    at_most: float | None = None
    at_most_in_24_hours: float | None = None
    over_minutes: float | None = None
    interval_hours: float | None = None
    interval_to_hours: float | None = None
    apart_hours: float | None = None
    in_24_hours: int | None = None
    in_episode: int | None = None
    in_lifetime: int | None = None
    max_days: float | None = None
    min_age_years: float | None = None
    max_age_years: float | None = None
    age_source: str | None = None
    by_label: tuple[Literal["apart_hours", "in_episode"], ...] = ()
    steps: tuple[Step, ...] = ()
    counted_as: str | None = None
    note: str | None = None
    evidence: Evidence | None = None
    checked: date | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        """Refuses a dose that says nothing or two things, and a range that is reversed."""
        ways = [self.fixed is not None, self.per_kg is not None, self.per_m2 is not None, bool(self.steps)]
        if sum(ways) != 1:
            raise ValueError("a dose is one of: fixed, per_kg, per_m2, steps")
        for low, high in ((self.fixed, self.fixed_to), (self.per_kg, self.per_kg_to),
                          (self.interval_hours, self.interval_to_hours)):  # fmt: skip
            if high is not None and (low is None or low > high):
                raise ValueError("a range of a dose is reversed or has no beginning")
        if any(getattr(self, limit) is None for limit in self.by_label):
            raise ValueError("by_label names a limit that the dose does not have")
        if self.max_days is not None and (self.steps or self.max_days <= 0):
            raise ValueError("max_days is more than nothing, and a plan of steps says its own days")


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a row says to do. `dose` names one of the file's doses; `as_grade`: to be managed as this grade.

    `says`: its own words, where the row's do not suffice. `level`: where the patient is to be cared for.
    `finding`: the quantity that shows it was done, for looking back, where that is not the drug or the level; `word`:
    what its text must be.
    """

    kind: ActionKind
    drug: str | None = None
    dose: str | None = None
    says: str | None = None
    as_grade: int | None = None
    level: Literal["home", "ward", "monitored", "icu"] | None = None
    finding: str | None = None
    word: str | None = None
    strength: Strength | None = None


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of a table: when its cells hold, its source says this. `silent`: the source says nothing there."""

    table: str
    id: str
    says: Said
    where: Said
    when: dict[str, Written] = {}
    do: tuple[Action, ...] = ()
    strength: Strength = "recommend"
    evidence: Evidence | None = None
    source: str | None = None
    checked: date | None = None
    silent: bool = False
    sides: tuple[Side, ...] = ()

    def __post_init__(self) -> None:
        """Refuses a cell that can never match, and a row that neither acts nor is silent."""
        self.cells()
        if self.silent is bool(self.do):
            raise ValueError(f"row {self.id}: a row acts, or is silent = true")

    def cells(self) -> tuple[Cell, ...]:
        """What must hold."""
        made = (cell(name, written) for name, written in self.when.items())
        return tuple(one for one in made if one is not None)


class Side(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one source says where sources disagree."""

    sources: tuple[str, ...]
    says: Said
    evidence: Evidence


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of a file: exactly one row fires (`one`), or any number of them (`collect`), never none."""

    title: Said
    hit: Literal["one", "collect"] = "one"


class Guideline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file: what one source says. `scope`: the cells that a patient must meet for it to speak at all.

    `nature` "local" is a centre's own protocol, which need not cite a source of ours. `speaks_as`: how answers name it
    ("ASCO 2021"). `scale`: the one on which its grades are meant; a grade on another never drives it. `dated`: when it
    was published. `superseded`: a later text has taken its place, and answers show it last.
    """

    id: str
    title: Said
    speaks_as: Said
    nature: Nature
    source: str
    evidence: Evidence
    checked: date
    dated: str
    scale: str | None = None
    region: str | None = None
    superseded: bool = False
    summary: str | None = None
    scope: dict[str, Written] = {}
    tables: dict[str, Table]
    rows: tuple[Row, ...]
    doses: dict[str, DoseRule] = {}

    def __post_init__(self) -> None:
        """Refuses what one row alone cannot show: unknown tables and doses, a graded row without a scale, gaps."""
        self.scoped()
        for place, row in enumerate(self.rows):
            at = f" - at `$.rows[{place}]`"
            if row.table not in self.tables:
                raise ValueError(f"row {row.id} stands in table '{row.table}', which the file does not name{at}")
            if "crs_grade" in row.when and self.scale not in SCALES:
                raise ValueError(f"row {row.id} asks for a grade of CRS and the file names no scale{at}")
            for action in row.do:
                if action.dose is not None and action.dose not in self.doses:
                    raise ValueError(f"row {row.id} names dose '{action.dose}', which the file does not define{at}")
                if action.kind == "drug" and action.drug is None:
                    raise ValueError(f"row {row.id} gives a drug without naming it{at}")
        seen = [row.id for row in self.rows]
        for place, name in enumerate(seen):
            if name in seen[:place]:
                raise ValueError(f"two rows are called {name} - at `$.rows[{place}]`")

    def scoped(self) -> tuple[Cell, ...]:
        """What must hold for any row to be read."""
        made = (cell(name, written) for name, written in self.scope.items())
        return tuple(one for one in made if one is not None)

    def known(self, part: Row | DoseRule) -> Evidence:
        """How a row or dose is known: by its own tag, else by the file's."""
        return part.evidence or self.evidence

    def table(self, name: str) -> tuple[Row, ...]:
        """The rows of one table."""
        return tuple(row for row in self.rows if row.table == name)


def cited(guideline: Guideline, part: Row | DoseRule) -> str:
    """Where a row or dose comes from, as one line; a centre's own protocol is its own source."""
    key = part.source or guideline.source
    return guideline.title if guideline.nature == "local" and key not in citations() else citation(key)


def read_guideline(path: Path) -> Guideline:
    """One file of the form of guidelines/, ours or a centre's own.

    Raises BadKnowledge, naming file and line: not of the form, a cell that can never match, a citation that does not
    exist, a table with a gap or an overlap.
    """
    made = read(path, Guideline)
    text = path.read_text(encoding="utf-8")
    for name, line in _cited(made):
        if name not in citations():
            raise BadKnowledge(f"{path.name}{_found(text, name)}: no source '{name}' in sources.toml ({line})")
    for name, table in made.tables.items():
        problems = completeness.problems(made.table(name), one=table.hit == "one")
        if problems:
            raise BadKnowledge(
                f"{path.name}{_found(text, f'[tables.{name}]')}: table {name}: " + "; ".join(problems[:12])
            )
    return made


def _cited(made: Guideline) -> list[tuple[str, str]]:
    """Every citation key a file uses, and where."""
    keys = [] if made.nature == "local" else [(made.source, "the file")]
    keys += [(row.source, f"row {row.id}") for row in made.rows if row.source is not None]
    return keys + [(dose.source, f"dose {name}") for name, dose in made.doses.items() if dose.source is not None]


def _found(text: str, words: str) -> str:
    """The line at which some words stand, as `:12`, or nothing."""
    start = text.find(words)
    return "" if start < 0 else f":{text[:start].count(chr(10)) + 1}"


def read_guidelines(folder: Path) -> tuple[Guideline, ...]:
    """Every file of a folder, in order of their ids. Raises BadKnowledge for the first that cannot be used."""
    made = []
    for path in sorted(folder.glob("*.toml")):
        made.append(read_guideline(path))
        if made[-1].id != path.stem:
            raise BadKnowledge(f"{path.name}: its id is '{made[-1].id}', and a file is called by its id")
    return tuple(made)


class InUse(msgspec.Struct, frozen=True, eq=False):
    """What answers come from, all of it together: the published guidelines, a centre's own, the edition that says so.

    One set is another's equal only if it is the same, so that what is made of it can be kept beside it.
    """

    published: tuple[Guideline, ...]
    edition: str
    protocol: Guideline | None = None


_newer: InUse | None = None
"""What a running service has taken since its start (knowledge/shelf.py)."""


@cache
def _shipped() -> InUse:
    """Every file of guidelines/, as shipped."""
    return InUse(published=read_guidelines(loader.ROOT / FOLDER), edition=loader.shipped_edition())


def in_use() -> InUse:
    """What answers come from now; whoever needs several parts of it asks once."""
    return _newer or _shipped()


def take(newer: InUse | None) -> None:
    """Let every answer come from another set from now on; None: from what is shipped."""
    global _newer  # noqa: PLW0603  one process works with one set, and all of it changes in this one assignment
    _newer = newer


def guidelines() -> tuple[Guideline, ...]:
    """The published guidelines in use, in order of their ids."""
    return in_use().published


def edition() -> str:
    """The edition in use; it is told without reading a guideline where none was taken since the start."""
    newer = _newer
    return loader.shipped_edition() if newer is None else newer.edition
