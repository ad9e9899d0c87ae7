"""What sources say: the plan of one patient, and looking back over a hundred thousand."""

from __future__ import annotations

from pathlib import Path

import duckdb

import fhir
from findings import findings_file
from home import made
from job import Measure
from reading import _write_bundle
from runs import Size, ours
from table import Bar, Workload, seconds_text
from ward import VERSION

PATIENTS = 100_000
THINNED = "body-temperature systolic-bp oxygen-device oxygen-flow ice-score neutrophils leukocytes ferritin"


def advice(size: Size) -> Workload:
    """Every source's plan for one patient, warm; and an audit of 100,000 patients in one pass."""
    work = Workload("What sources say: one patient's plan, and looking back over 100,000", "patients")
    bundle = made(f"bundle-{fhir.VERSION}.json", _write_bundle)
    plan = ours("plan of one patient, every source", "ours_plan",
                {"bundle": str(bundle), "calls": size.patient_calls, "warm": 20})  # fmt: skip
    audit = ours("audit of 100,000 patients, ASCO 2021", "ours_audit", {"findings": str(ward())})
    work.outcomes += [plan, audit]
    claim = "plan of one patient, every source: p99 under 60 ms"
    if isinstance(plan, Measure):
        p99_s = float(plan.more["p99_s"])
        work.bars.append(Bar(claim, seconds_text(p99_s), p99_s < 0.060))
        work.notes.append("The plan is made from findings: grading on every scale that a source uses is part of it.")
    else:
        work.bars.append(Bar(claim, "absent", None))
    claim = "audit of 100,000 patients in one pass"
    steps = audit.more["steps"] if isinstance(audit, Measure) else None
    said = f"{seconds_text(audit.seconds)}, {steps:,} steps" if isinstance(audit, Measure) else "absent"
    work.bars.append(Bar(claim, said, isinstance(audit, Measure) or None))
    return work


def ward() -> Path:
    """A hundred thousand patients charted every eight hours: the virtual ward thinned, and repeated under new names."""
    source = findings_file(20_000_000)
    return made(f"advice-{VERSION}-{PATIENTS}.parquet", lambda path: _thin(source, path))


def _thin(source: Path, path: Path) -> None:
    often = ", ".join(f"'{name}'" for name in THINNED.split())
    kept = (
        f"select * from '{source}' where quantity not in ({often}, 'heart-rate', 'respiratory-rate', 'mean-bp', "
        f"'diastolic-bp', 'spo2', 'consciousness') and quantity not like '%-level' "
        f"or (quantity in ({often}) and epoch(measured_at)::bigint // 3600 % 8 = 0)"
    )
    with duckdb.connect() as connection:
        connection.execute(f"create temp table kept as {kept}")
        count = connection.execute("select count(distinct patient) from kept").fetchall()[0][0]
        copies = -(-PATIENTS // int(count))
        connection.execute(
            f"copy (select * replace (patient || '-' || copy as patient, record || '-' || copy as record) "
            f"from kept, range({copies}) as copies(copy) "
            f"where patient in (select distinct patient from kept order by 1 limit {PATIENTS // copies + 1}) "
            f"order by copy, patient) to '{path}' (format parquet, compression zstd)"
        )
