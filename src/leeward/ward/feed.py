"""What happens, for whoever listens: the tail of the store's events, shared by all workers of one database."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from threading import Lock
from typing import TYPE_CHECKING

from leeward.ward.arrivals import Event

if TYPE_CHECKING:
    from leeward.ward.world import World

HELD = 2_000
"""Events kept in memory for all listeners; who is further behind reads from the store."""


class Feed:
    """Events in order, from any of them on; every worker reads the same table, once for all its listeners."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pause_s = world.settings.number("feed", "poll_ms") / 1000
        self._held: deque[Event] = deque(maxlen=HELD)
        self._last: int | None = None
        self._read_s = 0.0
        self._turn = Lock()

    async def after(self, seq: int, units: frozenset[str] | None = None) -> AsyncIterator[list[Event]]:
        """What happened after an event, as it happens, of some units (None: of all); an empty list now and then.

        The empty lists let a listener say that the service still lives.
        """
        while True:
            found = await asyncio.to_thread(self._after, seq)
            if found:
                seq = found[-1].seq
            yield [event for event in found if units is None or event.unit is None or event.unit in units]
            await asyncio.sleep(self._pause_s)

    def _after(self, seq: int) -> list[Event]:
        """Events after one, from memory where it reaches back so far."""
        with self._turn:
            if time.monotonic() - self._read_s >= self._pause_s:
                self._read()
            if self._held and self._held[0].seq <= seq + 1:
                return [event for event in self._held if event.seq > seq]
            if self._last is not None and seq >= self._last:
                return []
        return self._world.store.events_after(seq)

    def _read(self) -> None:
        """Take in what is new."""
        if self._last is None:
            self._last = self._world.store.last_event()
        found = self._world.store.events_after(self._last)
        self._held.extend(found)
        self._last = found[-1].seq if found else self._last
        self._read_s = time.monotonic()
