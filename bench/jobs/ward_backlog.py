"""Ours: a backlog taken into a ward's store, and history graded from it silently."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from clock import report, task

from leeward.ward.backlog import take_backlog
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

path = Path(task()["path"])
with tempfile.TemporaryDirectory(prefix="leeward-bench-ward-") as folder:
    world = World(WardSettings(database=f"sqlite:///{folder}/ward.db", demo=True))
    begin = time.perf_counter()
    taken = take_backlog(world.intake, path, "bench", piece=int(world.settings.number("backlog", "piece")))
    took_s = time.perf_counter() - begin
    begin = time.perf_counter()
    graded = 0
    while more := world.grader.once():
        graded += more
    graded_s = time.perf_counter() - begin
    told = len(world.alerts.open())
    world.engine.dispose()
report(taken.findings, [took_s], None, graded=graded, graded_s=graded_s, alerts=told, refused=taken.refused)
