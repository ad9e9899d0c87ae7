"""The shape of a mapping: how to read CSV of any form without code (docs/mapping.md says it in words)."""

from __future__ import annotations

from datetime import date

import msgspec

from leeward.knowledge.vocabulary import Recognition


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"fixed": "is"}):
    """Where one part of a statement comes from.

    fixed (`is`): the same for every row. column: a column of the file. first: the first of several columns that says
    something. words: what the column's words become; a word not listed stays as it is.
    """

    fixed: str | None = None
    column: str | None = None
    first: tuple[str, ...] = ()
    words: dict[str, str] = {}


Part = str | Cell
"""A column's name, or a Cell."""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the rows of some files become statements.

    file: the file's path in the folder, without suffix; `*` stands for any characters. A row says either a
    quantity, or a code in a system. `rate` and `rate_unit` are read instead of value and unit for quantities
    that are infusions. where, where_not: only rows whose column has (or has not) one of these words.
    said: only rows in which each of these columns says something.
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


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole mapping: its name, its clock, its code systems, what it declares, and its tables."""

    title: str
    table: tuple[Table, ...]
    zone: str | None = None
    local: tuple[str, ...] = ()
    declares: tuple[str, ...] = ()
    recognised_by: Recognition = Recognition()
    checked: date | None = None
    source: str = ""
