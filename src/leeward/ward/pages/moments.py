"""A moment as somebody types it by the ward's clock: read as the door reads times, and asked again where in doubt."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from leeward.record import times
from leeward.ward.rows import moment

NO_TIME = "This is not a date and time."


class Doubt(Exception):
    """A time that names no moment, or two. choices: as it may be spelt instead, and how that reads."""

    def __init__(self, says: str, choices: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(says)
        self.says, self.choices = says, choices


def typed(spelt: str, zone: str, chosen: str = "") -> datetime:
    """The moment in UTC. chosen: which of two was meant, in one of the spellings that `Doubt` offered.

    Raises Doubt.
    """
    read = times.Clock(zone, None).read(pa.array([spelt.strip()], pa.string()))
    reason, at_us, until_us = int(read.reason[0]), int(read.at_us[0]), int(read.until_us[0])
    if reason == times.OK and until_us == times.MISSING:
        try:
            return moment(at_us)
        except OverflowError:
            raise Doubt(NO_TIME) from None
    doubt = _doubt(spelt.strip(), zone, reason)
    if chosen and chosen in dict(doubt.choices):
        return typed(chosen, zone)
    raise doubt


def _doubt(spelt: str, zone: str, reason: int) -> Doubt:
    """Why it is none, in plain words; of an hour that came twice, both."""
    try:
        local = datetime.fromisoformat(spelt)
    except ValueError:
        return Doubt(NO_TIME)
    first, second = (local.replace(tzinfo=times.zone(zone), fold=fold) for fold in (0, 1))
    said = f"{local:%H:%M} on {local.day} {local:%B %Y}"
    if local.tzinfo is None and reason == times.AMBIGUOUS:
        choices = ((first, "before"), (second, "after"))
        told = tuple((one.isoformat(), f"{one:%H:%M %Z} (UTC{_offset(one)}), {when} the clock was put back")
                     for one, when in choices)  # fmt: skip
        return Doubt(f"{said} came twice: the clock was put back that night. Say which of the two.", told)
    if local.tzinfo is None and reason == times.IMPOSSIBLE and first.utcoffset() != second.utcoffset():
        return Doubt(f"{said} never was: the clock was put forward over it.")
    return Doubt(NO_TIME)


def _offset(one: datetime) -> str:
    """The offset as it is written: +02:00."""
    return one.isoformat()[-len("+02:00") :]
