"""knowledge/formats/sdtm.toml, typed, and what the names of drugs and procedures in a study mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache

import duckdb
import msgspec

from leeward.knowledge.loader import Evidence, load
from leeward.knowledge.vocabulary import TRIGGER, quantities
from leeward.record import words
from leeward.record.tables import Table
from leeward.record.words import DEVICE, Words

NAMES = "names_"
"""Table of domain, trt, decod, route: the name to read, its kind (trigger, dose, rate, device) and a device's word."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the file."""


class _Clock(_Part, frozen=True):
    zone: str
    why: str


class _Daily(_Part, frozen=True):
    regular: tuple[str, ...]
    once: tuple[str, ...]
    ongoing: tuple[str, ...]
    before_days: int
    after_days: int
    why: str


class _Event(_Part, frozen=True):
    crs: str
    icans: str
    fatal: tuple[str, ...]
    grade: str


class _Record(_Part, frozen=True):
    not_done: tuple[str, ...]
    not_given: tuple[str, ...]
    scheduled: tuple[str, ...]
    died: tuple[str, ...]


class _Specimen(_Part, frozen=True):
    usual: tuple[str, ...]
    arterial: str
    arterial_tests: tuple[str, ...]
    urine: str


class _Oxygen(_Part, frozen=True):
    drug: str


class _Method(_Part, frozen=True):
    arterial: str


class Sdtm(_Part, frozen=True):
    """knowledge/formats/sdtm.toml."""

    evidence: Evidence
    source: str
    checked: date
    clock: _Clock
    daily: _Daily
    adverse_event: _Event
    record: _Record
    specimen: _Specimen
    oxygen: _Oxygen
    method: _Method
    unit: dict[str, str]


@cache
def sdtm() -> Sdtm:
    """How SDTM says things."""
    held: Sdtm = load("formats/sdtm", Sdtm)
    return held


def listed(spelt: Iterable[str]) -> str:
    """SQL: a list of words."""
    return ", ".join("'" + word.replace("'", "''") + "'" for word in spelt)


def name_drugs(con: duckdb.DuckDBPyConnection, domain: str, parts: Sequence[Table]) -> None:
    """Adds the distinct names of a domain's rows to NAMES, with what each means."""
    columns = ("domain", "trt", "decod", "route", "name", "kind", "device")
    con.execute(f"create table if not exists {NAMES} ({', '.join(f'{name} varchar' for name in columns)})")
    for part in parts:
        spelt = ", ".join(part.word(domain + name) for name in columns[1:4])
        rows = con.execute(f"select distinct {spelt} from {part.scan}").fetchall()
        known = [(domain, trt, decod, route, *_meaning(domain, [decod, trt], route)) for trt, decod, route in rows]
        if known:
            con.executemany(f"insert into {NAMES} values (?, ?, ?, ?, ?, ?, ?)", known)


def _meaning(domain: str, names: list[str | None], route: str | None) -> tuple[str | None, str | None, str | None]:
    """Of a row's names (dictionary name first) the one to read, its kind and its device.

    A name is read with its route: what stays on skin or eye does not count as given.
    """
    spelt = [name for name in names if name]
    for word in [f"{name} {route}" if route else name for name in spelt]:
        found = words.drug(word)
        if found is not None:
            return word, TRIGGER if found[0] == TRIGGER else quantities()[found[0]].kind, None
    for word in spelt:
        if domain == "pr" or re.search(sdtm().oxygen.drug, word.lower()):
            device = Words([]).normal(DEVICE, word)
            if device is not None:
                return word, "device", device
    unknown = spelt[-1] if spelt else None
    return f"{unknown} {route}" if unknown and route else unknown, None, None
