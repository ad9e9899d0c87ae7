"""Patients with a vital-sign set a minute each, and open boards that fetch what changed.

Seen: from the moment a message is sent to the moment at which a board has the patient's new row in its hands.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

folder, patients, boards, minutes, port = Path(sys.argv[1]), *(int(said) for said in sys.argv[2:6])
ROWS, WAIT_S = 40, 0.5  # as board.js: more rows than this are fetched as the whole board; how soon
BASE = f"http://127.0.0.1:{port}"
VITALS = (
    ("8310-5", "Cel", 36.0, 40.0), ("8480-6", "mm[Hg]", 80, 140), ("8462-4", "mm[Hg]", 40, 90),
    ("8867-4", "/min", 60, 140), ("9279-1", "/min", 12, 30), ("59408-5", "%", 88, 100),
)  # fmt: skip
SYSTEM = "http://loinc.org"
handles: dict[str, str] = json.loads((folder / "handles.json").read_text(encoding="utf-8"))
sent: dict[str, list[float]] = defaultdict(list)
seen_s: list[float] = []
refused: list[int] = []
rng = random.Random(20190413)  # noqa: S311  invented values, no secret


def bundle(patient: str, number: int) -> dict[str, Any]:
    """One vital-sign set as a transaction."""
    at = datetime.now(UTC).isoformat()
    entries = []
    for code, unit, low, high in VITALS:
        value = round(rng.uniform(low, high), 1)
        resource = {
            "resourceType": "Observation", "id": f"{patient}-{number}-{code}", "status": "final",
            "code": {"coding": [{"system": SYSTEM, "code": code}]}, "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": at,
            "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        }  # fmt: skip
        request = {"method": "PUT", "url": f"Observation/{resource['id']}"}
        entries.append({"resource": resource, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def monitor(client: httpx.AsyncClient, patient: str, begin: float) -> None:
    """One patient's sets, one a minute, from some second of the first minute on."""
    first = begin + rng.random() * 60
    for number in range(minutes):
        await asyncio.sleep(max(0.0, first + 60 * number - time.perf_counter()))
        sent[handles[patient]].append(time.perf_counter())
        answer = await client.post(
            f"{BASE}/fhir", content=json.dumps(bundle(patient, number)),
            headers={"content-type": "application/fhir+json"},
        )  # fmt: skip
        if answer.status_code >= 300:
            refused.append(answer.status_code)
            print(answer.status_code, answer.text[:300], file=sys.stderr)


class Board:
    """One open board: it hears whose row changed, and soon fetches those rows together, as board.js does."""

    def __init__(self, client: httpx.AsyncClient, *, keeps_time: bool) -> None:
        self._client, self._keeps_time = client, keeps_time
        self._waiting: set[str] = set()
        self._drain: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """For as long as it is open."""
        async with self._client.stream("GET", f"{BASE}/events", timeout=None) as stream:
            async for line in stream.aiter_lines():
                body = json.loads(line[5:]) if line.startswith("data:") else None
                self._waiting.update(body.get("patients", []) if isinstance(body, dict) else [])
                if self._waiting and (self._drain is None or self._drain.done()):
                    self._drain = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        """The rows that wait, after a moment."""
        await asyncio.sleep(WAIT_S)
        asked, self._waiting = self._waiting, set()
        params = {"of": ",".join(asked)} if len(asked) <= ROWS else {}
        await self._client.get(f"{BASE}/rows", params=params)
        now = time.perf_counter()
        for handle in asked if self._keeps_time else ():
            seen_s.extend(now - at for at in sent.pop(handle, []) if at < now)


async def main() -> None:
    """Everything at once."""
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        listeners = [asyncio.create_task(Board(client, keeps_time=number == 0).listen()) for number in range(boards)]
        await asyncio.sleep(1)
        begin = time.perf_counter()
        await asyncio.gather(*(monitor(client, patient, begin) for patient in handles))
        await asyncio.sleep(5)
        for listener in listeners:
            listener.cancel()
    seen_s.sort()
    total = patients * minutes
    print(json.dumps({
        "sets": total, "refused": len(refused), "seen": len(seen_s), "unseen": sum(map(len, sent.values())),
        "p50_s": seen_s[len(seen_s) // 2], "p99_s": seen_s[int(len(seen_s) * 0.99)], "most_s": seen_s[-1],
    }))  # fmt: skip


asyncio.run(main())
