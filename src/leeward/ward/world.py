"""One ward: its settings, its clock, its store, and everything that works on it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from leeward.ward.access import Access
from leeward.ward.access.start import check
from leeward.ward.alerts import Alerts
from leeward.ward.arrivals import Held
from leeward.ward.audit import Audit, AuditDown
from leeward.ward.canary import Canary
from leeward.ward.clock import Clock, SystemClock
from leeward.ward.database import open_database
from leeward.ward.editions import Editions
from leeward.ward.feed import Feed
from leeward.ward.grader import Grader
from leeward.ward.intake import Intake
from leeward.ward.settings import WardSettings
from leeward.ward.store import Store
from leeward.ward.worker import Worker


class World:
    """Everything of one ward. `start` begins grading and telling; until then findings are only taken in.

    editions: those of another ward of this process, whose guidelines it shares.

    Raises BadSetting where the settings would let anybody look at anything (ward/access/start.py).
    """

    def __init__(self, settings: WardSettings, clock: Clock | None = None, editions: Editions | None = None) -> None:
        check(settings)
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.engine = open_database(settings.database)
        self.editions = editions or Editions(self)
        self.store = Store(self.engine, self.clock)
        sum_s = settings.number("access", "audit_again_s")
        self.audit = Audit(self.engine, self.clock, sum_s=sum_s)
        self._sums = Worker("audit", self.audit.write_sums, sum_s)
        self.access = Access(self)
        self.grader = Grader(self)
        self.intake = Intake(self.store, settings, self.clock, self.grader.tell)
        self.alerts = Alerts(self)
        self.feed = Feed(self)
        self.canary = Canary(self)

    def start(self) -> None:
        """Begin to grade, to watch the feeds and to tell."""
        self.alerts.start()
        self.grader.start()
        self.canary.start()
        self.editions.start()
        self._sums.start()

    def stop(self) -> None:
        """End, after what is being done."""
        self.editions.stop()
        self.canary.stop()
        self.grader.stop()
        self.alerts.stop()
        self._sums.stop()
        with suppress(AuditDown):
            self.audit.write_sums(all_of_them=True)
        self.engine.dispose()

    def present(self) -> list[Held]:
        """Who is on the ward: not discharged, not merged into another, heard of lately."""
        since = self.clock.now() - timedelta(hours=self.settings.number("grading", "present_hours"))
        return [
            held
            for held in self.store.patients()
            if held.merged_into is None and held.discharged_at is None
            and held.last_received_at is not None and held.last_received_at >= since
        ]  # fmt: skip
