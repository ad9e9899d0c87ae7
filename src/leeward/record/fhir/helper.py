"""The other end of `several`: a process that reads the pieces it is asked for until nobody asks any more."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from leeward.record.fhir.pieces import Pieces


def serve() -> None:
    """Answer every request on standard input with a piece on standard output."""
    readers: dict[tuple[str, ...], Pieces] = {}
    while True:
        try:
            path, begin, end, local = pickle.load(sys.stdin.buffer)  # noqa: S301  from the process that started this one
        except EOFError:
            return
        told = readers.setdefault(local, Pieces(local)).read(Path(path), begin, end)
        pickle.dump(told, sys.stdout.buffer, protocol=5)
        sys.stdout.buffer.flush()
