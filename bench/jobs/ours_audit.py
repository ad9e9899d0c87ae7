"""Ours: which steps of ASCO 2021 were taken when a grade was first reached, for every patient of a findings file."""

from __future__ import annotations

import time

from clock import report, task

from leeward.cohort import audit
from leeward.cohort.engine import Question, connect, run
from leeward.scales.older_crs import ASTCT

FINDINGS = str(task()["findings"])
QUESTION = Question(scales=(ASTCT,))
of = audit.source("asco-2021")
audit.compiled(ASTCT, QUESTION.scales, room_air=False)

begin = time.perf_counter()
with connect() as connection:
    connection.execute(f"create view findings as select * from '{FINDINGS}'")
    run(connection, QUESTION, reasons=False)
    graded_s = time.perf_counter() - begin
    steps = sum(1 for _ in audit.looked_back(connection, QUESTION, of, within_hours=4.0))
    seconds = time.perf_counter() - begin
    patients = int(connection.execute("select count(*) from watched").fetchall()[0][0])
report(patients, [seconds], None, steps=steps, graded_s=graded_s)
