"""The peers: what each is installed from, and an environment of its own for each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from home import home

INSTALL_LIMIT_S = 600


@dataclass(frozen=True)
class Peer:
    """A tool measured beside ours."""

    name: str
    title: str
    requirements: tuple[str, ...]
    needs_java: bool = False


PEERS = {
    peer.name: peer
    for peer in (
        Peer("clifpy", "clifpy 2.1.0", ("clifpy==2.1.0", "polars<1.40", "duckdb<1.5")),
        Peer("aces", "ACES 0.7.3", ("es-aces==0.7.3",)),
        Peer("pathling", "Pathling 5.1.0", ("pathling==5.1.0", "pyspark==3.2.4"), needs_java=True),
        Peer("fhir-resources", "fhir.resources 8.3.0", ("fhir.resources==8.3.0",)),
    )
}


def python_of(name: str) -> Path | str:
    """The interpreter of a peer's environment, set up on first use; a sentence where it cannot be had."""
    peer = PEERS[name]
    if peer.needs_java and shutil.which("java") is None:
        return "needs Java 17, which is not on this machine (Debian: apt-get install openjdk-17-jre-headless)"
    folder = home() / "peers" / name
    ready = folder / "ready.txt"
    wanted = "\n".join(peer.requirements)
    if not (ready.exists() and ready.read_text(encoding="utf-8") == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        failed = _install(peer, folder)
        if failed:
            return failed
        ready.write_text(wanted, encoding="utf-8")
    return folder / "bin" / "python"


def _install(peer: Peer, folder: Path) -> str:
    """Make the environment; the reason why not, or nothing."""
    print(f"  installing {peer.title} into {folder} (once) ...", flush=True)
    log = home() / "logs" / f"install-{peer.name}.txt"
    log.parent.mkdir(exist_ok=True)
    python = folder / "bin" / "python"
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements],
    )
    with log.open("w", encoding="utf-8") as said:
        for step in steps:
            try:
                subprocess.run(step, stdout=said, stderr=said, timeout=INSTALL_LIMIT_S, check=True)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
                return f"could not be installed ({type(error).__name__}; see {log})"
    return ""
