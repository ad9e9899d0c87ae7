"""Two clocks for one course: the wall's, in one named zone, and the time since the therapy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from leeward.record import times
from leeward.report.answer import Answer
from leeward.report.words import DAY_S, HOUR_S, MINUTE_S, span

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def seconds(at: datetime) -> int:
    """A moment in whole seconds since 1970 in UTC."""
    return int(at.timestamp() // 1)


@dataclass(frozen=True)
class Clock:
    """All times of a page are seconds since 1970 in UTC (`..._s`); this spells them."""

    as_of_s: int
    zone: tzinfo
    trigger_s: int | None  # the first therapy

    def local(self, at_s: int) -> datetime:
        """The wall clock at a moment."""
        return datetime.fromtimestamp(at_s, UTC).astimezone(self.zone)

    def time(self, at_s: int) -> str:
        """Hours and minutes: "05:10"."""
        return f"{self.local(at_s):%H:%M}"

    def day(self, at_s: int) -> str:
        """Day and month: "12 Mar"."""
        at = self.local(at_s)
        return f"{at.day} {MONTHS[at.month - 1]}"

    def moment(self, at_s: int) -> str:
        """Both: "12 Mar 05:10"; with the year where it is not the year of the answer."""
        at = self.local(at_s)
        year = f" {at.year}" if at.year != self.local(self.as_of_s).year else ""
        return f"{self.day(at_s)}{year} {self.time(at_s)}"

    def full(self, at_s: int) -> str:
        """All of it: "12 Mar 2026 05:10 UTC"."""
        return f"{self.day(at_s)} {self.local(at_s).year} {self.time(at_s)} {self.zone_name(at_s)}"

    def short(self, at_s: int) -> str:
        """The time alone on the day of the answer, else with its date."""
        today = self.local(at_s).date() == self.local(self.as_of_s).date()
        return self.time(at_s) if today else self.moment(at_s)

    def zone_name(self, at_s: int) -> str:
        """The zone at a moment: "UTC" or "UTC+02:00"."""
        offset = self.local(at_s).utcoffset() or timedelta()
        minutes = round(offset.total_seconds() / MINUTE_S)
        return (
            "UTC"
            if not minutes
            else f"UTC{'+' if minutes > 0 else '−'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        )

    def age(self, at_s: int) -> str:
        """How old something is at the moment of the answer: "12 min before"."""
        gone_s = self.as_of_s - at_s
        return "at this moment" if gone_s < MINUTE_S else f"{span(gone_s)} before"

    def since(self, at_s: int) -> str:
        """Time since the first therapy: "14 h", "day 2 + 3 h"; empty without a therapy."""
        if self.trigger_s is None:
            return ""
        gone_s = at_s - self.trigger_s
        if gone_s < 0:
            return f"{span(gone_s)} before"
        days, rest_s = divmod(gone_s, DAY_S)
        rest = span(rest_s) if not days else f"{rest_s // HOUR_S} h"
        return f"day {days}" if rest in ("0 min", "0 h") else f"day {days} + {rest}"


def clock(answer: Answer, zone: str | None = None, last_s: int | None = None) -> Clock:
    """The clock of an answer: in a zone (IANA name or fixed offset), or at the offset of the answer's own moment.

    An answer about all that is on record is of the last moment it or its findings (`last_s`) name.
    """
    starts = [seconds(trigger.at) for trigger in answer.triggers]
    named = [*starts, *(seconds(held.at) for held in answer.physiology if held.at)]
    as_of_s = seconds(answer.as_of) if answer.as_of else max([last_s or 0, *named])
    wall = times.zone(zone) if zone else answer.as_of.tzinfo if answer.as_of else None
    return Clock(as_of_s, wall or UTC, min(starts, default=None))
