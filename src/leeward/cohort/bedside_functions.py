"""What SQLite lacks, or means otherwise than DuckDB: functions that the compiled plan calls (bedside_sql)."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import statistics
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def add_to(con: sqlite3.Connection) -> None:
    """Adds every function of this page to a connection."""
    for name, function in _OF_A_ROW.items():
        con.create_function(name, -1, function, deterministic=True)
    con.create_aggregate("beside_largest", 2, _BesideLargest)
    con.create_aggregate("middle", 1, _Middle)


def _known(function: Callable[..., Any]) -> Callable[..., Any]:
    """Null where any argument is."""
    return lambda *given: None if None in given else function(*given)


def _day_us(text: str) -> int | None:
    """A day as microseconds from 1970 to its midnight in UTC; null where it is none."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    return None if day is None else int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _from_zero(number: float) -> int:
    """The nearest whole number; a half goes away from zero."""
    whole = int(number)
    return whole + int(math.copysign(abs(number - whole) >= 0.5, number))


def _rounded(number: float, digits: int) -> float:
    """As DuckDB rounds: the number shifted by its digits, to the nearest whole one, shifted back."""
    shift = 10.0**digits
    return _from_zero(number * shift) / shift if math.isfinite(number * shift) else number


def _e_to_the(number: float) -> float:
    """The exponential; endless where it is too large for a float."""
    try:
        return math.exp(number)
    except OverflowError:
        return math.inf


def _matches(text: str, pattern: str) -> bool:
    """Whether a pattern is found; its end is the text's, also where a line ends before it."""
    return re.search(pattern.replace("$", r"\Z"), text) is not None


def _listed(*values: Any) -> str:
    """Values as one text; Python reads back the very same numbers."""
    return json.dumps(values)


def _listed_at(values: str, place: int) -> Any:
    """One value of a list, the first at place 0; null beyond its end."""
    held = json.loads(values)
    return held[place] if place < len(held) else None


def _listed_once(values: str) -> str:
    """Each value of a list once, null left out."""
    return json.dumps([value for value in dict.fromkeys(json.loads(values)) if value is not None])


_OF_A_ROW: dict[str, Callable[..., Any]] = {
    "day_us": _known(_day_us),
    "to_even": _known(round),
    "from_zero": _known(_from_zero),
    "rounded": _known(_rounded),
    "whole_below": _known(math.floor),
    "e_to_the": _known(_e_to_the),
    "matches": _known(_matches),
    "padded": _known(lambda text, length, pad: text.rjust(length, pad)),
    "listed": _listed,
    "listed_at": _known(_listed_at),
    "listed_once": _known(_listed_once),
    "listed_from": _known(lambda start, stop, step: json.dumps(list(range(start, stop, step)))),
    "listed_parts": _known(lambda text, between: json.dumps(text.split(between))),
}


class _BesideLargest:
    """The value beside the largest key, the first of several; rows that lack either do not count."""

    def __init__(self) -> None:
        self._key: Any = None
        self._value: Any = None

    def step(self, *row: Any) -> None:
        """Takes in a row: value and key."""
        value, key = row
        if value is not None and key is not None and (self._key is None or key > self._key):
            self._key, self._value = key, value

    def finalize(self) -> Any:
        """What was beside it."""
        return self._value


class _Middle:
    """The middle one of some numbers, or the mean of the middle two; nulls do not count."""

    def __init__(self) -> None:
        self._held: list[float] = []

    def step(self, *row: Any) -> None:
        """Takes in one."""
        (number,) = row
        if number is not None:
            self._held.append(number)

    def finalize(self) -> Any:
        """The median."""
        return statistics.median(self._held) if self._held else None
