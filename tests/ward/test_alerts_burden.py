"""Row 38: how often somebody is told, in a replay of the published patients, held to a baseline that is signed for."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .taken import take

BASELINE = Path(__file__).with_name("alerts_baseline.toml")
LATER_HOURS = (0, 0.75, 4.75, 8.75, 13)
"""When a patient is looked at after each charting: at once, and some time after each limit of age has passed."""


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who accepted the numbers, when and why."""

    who: str
    on: str
    why: str


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers that may not be exceeded."""

    alerts: dict[str, int]
    patient_days: float
    signed: list[Signed]


def samples() -> list[tuple[str, list[dict[str, str]]]]:
    """Every bundled sample's patient and rows, in order of time."""
    made = []
    for path in sorted(files("leeward.samples").iterdir(), key=lambda path: path.name):
        if path.name.endswith(".csv"):
            rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
            made.append((rows[0]["patient_id"], sorted(rows, key=lambda row: row["start"])))
    return made


def replayed(path: Path) -> tuple[Counter[str], float, Counter[str]]:
    """Alerts by class, days looked at, alerts by kind, each sample on a ward of its own."""
    classes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    days = 0.0
    for patient, rows in samples():
        start = moment(rows[0]["start"])
        clock = SetClock(start)
        world = World(WardSettings(database=f"sqlite:///{path / f'{patient}.db'}", demo=True), clock)
        take(world, moves=[Move(kind="placed", patient=patient, at=start, unit="A", bed="1", label="sample")])
        looked = looks_at(rows)
        for at in looked:
            clock.set(at)
            new = [one for number, row in enumerate(rows) for one in arriving(row, str(number), at)]
            if new:
                take(world, *new)
            world.alerts.consider(world.grader.looks([patient]))
        opened = world.alerts._alerts(True)
        classes.update(one.kind_class for one in opened)
        kinds.update(one.kind for one in opened)
        days += sum(min(86400.0, (b - a).total_seconds()) for a, b in pairwise(looked)) / 86400
        world.engine.dispose()
    return classes, days, kinds


def looks_at(rows: list[dict[str, str]]) -> list[datetime]:
    """The moments at which a patient is looked at."""
    charted = {moment(row[end]) for row in rows for end in ("start", "end") if row[end]}
    return sorted({at + timedelta(hours=hours) for at in charted for hours in LATER_HOURS})


def moment(said: str) -> datetime:
    """A time of a sample."""
    return datetime.fromisoformat(said)


def arriving(row: dict[str, str], record: str, at: datetime) -> list[dict[str, Any]]:
    """A row of a sample as it arrives at a moment: when it starts, and again with its end when that is known."""
    given = {"patient": row["patient_id"], "start": row["start"], "quantity": row["quantity"], "value": row["value"],
             "unit": row["unit"], "text": row["text"], "source": "sample", "record": record}  # fmt: skip
    made: dict[str, Any] = {name: value or None for name, value in given.items()}
    begun = [made | {"version": "1"}] if moment(row["start"]) == at else []
    ended = [made | {"version": "2", "end": row["end"]}] if row["end"] and moment(row["end"]) == at else []
    return begun + ended


@pytest.mark.slow
def test_38_nobody_is_told_more_often_than_was_signed_for(tmp_path: Path) -> None:
    """Alerts per patient-day, by class; fewer days for the same alerts would be worse as well."""
    baseline = msgspec.toml.decode(BASELINE.read_bytes(), type=Baseline)
    classes, days, kinds = replayed(tmp_path)
    said = f"{dict(classes)} in {days:.2f} patient-days; {dict(kinds)}"
    for name, most in baseline.alerts.items():
        assert classes[name] / days <= most / baseline.patient_days + 1e-9, said
    assert baseline.signed
    assert classes["physiological"] >= len(samples()) / 2, f"an alert that never comes is no better: {said}"
