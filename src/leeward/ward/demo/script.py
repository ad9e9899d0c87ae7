"""The script of the demo ward (script.toml) as arrivals in order of time."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from leeward.knowledge.loader import read
from leeward.samples import sample

SCRIPT = Path(__file__).parent / "script.toml"
NOT_CHARTED = "-"
CHARTING = "charting"
_ROUND = (
    ("body-temperature", "Cel"), ("systolic-bp", "mm[Hg]"), ("diastolic-bp", "mm[Hg]"), ("heart-rate", "/min"),
    ("spo2", "%"), ("oxygen-device", None), ("oxygen-flow", "L/min"),
)  # fmt: skip
"""The columns of a round after its minute."""


class Therapy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was given, and when."""

    product: str
    minutes: float


class Corrected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that is corrected later."""

    minutes: float
    quantity: str
    value: float
    unit: str
    corrected_to: float
    at: float


class Monitor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device that sends by itself, until it does not."""

    every: float
    from_: float = msgspec.field(name="from")
    until: float
    heart_rate: float
    spo2: float
    source: str


class Played(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One invented patient; every list is of rows that begin with a minute."""

    id: str
    label: str
    bed: str
    about: str
    therapy: Therapy
    once: list[list[Any]]
    rounds: list[list[Any]]
    ice: list[list[float]] = []
    capd: list[list[float]] = []
    given: list[list[Any]] = []
    running: list[list[Any]] = []
    laboratory: list[list[Any]] = []
    corrected: list[Corrected] = []
    monitor: Monitor | None = None


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published case, and the minute at which the last of it arrives."""

    case: str
    bed: str
    ends: float


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that happens."""

    unit: str
    published_unit: str
    published: list[Published]
    patient: list[Played]


class Said(msgspec.Struct, frozen=True):
    """Something that arrives at a minute: one row of STATEMENT, from a source."""

    minutes: float
    source: str
    row: dict[str, Any]


@cache
def script() -> Script:
    """The script; BadKnowledge says what does not fit."""
    return read(SCRIPT, Script)


def arrivals(start: datetime) -> list[Said]:
    """Everything said on the ward, in the order in which it arrives; minute 0 is `start`."""
    told = [one for played in script().patient for one in _played(played, start)]
    told += [one for case in script().published for one in _published(case, start)]
    return sorted(told, key=lambda one: one.minutes)


def _played(who: Played, start: datetime) -> Iterator[Said]:
    """What is charted of an invented patient."""
    chart = _Chart(who.id, start)
    first = min(row[0] for row in who.rounds)
    yield chart.said(who.therapy.minutes, "trigger", who.therapy.product)
    for row in who.once:
        yield chart.said(min(first, who.therapy.minutes), *row)
    for minutes, *values in who.rounds:
        for (quantity, unit), value in zip(_ROUND, values, strict=False):
            if value != NOT_CHARTED:
                yield chart.said(minutes, quantity, value, unit)
    for quantity, rows in (("ice-score", who.ice), ("capd-score", who.capd)):
        for minutes, score in rows:
            yield chart.said(minutes, quantity, score, "{score}")
    for minutes, quantity, value, unit in (*who.given, *who.laboratory):
        yield chart.said(minutes, quantity, value, unit)
    yield from _running(who, chart)
    yield from _corrected(who, chart)
    yield from _monitored(who, chart)


class _Chart(msgspec.Struct, frozen=True):
    """One patient's chart."""

    patient: str
    start: datetime

    def said(self, minutes: float, quantity: str, value: Any = None, unit: str | None = None, **more: Any) -> Said:
        """An entry, which arrives when it is charted unless `arrives` says later."""
        word = value if isinstance(value, str) else None
        number = None if value is None or word is not None else str(value)
        row: dict[str, Any] = {
            "patient": self.patient,
            "quantity": quantity,
            "value": number,
            "text": word,
            "unit": unit,
        }
        row |= {"start": _spelt(self.start, minutes), "source": CHARTING, "place": f"minute {minutes:g}"} | more
        return Said(row.pop("arrives", minutes), row["source"], row)


def _running(who: Played, chart: _Chart) -> Iterator[Said]:
    """Infusions: begun, and later charted again with their end."""
    for minutes, until, drug, rate, unit in who.running:
        record: dict[str, Any] = {"record": f"{drug} {minutes:g}"}
        yield chart.said(minutes, drug, rate, unit, version="1", **record)
        ended: dict[str, Any] = {"end": _spelt(chart.start, until), "arrives": until}
        yield chart.said(minutes, drug, rate, unit, version="2", **record, **ended)


def _corrected(who: Played, chart: _Chart) -> Iterator[Said]:
    """Values that were wrong, and what they were corrected to later."""
    for number, wrong in enumerate(who.corrected):
        entry: dict[str, Any] = {"record": f"entry {number}"}
        minutes, quantity = wrong.minutes, wrong.quantity
        yield chart.said(minutes, quantity, wrong.value, wrong.unit, version="1", status="final", **entry)
        later: dict[str, Any] = {"version": "2", "status": "corrected", "arrives": wrong.at}
        yield chart.said(minutes, quantity, wrong.corrected_to, wrong.unit, **entry, **later)


def _monitored(who: Played, chart: _Chart) -> Iterator[Said]:
    """What a device sends by itself, until it stops."""
    monitor = who.monitor
    if monitor is None:
        return
    for number in range(int((monitor.until - monitor.from_) // monitor.every) + 1):
        minutes = monitor.from_ + number * monitor.every
        for quantity, value, unit in (("heart-rate", monitor.heart_rate, "/min"), ("spo2", monitor.spo2, "%")):
            yield chart.said(minutes, quantity, value, unit, source=monitor.source)


def _published(case: Published, start: datetime) -> Iterator[Said]:
    """What a published report tells, moved so that its last entry arrives at the minute set."""
    file = sample(case.case).path
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    times = [datetime.fromisoformat(row["start"]) for row in rows if row["start"]]
    shift = start + timedelta(minutes=case.ends) - max(times)
    for number, row in enumerate(rows, 2):
        told: dict[str, Any] = {"patient": row["patient_id"], "source": file.name, "place": f"line {number}"}
        told |= {name: row[name] or None for name in ("quantity", "value", "unit", "text")}
        moved = {name: datetime.fromisoformat(row[name]) + shift for name in ("start", "end") if row[name]}
        told |= {name: at.isoformat() for name, at in moved.items()}
        arrives = (moved["start"] - start) / timedelta(minutes=1) if "start" in moved else case.ends
        yield Said(arrives, file.name, told)


def _spelt(start: datetime, minutes: float) -> str:
    """A minute of the script as a time of the record."""
    return (start + timedelta(minutes=minutes)).isoformat()
