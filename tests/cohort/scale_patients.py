"""Random patients for tests that compare scales of CRS: what a ward charts over five days, from a fixed seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa
from tests.cases.parse import START, THERAPY, Finding, finding

from leeward.cohort.engine import Question, connect, run
from leeward.record.schema import FINDING
from leeward.scales.older_crs import SCALES

HOUR = timedelta(hours=1)
USUAL = {"creatinine": 0.8, "bilirubin-total": 0.6, "alt": 22.0, "ast": 25.0}
UPPER_LIMITS = {"creatinine": 1.2, "bilirubin-total": 1.2, "alt": 40.0, "ast": 40.0}
SUPPORT = (
    ("nasal-cannula", 2.0), ("nasal-cannula", 2.0), ("nasal-cannula", 4.0), ("simple-mask", 8.0),
    ("non-rebreather", 15.0), ("bipap", None), ("ventilator", None),
)  # fmt: skip


def patient(draw: random.Random) -> Iterator[Finding]:
    """One patient who has a fever on day 2, and more or less with it, charted every four hours."""
    yield finding("trigger", START, THERAPY)
    yield finding("age-years", START, 55.0)
    yield finding("care-setting", START, "ward", START + 200 * HOUR)
    for name, value in USUAL.items():
        yield finding(name, START - 12 * HOUR, value)
        yield finding(f"{name}-upper-limit", START - 12 * HOUR, UPPER_LIMITS[name])
    kind = draw.random()
    low, hypoxic = kind < 0.45, draw.random() < 0.35
    support = draw.choice(SUPPORT)
    toxic = draw.choice(["alt", "creatinine"]) if draw.random() < 0.15 else None
    for hour in range(0, 120, 4):
        at, ill = START + hour * HOUR, 48 <= hour < 72
        yield finding("body-temperature", at, 38.8 if ill else 36.8)
        yield finding("systolic-bp", at, 84.0 if low and 48 <= hour < 56 else 118.0)
        device, flow = support if hypoxic and 52 <= hour < 68 else ("room-air", None)
        yield finding("oxygen-device", at, device)
        if flow is not None:
            yield finding("oxygen-flow", at, flow)
        if hour % 24 == 0:
            times = draw.choice([2.0, 5.5]) if ill and toxic else 1.0
            yield from (
                finding(name, at + HOUR, value * (times if name == toxic else 1.0)) for name, value in USUAL.items()
            )
            yield finding("fibrinogen", at + HOUR, 320.0)
            yield finding("neutrophils", at + HOUR, 0.2 if draw.random() < 0.5 else 1.5)
    if low:
        yield from _treated(draw)


def _treated(draw: random.Random) -> Iterator[Finding]:
    """Fluids first, and vasopressors for some: mostly one at a low dose, seldom at a high dose or two."""
    begin = START + 49 * HOUR
    for number in range(draw.choice([1, 2, 2, 3])):
        yield finding("fluid-bolus", begin + number * HOUR, 1000.0)
    if draw.random() < 0.4:
        rate, hours = draw.choice([4.0, 6.0, 8.0, 25.0]), draw.choice([6, 10, 30])
        yield finding("norepinephrine", begin + 2 * HOUR, rate, begin + (2 + hours) * HOUR)
        if draw.random() < 0.2:
            yield finding("vasopressin", begin + 4 * HOUR, 0.03, begin + 8 * HOUR)


def cohort(count: int, seed: int) -> dict[str, list[Finding]]:
    """So many patients, the same on every run."""
    draw = random.Random(seed)  # noqa: S311  reproducible, not secret
    return {f"{seed}-{number:04}": list(patient(draw)) for number in range(count)}


def table(patients: Mapping[str, Iterable[Mapping[str, Any]]]) -> pa.Table:
    """Findings of several patients (record.schema.FINDING)."""
    about: dict[str, Any] = {"status": "final", "source": "generated", "revised": False}
    rows = [{**about, **one, "patient": name} for name, findings in patients.items() for one in findings]
    return pa.Table.from_pylist(rows, schema=FINDING)


def graded(findings: pa.Table) -> duckdb.DuckDBPyConnection:
    """The findings graded on every scale."""
    con = connect()
    con.register("findings", findings)
    run(con, Question(scales=SCALES), reasons=False)
    return con
