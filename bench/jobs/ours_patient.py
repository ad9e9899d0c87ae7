"""Ours: one patient's Bundle, from JSON to the answer in JSON, again and again in one warm process."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
from clock import report, task

from leeward.cohort.answer import answer, units
from leeward.cohort.bedside import Bedside
from leeward.cohort.courses import refused_by_patient
from leeward.cohort.engine import Question
from leeward.recognition import lookalikes
from leeward.record.read import read
from leeward.scales.older_crs import SCALES

BUNDLE, CALLS, WARM = (task()[name] for name in ("bundle", "calls", "warm"))
PATIENT = task()["patient"]
EVERYTHING = bool(task().get("everything"))
QUESTION = Question(scales=SCALES, scores=True) if EVERYTHING else Question()


def answered(bedside: Bedside) -> bytes:
    """What a bedside service does at each request; the Bundle lies in memory-backed files, so no disk is timed."""
    record = read(Path(BUNDLE))
    rows = bedside.tables(record.findings, QUESTION)
    refused = refused_by_patient(record.refusals).get(PATIENT, {})
    course = answer(PATIENT, rows, QUESTION, refused, units())
    return msgspec.json.encode([course, lookalikes.as_json(rows)] if EVERYTHING else [course])


begin = time.perf_counter()
bedside = Bedside(scales=QUESTION.scales, scores=QUESTION.scores, lookalikes=EVERYTHING)
said = answered(bedside)
first_s = time.perf_counter() - begin
seconds = []
for _ in range(WARM + CALLS):
    begin = time.perf_counter()
    said = answered(bedside)
    seconds.append(time.perf_counter() - begin)
seconds = sorted(seconds[WARM:])
p99_s = seconds[min(CALLS - 1, int(CALLS * 0.99))]
report(1, seconds, msgspec.json.decode(said), p99_s=p99_s, first_s=first_s)
