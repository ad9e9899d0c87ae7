"""Runs with disk.c loaded: arrivals are kept until the machine dies or the disk is full; then the store is read again.

Prints one JSON line per point: what was acknowledged, what is on record, and whether every row of it is whole.
Not a test itself: tests/ward/test_crash.py starts it.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from leeward.record.schema import STATEMENT
from leeward.ward import tables
from leeward.ward.arrivals import Arrival
from leeward.ward.clock import SetClock
from leeward.ward.database import open_database
from leeward.ward.intake import Intake
from leeward.ward.settings import WardSettings
from leeward.ward.store import Store

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ARRIVALS = 6
disk = ctypes.CDLL(None)


def opened(folder: Path) -> tuple[Store, Intake]:
    """The store of a folder and its intake."""
    engine = open_database(f"sqlite:///{folder / 'ward.db'}")
    store = Store(engine, SetClock(NOW))
    return store, Intake(store, WardSettings(demo=True), SetClock(NOW), lambda: None)


def arrive(intake: Intake, number: int) -> None:
    """The Nth arrival: three findings of two patients and a refusal."""
    at = (NOW - timedelta(minutes=10 * number)).isoformat()
    said = [("A", "body-temperature", f"38.{number}", "Cel"), ("A", "heart-rate", "101", "/min"),
            ("B", "body-temperature", f"37.{number}", "Cel"), ("B", "body-temperature", "101", "Cel")]  # fmt: skip
    rows = [{"patient": patient, "quantity": quantity, "value": value, "unit": unit, "start": at, "source": "monitor"}
            for patient, quantity, value, unit in said]  # fmt: skip
    batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in STATEMENT.names} for row in rows], STATEMENT)
    intake.take(Arrival(door="csv", source="monitor", message=str(number)), [batch])


def child(folder: Path, mode: int, point: int, acknowledged: int) -> None:
    """Keep arrivals until struck; each is acknowledged only once it is kept."""
    _, intake = opened(folder)
    disk.disk_arm(mode, point)
    for number in range(1, ARRIVALS + 1):
        try:
            arrive(intake, number)
        except DBAPIError:
            os.write(acknowledged, f"full {number}\n".encode())
            continue
        os.write(acknowledged, f"kept {number}\n".encode())
    os.write(acknowledged, f"seen {disk.disk_seen()}\n".encode())
    os._exit(0)


def struck(template: Path, folder: Path, mode: int, point: int) -> dict[str, object]:
    """One strike, and what is found afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read)
        try:
            child(folder, mode, point, write)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as heard:
        lines = heard.read().split("\n")
    _, status = os.waitpid(process, 0)
    store, intake = opened(folder)
    with store.engine.connect() as connection:
        kept = sorted(int(row[0]) for row in connection.execute(select(tables.arrivals.c.message)))
        whole = connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"
    record = store.known(["A", "B"])
    arrive(intake, ARRIVALS + 1)
    after = store.known(["A", "B"])
    return {
        "mode": mode, "point": point, "status": status, "kept": kept, "whole": whole,
        "acknowledged": [int(line.split()[1]) for line in lines if line.startswith("kept")],
        "full": [int(line.split()[1]) for line in lines if line.startswith("full")],
        "seen": next((int(line.split()[1]) for line in lines if line.startswith("seen")), None),
        "findings": record.findings.num_rows, "refusals": record.refusals.num_rows,
        "findings_after": after.findings.num_rows,
    }  # fmt: skip


def main() -> None:
    """`crash.py FOLDER EVERY`: strikes at every EVERYth write, in each of the four ways."""
    root, every = Path(sys.argv[1]), int(sys.argv[2])
    template = root / "template"
    template.mkdir(parents=True)
    store, _ = opened(template)
    store.engine.dispose()
    total = struck(template, root / "counted", 5, 0)["seen"]
    assert isinstance(total, int)
    print(json.dumps({"writes": total}), flush=True)
    for mode in (1, 2, 3, 4):
        for point in range(1 + (mode - 1) % every, total + 1, every):
            print(json.dumps(struck(template, root / "struck", mode, point)), flush=True)


if __name__ == "__main__":
    main()
