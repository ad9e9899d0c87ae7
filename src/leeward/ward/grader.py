"""The grader: whoever changed is graded together within a second of arrival, and whoever is present each minute."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec

from leeward.cohort.agreement import Comparison
from leeward.knowledge import edition
from leeward.ward.arrivals import Decision
from leeward.ward.audit import Entry
from leeward.ward.look import Look, Looker
from leeward.ward.row import row_of
from leeward.ward.worker import Worker

if TYPE_CHECKING:
    from leeward.ward.world import World

AT_ONCE = 2_000
"""Patients graded in one run at most; the others wait for the next."""


class Grader:
    """Looks at patients when something arrived or time has passed, and says so to the board and to the alerts."""

    def __init__(self, world: World) -> None:
        self._world = world
        settings = world.settings
        self._looker = Looker(room_air=settings.room_air, zone=settings.zone)
        self._worker = Worker("grader", self._warm_and_once, settings.number("grading", "pass_every_ms") / 1000)
        self._turn = Lock()
        self._aged_s = -math.inf
        self._graded, self._audited_s = 0, -math.inf  # since the audit was told last, and when that was
        self.passes, self.passes_s = 0, 0.0  # how many there were, and how long they took together

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begin; whoever is present is graded first, so that nothing is missed that arrived before a stop."""
        self._world.store.mark(dict.fromkeys((held.patient for held in self._world.present()), False))
        self._worker.start()

    def stop(self) -> None:
        """End after the pass that runs."""
        self._worker.stop()

    def tell(self) -> None:
        """Somebody changed."""
        self._worker.wake()

    @property
    def trouble(self) -> str | None:
        """The kind of fault of the last pass; None where it went well."""
        return self._worker.trouble

    def _warm_and_once(self) -> int:
        """One pass, with everything compiled before the first."""
        self._looker.warm()
        return self.once()

    def once(self) -> int:
        """One pass over those who changed, or whose answer is older than it may be. How many it was."""
        with self._turn:
            changed = self._world.store.claim_changed(AT_ONCE)
            if not changed:
                self._world.store.mark(dict.fromkeys(self._aged(), False))
                changed = self._world.store.claim_changed(AT_ONCE)
            if changed:
                try:
                    self._pass(changed)
                except Exception:
                    self._world.store.mark(changed)  # they wait again: a fault loses nobody
                    raise
            return len(changed)

    def _aged(self) -> list[str]:
        """Those present whose answer is older than it may be, the oldest first; a few, so that arrivals never wait."""
        number, clock = self._world.settings.number, self._world.clock
        if clock.monotonic() - self._aged_s < number("grading", "aged_every_s"):
            return []
        before = clock.now() - timedelta(seconds=number("grading", "again_every_s"))
        looked = self._world.store.looked_at()
        late = sorted(
            (looked[held.patient], held.patient)
            for held in self._world.present()
            if held.patient in looked and looked[held.patient] <= before
        )
        some = [patient for _, patient in late[: int(number("grading", "aged_patients"))]]
        if not some:
            self._aged_s = clock.monotonic()
        return some

    # ------------------------------------------------------------ a pass

    def _pass(self, patients: dict[str, bool]) -> None:
        """Look at patients (and whether silently), keep what changed, tell whoever is to be told."""
        names, store, begun_s = list(patients), self._world.store, perf_counter()
        held = {one.patient: one for one in store.held(names)}
        looks = [
            msgspec.structs.replace(look, silent=patients[look.patient], held=held.get(look.patient))
            for look in self.looks(names)
        ]
        before, said = store.board(names), store.last_said(names)
        decided = [_decision(look) for look in looks]
        new = [one for one in decided if said.get(one.patient) != one.said]
        self._keep(new, len(looks))
        rows = {name: _read(row) for name, row in before.items()}
        shown = self._planned(looks, rows)
        store.save_board({look.patient: row_of(look, rows.get(look.patient)) for look in shown})
        self._world.alerts.consider(looks)
        self._announce(looks)
        self.passes, self.passes_s = self.passes + 1, self.passes_s + perf_counter() - begun_s

    def _keep(self, new: Sequence[Decision], graded: int) -> None:
        """Keep what was answered anew, and tell the audit: of whom, and how many were graded since it was told last.

        Passes that said nothing new are told together, once a minute. Raises AuditDown, and then nothing is kept.
        """
        now_s, names = self._world.clock.monotonic(), tuple(one.patient for one in new)
        self._graded += graded
        if not new and now_s - self._audited_s < self._world.settings.number("access", "audit_again_s"):
            return
        whose = {"patient": names[0]} if len(names) == 1 else {"shown": names}
        detail = f"{self._graded} graded, {len(new)} answers new"
        self._world.store.save_decisions(new, Entry("grade", "grader", detail=detail, **whose))
        self._graded, self._audited_s = 0, now_s

    def _planned(self, looks: list[Look], rows: dict[str, dict[str, Any] | None]) -> list[Look]:
        """A few of the looks with what sources say: those whose row was told longest ago how many doses are left."""
        number = self._world.settings.number
        told = {
            name: row["left_at"]
            for name, row in rows.items()
            if row is not None and row.get("left_at") and row.get("edition") == edition()
        }
        late = self._world.clock.now() - timedelta(seconds=number("grading", "look_again_s"))
        wait = sorted((told.get(look.patient, ""), look.patient) for look in looks if look.answer.triggers)
        due = [name for at, name in wait if not at or datetime.fromisoformat(at) <= late]
        chosen = set(due[: int(number("grading", "plans_at_once"))])
        return [self._with_plan(look) if look.patient in chosen else look for look in looks]

    def _with_plan(self, look: Look) -> Look:
        """The same look with what each source says."""
        record = self._world.store.known([look.patient])
        return msgspec.structs.replace(look, plan=self._looker.plan(record, look.patient, look.at))

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

    def compared(self, patient: str) -> Comparison:
        """One patient on every scale of CRS now, and which rules make the scales differ."""
        return self._looker.compared(self._world.store.known([patient]), patient, self._world.clock.now())

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


def _read(row: bytes | None) -> dict[str, Any] | None:
    """A row of the board as it was kept."""
    return None if row is None else msgspec.json.decode(row)


def _said(look: Look) -> bytes:
    """A digest of what a look says, as far as saying it again would say nothing new."""
    now = look.answer.now
    onsets = [(one.syndrome, one.scale, one.onset, one.resolved) for one in look.answer.episodes]
    said = (_bounds(look), now["crs"].missing, now["icans"].missing, onsets, look.answer.edition)
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).digest()


def _decision(look: Look) -> Decision:
    """A look as it is kept."""
    crs_low, crs_high, icans_low, icans_high = _bounds(look)
    return Decision(
        patient=look.patient, decided_at=look.at, crs_low=crs_low, crs_high=crs_high, icans_low=icans_low,
        icans_high=icans_high, edition=look.answer.edition, answer=msgspec.json.encode(look.answer), said=_said(look),
    )  # fmt: skip
