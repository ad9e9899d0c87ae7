"""Time as an input: the wall clock that stamps what arrives, and a clock that never goes back, for timers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the ward asks for the time."""

    def now(self) -> datetime:
        """The present moment, in UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back, for intervals and timers."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()


class SetClock:
    """A clock that stands until it is set: for tests and for replays without waiting."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._passed_s = 0.0

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._at

    def monotonic(self) -> float:
        """Seconds by which it was advanced; setting it back takes none of them away."""
        return self._passed_s

    def set(self, at: datetime) -> None:
        """Set it, forwards or backwards; timers see only the way forward."""
        self._passed_s += max(0.0, (at - self._at).total_seconds())
        self._at = at

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.set(self._at + by)


class ReplayClock:
    """A clock that begins at a moment and runs at a speed: an hour of ward in a minute at speed 60."""

    def __init__(self, start: datetime, speed: float) -> None:
        self._start, self._speed, self._since_s = start, speed, time.monotonic()
        self.ended = False
        """Whether what is replayed has been played to its end; then time goes on as on the wall."""

    @property
    def speed(self) -> float:
        """How many seconds of the ward pass in one."""
        return self._speed

    def now(self) -> datetime:
        """The moment of the replay."""
        return self._start + timedelta(seconds=(time.monotonic() - self._since_s) * self._speed)

    def monotonic(self) -> float:
        """Seconds of the replay that have passed since the machine's clock began."""
        return self.now().timestamp()

    def set(self, at: datetime) -> None:
        """Go on from another moment."""
        self._start, self._since_s = at, time.monotonic()

    def run_at(self, speed: float) -> None:
        """Go on from here at another speed; 0 stands still."""
        self._start, self._since_s = self.now(), time.monotonic()
        self._speed = speed
