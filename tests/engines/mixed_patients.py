"""Patients mixed from every finding of the case tables: values at each threshold, in any company and at any hour."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from leeward.record.schema import FINDING
from tests.cases import score_cases, test_crs_scales, test_lookalikes
from tests.cases.parse import START, THERAPY, cases, finding, table

Finding = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "cases"
COURSES = ("astct-2019-crs.md", "astct-2019-icans.md", "timeline.md")
SCORES = ("scores-bedside.md", "scores-hlh.md", "scores-after-cells.md")
HOUR = timedelta(hours=1)


@cache
def case_patients() -> pa.Table:
    """Every patient of the case tables, named by file and case."""
    made = []
    for file, findings in _case_tables().items():
        names = pc.binary_join_element_wise(file, findings["patient"], ": ")
        made.append(findings.set_column(FINDING.get_field_index("patient"), FINDING.field("patient"), names))
    return pa.concat_tables(made)


@cache
def _case_tables() -> dict[str, pa.Table]:
    """The findings of each file of case tables."""
    made = {file: table(cases(FOLDER / file)) for file in COURSES}
    made["crs-scales.md"] = table(test_crs_scales.all_cases())
    made["lookalikes.md"] = table(test_lookalikes.all_cases())
    for file in SCORES:
        rows = [
            {"status": "final", "revised": False, **found, "patient": row.patient}
            for row in score_cases.rows(FOLDER / file)
            for found in row.findings
        ]
        made[file] = pa.Table.from_pylist(rows, schema=FINDING)
    return made


@cache
def _pool() -> tuple[tuple[tuple[str, Any], ...], ...]:
    """Every different thing the case tables chart: quantity, bounds, word, how long."""
    seen = {}
    for findings in _case_tables().values():
        for row in findings.to_pylist():
            lasts = None if row["measured_until"] is None else row["measured_until"] - row["measured_at"]
            kept = {name: row[name] for name in ("quantity", "low", "high", "text", "site")}
            seen[repr((sorted(kept.items(), key=str), lasts))] = tuple({**kept, "lasts": lasts}.items())
    return tuple(seen[name] for name in sorted(seen))


def _drawn(draw: random.Random, about: Finding) -> Iterator[Finding]:
    """One finding at some hour; now and then open to one side, preliminary, late, or in two versions."""
    lasts = about.pop("lasts")
    at = START + draw.choice([draw.randrange(-96, 241), draw.randrange(-384, 961) / 4]) * HOUR
    about |= {"patient": "", "measured_at": at, "measured_until": None if lasts is None else at + lasts,
              "status": "final", "revised": False, "source": "mixed", "place": str(draw.random())}  # fmt: skip
    chance = draw.random()
    if about["low"] is not None and chance < 0.08:
        about |= {"low": -math.inf} if chance < 0.04 else {"high": math.inf}
    elif chance < 0.12:
        about |= {"received_at": at + 30 * HOUR, "status": "preliminary"}
    elif chance < 0.2:
        record = {"record": str(draw.random()), "revised": True}
        yield {**about, **record, "version": "9", "low": None, "high": None}
        about |= {**record, "version": "10", "status": draw.choice(["corrected", "withdrawn", "final"])}
    yield about


def patient(seed: int) -> list[Finding]:
    """One patient, the same on every run; most had a therapy that can cause CRS."""
    draw = random.Random(seed)  # noqa: S311  reproducible, not secret
    made = [finding("trigger", START, THERAPY)] if draw.random() < 0.9 else []
    named = sorted({dict(about)["quantity"] for about in _pool()})
    often = draw.sample(named, draw.choice([3, 10, 30, len(named)]))
    pool = [about for about in _pool() if dict(about)["quantity"] in often]
    for about in draw.choices(pool, k=draw.choice([5, 40, 120, 200])):
        made.extend(_drawn(draw, dict(about)))
    about_all = {"status": "final", "revised": False, "source": "mixed"}
    return [{**about_all, **one, "patient": f"p{seed:05}"} for one in made]


def patients(seeds: range) -> pa.Table:
    """Several patients as findings."""
    return pa.Table.from_pylist([one for seed in seeds for one in patient(seed)], schema=FINDING)
