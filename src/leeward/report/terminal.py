"""Answers as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from leeward.cohort.answer import Answer, Episode, Grade
from leeward.record.spool import Record
from leeward.report.explain import STANDING, clock, grade_words

SCALES = ("astct-2019",)
SHOWN_PATIENT = "C04"
_STYLES = {0: "dim", 1: "green", 2: "yellow", 3: "dark_orange", 4: "red", 5: "bold red"}


def table(answers: Iterable[Answer]) -> Table:
    """A row per episode, or per patient without one."""
    made = Table(title="ASTCT 2019", caption=STANDING, show_lines=False)
    for heading in ("patient", "therapy", "syndrome", "onset", "peak", "resolved", "hours", "now", "notes"):
        made.add_column(heading, overflow="fold")
    for answer in answers:
        for row in _rows(answer):
            made.add_row(*row)
    return made


def _rows(answer: Answer) -> list[list[Text | str]]:
    """One patient's rows."""
    if not answer.triggers:
        return [[answer.patient, Text("no trigger on record", "dim"), "", "", "", "", "", "not graded", ""]]
    therapy = ", ".join(dict.fromkeys(trigger.name for trigger in answer.triggers))
    rows = []
    for syndrome, now in answer.now.items():
        episodes = [episode for episode in answer.episodes if episode.syndrome == syndrome]
        if not episodes and (syndrome != "crs" and now.because == []):
            continue
        for place, episode in enumerate(episodes or [None]):
            first = not rows
            last = place == max(len(episodes) - 1, 0)
            rows.append([answer.patient if first else "", therapy if first else "", syndrome.upper(), *_episode(episode),
                         graded(now) if last else "", _notes(episode, now if last else None)])  # fmt: skip
    return rows


def _episode(episode: Episode | None) -> list[Text | str]:
    """Onset, peak, resolution, hours."""
    if episode is None:
        return ["none", "", "", ""]
    peak = Grade(episode.peak.at_least, episode.peak.at_most, [], [])
    return [clock(episode.onset), graded(peak), clock(episode.resolved) if episode.resolved else "open", f"{episode.duration_hours:g}"]


def _notes(episode: Episode | None, now: Grade | None) -> str:
    """Warnings, and what is missing now."""
    said = list(episode.warnings) if episode else []
    if now is not None and now.missing:
        said.append(f"missing now: {', '.join(now.missing)}")
    return "; ".join(said)


def graded(grade: Grade) -> Text:
    """A grade coloured by its worst bound; the words carry the meaning."""
    return Text(grade_words(grade).removeprefix("grade "), _STYLES.get(grade.at_most or 0, ""))


def print_record(console: Console, record: Record) -> None:
    """What was read and what was refused."""
    refused = ", ".join(f"{count:,} x {reason}" for reason, count in record.refused.items())
    console.print(f"{len(record):,} findings understood" + (f"; refused: {refused} (list them with --refused FILE)" if refused else ""), soft_wrap=True)
