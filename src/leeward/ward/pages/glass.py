"""What the board says of a glass that was broken: who, when, to see whom; to whoever may see that patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from leeward.report.clock import seconds
from leeward.ward.access import Person
from leeward.ward.doors.alerts import theirs
from leeward.ward.pages.paper import wall

if TYPE_CHECKING:  # the world imports nothing of the pages
    from leeward.ward.world import World


class Note(msgspec.Struct, frozen=True):
    """One breaking of the glass, in words."""

    number: int
    person: str
    at: str
    whose: str
    handle: str


def notes(world: World, person: Person) -> list[Note]:
    """Those of a person's patients, the newest first."""
    broken = [one for one in world.access.broken.open() if theirs(world, person, one.patient, None)]
    held = {one.patient: one for one in world.store.held([one.patient for one in broken])}
    made = []
    for one in broken:
        whom = held[one.patient]
        whose = ", ".join(filter(None, (f"bed {whom.bed}" if whom.bed else "", whom.label))) or "a patient"
        at = wall(world).short(seconds(one.at))
        made.append(Note(one.number, one.person, at, whose, whom.handle))
    return made
