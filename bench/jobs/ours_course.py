"""Ours: the whole ASTCT course (CRS and ICANS) of every patient, from Parquet findings to Parquet tables."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import duckdb
from clock import report, task, timed

from leeward.cohort.courses import write
from leeward.cohort.engine import Question, connect, plan_for, run
from leeward.scales.older_crs import SCALES

TASK = task()
FINDINGS, OUT = str(TASK["findings"]), Path(TASK["out"])
EVERYTHING = {"scales": SCALES, "scores": True} if TASK.get("everything") else {}
QUESTION = Question(**TASK.get("question", {}), **EVERYTHING)
PEAKS = (
    "select patient, max(peak_at_least), max(peak_at_most) from '{}/episodes.parquet' "
    "where syndrome = 'crs' group by patient"
)


def course() -> None:
    """Grade everyone and write every table of the courses."""
    shutil.rmtree(OUT, ignore_errors=True)
    with connect() as connection:
        connection.execute(f"create view findings as select * from '{FINDINGS}'")
        run(connection, QUESTION, reasons=False)
        write(connection, OUT)


begin = time.perf_counter()
for several in (True, False):  # a record may have several versions of a statement, or none does
    plan_for(QUESTION, revised=several)
compile_s = time.perf_counter() - begin
_, seconds = timed(course, TASK["repeats"])
with duckdb.connect() as connection:
    rows, graded, changes = (
        int(connection.execute(f"select {what} from '{file}'").fetchall()[0][0])
        for what, file in (
            ("count(*)", FINDINGS),
            ("count(distinct patient)", OUT / "now.parquet"),
            ("count(*)", OUT / "course.parquet"),
        )
    )
    answer = None
    if TASK.get("peaks"):
        answer = {patient: [low, high] for patient, low, high in connection.execute(PEAKS.format(OUT)).fetchall()}
report(rows, seconds, answer, compile_s=compile_s, patients=graded, changes=changes)
shutil.rmtree(OUT, ignore_errors=True)
