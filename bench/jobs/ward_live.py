"""Ours under load: a ward in one process, monitors and boards in another: what is kept, and when it is seen."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from clock import report, task

PATIENTS, BOARDS, MINUTES = (int(task()[name]) for name in ("patients", "boards", "minutes"))
HERE = Path(__file__).parent
SET = 6  # vital signs in one message
UP_S = 120


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def wait(port: int) -> None:
    """Until the ward answers and has compiled what it asks."""
    until = time.monotonic() + UP_S
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    time.sleep(20)


with tempfile.TemporaryDirectory(prefix="leeward-bench-ward-") as name:
    folder, port = Path(name), free_port()
    server = subprocess.Popen([sys.executable, str(HERE / "ward_server.py"), name, str(PATIENTS), str(port)])
    try:
        wait(port)
        asked = [sys.executable, str(HERE / "ward_load.py"), name, *map(str, (PATIENTS, BOARDS, MINUTES, port))]
        begin = time.perf_counter()
        done = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True)
        took_s = time.perf_counter() - begin
        said = json.loads(done.stdout.strip().splitlines()[-1])
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
        peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        used = Path(f"/proc/{server.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    finally:
        server.terminate()
        server.wait()
    with sqlite3.connect(folder / "ward.db") as connection:
        kept = connection.execute("select count(*) from findings").fetchone()[0] - PATIENTS
busy = (int(used[11]) + int(used[12])) / 100 / took_s
lost = said["sets"] * SET - kept
report(said["sets"] * SET, [took_s], said, peak_bytes=peak, lost=lost, busy_cores=busy)
