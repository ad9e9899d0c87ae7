"""A patient at the bedside for tests of alerts: charts what a test says, and tells what was told of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from leeward.ward.alerts import Alert
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.world import World

from .taken import said, take

THERAPY = "axicabtagene ciloleucel"
NUMBERS = {
    "temperature": ("body-temperature", "Cel"),
    "pressure": ("systolic-bp", "mm[Hg]"),
    "saturation": ("spo2", "%"),
    "heart": ("heart-rate", "/min"),
    "breaths": ("respiratory-rate", "/min"),
    "ice": ("ice-score", "{score}"),
    "ferritin": ("ferritin", "ng/mL"),
    "flow": ("oxygen-flow", "L/min"),
}
WORDS = {"oxygen": "oxygen-device", "therapy": "trigger", "consciousness": "consciousness", "setting": "care-setting"}
NORMAL = {"temperature": 36.9, "pressure": 120, "saturation": 97, "heart": 80, "breaths": 16, "oxygen": "room-air"}
_records = count()


class Patient:
    """One patient on a ward whose clock stands until it is moved; `at` is the moment of the dose."""

    def __init__(
        self, world: World, clock: SetClock, name: str = "007", unit: str = "A", since_hours: float = 2
    ) -> None:
        self.world, self.clock, self.name, self.unit = world, clock, name, unit
        self.at = clock.now() - timedelta(hours=since_hours)
        self._heard = world.store.last_event()
        place = Move(kind="placed", patient=name, at=self.at, unit=unit, bed="1", label="XY 60")
        rows = [said(name, "trigger", self.at, THERAPY), said(name, "age-years", self.at, 60, "a")]
        take(world, *rows, moves=[place])

    def chart(
        self, *, at: datetime | None = None, record: str | None = None, version: str = "1", status: str = "final",
        silent: bool = False, source: str = "monitor", **values: float | str,
    ) -> str:  # fmt: skip
        """Chart values by their short names; the record's id, under which they can be corrected."""
        record = record or f"r{next(_records)}"
        rows = []
        for name, value in values.items():
            quantity, unit = NUMBERS[name] if name in NUMBERS else (WORDS[name], None)
            more = {"record": f"{record}-{quantity}", "version": version, "status": status, "source": source}
            rows.append(said(self.name, quantity, at or self.clock.now(), value, unit, **more))
        take(self.world, *rows, silent=silent, source=source)
        return record

    def round(self, at: datetime | None = None, **values: float | str) -> str:
        """A whole round of vital signs, normal where nothing else is said."""
        return self.chart(at=at, **(NORMAL | values))  # type: ignore[arg-type]

    def later(self, **by: float) -> None:
        """Let time pass, and the grader look."""
        self.clock.advance(timedelta(**by))
        self.graded()

    def graded(self) -> None:
        """Everybody who waits is looked at, and whoever was not for a while."""
        while self.world.grader.once():
            pass

    def told(self) -> list[tuple[str, str, str]]:
        """What was told since the last time: what, which kind, in which words."""
        self.graded()
        events = self.world.store.events_after(self._heard)
        self._heard = self.world.store.last_event()
        return [(event.kind.removeprefix("alert-"), event.body.get("kind") or "", event.body.get("text") or "")
                for event in events if event.kind.startswith("alert-")
                and (event.patient == self.name or event.patient is None)]  # fmt: skip

    def kinds(self) -> list[tuple[str, str]]:
        """What was told since the last time: what, and which kind."""
        return [(what, kind) for what, kind, _ in self.told()]

    def open(self) -> list[Alert]:
        """This patient's open alerts."""
        return [one for one in self.world.alerts.of(self.name) if one.open]

    def discharge(self) -> None:
        """They leave the ward."""
        take(self.world, moves=[Move(kind="discharged", patient=self.name, at=self.clock.now())])
        self.graded()
