"""The limits of a ward that listens: memory, patience, and headers, measured from outside."""

from __future__ import annotations

import contextlib
import gzip
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

SERVE = """
import sys
from leeward.ward.clock import SystemClock
from leeward.ward.listening import Listening
from leeward.ward.logs import configure
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.ward.small import app_of

configure(quiet=True)
limits = {"limits": {"body_wait_s": 1.0, "body_whole_s": 2.0, "burst": 100000.0, "lines": 40.0,
                     "address_lines": 30.0}}
world = World(WardSettings(database=f"sqlite:///{sys.argv[1]}/ward.db", demo=True, limits=limits), SystemClock())
Listening(app_of(world), world.settings, host="127.0.0.1", port=int(sys.argv[2])).run()
"""
ROOT = Path(__file__).parents[2]
GROWTH_MOST_KB = 120_000
"""The memory may grow by no more than the share that is set aside for bodies, however much is sent."""


class Served:
    """A ward in a process of its own."""

    def __init__(self, port: int, number: int) -> None:
        self.port, self._number = port, number

    @property
    def at(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def peak_kb(self) -> int:
        """The most memory that it has held so far."""
        said = Path(f"/proc/{self._number}/status").read_text(encoding="ascii")
        return int(said.split("VmHWM:")[1].split()[0])

    def spoken(self, said: bytes, wait_s: float = 6.0) -> bytes:
        """What it answers to raw bytes, before it closes or time is up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as held:
            held.sendall(said)
            answered = b""
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                while piece := held.recv(65536):
                    answered += piece
                    if b"\r\n\r\n" in answered and b"connection: close" in answered.lower():
                        break
            return answered


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A ward that listens on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path_factory.mktemp("served")), str(port)],
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    made = Served(port, running.pid)
    try:
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{made.at}/me")
                break
            time.sleep(0.1)
        yield made
    finally:
        running.kill()
        running.wait()


def chunks(length: int) -> Iterator[bytes]:
    """A body of that many bytes whose length is not said."""
    for _ in range(0, length, 65_536):
        yield b"a" * 65_536


@pytest.mark.slow
def test_43_memory_stays_bounded_whatever_is_sent(served: Served) -> None:
    """Thirty megabytes at a time, said and unsaid, and gzip of a thousand to one."""
    before_kb = served.peak_kb()
    bomb = gzip.compress(b'"' + b"0" * 50_000_000 + b'"')
    with httpx.Client(timeout=30) as client:
        for kind in ("application/json", "application/fhir+json"):
            for _ in range(3):
                with contextlib.suppress(httpx.TransportError):  # it may close before all was sent
                    answered = client.post(
                        f"{served.at}/note", content=chunks(40_000_000), headers={"Content-Type": kind}
                    )
                    assert answered.status_code == 413
                with contextlib.suppress(httpx.TransportError):
                    answered = client.post(
                        f"{served.at}/note", content=b"a" * 40_000_000, headers={"Content-Type": kind}
                    )
                    assert answered.status_code == 413
            said = {"Content-Type": kind, "Content-Encoding": "gzip"}
            assert client.post(f"{served.at}/note", content=bomb, headers=said).status_code == 413
        assert client.get(f"{served.at}/list").status_code == 200
    grown_kb = served.peak_kb() - before_kb
    print(f"memory grew by {grown_kb} kB")
    assert grown_kb < GROWTH_MOST_KB


@pytest.mark.slow
def test_43_a_client_that_says_a_length_and_sends_nothing_is_let_go(served: Served) -> None:
    said = b"POST /note HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    assert served.spoken(said).startswith(b"HTTP/1.1 408")


@pytest.mark.slow
def test_43_headers_have_a_limit(served: Served) -> None:
    for length, status in ((16_000, b"200"), (17_000, b"431"), (5_000_000, b"4")):
        long = b"GET /me HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Long: " + b"a" * length + b"\r\n\r\n"
        with contextlib.suppress(ConnectionError):  # it may close before all was sent
            assert served.spoken(long).startswith(b"HTTP/1.1 " + status)
    assert httpx.get(f"{served.at}/me").status_code == 200


@pytest.mark.slow
def test_43_two_lengths_are_no_request(served: Served) -> None:
    """What two readers of a request could cut in two places is not read at all."""
    both = (
        b"POST /note HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /list HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    )
    assert served.spoken(both, 2).count(b"HTTP/1.1 200") <= 1
    twice = b"POST /note HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
    assert served.spoken(twice, 2).startswith(b"HTTP/1.1 400")


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"GET /me HTTP/1.1\r\nHo"])
def test_43_lines_that_say_nothing_whole_are_closed_and_shut_nobody_out(served: Served, said: bytes) -> None:
    """Of one address so many at most, and each for a moment: the places of others are theirs."""
    with contextlib.ExitStack() as held:
        lines = [held.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=5)) for _ in range(60)]
        for line in lines:
            with contextlib.suppress(OSError):
                line.sendall(said)
        assert closed(lines[-1]), "one more than an address may have"
        assert all(map(closed, lines)), "and the others when they have said nothing whole for a while"
        assert httpx.get(f"{served.at}/me").status_code == 200


def closed(line: socket.socket) -> bool:
    """Whether the other side lets go, before time is up."""
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True
