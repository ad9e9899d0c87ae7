"""Makes the steps of a plan two at a time: while one is planned, or ends on one core, the other core has work."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from threading import Condition, Thread

import duckdb

Step = tuple[str, str]
_VIEWS = frozenset({"findings", "known"})
"""What only the connection itself sees: views of its own, over what may be registered with it alone."""


class SideBySide:
    """Tables of one database, each made once those it reads are there."""

    def __init__(self, con: duckdb.DuckDBPyConnection, steps: Sequence[Step]) -> None:
        self._con, self._all = con, steps
        names = {name for name, _ in steps} | _VIEWS
        # A column that bears the name of an earlier step only makes its step wait.
        read = {name: set(re.findall(r'"(\w+)"', sql)) & names - {name} for name, sql in steps}
        before: set[str] = {"findings"}
        self._reads: dict[str, set[str]] = {}
        for name, _ in steps:
            self._reads[name] = read[name] & before
            before.add(name)
        self._waiting, self._made = list(steps), {"findings"}
        self._turn = Condition()
        self._failed: BaseException | None = None

    def make(self, tell: Callable[[str, int, int], None] | None = None) -> None:
        """Every step; `tell` hears of those made here, and how many had been begun."""
        beside = self._con.cursor()
        beside.execute("set TimeZone = 'UTC'")
        helper = Thread(target=self._work, args=(beside, None), daemon=True)
        helper.start()
        try:
            self._work(self._con, tell, own=True)
        finally:
            with self._turn:
                self._waiting.clear()
                self._turn.notify_all()
            helper.join()
            beside.close()
        if self._failed is not None:
            raise self._failed

    def _work(
        self, con: duckdb.DuckDBPyConnection, tell: Callable[[str, int, int], None] | None, *, own: bool = False
    ) -> None:
        """Make one step after the other until none is left; a step that reads views only on the connection itself."""
        try:
            while (step := self._next(own=own)) is not None:
                name, sql = step
                if tell is not None:
                    tell(name, len(self._all) - len(self._waiting) - 1, len(self._all))
                con.execute(f"create or replace {'temp view' if name == 'known' else 'table'} {name} as {sql}")
                with self._turn:
                    self._made.add(name)
                    self._turn.notify_all()
        except BaseException as error:
            with self._turn:
                self._waiting.clear()
                self._turn.notify_all()
                self._failed = self._failed or error
            if own:
                raise

    def _next(self, *, own: bool) -> Step | None:
        """The first step that can be made; the connection itself first makes those that nobody else can."""
        with self._turn:
            while self._waiting:
                ready = [step for step in self._waiting if self._reads[step[0]] <= self._made]
                here = [step for step in ready if step[0] in _VIEWS or self._reads[step[0]] & _VIEWS]
                mine = (here or ready) if own else [step for step in ready if step not in here]
                if mine:
                    self._waiting.remove(mine[0])
                    return mine[0]
                self._turn.wait()
            return None
