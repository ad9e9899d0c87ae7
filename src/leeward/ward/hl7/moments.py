"""HL7's times (YYYYMMDDHHMMSS.ssss+ZZZZ) as the door reads them, and as instants where the ward needs one itself."""

from __future__ import annotations

import re
from datetime import datetime

import pyarrow as pa

from leeward.record import times
from leeward.record.settings import Settings
from leeward.ward.hl7.vocabulary import Refusal
from leeward.ward.rows import moment

_SPELT = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)"
    r"(?:(?P<second>\d\d)(?P<fine>\.\d{1,6})?)?)?)?)?)?(?P<offset>[+-]\d{4})?"
)


def iso(spelt: str | None) -> str | None:
    """A time in ISO 8601, no finer than it was spelt; what is no time stays as it is, for the door to refuse."""
    found = _SPELT.fullmatch(spelt) if spelt else None
    if found is None:
        return spelt
    made = found["year"]
    for sign, part in (("-", "month"), ("-", "day"), ("T", "hour"), (":", "minute"), (":", "second")):
        made += sign + found[part] if found[part] else ""
    return made + (found["fine"] or "") + (found["offset"] or "")


class Moments:
    """Reads times of one source, in its own zone, as the door does."""

    def __init__(self, settings: Settings) -> None:
        self._clock = times.Clock(settings.zone, settings.now)

    def instant(self, spelt: str | None, place: str) -> datetime | None:
        """A time as an instant, the beginning of a coarse one; None where there is none.

        Raises Refusal (ambiguous-time, impossible-time, future-time).
        """
        read = self._clock.read(pa.array([iso(spelt)], pa.string()))
        reason = times.REASONS[int(read.reason[0])]
        if reason == "time-missing":
            return None
        if reason is not None:
            raise Refusal(reason, place)
        return moment(int(read.at_us[0]))


def written(at: datetime) -> str:
    """An instant as text that sorts as instants do."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
