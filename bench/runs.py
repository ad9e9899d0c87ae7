"""How a workload runs its jobs: ours here, a peer's in the peer's environment; and how much a run measures."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import peers
from home import home
from job import Absent, Measure, Outcome, run

OURS = "Leeward"


@dataclass(frozen=True)
class Size:
    """How much a run measures."""

    name: str
    clif_copies: tuple[int, ...]
    findings: tuple[int, ...]
    observations: tuple[int, ...]
    patient_calls: int
    pandas_findings: int
    repeats: int


FULL = Size("full", (1, 20, 100), (1_000_000, 20_000_000, 100_000_000), (200_000, 2_000_000), 1000, 1_000_000, 3)
MIDDLE = Size("middle", (1, 20, 100), (1_000_000, 20_000_000), (200_000,), 100, 100_000, 1)
QUICK = Size("quick", (1, 20), (1_000_000, 5_000_000), (200_000,), 300, 100_000, 1)


def repeats_for(rows: int, size: Size) -> int:
    """The longest jobs run once; their length makes up for it."""
    return size.repeats if rows <= 20_000_000 else 1


def ours(what: str, script: str, task: dict[str, Any]) -> Outcome:
    """One of our own jobs, in this environment."""
    return run(OURS, what, sys.executable, script, task)


def theirs(name: str, what: str, script: str, task: dict[str, Any]) -> Outcome:
    """A peer's job in the peer's environment; absent, saying why, where it cannot be set up."""
    python = peers.python_of(name)
    title = peers.PEERS[name].title
    if isinstance(python, str):
        print(f"  {what}: {title} is absent: {python}", flush=True)
        return Absent(title, what, python)
    return run(title, what, python, script, task)


def read_ahead(path: Path) -> Path:
    """The file, read once so that every job finds it in the system's cache and no disk is timed."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
    return path


def course(what: str, findings: Path, repeats: int, **task: Any) -> Outcome:
    """Our course of every patient in a findings file."""
    out = home() / "data" / "course"
    return ours(
        what, "ours_course", {"findings": str(read_ahead(findings)), "repeats": repeats, "out": str(out)} | task
    )


def scan(what: str, findings: Path, kind: str, repeats: int) -> Outcome:
    """DuckDB's bare scan-and-group of a findings file."""
    task = {"findings": str(read_ahead(findings)), "kind": kind, "repeats": repeats, "rows": rows_of(findings)}
    return run("DuckDB", what, sys.executable, "duckdb_scan", task)


def rows_of(path: Path) -> int:
    """Rows in a Parquet file."""
    return int(pq.read_metadata(path).num_rows)


def read_findings(what: str, path: Path, rows: int, **options: Any) -> tuple[Path | None, Outcome]:
    """A record read by us afresh (a kept copy would hide what the reader does today): the findings, and the measure."""
    out = home() / "data" / "read-findings.parquet"
    out.unlink(missing_ok=True)
    task = {"path": str(path), "rows": rows, "out": str(out), "repeats": 1, "options": options}
    outcome = ours(f"{what} to findings", "ours_read", task)
    return (out if isinstance(outcome, Measure) else None), outcome
