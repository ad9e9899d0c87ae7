"""Possible causes of a patient's episodes, in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leeward.cohort.answer import Answer
from leeward.knowledge.therapies import Count, Population, Share
from leeward.recognition.cause import Cause, Published, causes, spread
from leeward.report.explain import STANDING, clock

_STYLES = {"inside": "bold", "unknown": "", "late": "dim", "early": "dim"}
_MARKS = {"read": "", "secondary": "", "derived": " (derived)", "recalled": " (recalled)"}
_COLUMNS = ("population", "fits", "any CRS", "grade ≥ 3", "n", "onset", "source")
CLOSING = f"Timing orders the list; it rules nothing out. {STANDING}"


class Line(msgspec.Struct, frozen=True):
    """One patient's possible causes, as a line of JSON."""

    patient: str
    as_of: datetime | None
    causes: list[Cause]
    edition: str


def lines(answers: Iterable[Answer]) -> Iterator[bytes]:
    """One JSON object per patient per line."""
    for answer in answers:
        yield msgspec.json.encode(Line(answer.patient, answer.as_of, causes(answer), answer.edition)) + b"\n"


def print_causes(console: Console, answers: Iterable[Answer]) -> None:
    """Each patient's episodes with their possible causes; recalled numbers say so beside them."""
    for answer in answers:
        onset = None
        for place, cause in enumerate(causes(answer)):
            if place == 0 or cause.onset != onset:
                onset = cause.onset
                begun = f"CRS from {clock(onset)}" if onset else "no CRS episode on record"
                console.rule(Text(f"{answer.patient}: {begun}"), align="left")
            _print_cause(console, cause)
    console.print(CLOSING, style="dim", soft_wrap=True)


def _print_cause(console: Console, cause: Cause) -> None:
    """What it is, whether the timing fits, what was published of it, what else is worth knowing."""
    console.print(Text(_heading(cause), _STYLES[cause.timing]), soft_wrap=True)
    if cause.kind == "treatment" and cause.published:
        made = Table(box=box.SIMPLE_HEAD, pad_edge=True)
        for heading in _COLUMNS:
            made.add_column(heading, overflow="fold")
        for one in cause.published:
            made.add_row(*_published(one))
        console.print(made)
    for note in cause.notes:
        mark = "" if "recalled" in note.source else _MARKS[note.evidence]
        said = f"  {note.says} [{note.source}{mark}]"
        console.print(said, markup=False, highlight=False, soft_wrap=True)


def _heading(cause: Cause) -> str:
    """One line: the cause, when it was given, the verdict and what it rests on."""
    if cause.dose is None:
        return f"{cause.name}: {cause.why}"
    given = f", given {clock(cause.dose)}"
    mark = _MARKS[cause.evidence] if cause.evidence else ""
    return f"{cause.name} ({cause.klass or 'product not known'}){given}: {cause.timing}; {cause.why}{mark}"


def _published(one: Published) -> list[Text]:
    """One publication's row; words of the publication stand as they were printed."""
    row = one.population
    about = "; ".join(part for part in (row.indication, row.given, row.people) if part)
    onset = spread(row.onset) + marked(row, row.known(row.onset)) if row.onset else ""
    scale = f", {row.scale}" if row.scale not in (None, "none") and row.crs_grade_3_or_more else ""
    source = f"{row.source}, {row.dated} [{row.evidence}]" if row.dated else f"{row.source} [{row.evidence}]"
    severe = number(row, row.crs_grade_3_or_more) + scale
    cells = (about, one.timing, number(row, row.crs_any), severe, number(row, row.n), onset, source)
    return [Text(cell) for cell in cells]


def number(row: Population, number: Share | Count | None) -> str:
    """A share or a count with its words, and a mark where it is less well known than its row."""
    if number is None:
        return ""
    value = number.count if isinstance(number, Count) else number.percent
    unit = " %" if isinstance(number, Share) and value is not None else ""
    shown = f"{value:g}{unit}" if value is not None else ""
    words = f" ({number.text})" if number.text and shown else number.text or ""
    return f"{shown}{words}{marked(row, row.known(number))}"


def marked(row: Population, tag: str) -> str:
    """The tag of a number that is known otherwise than its row, and of every recalled one."""
    return _MARKS["recalled"] if tag == "recalled" else f" ({tag})" if tag != row.evidence else ""
