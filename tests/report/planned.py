"""Plans of invented patients, made by the real rules, for tests of what a page or a FHIR bundle makes of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from leeward.api import question
from leeward.cohort.guidance import plans
from leeward.knowledge.guidelines import Guideline, read_guideline
from leeward.plan.plan import Plan
from leeward.record.read import Record, read
from leeward.samples import FOLDER

HEADER = "patient_id,start,end,quantity,value,unit,text"
PROTOCOL = FOLDER / "protocol-example.toml"
WEIGHED, LIGHT, UNWEIGHED, RANGED, UNTREATED = "WEIGHED", "LIGHT", "UNWEIGHED", "RANGED", "UNTREATED"
"""Grade 2 five hours after tocilizumab at 70 kg, at 50 kg, never weighed; no pressure charted; no therapy given."""
_DAY = {
    "trigger": [("2024-01-10T10:00:00Z", "", "", "axicabtagene ciloleucel")],
    "weight": [("2024-01-09T10:00:00Z", "70", "kg", "")],
    "age": [("2024-01-09T10:00:00Z", "61", "a", "")],
    "fever": [("2024-01-11T08:00:00Z", "38.6", "Cel", ""), ("2024-01-12T02:00:00Z", "38.4", "Cel", "")],
    "pressure": [("2024-01-11T20:00:00Z", "84", "mm[Hg]", ""), ("2024-01-12T02:00:00Z", "86", "mm[Hg]", "")],
    "air": [("2024-01-11T20:00:00Z", "", "", "room-air"), ("2024-01-12T02:00:00Z", "", "", "room-air")],
    "tocilizumab": [("2024-01-11T21:00:00Z", "560", "mg", "")],
    "ice": [("2024-01-12T02:00:00Z", "10", "", "")],
}
_QUANTITIES = {
    "trigger": "trigger", "weight": "body-weight", "age": "age-years", "fever": "body-temperature",
    "pressure": "systolic-bp", "air": "oxygen-device", "tocilizumab": "tocilizumab", "ice": "ice-score",
}  # fmt: skip


def _rows(patient: str, *without: str, weight: str = "70") -> list[str]:
    """One patient's day, but for some of it."""
    return [
        f"{patient},{at},,{_QUANTITIES[name]},{weight if name == 'weight' else value},{unit},{text}"
        for name, charted in _DAY.items()
        if name not in without
        for at, value, unit, text in charted
    ]


@cache
def record() -> Record:
    """The record of all of them."""
    rows = [
        HEADER, *_rows(WEIGHED), *_rows(LIGHT, weight="50"), *_rows(UNWEIGHED, "weight"),
        *_rows(RANGED, "pressure", "tocilizumab"), *_rows(UNTREATED, "trigger"),
    ]  # fmt: skip
    with TemporaryDirectory() as folder:
        path = Path(folder) / "planned.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return read(path)


@cache
def protocol() -> Guideline:
    """The example of a centre's own protocol."""
    return read_guideline(PROTOCOL)


@cache
def planned() -> dict[str, Plan]:
    """Every patient's plan, the example protocol first."""
    return {one.patient: one for one in plans(record(), question(record()), protocol=protocol())}
