"""A ward served as `leeward serve` does, with patients already on it; their handles go into a file."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from leeward.record.schema import STATEMENT
from leeward.ward.app import create_app
from leeward.ward.arrivals import Arrival, Move
from leeward.ward.listening import Listening
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

folder, patients, port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
world = World(WardSettings(database=f"sqlite:///{folder / 'ward.db'}", demo=True, port=port))
now = datetime.now(UTC)
given = (now - timedelta(days=3)).isoformat()
rows = [{"patient": f"P{number}", "quantity": "trigger", "text": "axicabtagene ciloleucel", "start": given}
        for number in range(patients)]  # fmt: skip
batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in STATEMENT.names} for row in rows], STATEMENT)
moves = [Move(kind="placed", patient=str(row["patient"]), unit="7", bed=str(number), label="X. Y., 60", at=now)
         for number, row in enumerate(rows)]  # fmt: skip
world.intake.take(Arrival(door="csv", source="bench", silent=True), [batch], moves)
world.grader.once()
handles = {held.patient: held.handle for held in world.store.patients()}
(folder / "handles.json").write_text(json.dumps(handles), encoding="utf-8")
Listening(create_app(world), world.settings, host="127.0.0.1", port=port).run()
