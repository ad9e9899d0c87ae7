"""The shape of a mapping: how to read CSV of any form without code (docs/mapping.md says it in words)."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

import msgspec

from leeward.knowledge.vocabulary import Recognition

_DATE_PARTS = re.compile(r"%([YymdjbB])")
_PARTS = re.compile(r"%(.?)")
_KNOWN_PARTS = frozenset("YymdbBjHIMSfpzaA%")
_WHOLE_DATES = ({"Y", "m", "d"}, {"Y", "j"})


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"fixed": "is"}):
    """Where one part of a statement comes from.

    fixed (`is`): the same for every row. column: a column of the file. first: the first of several columns that says
    something. words: what the column's words become; a word not listed stays as it is. time_format: the column holds
    times spelt so.
    """

    fixed: str | None = None
    column: str | None = None
    first: tuple[str, ...] = ()
    words: dict[str, str] = {}
    time_format: TimeFormat = ()

    def __post_init__(self) -> None:
        """A format that leaves day and month open is refused when the mapping is read, not at the first row."""
        check_formats(formats(self))


Part = str | Cell
"""A column's name, or a Cell."""


TimeFormat = str | tuple[str, ...]
"""How times are spelt, in the letters of strptime: `%d.%m.%Y %H:%M`; or several such spellings."""


def check_formats(declared: tuple[str, ...]) -> None:
    """Each format names year, month and day once; several agree in their order, or a time would mean two days.

    Raises ValueError.
    """
    orders = set()
    for form in declared:
        parts = _PARTS.findall(form)
        unknown = sorted({f"%{part}" for part in parts} - {f"%{part}" for part in _KNOWN_PARTS})
        if unknown:
            raise ValueError(f"time_format '{form}' has {', '.join(unknown)}, which is not known")
        order = ["Y" if part == "y" else "m" if part in "bB" else part for part in _DATE_PARTS.findall(form)]
        if set(order) not in _WHOLE_DATES or len(order) != len(set(order)):
            raise ValueError(f"time_format '{form}' does not name year, month and day (%Y %m %d), each once")
        if ("%I" in form) != ("%p" in form):
            raise ValueError(f"time_format '{form}' needs %I (hour of twelve) and %p (am or pm) together")
        orders.add("".join(order))
    if len(orders) > 1:
        raise ValueError(f"time_format {', '.join(declared)}: the order of day, month and year must be the same in all")


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the rows of some files become statements.

    file: the file's path in the folder, without suffix; `*` stands for any characters. A row says either a
    quantity, or a code in a system. `rate` and `rate_unit` are read instead of value and unit for quantities
    that are infusions. where, where_not: only rows whose column has (or has not) one of these words.
    said: only rows in which each of these columns says something. upper_limit: the laboratory's own upper limit of
    normal, said beside its value in the same unit; such rows have no end.
    """

    file: str
    patient: Part
    start: Part | None = None
    end: Part | None = None
    reported: Part | None = None
    received: Part | None = None
    quantity: Part | None = None
    system: Part | None = None
    code: Part | None = None
    value: Part | None = None
    unit: Part | None = None
    rate: Part | None = None
    rate_unit: Part | None = None
    upper_limit: Part | None = None
    text: Part | None = None
    comparator: Part | None = None
    status: Part | None = None
    site: Part | None = None
    record: Part | None = None
    version: Part | None = None
    where: dict[str, tuple[str, ...]] = {}
    where_not: dict[str, tuple[str, ...]] = {}
    said: tuple[str, ...] = ()
    why: str = ""

    def __post_init__(self) -> None:
        """What has an upper limit of normal was measured at one moment."""
        if self.upper_limit is not None and (self.end is not None or self.rate is not None):
            raise ValueError("rows with an upper_limit have neither end nor rate")


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole mapping: its name, its clock, its code systems, what it declares, how its files are spelt, its tables.

    separator: the character between columns; by default the one that the first line holds most of.
    decimal: the decimal sign of `value` and `rate`; `either`: whichever is written, where it can be no thousand.
    encoding: the letters of its files, as Python names them.
    time_format: how every time is spelt; by default ISO 8601.
    """

    title: str
    table: tuple[Table, ...]
    zone: str | None = None
    local: tuple[str, ...] = ()
    declares: tuple[str, ...] = ()
    separator: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ",", "either"] = "."
    encoding: str = "utf-8"
    time_format: TimeFormat = ()
    recognised_by: Recognition = Recognition()
    checked: date | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """What would spoil every row is refused when the mapping is read."""
        check_formats(formats(self))
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(f"encoding '{self.encoding}' is not known") from None


ReadsTimes = Mapping | Cell


def formats(part: ReadsTimes) -> tuple[str, ...]:
    """The declared spellings of times; none where they are ISO 8601."""
    return (part.time_format,) if isinstance(part.time_format, str) else part.time_format
