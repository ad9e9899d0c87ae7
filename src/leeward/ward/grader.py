"""The grader: whoever changed is graded together within a second of arrival, and whoever is present each minute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Event as Flag
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from leeward.ward.arrivals import Decision
from leeward.ward.look import Look, Looker
from leeward.ward.row import row_of

if TYPE_CHECKING:
    from leeward.ward.world import World

log = structlog.get_logger(__name__)

AT_ONCE = 2_000
"""Patients graded in one run at most; the others wait for the next."""


class Grader:
    """Looks at patients when something arrived or time has passed, and says so to the board and to the alerts."""

    def __init__(self, world: World) -> None:
        self._world = world
        settings = world.settings
        self._looker = Looker(room_air=settings.room_air, zone=settings.zone)
        self._wake, self._stop = Flag(), Flag()
        self._thread: Thread | None = None
        self._turn = Lock()
        self._said: dict[str, tuple[Any, ...]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._looked_s: dict[str, float] = {}
        self.trouble: str | None = None

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begin; whoever is present is graded first, so that nothing is missed that arrived before a stop."""
        self._rows = {name: msgspec.json.decode(row) for name, row in self._world.store.board().items()}
        self._thread = Thread(target=self._run, name="grader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the pass that runs."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def tell(self) -> None:
        """Somebody changed."""
        self._wake.set()

    def _run(self) -> None:
        pause_s = self._world.settings.number("grading", "pass_every_ms") / 1000
        self._looker.warm()
        while not self._stop.is_set():
            try:
                busy = self.once()
                self.trouble = None
            except Exception as error:  # noqa: BLE001  the grader must outlive a fault, and say that it has one
                log.error("grader-failed", kind=type(error).__name__)  # noqa: TRY400  a traceback may hold a patient's values
                self.trouble = type(error).__name__
                busy = 0
            if not busy:
                self._wake.wait(pause_s)
            self._wake.clear()

    def once(self) -> int:
        """One pass: those who changed; if nobody did, some of those not looked at for a while. How many it was."""
        with self._turn:
            changed = self._world.store.claim_changed(AT_ONCE)
            if changed:
                try:
                    self._pass(changed)
                except Exception:
                    self._world.store.mark(changed)  # they wait again: a fault loses nobody
                    raise
                return len(changed)
            aged = self._aged()
            if aged:
                self._pass(dict.fromkeys(aged, False))
            return len(aged)

    def _aged(self) -> list[str]:
        """Those present whose answer is older than it may be, the oldest first; a few, so that arrivals never wait."""
        number = self._world.settings.number
        now_s = self._world.clock.monotonic()
        again_s = number("grading", "again_every_s")
        late = [
            (self._looked_s.get(held.patient, -again_s), held.patient)
            for held in self._world.present()
            if now_s - self._looked_s.get(held.patient, -again_s) >= again_s
        ]
        return [patient for _, patient in sorted(late)[: int(number("grading", "few_patients")) // 4 or 1]]

    # ------------------------------------------------------------ a pass

    def _pass(self, patients: dict[str, bool]) -> None:
        """Look at patients (and whether silently), keep what changed, tell whoever is to be told."""
        looks = self.looks(list(patients))
        held = {one.patient: one for one in self._world.store.held(list(patients))}
        looks = [
            msgspec.structs.replace(look, silent=patients[look.patient], held=held.get(look.patient)) for look in looks
        ]
        new = [look for look in looks if self._changed(look)]
        self._world.store.save_decisions([_decision(look) for look in new])
        rows = {look.patient: row_of(look, self._rows.get(look.patient)) for look in looks}
        self._world.store.save_board(rows)
        self._world.alerts.consider(looks)
        for look in looks:
            self._said[look.patient] = _said(look)
            self._rows[look.patient] = rows[look.patient]
            self._looked_s[look.patient] = self._world.clock.monotonic()
        self._announce(looks)

    def looks(self, patients: Sequence[str], *, known_at: datetime | None = None) -> list[Look]:
        """Patients as they are now, or as known at a moment: one by one, or in one run where they are many."""
        at = known_at or self._world.clock.now()
        record = self._world.store.known(patients, known_at=known_at)
        if len(patients) > self._world.settings.number("grading", "few_patients"):
            return self._looker.many(record, patients, at)
        return [self._looker.one(record, patient, at) for patient in patients]

    def look(self, patient: str, *, known_at: datetime | None = None, plan: bool = False) -> Look:
        """One patient; `plan`: with what each source says."""
        at = known_at or self._world.clock.now()
        record = self._world.store.known([patient], known_at=known_at)
        made = self._looker.one(record, patient, at)
        made = msgspec.structs.replace(made, held=self._world.store.patient(patient))
        return msgspec.structs.replace(made, plan=self._looker.plan(record, patient, at)) if plan else made

    def _changed(self, look: Look) -> bool:
        """Whether a look says something else than the one before, or than the last decision on record."""
        if look.patient not in self._said:
            kept = self._world.store.decisions_of(look.patient)[-1:]
            return not kept or (*_bounds(look), look.answer.edition) != (
                kept[0].crs_low, kept[0].crs_high, kept[0].icans_low, kept[0].icans_high, kept[0].edition,
            )  # fmt: skip
        return self._said[look.patient] != _said(look)

    def _announce(self, looks: Iterable[Look]) -> None:
        """One event for the boards: whose rows to fetch anew."""
        by_unit: dict[str | None, list[str]] = {}
        for look in looks:
            if look.held is not None:
                by_unit.setdefault(look.held.unit, []).append(look.held.handle)
        for unit, handles in by_unit.items():
            self._world.store.add_event("graded", None, unit, {"patients": sorted(handles)})


def _bounds(look: Look) -> tuple[int | None, ...]:
    """The ranges of a look."""
    crs, icans = look.answer.now["crs"], look.answer.now["icans"]
    return crs.at_least, crs.at_most, icans.at_least, icans.at_most


def _said(look: Look) -> tuple[Any, ...]:
    """What a look says, as far as saying it again would say nothing new."""
    now = look.answer.now
    onsets = tuple((one.syndrome, one.scale, one.onset, one.resolved) for one in look.answer.episodes)
    return (*_bounds(look), tuple(now["crs"].missing), tuple(now["icans"].missing), onsets, look.answer.edition)


def _decision(look: Look) -> Decision:
    """A look as it is kept."""
    crs_low, crs_high, icans_low, icans_high = _bounds(look)
    return Decision(
        patient=look.patient, decided_at=look.at, crs_low=crs_low, crs_high=crs_high, icans_low=icans_low,
        icans_high=icans_high, edition=look.answer.edition, answer=msgspec.json.encode(look.answer),
    )  # fmt: skip
