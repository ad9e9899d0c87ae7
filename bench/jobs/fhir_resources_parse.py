"""fhir.resources: every Observation validated into its typed model, then the columns a study takes."""

from __future__ import annotations

import importlib
from collections import defaultdict
from pathlib import Path
from typing import Any

from clock import report, task, timed

LINES, REPEATS = (task()[name] for name in ("lines", "repeats"))
Observation: Any = importlib.import_module("fhir.resources.R4B.observation").Observation


def values(one: Any) -> list[tuple[str, str, Any, float, str]]:
    """Patient, code, time, value and unit of a resource or of each of its components."""
    parts = one.component or [one]
    subject, at = one.subject.reference, one.effectiveDateTime
    return [
        (subject, part.code.coding[0].code, at, float(part.valueQuantity.value), part.valueQuantity.code)
        for part in parts
    ]


def read() -> tuple[int, list[tuple[str, str, Any, float, str]]]:
    """The number of resources, and their typed rows."""
    rows: list[tuple[str, str, Any, float, str]] = []
    count = 0
    with Path(LINES).open(encoding="utf-8") as file:
        for line in file:
            rows += values(Observation.model_validate_json(line))
            count += 1
    return count, rows


(count, rows), seconds = timed(read, REPEATS)
sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
for _, code, _, value, _ in rows:
    sums[code][0] += 1
    sums[code][1] += value
report(count, seconds, {code: [number, round(total, 3)] for code, (number, total) in sorted(sums.items())})
