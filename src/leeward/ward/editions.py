"""Which guidelines the ward works with: a file that changes is taken without a restart, or refused aloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from leeward.cohort.bedside_plan import adviser
from leeward.knowledge import edition
from leeward.knowledge.shelf import Shelf
from leeward.ward.worker import Worker

if TYPE_CHECKING:
    from leeward.ward.world import World

log = structlog.get_logger(__name__)


class Editions:
    """Looks at the files every few seconds. Of each change the log, the store's events and the metrics tell.

    A set that cannot be used leaves the last good one in use (knowledge/shelf.py). Once another is in use, whoever is
    present is graded again, and every answer names it.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        own = world.settings.protocol
        self.shelf = Shelf(world.clock.now, protocol=Path(own) if own else None)
        self._worker = Worker("editions", self.once, world.settings.number("knowledge", "look_every_s"))

    def start(self) -> None:
        """Begin to look."""
        self._worker.start()

    def stop(self) -> None:
        """End."""
        self._worker.stop()

    def once(self) -> int:
        """Look at the files now. Nothing is left to do then, until the next look is due."""
        before = self.shelf.refused
        is_taken = self.shelf.refresh()
        if is_taken:
            adviser(room_air=self._world.settings.room_air)  # made here, so that nobody who asks waits for it
            self._world.store.mark(dict.fromkeys((held.patient for held in self._world.present()), False))
            self._world.grader.tell()
            log.info("guidelines-taken", edition=edition())
        elif self.shelf.refused not in ("", before):
            log.error("guidelines-refused", where=self.shelf.refused.partition(": ")[0], edition=edition())
        if is_taken or self.shelf.refused != before:
            said = {"edition": edition(), "trouble": self.shelf.trouble}
            self._world.store.add_event("guidelines", None, None, said)
        return 0
