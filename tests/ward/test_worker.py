"""The thread that grades, tells and sends: it outlives faults, is woken at once, and ends when it is told to."""

from __future__ import annotations

from threading import Event, active_count

from leeward.ward.worker import Worker

LONG_S = 60.0


def test_it_is_woken_though_it_would_pause_for_long() -> None:
    """One turn at the start, one for each waking."""
    turns: list[int] = []
    taken = Event()

    def turn() -> int:
        turns.append(1)
        taken.set()
        return 0

    worker = Worker("test", turn, LONG_S)
    worker.start()
    for count in (1, 2, 3):
        assert taken.wait(LONG_S)
        assert len(turns) == count
        taken.clear()
        worker.wake()
    worker.stop()


def test_it_does_not_pause_while_there_is_something_to_do() -> None:
    """Three turns that found something, and the one that found nothing."""
    left, done = [1, 1, 1, 0], Event()

    def turn() -> int:
        found = left.pop(0)
        if not left:
            done.set()
        return found

    worker = Worker("test", turn, LONG_S)
    worker.start()
    assert done.wait(LONG_S)
    worker.stop()


def test_a_fault_is_remembered_until_a_turn_goes_well() -> None:
    """And ends nothing."""
    faults, taken = [ValueError("a value of somebody's"), None], Event()

    def turn() -> int:
        fault = faults.pop(0)
        taken.set()
        if fault is not None:
            raise fault
        return 0

    worker = Worker("test", turn, 0.01)
    seen = []
    for _ in range(2):
        worker._taken()
        seen.append(worker.trouble)
    assert seen == ["ValueError", None]


def test_it_ends_before_its_first_turn_as_well() -> None:
    """One that was never started, one that still waits: no thread is left behind."""
    before = active_count()
    Worker("test", lambda: 0, LONG_S).stop()
    waiting = Worker("test", lambda: 1 // 0, LONG_S, first_s=LONG_S)
    waiting.start()
    waiting.stop()
    assert (active_count(), waiting.trouble) == (before, None)
