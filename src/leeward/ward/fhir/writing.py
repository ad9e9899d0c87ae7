"""Writing: what a request asks for, checked, versioned and read, then taken in whole; or refused, and nothing kept.

A version is placed by the sender's own version, not by when it arrives: an older one that comes late is kept in the
history and changes nothing. The same again changes nothing either. No resource moves from one patient to another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leeward.ward.arrivals import Arrival, Move
from leeward.ward.fhir import moving
from leeward.ward.fhir import posted as p
from leeward.ward.fhir.outcomes import Issue, Unfit, of_refusals, unfit
from leeward.ward.fhir.settings import FhirSettings
from leeward.ward.fhir.shelf import Shelf
from leeward.ward.fhir.statements import statements
from leeward.ward.fhir.wishes import Done, Item, Names, Wish
from leeward.ward.resources import Overtaken, Resources, Version

if TYPE_CHECKING:
    from leeward.ward.world import World

Admit = Callable[[str], None]
"""Asks whether a patient may be written of. Raises Unfit."""


class Writing:
    """Everything one request writes."""

    def __init__(self, world: World, settings: FhirSettings, *, feed: str, by: str, admit: Admit) -> None:
        self._world, self._settings = world, settings
        self._feed, self._by, self._admit = feed, by, admit
        self._resources = Resources(world.engine)

    def whole(self, wishes: Sequence[Wish]) -> list[Done]:
        """All or nothing. Raises Unfit."""
        return [one for one in self._tried(wishes, atomic=True) if isinstance(one, Done)]

    def each(self, wishes: Sequence[Wish]) -> list[Done | Unfit]:
        """Each by itself."""
        return self._tried(wishes, atomic=False)

    def _tried(self, wishes: Sequence[Wish], *, atomic: bool) -> list[Done | Unfit]:
        for _ in range(int(self._world.settings.number("fhir", "tries"))):
            try:
                return self._once(wishes, atomic=atomic)
            except Overtaken:
                continue
        raise unfit(409, "conflict", "Others write the same resources; send it again.")

    def _once(self, wishes: Sequence[Wish], *, atomic: bool) -> list[Done | Unfit]:
        faults: dict[int, Unfit] = {}

        def failed(item: Item, fault: Unfit) -> None:
            if atomic:
                raise fault.within(item.wish.place)
            faults[item.number] = fault.within(item.wish.place)

        items = [Item(wish=wish, number=number) for number, wish in enumerate(wishes)]

        def go(step: Callable[[Item], None], some: Iterable[Item]) -> None:
            for item in some:
                if item.number not in faults:
                    try:
                        step(item)
                    except Unfit as fault:
                        failed(item, fault)

        go(self._parsed, items)
        Names(self._resources, self._feed, self._settings.servers).name(
            [item for item in items if item.number not in faults], failed
        )
        go(self._owned, items)
        if atomic:
            self._of_one(items)
        go(self._admitted, items)
        sound = [item for item in items if item.number not in faults]
        shelf = Shelf(self._resources, sound, self._world.clock.now(), self._settings.identifier)
        go(shelf.placed, items)
        go(shelf.supported, items)
        told = self._take([item for item in items if item.number not in faults], shelf)
        return [faults[item.number] if item.number in faults else told[item.number] for item in items]

    # ------------------------------------------------------------ one by one

    def _parsed(self, item: Item) -> None:
        wish = item.wish
        if wish.method == "DELETE":
            if wish.kind not in p.WHOSE:
                raise unfit(405, "not-supported", "Resources of this type are not taken back, others may rest on them.")
            item.id = wish.id
            return
        item.posted = p.parsed(wish.body or b"")
        if item.posted.kind != wish.kind:
            raise unfit(400, "value", "The resource is of another type than the address.", "resourceType")

    def _owned(self, item: Item) -> None:
        """Whose it is."""
        if item.posted is not None:
            item.patient = p.subject(item.posted)
            return
        assert item.id is not None
        item.before = self._resources.current(item.wish.kind, item.id)
        if item.before is None:
            raise unfit(404, "not-found", "There is nothing here.")
        item.patient = item.before.patient

    def _of_one(self, items: Sequence[Item]) -> None:
        """Raises Unfit where one transaction speaks of two patients who are not one person."""
        same: dict[str, str] = {}
        for item in items:
            if item.posted is not None and item.posted.kind == "Patient" and item.id is not None:
                group = moving.linked(item.posted.said, item.id, self._settings.identifier)
                for one in group:
                    same[one] = same.get(min(group), min(group))
        first: str | None = None
        named = sorted({item.patient for item in items if item.patient is not None})
        known = {held.patient: held.merged_into for held in self._world.store.held(named)}
        for item in items:
            if item.patient is None:
                continue
            person = same.get(item.patient) or known.get(item.patient) or item.patient
            first = first or person
            if person != first and same.get(first, first) != person:
                at = "Patient.id" if item.wish.kind == "Patient" else f"{item.wish.kind}.subject"
                says = "A transaction is about one patient; this entry is about another. Nothing of it was kept."
                raise unfit(422, "business-rule", says, at).within(item.wish.place)

    def _admitted(self, item: Item) -> None:
        """Asks for leave for everybody it is about."""
        if item.patient is not None:
            self._admit(item.patient)
        if item.posted is not None and item.posted.kind == "Patient" and item.id is not None:
            for other in sorted(moving.linked(item.posted.said, item.id, self._settings.identifier) - {item.id}):
                self._admit(other)

    # ------------------------------------------------------------ all together

    def _take(self, items: Sequence[Item], shelf: Shelf) -> dict[int, Done]:
        """Keep what is new, with its findings and moves, in one transaction."""
        now, new = self._world.clock.now(), [item for item in items if item.kept is not None]
        refusals: dict[str, list[dict[str, Any]]] = {}
        at = now
        if new:
            read = [(item.reference, item.reading or b"") for item in new]
            said = statements(read, shelf.behind(), self._feed, self._world.intake.reading(self._feed))
            receipt = self._world.intake.take(
                Arrival(door="fhir", source=self._feed, by=self._by), list(said), self._moves(new, shelf, now),
                [item.kept for item in new if item.kept is not None],
            )  # fmt: skip
            at = receipt.received_at
            for row in receipt.refusals:
                refusals.setdefault(row["place"] or "", []).append(row)
        most = int(self._world.settings.number("fhir", "issues_most"))
        return {
            item.number: _done(item, at, [*item.issues, *of_refusals(refusals.get(item.reference, ()), most)])
            for item in items
        }

    def _moves(self, new: Sequence[Item], shelf: Shelf, at: datetime) -> list[Move]:
        """Who comes, goes, is called something, or turns out to be another."""
        made: list[Move] = []
        stays: set[str] = set()
        for item in new:
            if not item.newest or item.patient is None:
                continue
            if item.wish.kind == "Patient" and item.posted is not None:
                before = p.read(item.before.body) if item.before else None
                made += moving.merged(item.posted.said, before, item.patient, at, self._settings.identifier)
                text = moving.label(item.posted.said, at) if self._settings.label == "initials" else None
                made += moving.called(item.patient, text, self._world.store.patient(item.patient), at)
            elif item.wish.kind == "Encounter":
                stays.add(item.patient)
        for patient in sorted(stays):
            held = self._world.store.patient(patient)
            made += moving.placed(patient, shelf.now("Encounter", patient), held, shelf.find, at)
        return made


def _done(item: Item, at: datetime, issues: list[Issue]) -> Done:
    """What became of an item."""
    deleted = item.wish.method == "DELETE"
    if item.kept is not None:
        status = 204 if deleted else 201 if item.kept.version == 1 else 200
        return Done(status=status, kind=item.kept.kind, id=item.kept.id, version=item.kept.version, at=at,
                    body=item.kept.body, issues=issues)  # fmt: skip
    held = item.existing
    assert held is not None
    same = Issue("informational", "The same is on record already; nothing was changed.", severity="information")
    since = held.received_at if isinstance(held, Version) else at
    return Done(status=204 if deleted else 200, kind=held.kind, id=held.id, version=held.version, at=since,
                body=held.body, issues=[*issues, same])  # fmt: skip
