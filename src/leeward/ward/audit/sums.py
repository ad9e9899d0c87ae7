"""Refusals of nobody, summed: the first of a kind is written at once, those of the next minute as one number.

Whoever has no name here may ask as often as the pace allows; a record each would let them fill the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from msgspec.structs import replace

from leeward.ward.audit.chain import Entry


class Sums:
    """What was refused to nobody since it was last written, by kind; a kind names no patient, so there are few."""

    def __init__(self, monotonic: Callable[[], float], every_s: float) -> None:
        self._monotonic, self._every_s = monotonic, every_s
        self._turn = Lock()
        self._since: dict[Entry, tuple[float, int]] = {}

    def counted(self, entry: Entry) -> bool:
        """Whether a refusal is one more of a kind of which a record stands already; the others are to be written."""
        with self._turn:
            if entry not in self._since:
                return False
            since_s, more = self._since[entry]
            self._since[entry] = since_s, more + 1
            return True

    def begin(self, entry: Entry) -> None:
        """A record of this kind was written: those of the next minute are counted."""
        with self._turn:
            self._since.setdefault(entry, (self._monotonic(), 0))

    def due(self, *, all_of_them: bool = False) -> list[tuple[Entry, int]]:
        """The kinds begun a minute ago, and how many more each was; taken from here, so write them or say `again`."""
        with self._turn:
            late_s = self._monotonic() - self._every_s
            over = [entry for entry, (since_s, _) in self._since.items() if all_of_them or since_s <= late_s]
            counted = [(entry, self._since.pop(entry)[1]) for entry in over]
        return [(entry, more) for entry, more in counted if more]

    def again(self, counted: list[tuple[Entry, int]]) -> None:
        """What could not be written is kept for the next time."""
        with self._turn:
            for entry, more in counted:
                since_s, since = self._since.get(entry, (self._monotonic() - self._every_s, 0))
                self._since[entry] = since_s, since + more


def summed(entry: Entry, more: int) -> Entry:
    """The record of a number."""
    return replace(entry, detail=f"{entry.detail}, {more} more")
