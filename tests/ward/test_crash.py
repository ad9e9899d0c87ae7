"""Row 51: the machine dies, or the disk is full, at any write: what is found again is a prefix of what arrived, whole.

faults/disk.c stands between SQLite and the disk and strikes; faults/crash.py keeps arrivals under it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent / "faults"
COMPILER = shutil.which("cc") or shutil.which("gcc")
KILLED, TORN, FULL_ONCE, FULL = 1, 2, 3, 4
EACH = 3  # findings of one arrival

pytestmark = pytest.mark.skipif(
    COMPILER is None or not sys.platform.startswith("linux"), reason="needs a C compiler and Linux to strike at a write"
)


def strikes(folder: Path, every: int) -> list[dict[str, object]]:
    """Everything that was found after each strike."""
    shim = folder / "disk.so"
    subprocess.run([str(COMPILER), "-O1", "-shared", "-fPIC", "-o", shim, FAULTS / "disk.c", "-ldl"], check=True)
    asked = [sys.executable, str(FAULTS / "crash.py"), str(folder), str(every)]
    done = subprocess.run(asked, env=os.environ | {"LD_PRELOAD": str(shim)}, capture_output=True, text=True, check=True)
    writes, *found = map(json.loads, done.stdout.splitlines())
    assert writes["writes"] > 50
    return found


def check(one: dict[str, object]) -> None:
    """Nothing acknowledged is lost, nothing is half there, and the store goes on."""
    kept, acknowledged = one["kept"], one["acknowledged"]
    assert isinstance(kept, list)
    assert isinstance(acknowledged, list)
    assert one["whole"], one
    assert set(acknowledged) <= set(kept), one
    assert (one["findings"], one["refusals"]) == (EACH * len(kept), len(kept)), one
    assert one["findings_after"] == EACH * (len(kept) + 1), one
    if one["mode"] in (KILLED, TORN):
        assert one["status"] != 0, one
        assert kept == list(range(1, len(kept) + 1)), one
        assert len(kept) - len(acknowledged) <= 1, one
    else:
        assert one["full"], one
        assert one["status"] == 0, one


def test_51_struck_at_some_writes(tmp_path: Path) -> None:
    """Every eleventh write, in each of the four ways."""
    found = strikes(tmp_path, 11)
    assert {one["mode"] for one in found} == {KILLED, TORN, FULL_ONCE, FULL}
    for one in found:
        check(one)


@pytest.mark.slow
def test_51_struck_at_every_write(tmp_path: Path) -> None:
    """Every write, in each of the four ways."""
    for one in strikes(tmp_path, 1):
        check(one)
