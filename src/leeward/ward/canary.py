"""The canary: a synthetic patient of every grade, run through intake, store and grader each hour; each must be found.

A rule that stops firing is silent in every other place. Canaries live in a store of their own, so that none stands on a
board or in a count; the code that takes them in and grades them is the ward's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import structlog

from leeward.knowledge.loader import read
from leeward.record.schema import STATEMENT
from leeward.ward.arrivals import Arrival
from leeward.ward.worker import Worker

if TYPE_CHECKING:
    from leeward.ward.world import World

log = structlog.get_logger(__name__)


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all canaries share: a therapy, so many days ago."""

    trigger: str
    days_before: int


class Bird(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One canary: what is charted, and how it must be graded (`crs_range`: for want of the rest)."""

    name: str
    statements: list[tuple[str, str, str]]
    crs: int | None = None
    icans: int | None = None
    crs_range: tuple[int, int] | None = None


class Cage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """canary.toml."""

    base: Base
    canary: list[Bird]


class Sung(msgspec.Struct, frozen=True):
    """One canary's grade: what was expected and what came out."""

    name: str
    expected: tuple[int, int]
    found: tuple[int | None, int | None]

    @property
    def ok(self) -> bool:
        """Whether it fired as it must."""
        return self.expected == self.found


class Run(msgspec.Struct, frozen=True):
    """One run of all of them; `fault`: the kind of error that stopped it."""

    at: datetime
    sung: list[Sung]
    fault: str | None = None

    @property
    def ok(self) -> bool:
        """Whether all fired."""
        return self.fault is None and all(one.ok for one in self.sung)


@cache
def cage() -> Cage:
    """The canaries."""
    return read(Path(__file__).with_name("canary.toml"), Cage)


class Canary:
    """Runs the canaries each hour; `last` is what came of it, and every run stands among the store's events."""

    def __init__(self, world: World) -> None:
        self._world = world
        number = world.settings.number
        self._worker = Worker("canary", self._turn, 60 * number("canary", "every_minutes"),
                              first_s=number("canary", "first_s"))  # fmt: skip
        self.last: Run | None = None

    def start(self) -> None:
        """Begin, a while after the ward has."""
        self._worker.start()

    def stop(self) -> None:
        """End."""
        self._worker.stop()

    def _turn(self) -> int:
        """One run; the next is due in an hour."""
        self.once()
        return 0

    def once(self) -> Run:
        """Run them now."""
        at = self._world.clock.now()
        try:
            self.last = Run(at, self._sing(at))
        except Exception as error:  # noqa: BLE001  a canary that cannot even be run has not fired, and that is told
            self.last = Run(at, [], type(error).__name__)
        if not self.last.ok:
            log.critical("canary-silent", canaries=[one.name for one in self.last.sung if not one.ok],
                         fault=self.last.fault)  # fmt: skip
        self._world.store.add_event("canary", None, None, msgspec.to_builtins(self.last) | {"ok": self.last.ok})
        return self.last

    def _sing(self, at: datetime) -> list[Sung]:
        """All of them, through a store of their own."""
        with TemporaryDirectory() as folder:
            inner = type(self._world)(
                msgspec.structs.replace(
                    self._world.settings, database=f"sqlite:///{Path(folder) / 'canary.db'}", webhooks=()
                ),
                self._world.clock,
                self._world.editions,
            )
            try:
                for bird in cage().canary:
                    inner.intake.take(Arrival(door="canary", source="canary", message=bird.name), [_said(bird, at)])
                while inner.grader.once():
                    pass
                return [_sung(bird, inner) for bird in cage().canary]
            finally:
                inner.engine.dispose()


def _said(bird: Bird, at: datetime) -> pa.RecordBatch:
    """What a feed would send of one canary."""
    base = cage().base
    rows = [{"quantity": "trigger", "text": base.trigger, "start": (at - timedelta(days=base.days_before)).isoformat()}]
    rows += [
        {"quantity": quantity, "start": at.isoformat()} | ({"value": said, "unit": unit} if unit else {"text": said})
        for quantity, said, unit in bird.statements
    ]
    rows = [row | {"patient": bird.name, "source": "canary", "place": "canary.toml"} for row in rows]
    return pa.RecordBatch.from_pylist([{name: row.get(name) for name in STATEMENT.names} for row in rows], STATEMENT)


def _sung(bird: Bird, world: World) -> Sung:
    """How one was graded, by the decision on record."""
    kept = world.store.decisions_of(bird.name)
    last = kept[-1] if kept else None
    if bird.icans is not None:
        found = (last.icans_low, last.icans_high) if last else (None, None)
        return Sung(bird.name, (bird.icans, bird.icans), found)
    expected = bird.crs_range or (bird.crs or 0, bird.crs or 0)
    return Sung(bird.name, expected, (last.crs_low, last.crs_high) if last else (None, None))
