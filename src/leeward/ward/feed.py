"""What happens, for whoever listens: the tail of the store's events, shared by all workers of one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from leeward.ward.arrivals import Event

if TYPE_CHECKING:
    from leeward.ward.world import World


class Feed:
    """Events in order, from any of them on; every worker reads the same table."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def after(self, seq: int, units: frozenset[str] | None = None) -> AsyncIterator[list[Event]]:
        """What happened after an event, as it happens, of some units (None: of all); an empty list now and then.

        The empty lists let a listener say that the service still lives.
        """
        pause_s = self._world.settings.number("feed", "poll_ms") / 1000
        while True:
            found = await asyncio.to_thread(self._world.store.events_after, seq)
            if found:
                seq = found[-1].seq
            yield [event for event in found if units is None or event.unit is None or event.unit in units]
            await asyncio.sleep(pause_s)
