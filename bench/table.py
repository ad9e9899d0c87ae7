"""What the bench says: measures, bars met or not met, and docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from job import Absent, Measure, Outcome

MIB = 1024 * 1024


@dataclass(frozen=True)
class Bar:
    """One promise and what was measured; `met` is None where it could not be measured."""

    claim: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """The word in the table."""
        return {True: "met", False: "NOT MET", None: "not measured"}[self.met]


@dataclass
class Workload:
    """One workload's title, its rows, its bars, and sentences a reader needs to judge them."""

    title: str
    rows_are: str
    outcomes: list[Outcome] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def measured(outcome: Outcome) -> Measure | None:
    """The measure, if there is one."""
    return outcome if isinstance(outcome, Measure) else None


def faster(claim: str, ours: Outcome, theirs: Outcome, times: float) -> Bar:
    """The bar "ours handles at least `times` as many rows a second as theirs"."""
    if isinstance(ours, Absent) or isinstance(theirs, Absent):
        absent = ours if isinstance(ours, Absent) else theirs
        return Bar(claim, f"{absent.who}: absent", None)
    ratio = ours.rows_per_second / theirs.rows_per_second
    return Bar(claim, f"{ratio:.1f}x", ratio >= times)


def within(claim: str, ours: Outcome, theirs: Outcome, times: float) -> Bar:
    """The bar "ours takes at most `times` as long as theirs on the same file"."""
    if isinstance(ours, Absent) or isinstance(theirs, Absent):
        absent = ours if isinstance(ours, Absent) else theirs
        return Bar(claim, f"{absent.who}: absent", None)
    ratio = ours.seconds / theirs.seconds
    return Bar(claim, f"{ratio:.1f}x as long", ratio <= times)


def seconds_text(seconds: float) -> str:
    """Milliseconds below a tenth of a second."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def count_text(count: float) -> str:
    """A count in thousands or millions."""
    if count >= 1e6:
        return f"{count / 1e6:.2f} M"
    return f"{count / 1e3:.1f} k" if count >= 1e3 else f"{count:.0f}"


def markdown(workload: Workload) -> str:
    """A workload's section of the page."""
    lines = [f"## {workload.title}", "", f"Rows are {workload.rows_are}.", ""]
    lines += ["| what | who | rows | time | rows/s | peak memory |", "|---|---|---:|---:|---:|---:|"]
    lines += [_line(outcome) for outcome in workload.outcomes]
    if workload.bars:
        lines += ["", "| bar | measured | |", "|---|---:|---|"]
        lines += [f"| {bar.claim} | {bar.measured} | {bar.verdict} |" for bar in workload.bars]
    lines += [""] + [f"- {note}" for note in workload.notes]
    return "\n".join(lines).rstrip() + "\n"


def _line(outcome: Outcome) -> str:
    if isinstance(outcome, Absent):
        return f"| {outcome.what} | {outcome.who} | absent: {outcome.why} | | | |"
    cells = [
        outcome.what,
        outcome.who,
        count_text(outcome.rows),
        seconds_text(outcome.seconds),
        count_text(outcome.rows_per_second),
        f"{outcome.peak_bytes / MIB:,.0f} MiB",
    ]
    return "| " + " | ".join(cells) + " |"


def bars_table(workloads: Sequence[Workload]) -> str:
    """Every bar of every workload, first thing on the page."""
    lines = ["| bar | measured | |", "|---|---:|---|"]
    lines += [f"| {bar.claim} | {bar.measured} | {bar.verdict} |" for each in workloads for bar in each.bars]
    return "\n".join(lines) + "\n"
