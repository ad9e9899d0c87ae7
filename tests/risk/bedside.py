"""Records of one or a few patients before a T-cell therapy, as a CSV that goes through the door."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from leeward.api import question
from leeward.cohort import risk
from leeward.record.read import read
from leeward.record.spool import Record

INFUSION = datetime(2024, 3, 10, 12, tzinfo=UTC)
Line = tuple[str, float | None, str, str, str, str]
"""Patient, hours from the infusion (None: timeless), quantity, value, unit, text."""

PLAIN: tuple[Line, ...] = (
    ("P", 0, "trigger", "", "", "axicabtagene ciloleucel"),
    ("P", -100, "age-years", "55", "a", ""),
    ("P", None, "disease", "", "", "DLBCL"),
    ("P", -120, "ldh", "300", "U/L", ""),
    ("P", -120, "creatinine", "1.0", "mg/dL", ""),
    ("P", -120, "platelets", "100", "10*9/L", ""),
    ("P", -120, "crp", "50", "mg/L", ""),
)
"""The worked numbers: EASIX 3, m-EASIX 15."""


def without(*quantities: str) -> list[Line]:
    """The plain patient without some quantities."""
    return [line for line in PLAIN if line[2] not in quantities]


def record(folder: Path, lines: list[Line]) -> Record:
    """What the door makes of the lines."""
    file = folder / "patients.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["patient_id", "start", "end", "quantity", "value", "unit", "text"])
        for patient, hours, quantity, value, unit, text in lines:
            start = "" if hours is None else (INFUSION + timedelta(hours=hours)).isoformat()
            rows.writerow([patient, start, "", quantity, value, unit, text])
    return read(file)


def answered(folder: Path, lines: list[Line], at: str = "before-lymphodepletion", **asked: Any) -> dict[str, Any]:
    """Each patient's answer."""
    held = record(folder, lines)
    return dict(risk.answers(held, question(held), risk.Asked(at=at, **asked)))
