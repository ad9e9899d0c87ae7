"""What every job shares: it reads its task, times one call (imports and start-up not counted) and prints one line.

This file runs in each peer's own environment, so it uses the standard library only.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def task() -> dict[str, Any]:
    """The task: one JSON object on the command line."""
    return dict(json.loads(sys.argv[1]))


def timed(work: Callable[[], Any], repeats: int = 1) -> tuple[Any, list[float]]:
    """The last result of `work()` and the wall-clock seconds of each call."""
    seconds = []
    result = None
    for _ in range(repeats):
        result = None
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return result, seconds


def peak_bytes() -> int:
    """The most memory this process ever had resident.

    Linux's own count is preferred: getrusage also counts what the bench itself had when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        kilobytes = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(kilobytes[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def report(rows: int, seconds: list[float], answer: Any = None, **more: Any) -> None:
    """Print the measure as the last line: rows, median seconds, this process's peak memory unless given, the answer."""
    line = {
        "rows": rows,
        "seconds": statistics.median(seconds),
        "runs_s": seconds,
        "peak_bytes": peak_bytes(),
        "answer": answer,
    }
    print(json.dumps(line | more), flush=True)
