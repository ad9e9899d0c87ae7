"""Ours: one patient's Bundle, from JSON bytes to the answer, again and again in one warm process."""

from __future__ import annotations

import time
from pathlib import Path

from clock import report, task

import leeward

BUNDLE, CALLS, WARM = (task()[name] for name in ("bundle", "calls", "warm"))
content = Path(BUNDLE).read_bytes()
answers = []
seconds = []
for _ in range(WARM + CALLS):
    begin = time.perf_counter()
    answers.append(leeward.grade(content))
    seconds.append(time.perf_counter() - begin)
first_s = seconds[0]
seconds = sorted(seconds[WARM:])
p99_s = seconds[min(CALLS - 1, int(CALLS * 0.99))]
report(1, seconds, answers[-1], p99_s=p99_s, first_s=first_s)
