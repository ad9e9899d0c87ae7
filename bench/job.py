"""Runs one measured job in its own process, in the environment it names, and reads the measure it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from home import BENCH, home

LIMIT_S = 900


@dataclass(frozen=True)
class Measure:
    """One job's outcome: `seconds` is the median of its runs, without imports and start-up."""

    who: str
    what: str
    rows: int
    seconds: float
    peak_bytes: int
    answer: Any = None
    runs_s: tuple[float, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def rows_per_second(self) -> float:
        """Rows of the input handled in a second."""
        return self.rows / self.seconds


@dataclass(frozen=True)
class Absent:
    """A job that could not run here, and why; it stands in the table like a measure."""

    who: str
    what: str
    why: str


Outcome = Measure | Absent


def run(who: str, what: str, python: Path | str, script: str, task: dict[str, Any]) -> Outcome:
    """The measure of `bench/jobs/<script>.py`; a job that fails is Absent with its last words."""
    command = [str(python), str(BENCH / "jobs" / f"{script}.py"), json.dumps(task)]
    print(f"  {what}: {who} ...", end="", flush=True)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, env=_environment(python), check=False
        )
    except subprocess.TimeoutExpired:
        print(f" stopped after {LIMIT_S} s", flush=True)
        return Absent(who, what, f"not finished within {LIMIT_S} s")
    if done.returncode != 0 or not done.stdout.strip():
        log = home() / "logs" / f"{script}.txt"
        log.parent.mkdir(exist_ok=True)
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
        print(f" failed (see {log})", flush=True)
        return Absent(who, what, _last_words(done.stderr) or f"exit status {done.returncode}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    runs_s = tuple(said.pop("runs_s"))
    known = {name: said.pop(name) for name in ("rows", "seconds", "peak_bytes", "answer")}
    measure = Measure(who=who, what=what, runs_s=runs_s, more=said, **known)
    print(f" {measure.seconds:.2f} s", flush=True)
    return measure


def _environment(python: Path | str) -> dict[str, str]:
    """The caller's environment; for a peer without what would lead it to our packages."""
    foreign = () if str(python) == sys.executable else ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
    kept = {name: text for name, text in os.environ.items() if name not in foreign}
    return kept | {"PYTHONWARNINGS": "ignore", "TZ": "UTC"}


def _last_words(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
