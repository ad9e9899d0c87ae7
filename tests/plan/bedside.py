"""One patient at the bedside, written as Leeward CSV: what plans and audits are asked about in these tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import leeward
from leeward.plan.plan import Plan
from leeward.plan.suggestions import Suggestion

GIVEN = datetime(2024, 1, 10, 10, tzinfo=UTC)
"""When the therapy was given: hour 0."""
UNITS = {
    "body-temperature": "Cel", "systolic-bp": "mm[Hg]", "body-weight": "kg", "age-years": "a", "tocilizumab": "mg",
    "dexamethasone": "mg", "methylprednisolone": "mg", "siltuximab": "mg", "fluid-bolus": "mL", "neutrophils": "10*9/L",
    "oxygen-flow": "L/min", "norepinephrine": "ug/min", "acetaminophen": "mg", "ferritin": "ug/L", "fio2": "1",
}  # fmt: skip
Charted = tuple[float, str, float | str]
"""Hours after the therapy, the quantity, a number or a word."""
ADULT: tuple[Charted, ...] = ((-24, "body-weight", 70), (-24, "age-years", 61))
NORMAL: tuple[Charted, ...] = ((30, "systolic-bp", 118), (30, "oxygen-device", "room-air"), (30, "ice-score", 10))
FEVER: tuple[Charted, ...] = ((30, "body-temperature", 38.6), *NORMAL)
"""Grade 1 at hour 30."""
HYPOTENSION: tuple[Charted, ...] = (
    *FEVER,
    (36, "body-temperature", 39.0),
    (36, "systolic-bp", 84),
    (36, "oxygen-device", "room-air"),
)
"""Grade 2 at hour 36, six hours after onset."""


def write(folder: Path, *charted: Charted, therapy: str = "axicabtagene ciloleucel", patient: str = "A") -> Path:
    """A file of one patient."""
    lines = ["patient_id,start,end,quantity,value,unit,text", f"{patient},{GIVEN.isoformat()},,trigger,,,{therapy}"]
    for hour, quantity, value in charted:
        at = (GIVEN + timedelta(hours=hour)).isoformat()
        number, text = ("", value) if isinstance(value, str) else (value, "")
        lines.append(f"{patient},{at},,{quantity},{number},{UNITS.get(quantity, '') if number != '' else ''},{text}")
    path = folder / f"{patient}.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def planned(
    folder: Path, *charted: Charted, therapy: str = "axicabtagene ciloleucel", hour: float | None = None
) -> Plan:
    """The plan of one patient, at an hour after the therapy (the last on record when none is given)."""
    as_of = None if hour is None else GIVEN + timedelta(hours=hour)
    return leeward.plan(leeward.grade(write(folder, *charted, therapy=therapy), as_of=as_of)[0])


def of(plan: Plan, source: str, drug: str | None = None) -> list[Suggestion]:
    """What a source says, of one drug where one is named."""
    return [one for one in plan.suggestions if one.source_id == source and drug in (None, one.drug)]
