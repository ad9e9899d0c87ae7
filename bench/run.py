"""The bench: ours and its peers on the same files, in one run, on this machine.

make bench                        everything; writes docs/performance.md (under 45 minutes once files are made)
make bench ARGS=--quick           short files, no page written (under 4 minutes)
make bench ARGS=--middle          without the longest files; writes the page, which says so (under 25 minutes)
make bench ARGS="--only fhir"     one workload; the page is not written
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from advice import advice
from cohorts import against_aces, against_clifpy, against_ourselves, against_pandas, against_scan
from home import REPOSITORY, home
from reading import against_fhir_readers, one_patient
from runs import FULL, MIDDLE, QUICK, Size
from table import Workload, bars_table, markdown
from ward_cds_hooks import cds_hooks
from ward_live import ward_live

WORKLOADS: dict[str, Callable[[Size], Workload]] = {
    "clif": against_clifpy,
    "meds": against_aces,
    "scan": against_scan,
    "scales": against_ourselves,
    "fhir": against_fhir_readers,
    "patient": one_patient,
    "pandas": against_pandas,
    "advice": advice,
    "hooks": cds_hooks,
    "ward": ward_live,
}
PAGE = REPOSITORY / "docs" / "performance.md"


def machine() -> str:
    """Processor, cores, memory and system, as a sentence."""
    information = Path("/proc/cpuinfo")
    text = information.read_text(encoding="utf-8") if information.exists() else ""
    named = re.search(r"model name\s*:\s*(.+)", text)
    number = re.search(r"^model\s*:\s*(\d+)", text, re.MULTILINE)
    model = f"{named[1].strip() if named else platform.processor()}{f' (model {number[1]})' if number else ''}"
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("duckdb", "ibis-framework", "pyarrow")
    )
    return (
        f"{model}, {os.cpu_count()} cores, {memory_bytes / 1024**3:.0f} GiB; {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def page(workloads: list[Workload], began: datetime, took_s: float, size: Size) -> str:
    """docs/performance.md."""
    parts = [
        "# Performance\n",
        "Written by `make bench`; do not edit. Ours and theirs ran one after the other, in one run.\n",
        f"- Machine: {machine()}",
        f"- When: {began:%Y-%m-%d %H:%M} UTC, {took_s / 60:.0f} minutes",
        (
            f"- Command: `make bench{'' if size is FULL else f' ARGS=--{size.name}'}`; "
            "peers are installed as `bench/peers.py` says and run as `bench/jobs/` says"
        ),
        "- Time: the median of the runs in one process, imports and start-up not counted; memory: the process's peak\n",
        "## Bars\n",
        bars_table(workloads),
        *(markdown(each) for each in workloads),
    ]
    return "\n".join(parts)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure Leeward beside its peers.")
    parser.add_argument("--quick", action="store_true", help="short files; nothing is written to docs/")
    parser.add_argument("--middle", action="store_true", help="without the longest files; the page says so")
    parser.add_argument("--only", choices=sorted(WORKLOADS), action="append", help="one workload (may be repeated)")
    return parser.parse_args()


def main() -> int:
    """Run the workloads, print every table, write the page after a full run. Exit status 1 when a bar is not met."""
    asked = arguments()
    size = QUICK if asked.quick else MIDDLE if asked.middle else FULL
    began = datetime.now(UTC)
    clock = time.monotonic()
    print(f"{machine()}\nfiles and peers are kept in {home()}", flush=True)
    done = []
    for name, workload in WORKLOADS.items():
        if asked.only and name not in asked.only:
            continue
        print(f"\n{name}", flush=True)
        done.append(workload(size))
        print("\n" + markdown(done[-1]), flush=True)
    took_s = time.monotonic() - clock
    print(f"## Bars\n\n{bars_table(done)}\n{took_s:.0f} s", flush=True)
    if size is not QUICK and not asked.only:
        PAGE.write_text(page(done, began, took_s, size), encoding="utf-8")
        print(f"written: {PAGE.relative_to(REPOSITORY)}")
    return 1 if any(bar.met is False for each in done for bar in each.bars) else 0


if __name__ == "__main__":
    sys.exit(main())
