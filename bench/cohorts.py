"""Workloads over cohorts: clifpy, ACES, DuckDB's bare scan, and the analyst's pandas loop."""

from __future__ import annotations

from pathlib import Path

import duckdb

import clif
import meds
from findings import findings_file, shuffled
from job import Absent, Measure, Outcome
from runs import OURS, Size, course, ours, read_findings, repeats_for, rows_of, scan, theirs
from table import MIB, Bar, Workload, faster, measured, within

GIB = 1024 * MIB


def against_clifpy(size: Size) -> Workload:
    """Peer 1: SOFA of every stay by clifpy, the ASTCT course of every patient by us, on the same patients."""
    work = Workload("clifpy: the MIMIC-IV demo in CLIF", "of the tables SOFA reads (clifpy), findings (Leeward)")
    claim = "ASTCT course of every patient at least 3x clifpy's SOFA rows/s"
    if not clif.DEMO.is_dir():
        work.outcomes.append(Absent("both", "CLIF MIMIC-IV demo", "the data are not on this machine"))
        work.bars.append(Bar(claim, "data absent", None))
        return work
    rows = clif.rows(clif.DEMO)
    plain, reading = read_findings("the demo", clif.DEMO, rows, now=clif.AFTER_THE_DEMO)
    work.outcomes.append(reading)
    for times in size.clif_copies:
        folder = clif.copies(times)
        task = {"folder": str(folder), "repeats": size.repeats, "rows": clif.rows(folder)}
        sofa = theirs("clifpy", f"one SOFA per stay, x{times}", "clifpy_sofa", task)
        mine: Outcome = Absent(OURS, f"ASTCT course, x{times}", "the CLIF record could not be read")
        if plain is not None:
            copies = clif.findings_copies(plain, times)
            question = {"assumed_setting": "icu"}
            mine = course(f"ASTCT course, x{times}", copies, size.repeats, question=question)
        work.outcomes += [sofa, mine]
        if times == 1 and plain is not None:
            work.bars += _same_patients(sofa, plain)
        if times > 1:
            work.bars.append(faster(f"{claim} (x{times})", mine, sofa, 3))
            work.notes += _same_record(sofa, mine, times)
    work.notes.append(
        "No patient of the demo had a T-cell therapy: one is assumed at the first arrival in intensive care."
    )
    return work


def _same_record(sofa: Outcome, mine: Outcome, times: int) -> list[str]:
    """The same two figures as times, since the two count different rows of one record."""
    if not (isinstance(sofa, Measure) and isinstance(mine, Measure)):
        return []
    ratio = sofa.seconds / mine.seconds
    return [f"On the same record (x{times}) clifpy takes {ratio:.1f} times as long; it reads tables, we read findings."]


def _same_patients(sofa: Outcome, findings: Path) -> list[Bar]:
    """Where both answer: who was given norepinephrine."""
    said = measured(sofa)
    if said is None:
        return []
    sql = f"select distinct patient from '{findings}' where quantity = 'norepinephrine' and (low > 0 or low is null)"
    with duckdb.connect() as connection:
        mine = {str(patient) for (patient,) in connection.execute(sql).fetchall()}
    those = {str(patient).removesuffix("-0") for patient in said.answer}
    text = f"{len(mine & those)} by both, {len(mine - those)} by us only, {len(those - mine)} by clifpy only"
    return [Bar("the same patients were given norepinephrine", text, mine == those)]


def against_aces(size: Size) -> Workload:
    """Peer 2: ACES's cohort query, and our whole course, on the same events."""
    events = meds.events_file()
    rows = rows_of(events)
    work = Workload("ACES: 10,000 subjects in MEDS", "events")
    task = {"events": str(events), "question": str(meds.question_file()), "repeats": size.repeats, "rows": rows}
    query = theirs("aces", "fever, then SBP < 90 or SpO2 < 92 within 14 days", "aces_query", task)
    found, reading = read_findings("events", events, rows, zone="UTC")
    mine: Outcome = Absent(OURS, "ASTCT course", "the MEDS record could not be read")
    if found is not None:
        mine = course("ASTCT course", found, size.repeats)
    work.outcomes += [query, reading, mine]
    if found is not None:
        work.outcomes.append(scan("bare scan, patient and moment", found, "moment", size.repeats))
        work.bars += _same_subjects(query, found)
    work.bars.append(faster("whole ASTCT course at least 5x ACES's events/s", mine, query, 5))
    return work


def _same_subjects(query: Outcome, findings: Path) -> list[Bar]:
    """ACES's question asked of our findings gives the same subjects."""
    said = measured(query)
    if said is None:
        return []
    with duckdb.connect() as connection:
        connection.execute(f"create view findings as select * from '{findings}'")
        mine = {int(patient) for (patient,) in connection.execute(meds.SAME_QUESTION).fetchall()}
    theirs_ = set(said.answer)
    text = f"{len(mine & theirs_)} in both, {len(mine ^ theirs_)} in one only"
    return [Bar("the same subjects answer the question", text, mine == theirs_)]


