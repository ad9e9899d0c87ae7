"""Ours: one patient's plan by every source, from findings to JSON, again and again in one warm process."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
from clock import report, task

from leeward.cohort.bedside_plan import adviser
from leeward.cohort.engine import Question
from leeward.record.read import read

CALLS, WARM = task()["calls"], task()["warm"]
FINDINGS = read(Path(task()["bundle"])).findings


PATIENT = FINDINGS["patient"][0].as_py()
ADVISER = adviser(room_air=False)


def planned() -> bytes:
    """What a service does when a patient's plan is asked for."""
    return msgspec.json.encode(ADVISER.plan(PATIENT, FINDINGS, Question()))


begin = time.perf_counter()
said = planned()
first_s = time.perf_counter() - begin
seconds = []
for _ in range(WARM + CALLS):
    begin = time.perf_counter()
    said = planned()
    seconds.append(time.perf_counter() - begin)
seconds = sorted(seconds[WARM:])
report(1, seconds, None, p99_s=seconds[min(CALLS - 1, int(CALLS * 0.99))], first_s=first_s, bytes=len(said))
