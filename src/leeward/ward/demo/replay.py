"""Plays the script into a ward: what lies before the start at once, the rest as the replay's clock reaches it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from threading import Event, Thread

import pyarrow as pa
import structlog

from leeward.record.schema import STATEMENT
from leeward.ward.arrivals import Arrival, Move
from leeward.ward.clock import ReplayClock
from leeward.ward.demo.script import Said, arrivals, script
from leeward.ward.world import World

LOOK_S = 0.2
"""How often, in real seconds, it is looked whether something is due."""
log = structlog.get_logger(__name__)


class Replay:
    """The demo's feed. `speed`: how many minutes of the ward pass in one."""

    def __init__(self, world: World, clock: ReplayClock, start: datetime, speed: float) -> None:
        self._world, self._clock, self._start, self._speed = world, clock, start, speed
        self._left = arrivals(start)
        self._stop = Event()
        self._thread: Thread | None = None
        self.number = 0

    @property
    def ended(self) -> bool:
        """Whether the whole script has been played."""
        return not self._left

    def start(self) -> None:
        """Take in what lies before the start, each thing at its own time, then let time run."""
        self._place()
        before = [said for said in self._left if said.minutes < 0]
        self._left = self._left[len(before) :]
        for minutes, told in groupby(before, key=lambda said: said.minutes):
            self._clock.set(self._start + timedelta(minutes=minutes))
            self._take(list(told), silent=True)
        self._clock.set(self._start)
        self._clock.run_at(self._speed)
        self._thread = Thread(target=self._run, name="replay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        """Play what is due; at the end go on at the pace of the wall clock."""
        while not self._stop.wait(LOOK_S):
            self.play()
            if self.ended:
                log.info("replay-ended")
                self._clock.run_at(1)
                self._clock.ended = True
                return

    def play(self) -> int:
        """Take in what is due by now; how much it was."""
        minutes = (self._clock.now() - self._start) / timedelta(minutes=1)
        due = [said for said in self._left if said.minutes <= minutes]
        self._left = self._left[len(due) :]
        for _, told in groupby(due, key=lambda said: said.minutes):
            self._take(list(told), silent=False)
        return len(due)

    def _take(self, told: list[Said], *, silent: bool) -> None:
        """One arrival from each source."""
        for source in dict.fromkeys(said.source for said in told):
            rows = [{name: said.row.get(name) for name in STATEMENT.names} for said in told if said.source == source]
            self.number += 1
            arrival = Arrival(door="replay", source=source, message=str(self.number), silent=silent)
            self._world.intake.take(arrival, [pa.RecordBatch.from_pylist(rows, STATEMENT)])

    def _place(self) -> None:
        """Who lies where, before anything else."""
        held = script()
        first = min(said.minutes for said in self._left)
        at = self._start + timedelta(minutes=first)
        self._clock.set(at)
        moves = [Move(kind="placed", patient=who.id, unit=held.unit, bed=who.bed, label=who.label, at=at)
                 for who in held.patient]  # fmt: skip
        moves += [Move(kind="placed", patient=case.case, unit=held.published_unit, bed=case.bed,
                       label=f"{case.case}, published", at=at) for case in held.published]  # fmt: skip
        for move in moves:
            self._world.intake.take(Arrival(door="replay", source="beds", message=move.patient), [], [move])
