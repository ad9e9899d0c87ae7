"""Times as a record spells them, read into instants, or into the stretch they leave open."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leeward.knowledge.loader import load
from leeward.knowledge.vocabulary import Tolerance
from leeward.record.columns import matches
from leeward.record.errors import UnknownZone

MISSING = np.iinfo(np.int64).min
_COMPLETE_CHARACTERS = len("2026-11-22T08:30")
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = rf"^{_DAY}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{{1,12}})?)?"
_WITH_OFFSET = _CLOCK + r"([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])$"
_LOCAL = _CLOCK + "$"
_PARTIAL = re.compile(r"^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d))?)?)?([Zz]|[+-]\d\d:?\d\d)?$")
_FINE = r"(\.[0-9]{6})[0-9]+"
_FIXED = re.compile(r"^(?:UTC|Z)?([+-])(\d\d):?(\d\d)$")

OK, NO_TIME, AMBIGUOUS, IMPOSSIBLE, FUTURE = range(5)
REASONS = (None, "time-missing", "ambiguous-time", "impossible-time", "future-time")


class Moments(NamedTuple):
    """Microseconds since 1970 UTC per row (MISSING where none), where a coarse time ends, and a reason code."""

    at_us: npt.NDArray[np.int64]
    until_us: npt.NDArray[np.int64]
    reason: npt.NDArray[np.int8]


def zone(name: str) -> tzinfo:
    """An IANA zone, "UTC", or a fixed offset such as "-05:00".

    Raises UnknownZone.
    """
    fixed = _FIXED.match(name)
    if fixed:
        minutes = int(fixed[2]) * 60 + int(fixed[3])
        return timezone(timedelta(minutes=-minutes if fixed[1] == "-" else minutes))
    try:
        return UTC if name in ("UTC", "Z") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(f"'{name}' is neither an IANA zone (Europe/Paris) nor a fixed offset (-05:00)") from None


class Clock:
    """Reads times of one source, which writes its local times in one zone (or has none)."""

    def __init__(self, zone_name: str | None, now: datetime | None) -> None:
        self._zone = zone(zone_name) if zone_name else None
        tolerance = load("door", Tolerance)
        self._first_us = microseconds(datetime(tolerance.past.year, 1, 1, tzinfo=UTC))
        ahead = timedelta(minutes=tolerance.future.minutes)
        self._last_us = microseconds(now + ahead) if now is not None else np.iinfo(np.int64).max
        self._days: dict[int, int | None] = {}

    def read(self, column: pa.Array) -> Moments:
        """Every time of a column."""
        n = len(column)
        at, until = np.full(n, MISSING, np.int64), np.full(n, MISSING, np.int64)
        reason = np.full(n, NO_TIME, np.int8)
        if column.null_count == n:
            return Moments(at, until, reason)
        at_once = self._at_once(column)
        if at_once is not None:
            at[:], reason[:] = at_once
            self._outside(at, reason)
            return Moments(at, until, reason)
        said = _numpy(pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(column), ""), False))
        offset = matches(column, _WITH_OFFSET)
        self._with_offset(column, offset, at, reason)
        rest = said & ~offset
        if rest.any():
            local = rest & matches(column, _LOCAL)
            self._local(column, local, at, reason)
            self._partial(column, np.flatnonzero(rest & ~local), at, until, reason)
        self._outside(at, reason)
        return Moments(at, until, reason)

    def _at_once(self, column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]] | None:
        """A column in which every time there is is complete and of one kind, in one step; None where it is not."""
        if pc.min(pc.utf8_length(column)).as_py() < _COMPLETE_CHARACTERS:
            return None
        try:
            at = _cast(column, pa.timestamp("us", "UTC"))
            return at, np.where(at == MISSING, NO_TIME, OK).astype(np.int8)
        except pa.ArrowInvalid:
            pass
        if column.null_count:
            return None
        try:
            naive = _cast(column, pa.timestamp("us")) if self._zone is not None else None
        except pa.ArrowInvalid:
            return None
        return None if naive is None else self._to_utc(naive)

    def _outside(self, at: npt.NDArray[np.int64], reason: npt.NDArray[np.int8]) -> None:
        known = at != MISSING
        reason[known & (at < self._first_us)] = IMPOSSIBLE
        reason[known & (at > self._last_us)] = FUTURE

    def _with_offset(
        self, column: pa.Array, rows: npt.NDArray[np.bool_], at: npt.NDArray[np.int64], reason: npt.NDArray[np.int8]
    ) -> None:
        rows = rows & _real_dates(column, rows, reason)
        if rows.any():
            at[rows] = _instants(column.filter(pa.array(rows)), pa.timestamp("us", "UTC"))
            reason[rows] = OK

    def _local(
        self, column: pa.Array, rows: npt.NDArray[np.bool_], at: npt.NDArray[np.int64], reason: npt.NDArray[np.int8]
    ) -> None:
        """Times without a zone: in the source's own, where one is configured and the hour exists exactly once."""
        rows = rows & _real_dates(column, rows, reason)
        if self._zone is None:
            reason[rows] = AMBIGUOUS
        elif rows.any():
            naive = _instants(column.filter(pa.array(rows)), pa.timestamp("us"))
            at[rows], reason[rows] = self._to_utc(naive)

    def _to_utc(self, naive: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        encoded = pa.array(naive // DAY_US).dictionary_encode()
        shifts = [self._day(day) for day in encoded.dictionary.to_pylist()]
        index = encoded.indices.to_numpy()
        steady = np.array([s is not None for s in shifts], bool)[index]
        at = naive - np.array([s or 0 for s in shifts], np.int64)[index]
        reason = np.full(len(naive), OK, np.int8)
        for row in np.flatnonzero(~steady):
            at[row], reason[row] = self._changing(int(naive[row]))
        return at, reason

    def _day(self, day: int) -> int | None:
        """The zone's offset on a local day in microseconds, or None on a day when the clock changes."""
        if day not in self._days:
            start = datetime(1970, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - a local time, by intent
            seen = {self._offset(start + timedelta(hours=h), fold) for h in range(-3, 28) for fold in (0, 1)}
            self._days[day] = seen.pop() if len(seen) == 1 else None
        return self._days[day]

    def _offset(self, local: datetime, fold: int) -> int:
        offset = local.replace(fold=fold, tzinfo=self._zone).utcoffset() or timedelta()
        return offset // timedelta(microseconds=1)

    def _changing(self, naive_us: int) -> tuple[int, int]:
        """One local time on a day when the clock changes."""
        local = datetime(1970, 1, 1) + timedelta(microseconds=naive_us)  # noqa: DTZ001 - a local time, by intent
        first, second = self._offset(local, 0), self._offset(local, 1)
        if first == second:
            return naive_us - first, OK
        # Where the clock is put forward the earlier offset is the smaller one, and the hour never was.
        return MISSING, IMPOSSIBLE if first < second else AMBIGUOUS

    def _partial(
        self,
        column: pa.Array,
        rows: npt.NDArray[np.intp],
        at: npt.NDArray[np.int64],
        until: npt.NDArray[np.int64],
        reason: npt.NDArray[np.int8],
    ) -> None:
        """Years, months, dates and hours: the whole stretch they may mean; anything else is no time."""
        seen: dict[str, tuple[int, int, int]] = {}
        for row, text in zip(rows, column.take(pa.array(rows)).to_pylist(), strict=True):
            if text not in seen:
                seen[text] = self._stretch(text)
            at[row], until[row], reason[row] = seen[text]

    def _stretch(self, text: str) -> tuple[int, int, int]:
        parts = _PARTIAL.match(text)
        if parts is None:
            return MISSING, MISSING, IMPOSSIBLE
        year, month, day, hour = (int(p) if p else None for p in parts.groups()[:4])
        where = zone(parts[5].replace("z", "Z")) if parts[5] else self._zone
        if where is None:
            return MISSING, MISSING, AMBIGUOUS
        try:
            start, end = _ends(year or 0, month, day, hour)
        except ValueError:
            return MISSING, MISSING, IMPOSSIBLE
        return microseconds(start.replace(tzinfo=where)), microseconds(end.replace(tzinfo=where)), OK


def _ends(year: int, month: int | None, day: int | None, hour: int | None) -> tuple[datetime, datetime]:
    """First and first-after moment of a year, month, day or hour, as local times."""
    start = datetime(year, month or 1, day or 1, hour or 0)  # noqa: DTZ001 - a local time, by intent
    if hour is not None:
        return start, start + timedelta(hours=1)
    if day is not None:
        return start, start + timedelta(days=1)
    following = month % 12 + 1 if month is not None else 1
    return start, start.replace(year=year + (month is None or month == 12), month=following)


def _real_dates(column: pa.Array, rows: npt.NDArray[np.bool_], reason: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Which rows name a day that exists; the others (30 February) are marked impossible."""
    encoded = pc.utf8_slice_codeunits(column, 0, 10).dictionary_encode()
    real = np.array([is_date(day) for day in encoded.dictionary.to_pylist()] + [False], bool)
    exists: npt.NDArray[np.bool_] = real[encoded.indices.fill_null(len(real) - 1).to_numpy(zero_copy_only=False)]
    reason[rows & ~exists] = IMPOSSIBLE
    return exists


def is_date(day: str) -> bool:
    """Whether a text is the ISO date of a day that exists."""
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _instants(column: pa.Array, kind: pa.DataType) -> npt.NDArray[np.int64]:
    column = pc.replace_substring(pc.utf8_upper(column), ",", ".")
    column = pc.replace_substring_regex(column, _FINE, r"\1")
    return _cast(column, kind)


def _cast(column: pa.Array, kind: pa.DataType) -> npt.NDArray[np.int64]:
    instants = pc.cast(pc.cast(column, kind), pa.int64())
    return np.asarray(instants.fill_null(MISSING).to_numpy(zero_copy_only=False), np.int64)


def _numpy(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
