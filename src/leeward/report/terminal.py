"""Answers as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leeward.cohort.answer import Answer, Episode, Grade
from leeward.record.spool import Record
from leeward.report.explain import STANDING, grade_words
from leeward.scales.older_crs import ASTCT

TITLE = "CRS and ICANS by ASTCT 2019; times are days and hours since the therapy"
SHOWN_PATIENT = "C04"
_STYLES = {0: "dim", 1: "green", 2: "yellow", 3: "dark_orange", 4: "red", 5: "bold red"}


def print_answers(console: Console, answers: Iterable[Answer]) -> None:
    """A row per episode, or per patient without one; what a reader must be warned of stands below."""
    made = Table(title=TITLE, caption=STANDING)
    for heading in ("patient", "therapy", "of", "onset", "peak", "resolved", "now", "note"):
        wraps = heading in ("therapy", "patient")
        made.add_column(heading, no_wrap=not wraps, overflow="fold", min_width=15 if heading == "therapy" else None)
    notes: list[tuple[str, str]] = []
    for answer in answers:
        for row in _rows(answer, notes):
            made.add_row(*row)
    console.print(made)
    for number, (mark, said) in enumerate(notes, 1):
        console.print(f"{number:>3}  {mark}: {said}", soft_wrap=True, highlight=False, markup=False, style="dim")


def _rows(answer: Answer, notes: list[tuple[str, str]]) -> list[list[Text | str]]:
    """One patient's rows; adds to `notes` what is said below the table."""
    if not answer.triggers:
        mark = _mark(notes, answer.patient, _raw(answer))
        return [[answer.patient, Text("no trigger on record", "dim"), "", "", "", "", "not graded", mark]]
    therapy = ", ".join(dict.fromkeys(trigger.name for trigger in answer.triggers))
    rows: list[list[Text | str]] = []
    for syndrome, scale, now in _graded(answer):
        mine = (syndrome, scale)
        episodes: list[Episode | None] = [one for one in answer.episodes if (one.syndrome, one.scale) == mine]
        if not episodes and syndrome != "crs" and not now.because:
            continue
        for episode in episodes or [None]:
            first, last = not rows, episode is (episodes or [None])[-1]
            named = syndrome.upper() if scale == ASTCT else scale
            marks = _noted(answer.patient, named, episode, now if last else None, notes)
            rows.append([answer.patient if first else "", therapy if first else "", named,
                         *_episode(episode, answer.triggers[0].at), graded(now) if last else "", marks])  # fmt: skip
    return rows


def _graded(answer: Answer) -> Iterator[tuple[str, str, Grade]]:
    """Each syndrome on each scale that was asked for, ASTCT first; ASTCT of CRS only where it was asked for."""
    alone = answer.scales and not any(one.scale == ASTCT for one in answer.course if one.syndrome == "crs")
    for syndrome, now in answer.now.items():
        if not (alone and syndrome == "crs"):
            yield syndrome, ASTCT, now
        if syndrome == "crs":
            yield from (("crs", scale, grade) for scale, grade in answer.scales.items())


_RAW = {"body-temperature": ("temperature to", "highest"), "systolic-bp": ("systolic from", "lowest"),
        "spo2": ("SpO2 from", "lowest")}  # fmt: skip


def _raw(answer: Answer) -> str:
    """The raw physiology in a few words, for a patient who is not graded."""
    signs = {sign.quantity: sign for sign in answer.physiology}
    said = [f"{words} {getattr(signs[name], end):g}" for name, (words, end) in _RAW.items() if name in signs]
    return f"not graded; {', '.join(said)}" if said else ""


def _mark(notes: list[tuple[str, str]], who: str, said: str) -> str:
    """The number of a note that is said below the table; nothing where there is nothing to say."""
    if not said:
        return ""
    notes.append((who, said))
    return f"[{len(notes)}]"


def _noted(patient: str, named: str, episode: Episode | None, now: Grade | None, notes: list[tuple[str, str]]) -> str:
    """The numbers of the notes that belong to a row."""
    said = list(episode.warnings) if episode else []
    if now is not None and now.missing:
        said.append(f"missing now: {', '.join(now.missing)}")
    if not said:
        return ""
    notes.append((f"{patient} {named}", "; ".join(said)))
    return f"[{len(notes)}]"


def _episode(episode: Episode | None, since: datetime) -> list[Text | str]:
    """Onset, peak, resolution."""
    if episode is None:
        return ["none", "", ""]
    peak = Grade(episode.peak.at_least, episode.peak.at_most, [], [])
    return [_since(episode.onset, since), graded(peak), _since(episode.resolved, since) if episode.resolved else "open"]


def _since(moment: datetime, start: datetime) -> str:
    """Days and hours from the first dose."""
    hours = int((moment - start).total_seconds() // 3600)
    return f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h"


def graded(grade: Grade) -> Text:
    """A grade coloured by its worst bound; the words carry the meaning."""
    return Text(grade_words(grade).removeprefix("grade "), _STYLES.get(grade.at_most or 0, ""))


def print_record(console: Console, record: Record) -> None:
    """What was read and what was refused."""
    refused = ", ".join(f"{count:,} x {reason}" for reason, count in record.refused.items())
    listed = f"; refused: {refused} (list them with --refused FILE)" if refused else ""
    console.print(f"{len(record):,} findings understood{listed}", soft_wrap=True)
    lost = record.refusals.filter(pc.equal(record.refusals["quantity"], "trigger")).num_rows
    if lost:
        console.print(
            f"{lost:,} records of a therapy that can cause CRS were refused: see --refused FILE.", soft_wrap=True
        )
