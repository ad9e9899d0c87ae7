"""Where the bench keeps what is costly to make: peers' environments and generated files, outside the repository."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parent
REAL_DATA = REPOSITORY.parent / "shared" / "data"
"""Third-party records that never enter the repository; a workload that needs them says so where they are absent."""


def home() -> Path:
    """The bench's own folder: LEEWARD_BENCH_HOME, else under the user's cache folder."""
    named = os.environ.get("LEEWARD_BENCH_HOME")
    folder = Path(named) if named else Path.home() / ".cache" / "leeward-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made(name: str, make: Callable[[Path], None]) -> Path:
    """The cached file or folder `name`, made by `make(path)` if absent; half-made things never keep the name."""
    finished = home() / "data" / name
    if finished.exists():
        return finished
    finished.parent.mkdir(parents=True, exist_ok=True)
    unfinished = finished.with_name(f"making-{os.getpid()}-{finished.name}")
    if unfinished.is_dir():
        shutil.rmtree(unfinished)
    print(f"  making {name} (once; kept in {finished.parent})", flush=True)
    make(unfinished)
    unfinished.rename(finished)
    return finished
