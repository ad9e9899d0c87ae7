"""A large file of Observations, read by several processes at once.

Its pieces are handed on in their order, whoever read them, so that the record is the same every time. This process
reads pieces too, and all of them where no other can be started. A helper is a Python of its own that imports only what
reading needs: it starts in a tenth of a second, on every system, and never runs the caller's script again.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread

from leeward.record.fhir.files import GZIP
from leeward.record.fhir.pieces import Pieces, Told

PIECE_BYTES = 8 * 2**20
"""The length of a piece; the lines that begin in it belong to it."""
HELPERS_MAX = 7
"""Processes beside this one."""
WORTHWHILE_BYTES = 6 * PIECE_BYTES
"""A file shorter than this is read sooner than a helper would be of use."""
_AHEAD = 2
"""Pieces that each reader may be ahead of what has been handed on; they wait in memory."""

_HELPER = """
import sys, types
# The packages' own imports are of no use to a helper, and take longer than a piece.
for name, folder in (("leeward", sys.argv[1]), ("leeward.record.fhir", sys.argv[1] + "/record/fhir")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from leeward.record.fhir.helper import serve
serve()
"""


def is_for_several(path: Path) -> bool:
    """Whether a file of lines is long enough, and can be read from anywhere within it."""
    if path.stat().st_size < WORTHWHILE_BYTES or helpers() == 0:
        return False
    with path.open("rb") as file:
        return file.read(len(GZIP)) != GZIP


def stretch(piece: int) -> tuple[int, int]:
    """The bytes between which the lines of a piece begin."""
    return piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES


def helpers() -> int:
    """How many processes may help: one for each further core that this one may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    python = not getattr(sys, "frozen", False) and "python" in Path(sys.executable or "").name.lower()
    return min(allowed - 1, HELPERS_MAX) if python else 0


class Several:
    """The pieces of one file, read by this process and its helpers."""

    def __init__(self, path: Path, local: tuple[str, ...]) -> None:
        self._path, self._local = path, local
        self._pieces = -(-path.stat().st_size // PIECE_BYTES)
        self._own = Pieces(local)
        self._turn = Condition()
        self._begun = self._handed = 0
        self._again: list[int] = []  # pieces whose helper is gone
        self._read: dict[int, Told | None] = {}
        self._running: list[tuple[subprocess.Popen[bytes], Thread]] = []

    def __iter__(self) -> Iterator[Told | None]:
        """What each piece says, in their order; None for one that must be read another way."""
        try:
            self._start()
            while self._handed < self._pieces:
                yield self._next()
        finally:
            self._stop()

    def _start(self) -> None:
        for _ in range(min(helpers(), self._pieces // 2)):
            with suppress(OSError):
                helper = _started()
                self._running.append((helper, Thread(target=self._through, args=(helper,), daemon=True)))
                self._running[-1][1].start()

    def _stop(self) -> None:
        """End the helpers; what they still read is not wanted."""
        with self._turn:
            self._begun = self._pieces
            self._turn.notify_all()
        for helper, thread in self._running:
            helper.kill()
            thread.join()
            with suppress(OSError), helper:
                pass  # its pipes are closed

    def _next(self) -> Told | None:
        """The next piece in order; while another process reads it, one of those behind it is read here."""
        while True:
            with self._turn:
                if self._handed in self._read:
                    self._handed += 1
                    self._turn.notify_all()
                    return self._read.pop(self._handed - 1)
                piece = self._claimed()
                if piece is None:
                    self._turn.wait()
                    continue
            told = self._own.read(self._path, *stretch(piece))
            with self._turn:
                self._read[piece] = told

    def _claimed(self) -> int | None:
        """A piece that nobody reads yet, not too far ahead."""
        if self._again:
            return self._again.pop()
        if self._begun >= min(self._pieces, self._handed + _AHEAD * (len(self._running) + 1)):
            return None
        self._begun += 1
        return self._begun - 1

    def _through(self, helper: subprocess.Popen[bytes]) -> None:
        """Hand pieces to one helper, one after the other."""
        while True:
            with self._turn:
                while (piece := self._claimed()) is None and self._begun < self._pieces:
                    self._turn.wait()
            if piece is None:
                return
            try:
                told = _asked(helper, self._path, piece, self._local)
            except (OSError, EOFError, pickle.UnpicklingError):
                with self._turn:
                    self._again.append(piece)
                    self._turn.notify_all()
                return
            with self._turn:
                self._read[piece] = told
                self._turn.notify_all()


def _started() -> subprocess.Popen[bytes]:
    package = Path(__file__).parents[2]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.Popen(  # noqa: S603  this Python, and nothing of the caller's
        [sys.executable, "-c", _HELPER, str(package)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": path},
    )


def _asked(helper: subprocess.Popen[bytes], path: Path, piece: int, local: tuple[str, ...]) -> Told | None:
    """What a helper reads in a piece."""
    if helper.stdin is None or helper.stdout is None:
        raise EOFError
    pickle.dump((str(path), *stretch(piece), local), helper.stdin)
    helper.stdin.flush()
    told: Told | None = pickle.load(helper.stdout)  # noqa: S301  from our own helper
    return told
