"""A thread that works until it is told to stop: whatever grades, tells, sends or watches lives in one of these."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import structlog

log = structlog.get_logger(__name__)


class Worker:
    """Takes one turn after the other; where a turn found nothing to do it pauses, until it is woken at the latest.

    turn: does what there is to do, and says how much it was. pause_s: how long to wait where it was nothing; first_s:
    before the first turn. trouble: the kind of fault of the last turn; None where it went well.
    """

    def __init__(self, name: str, turn: Callable[[], int], pause_s: float, *, first_s: float = 0.0) -> None:
        self._name, self._turn, self._pause_s, self._first_s = name, turn, pause_s, first_s
        self._stop, self._wake = Event(), Event()
        self._thread: Thread | None = None
        self.trouble: str | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after the turn that is being taken."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def _run(self) -> None:
        self._stop.wait(self._first_s)
        while not self._stop.is_set():
            if not self._taken():
                self._wake.wait(self._pause_s)
            self._wake.clear()

    def _taken(self) -> int:
        """One turn; a fault ends no worker. The log tells its kind and places, and none of its words (ward/logs.py)."""
        try:
            done = self._turn()
        except Exception as error:
            self.trouble = type(error).__name__
            log.exception("worker-failed", kind=self._name, reason=self.trouble)
            return 0
        self.trouble = None
        return done
