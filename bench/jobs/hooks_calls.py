"""Calls of CDS Hooks over HTTP, one after another, to a service that this job starts: how long each takes to answer."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from pathlib import Path

from clock import report, task

TASK = task()
CALLS, WARM, PATH = TASK["calls"], TASK["warm"], TASK["path"]
TIMED, *OTHERS = (json.dumps(body).encode() for body in json.loads(Path(TASK["bodies"]).read_bytes()))


def answered(line: http.client.HTTPConnection, body: bytes) -> bytes:
    """The answer to one call."""
    line.request("POST", PATH, body, {"Content-Type": "application/json"})
    told = line.getresponse()
    said = told.read()
    if told.status != 200:
        raise SystemExit(f"answered {told.status}: {said[:300].decode(errors='replace')}")
    return said


def grade(said: bytes) -> list[int]:
    """Both ends of the grade of CRS that a card tells; no such card is grade 0."""
    for card in json.loads(said)["cards"]:
        found = re.match(r"CRS grade (\d)(?: to (\d))?", card["summary"])
        if found:
            return [int(found[1]), int(found[2] or found[1])]
    return [0, 0]


def peak_bytes_of(process: int) -> int:
    """The most memory that the service ever had resident."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


with subprocess.Popen(TASK["server"], stdout=subprocess.PIPE, text=True) as server:
    try:
        port = int(server.stdout.readline()) if server.stdout else 0
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for _ in range(60):
            try:
                line.connect()
                break
            except OSError:
                time.sleep(0.1)
        seconds = []
        for _ in range(WARM + CALLS):
            begin = time.perf_counter()
            said = answered(line, TIMED)
            seconds.append(time.perf_counter() - begin)
        grades = [grade(said), *(grade(answered(line, body)) for body in OTHERS)]
        seconds = sorted(seconds[WARM:])
        p99_s = seconds[min(CALLS - 1, int(CALLS * 0.99))]
        report(1, seconds, grades, p99_s=p99_s, peak_bytes=peak_bytes_of(server.pid), bytes=len(said))
    finally:
        server.terminate()
