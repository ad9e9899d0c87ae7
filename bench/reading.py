"""Workloads that begin with a record as it came: FHIR bulk files, and one patient's Bundle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import fhir
from home import made
from job import Measure, Outcome, run
from runs import Size, ours, read_ahead, theirs
from table import Bar, Workload, faster, measured, seconds_text

SAME = {
    "8310-5": "body-temperature",
    "8867-4": "heart-rate",
    "9279-1": "respiratory-rate",
    "59408-5": "spo2",
    "8480-6": "systolic-bp",
    "8462-4": "diastolic-bp",
    "1988-5": "crp",
    "2276-4": "ferritin",
    "2160-0": "creatinine",
}
"""LOINC codes of the file and the quantity each becomes; the units are the quantities' own, so sums must be equal."""


def against_fhir_readers(size: Size) -> Workload:
    """Peer 4: NDJSON Observations to typed rows."""
    work = Workload("FHIR R4 bulk NDJSON to findings", "Observations")
    warm = str(fhir.observations_file(500))
    for count in size.observations:
        lines = fhir.observations_file(count)
        label = f"{count:,}"
        read_ahead(lines)
        task = {"lines": str(lines), "warm": warm, "repeats": 1, "check": count == min(size.observations)}
        task_ours = {"path": str(lines), "warm": warm, "rows": count, "repeats": 1}
        mine = ours(f"{label}: findings", "ours_read", task_ours)
        spark = theirs("pathling", f"{label}: typed rows", "pathling_encode", task)
        models = theirs("fhir-resources", f"{label}: typed rows", "fhir_resources_parse", task)
        plain = run("json.loads", f"{label}: parsed only", sys.executable, "json_loads", task)
        work.outcomes += [mine, spark, models, plain]
        work.bars.append(faster(f"at least 8x Pathling ({label})", mine, spark, 8))
        work.bars.append(faster(f"at least 15x fhir.resources ({label})", mine, models, 15))
        if task["check"]:
            work.bars += [_same_values(mine, peer) for peer in (spark, models)]
    work.notes.append(
        "Pathling (Spark's local mode, two cores) and ours read 500 Observations before the clock starts."
    )
    work.notes.append("fhir.resources and json.loads use one core, as their callers do.")
    return work


def _same_values(mine: Outcome, peer: Outcome) -> Bar:
    """Counts and sums per code against counts and sums per quantity."""
    one, other = measured(mine), measured(peer)
    claim = f"the same values as {peer.who}"
    if one is None or other is None:
        return Bar(claim, "absent", None)
    differ = [code for code, name in SAME.items() if not _equal(one.answer.get(name), other.answer.get(code))]
    return Bar(claim, "equal" if not differ else f"differ: {', '.join(differ)}", not differ)


def _equal(mine: list[float] | None, peer: list[float] | None) -> bool:
    """The same count, and sums equal but for the order of adding."""
    if mine is None or peer is None:
        return mine is peer
    return mine[0] == peer[0] and abs(mine[1] - peer[1]) <= 1e-6 * max(1.0, abs(peer[1]))


def one_patient(size: Size) -> Workload:
    """One patient with 200 observations, from JSON to the answer, in a warm process."""
    bundle = made(f"bundle-{fhir.VERSION}.json", _write_bundle)
    work = Workload("One patient at the bedside: a Bundle of 200 Observations, from JSON to the answer", "patients")
    task = {
        "bundle": str(bundle),
        "calls": size.patient_calls,
        "warm": 20,
        "patient": f"patient-{fhir.bundle_patient():07d}",
    }
    mine = ours("median of warm calls", "ours_patient", task)
    work.outcomes.append(mine)
    said = measured(mine)
    median, slow = "median under 20 ms", "p99 under 50 ms"
    if said is None:
        work.bars += [Bar(median, "absent", None), Bar(slow, "absent", None)]
        return work
    p99_s = float(said.more["p99_s"])
    work.bars.append(Bar(median, seconds_text(said.seconds), said.seconds < 0.020))
    work.bars.append(Bar(slow, seconds_text(p99_s), p99_s < 0.050))
    work.notes += _first_call(said)
    _on_every_scale(work, task)
    return work


def _on_every_scale(work: Workload, task: dict[str, Any]) -> None:
    """The same patient on every scale of CRS, with every score and look-alike."""
    mine = ours("median of warm calls, every scale, score and look-alike", "ours_patient", task | {"everything": True})
    work.outcomes.append(mine)
    said = measured(mine)
    claim = "every scale, score and look-alike: p99 under 60 ms"
    if said is None:
        work.bars.append(Bar(claim, "absent", None))
        return
    p99_s = float(said.more["p99_s"])
    work.bars.append(Bar(claim, seconds_text(p99_s), p99_s < 0.060))


def _first_call(said: Measure) -> list[str]:
    """What the first call cost, which compiles and plans."""
    first_s = said.more.get("first_s")
    return [f"The first call of a process, which compiles and plans, takes {seconds_text(first_s)}."] if first_s else []


def _write_bundle(path: Path) -> None:
    path.write_bytes(fhir.bundle())
