"""What a test lets arrive, in the plain exchange form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from leeward.record.schema import STATEMENT
from leeward.ward.arrivals import Arrival, Move, Receipt
from leeward.ward.world import World


def said(
    patient: str, quantity: str, at: datetime, value: object = None, unit: str | None = None, **more: object
) -> dict[str, object]:
    """One statement: a number in `unit`, or a word as `text`."""
    number = None if value is None or isinstance(value, str) else str(value)
    text = value if isinstance(value, str) else None
    return {"patient": patient, "quantity": quantity, "value": number, "text": text, "unit": unit,
            "start": at.isoformat(), "source": "monitor", "place": "line 1", **more}  # fmt: skip


def take(world: World, *rows: dict[str, object], moves: Sequence[Move] = (), **arrival: object) -> Receipt:
    """Let statements arrive through the exchange form's door."""
    batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in STATEMENT.names} for row in rows], STATEMENT)
    told = Arrival(**({"door": "csv", "source": "monitor"} | arrival))  # type: ignore[arg-type]
    return world.intake.take(told, [batch], moves)