def against_scan(size: Size) -> Workload:
    """DuckDB's bare scan-and-group of the same file; memory; time per row from the shortest to the longest file."""
    work = Workload("DuckDB's bare scan-and-group of the same findings", "findings")
    courses: list[Outcome] = []
    for rows in size.findings:
        file = findings_file(rows)
        repeats = repeats_for(rows, size)
        label = f"{rows // 1_000_000} M"
        bare = scan(f"{label}: patient and moment, min and max per quantity", file, "moment", repeats)
        cheap = scan(f"{label}: patient and quantity, min and max", file, "quantity", repeats)
        mine = course(f"{label}: ASTCT course", file, repeats)
        courses.append(mine)
        work.outcomes += [bare, cheap, mine]
        if rows == size.findings[1]:
            work.outcomes.append(course(f"{label}, rows in random order: ASTCT course", shuffled(file), 1))
        work.bars.append(within(f"course within 4x of the bare scan ({label})", mine, bare, 4))
        if rows == 20_000_000:
            work.bars.append(_memory(mine, "20 million rows within 3 GB", 3 * GIB))
    work.bars.append(_flat(courses))
    work.notes.append(
        "The bare scan reads the file, keeps the quantities a course needs and makes one row per patient and moment "
        "with each one's minimum and maximum: the least that brings a moment together. Grouping by patient and "
        "quantity is cheaper, and brings nothing together in time."
    )
    work.notes.append("Ours also carries values forward, finds episodes, and writes every table of a course to disk.")
    compile_s = [said.more["compile_s"] for said in courses if isinstance(said, Measure)]
    if compile_s:
        work.notes.append(f"Not counted: compiling the rules, {min(compile_s):.2f} s once in a process.")
    return work


def against_ourselves(size: Size) -> Workload:
    """Every scale of CRS and every score of a cohort, at once."""
    work = Workload("Every scale of CRS and every score at once", "findings")
    rows = size.findings[0]
    mine = course("every scale and score", findings_file(rows), 1, everything=True)
    work.outcomes += [course("ASTCT course", findings_file(rows), 1), mine]
    said = measured(mine)
    claim = "all scales together, at least 1 million rows a second"
    rate = said.rows / said.seconds if said else 0.0
    work.bars.append(Bar(claim, f"{rate / 1e6:.2f} M rows/s" if said else "absent", rate >= 1e6 if said else None))
    return work


def _memory(mine: Outcome, claim: str, limit_bytes: int) -> Bar:
    said = measured(mine)
    if said is None:
        return Bar(claim, "absent", None)
    return Bar(claim, f"{said.peak_bytes / GIB:.2f} GiB", said.peak_bytes <= limit_bytes)


def _flat(courses: list[Outcome]) -> Bar:
    """Time per row in the longest file against the shortest; a quarter more is still called flat."""
    said = [each for each in courses if isinstance(each, Measure)]
    claim = "time per row flat from the shortest to the longest file (at most 1.25x)"
    if len(said) < len(courses):
        return Bar(claim, "absent", None)
    each_s = [one.seconds / one.rows for one in said]
    growth = each_s[-1] / each_s[0]
    text = " / ".join(f"{seconds * 1e9:.0f}" for seconds in each_s)
    return Bar(claim, f"{growth:.2f}x ({text} ns)", growth <= 1.25)


def against_pandas(size: Size) -> Workload:
    """Peer 6: an analyst's loop over patients, on the same findings."""
    file = findings_file(size.pandas_findings)
    work = Workload("The analyst's pandas: one loop over the patients", "findings")
    loop = ours("peak grades", "pandas_loop", {"findings": str(file), "repeats": 1})
    if isinstance(loop, Measure):
        loop = Measure("pandas", loop.what, loop.rows, loop.seconds, loop.peak_bytes, loop.answer)
    mine = course("ASTCT course", file, size.repeats, peaks=True)
    work.outcomes += [loop, mine]
    work.bars.append(faster("faster than the pandas loop (no bar is set)", mine, loop, 1))
    if isinstance(loop, Measure) and isinstance(mine, Measure):
        inside = [low <= loop.answer[name] <= high for name, low, high in _peaks(loop, mine)]
        work.notes.append(f"The loop's peak lies within ours for {sum(inside)} of {len(inside)} patients.")
    work.notes.append(
        "The loop gives one number where ours gives a range; it knows no correction, overlap or recurrence."
    )
    return work


def _peaks(loop: Measure, mine: Measure) -> list[tuple[str, int, int]]:
    """Our peak of each patient that the loop graded; no episode is grade 0."""
    return [(name, *(mine.answer.get(name) or (0, 0))) for name in loop.answer]
