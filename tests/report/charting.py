"""Builders of answers in the shape of `leeward grade --json`, and of the findings behind them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pyarrow as pa

from leeward.record.schema import FINDING

ZERO = datetime(2026, 3, 10, 9, 40, tzinfo=UTC)
"""When the first therapy of every invented patient began."""

Object: TypeAlias = dict[str, Any]
Course: TypeAlias = tuple[dict[str, Any], pa.Table]


def at(hours: float) -> datetime:
    """Hours since the first therapy as a moment."""
    return ZERO + timedelta(hours=hours)


def text_at(hours: float) -> str:
    """The same as an answer spells it."""
    return at(hours).isoformat().replace("+00:00", "Z")


def finding(
    quantity: str,
    hours: float,
    value: float | None = None,
    *,
    text: str | None = None,
    until: float | None = None,
    high: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One row of findings."""
    row: dict[str, Any] = dict.fromkeys(FINDING.names)
    row |= {"patient": "P", "quantity": quantity, "measured_at": at(hours), "status": "final", "revised": False}
    row |= {"measured_until": None if until is None else at(until), "text": text, "low": value}
    return row | {"high": value if high is None else high} | more


def table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows as the FINDING table."""
    return pa.Table.from_pylist(list(rows), schema=FINDING)


def pressures(hours: float, systolic: float, diastolic: float) -> list[dict[str, Any]]:
    """A blood pressure."""
    return [finding("systolic-bp", hours, systolic), finding("diastolic-bp", hours, diastolic)]


def oxygen(hours: float, device: str, flow: float | None = None, fio2: float | None = None) -> list[dict[str, Any]]:
    """Oxygen support as charted at once."""
    rows = [finding("oxygen-device", hours, text=device)]
    rows += [finding("oxygen-flow", hours, flow)] if flow is not None else []
    return rows + ([finding("fio2", hours, fio2)] if fio2 is not None else [])


def bump(hours: float, middle: float, width: float) -> float:
    """A smooth rise and fall between 0 and 1."""
    return math.exp(-(((hours - middle) / width) ** 2))


def jitter(hours: float) -> float:
    """A small deviation that is always the same."""
    return math.sin(hours * 12.9898) * 0.5


def course(syndrome: str, *changes: tuple[float, int | None, int | None]) -> list[dict[str, Any]]:
    """Changes of one syndrome's grade."""
    return [
        {"at": text_at(hours), "syndrome": syndrome, "at_least": low, "at_most": high} for hours, low, high in changes
    ]


def episode(
    syndrome: str, onset: float, peak: tuple[int, int, float], resolved: float | None = None, **more: Any
) -> dict[str, Any]:
    """One episode."""
    return {
        "syndrome": syndrome,
        "scale": "astct-2019",
        "onset": text_at(onset),
        "peak": {"at_least": peak[0], "at_most": peak[1], "at": text_at(peak[2])},
        "resolved": None if resolved is None else text_at(resolved),
        "duration_hours": None if resolved is None else resolved - onset,
        "masked": False,
        "warnings": [],
    } | more


def because(quantity: str, value: float | str, unit: str | None, hours: float) -> dict[str, Any]:
    """A finding behind a grade."""
    return {"quantity": quantity, "value": value, "unit": unit, "at": text_at(hours)}


def graded(low: int | None, high: int | None, *reasons: Object, missing: tuple[str, ...] = ()) -> Object:
    """A grade now."""
    return {"at_least": low, "at_most": high, "missing": list(missing), "because": list(reasons)}


def raw(quantity: str, lowest: float, highest: float, latest: float, unit: str, hours: float) -> dict[str, Any]:
    """Raw physiology of one quantity."""
    values = {"lowest": lowest, "highest": highest, "latest": latest}
    return {"quantity": quantity, "unit": unit, "at": text_at(hours)} | values


def answer(patient: str, as_of: float, **more: Any) -> dict[str, Any]:
    """An answer with everything a page may be given."""
    return {
        "patient": patient,
        "as_of": text_at(as_of),
        "triggers": [{"name": "axicabtagene ciloleucel", "at": text_at(0)}],
        "episodes": [],
        "now": {},
        "course": [],
        "refused": {},
        "edition": "9b1f0c2d7e334a55",
        "unobserved": [],
        "assumptions": [],
    } | more
