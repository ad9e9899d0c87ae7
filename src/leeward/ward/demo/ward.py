"""The demo ward, ready to be served: a store that goes with it, a replayed clock, the script's patients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from leeward.ward.clock import ReplayClock
from leeward.ward.demo.replay import Replay
from leeward.ward.settings import WardSettings
from leeward.ward.world import World


@contextmanager
def demo_world(*, speed: float, port: int, start: datetime | None = None) -> Iterator[tuple[World, Replay]]:
    """A world and its replay, which is not begun yet; both are gone afterwards.

    speed: how many minutes of the ward pass in one. start: minute 0 of the script, else now to the minute.
    """
    begin = start or datetime.now(UTC).replace(second=0, microsecond=0)
    with TemporaryDirectory(prefix="leeward-demo-") as folder:
        settings = WardSettings(
            name="Demo ward", database=f"sqlite:///{Path(folder) / 'ward.db'}", demo=True, port=port
        )
        clock = ReplayClock(begin, 0)
        world = World(settings, clock)
        replay = Replay(world, clock, begin, speed)
        try:
            yield world, replay
        finally:
            replay.stop()
