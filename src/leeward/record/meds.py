"""MEDS in: one Parquet file or a folder of shards, with the official column names or the flattened ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leeward.knowledge.loader import Evidence, load
from leeward.record import tables
from leeward.record.codes import MEDS, Codes
from leeward.record.codings import replaced
from leeward.record.places import setting
from leeward.record.schema import STATEMENT
from leeward.record.settings import Refused, Settings
from leeward.record.tables import Table, literal, statement

NAME = "MEDS"
_COLUMNS = ("subject_id", "time", "code")
_METADATA = "metadata"


class _Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: tuple[str, ...]
    text: tuple[str, ...]
    unit: tuple[str, ...]
    end: tuple[str, ...]


class _Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    like: str
    quantity: str | None = None
    system: str | None = None
    status: str | None = None
    why: str = ""


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two events that are one interval; the fields are explained in knowledge/formats/meds.toml."""

    opens: str
    closes: str
    any: bool = False
    next: bool = False
    setting: str | None = None


class _Meds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/formats/meds.toml."""

    evidence: Evidence
    source: str
    checked: date
    birth: str
    death: str
    columns: _Columns
    vocabulary: dict[str, str]
    pattern: tuple[_Pattern, ...]
    interval: tuple[Interval, ...]


class _Reading(msgspec.Struct, frozen=True):
    """What a code says."""

    quantity: str | None = None
    system: str | None = None
    code: str | None = None
    unit: str | None = None
    text: str | None = None
    status: str | None = None


def recognises(path: Path) -> str | None:
    """`MEDS (n shards)` for Parquet with the columns subject_id, time and code."""
    shards = _shards(path)
    if not shards:
        return None
    return f"{NAME} ({len(shards)} shards)" if len(shards) > 1 else NAME


def statements(path: Path, settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
    """Every event as a statement of its subject; events that open and close an interval together as one."""
    shards, root = _shards(path), path if path.is_dir() else path.parent
    con = tables.connect()
    try:
        finish = partial(_finished, _Reader(Codes(settings.local), _metadata(con, root)))
        for table in tables.opened(con, "events", shards, root):
            if isinstance(table, Refused):
                yield table
                continue
            halves = _halves(con, table)
            for interval in _meds().interval if halves is not None else ():
                yield from tables.stream(
                    con, halves or table, partial(_paired, interval=interval, root=root), root, finish
                )
            yield from tables.stream(con, table, partial(_single, root=root), root, finish)
    finally:
        con.close()


def _shards(path: Path) -> list[Path]:
    """The Parquet files that hold events; empty files and metadata are not among them."""
    if path.is_file():
        found = [path] if path.suffix.lower() in (".parquet", ".pq") else []
    else:
        found = sorted(file for file in path.rglob("*.parquet") if _METADATA not in file.relative_to(path).parts)
    columns = next((names for file in found if (names := _columns(file))), set())
    return found if set(_COLUMNS) <= columns else []


def _columns(file: Path) -> set[str]:
    """The column names of a Parquet file in lower case; none where it cannot be read."""
    try:
        return {name.lower() for name in pq.read_schema(file).names}
    except (OSError, pa.ArrowException):
        return set()


class _Metadata(msgspec.Struct, frozen=True):
    """What metadata/codes.parquet says of the source's own codes: published codes they are kinds of, and units."""

    parents: dict[str, list[str]] = {}
    units: dict[str, str] = {}


def _metadata(con: duckdb.DuckDBPyConnection, root: Path) -> _Metadata:
    """What the data set says of its codes; nothing where it does not."""
    file = root / _METADATA / "codes.parquet"
    if not file.is_file():
        return _Metadata()
    try:
        table = tables.parquet(con, "codes", [file])
        if not table.has("code"):
            return _Metadata()
        parents = "parent_codes" if table.has("parent_codes") else "null"
        unit = table.word(*_meds().columns.unit)
        rows = con.execute(f"select code, {parents}, {unit} from {table.scan}").fetchall()
    except duckdb.Error:
        return _Metadata()
    return _Metadata({code: list(held) for code, held, _ in rows if held}, {code: u for code, _, u in rows if u})


def _plain(table: Table, root: Path, columns: dict[str, str], tail: str) -> str:
    """The SQL of statements whose patient is the subject and whose code is the event's own, still to be read."""
    return statement(
        table, {"patient": table.word("subject_id"), "code": table.raw("code"), **columns}, root=root, tail=tail
    )


def _single(table: Table, *, root: Path) -> str:
    """Events that are not part of an interval. A birth is a day; a death at midnight is known by its day only."""
    meds, names = _meds(), _meds().columns
    code, at = table.raw("code"), table.time("time")
    is_birth, is_death = (f"starts_with({code}, {literal(word)})" for word in (meds.birth, meds.death))
    day = f"left({at}, 10)"
    said = table.word(*names.text)
    columns = {
        "quantity": f"case when {is_birth} then 'birth-date' when {is_death} then 'death' end",
        "value": table.raw(*names.value),
        "text": f"case when {is_birth} then {day} when {is_death} then 'unstated' else {said} end",
        "unit": table.word(*names.unit),
        "start": f"case when {is_birth} then null when {is_death} and {at} like '%T00:00:00%' then {day} else {at} end",
        "end": table.time(*names.end),
    }
    return _plain(table, root, columns, f"where not {_is_half(code)}")


def _is_half(code: str) -> str:
    """SQL: whether a code opens or closes an interval."""
    parts = [_begins(code, word) for interval in _meds().interval for word in (interval.opens, interval.closes)]
    return f"coalesce({' or '.join(parts)}, false)"


def _halves(con: duckdb.DuckDBPyConnection, table: Table) -> Table | None:
    """The events that open or close intervals, set aside once; they spill to disk where they are many.

    None where the file breaks off, which reading the other events then reports.
    """
    try:
        con.execute(
            f"create or replace table halves_ as select * from {table.scan} where {_is_half(table.raw('code'))}"
        )
    except (duckdb.Error, OSError):
        return None
    return msgspec.structs.replace(table, scan="halves_")


def _paired(table: Table, *, interval: Interval, root: Path) -> str:
    """Each opening event with the time of the closing event that ends it; null where none does.

    What the closing event measures (the amount infused) carries no unit and is left out.
    """
    code = table.raw("code")
    opens, closes = _begins(code, interval.opens), _begins(code, interval.closes)
    rest = f"substr({code}, case when {closes} then {len(interval.closes)} else {len(interval.opens)} end + 1)"
    key = "''" if interval.any or interval.next else rest
    events = (
        f"select *, {table.word('subject_id')} as who_, {key} as key_, {closes} as closes_, "
        f"{table.time('time')} as at_ from {table.scan} where {opens} or {closes}"
    )
    followed = msgspec.structs.replace(table, scan=_chained(events) if interval.next else _matched(events))
    columns = {
        "quantity": "'care-setting'" if interval.setting else "null",
        "value": "null" if interval.setting else table.raw(*_meds().columns.value),
        "text": _place(interval, code),
        "start": "at_",
        "end": "until_",
    }
    return _plain(followed, root, columns, "")


def _begins(code: str, word: str) -> str:
    """SQL: whether a code is this word or begins with it as its first part."""
    return f"({code} = {literal(word)} or starts_with({code}, {literal(word + '//')}))"


def _place(interval: Interval, code: str) -> str:
    """SQL: the setting an interval puts the patient in."""
    if interval.setting == "place":
        return setting(f"split_part({code}, '//', -1)")
    return literal(interval.setting) if interval.setting else "null"


def _chained(events: str) -> str:
    """SQL: openings that end where the next of the events begins."""
    order = f"order by at_, cast({tables.PLACE} as bigint)"
    followed = f"select *, lead(at_) over (partition by who_ {order}) as until_ from ({events})"
    return f"(select * from ({followed}) where not closes_)"


def _matched(events: str) -> str:
    """SQL: openings with the closing that belongs to them.

    The n-th opening of a code belongs to its n-th closing where there are as many of both and none closes before it
    opens; otherwise the first closing after it.
    """
    return f"""(
        with numbered_ as (
            select *, count(*) over (partition by who_, key_, closes_) as all_, row_number() over
            (partition by who_, key_, closes_ order by at_, cast({tables.PLACE} as bigint)) as nth_ from ({events})
        ), closing_ as (select who_, key_, nth_, all_, at_ from numbered_ where closes_),
        paired_ as (
            select opening_.*, closing_.at_ as same_, coalesce(bool_and(closing_.at_ >= opening_.at_
            and closing_.all_ = opening_.all_) over (partition by opening_.who_, opening_.key_), false) as fits_
            from (select * from numbered_ where not closes_) opening_
            left join closing_ on closing_.who_ = opening_.who_ and closing_.key_ = opening_.key_
            and closing_.nth_ = opening_.nth_
        )
        select paired_.*, case when fits_ then same_ else closing_.at_ end as until_
        from paired_ asof left join closing_
        on paired_.who_ = closing_.who_ and paired_.key_ = closing_.key_ and paired_.at_ < closing_.at_
    )"""


class _Reader:
    """What each code says; remembers every code it has met."""

    def __init__(self, codes: Codes, metadata: _Metadata) -> None:
        self._codes, self._metadata = codes, metadata
        self._patterns = [(re.compile(pattern.like), pattern) for pattern in _meds().pattern]
        self._read: dict[str, _Reading] = {}

    def __call__(self, code: str) -> _Reading:
        """The reading of one code."""
        if code not in self._read:
            said = self._by_pattern(code) or self._coded(code)
            self._read[code] = msgspec.structs.replace(said, unit=said.unit or self._metadata.units.get(code))
        return self._read[code]

    def part(self, name: str, code: str) -> str | None:
        """One field of the reading of a code."""
        said: str | None = getattr(self(code), name)
        return said

    def _by_pattern(self, code: str) -> _Reading | None:
        for like, pattern in self._patterns:
            found = like.fullmatch(code)
            if found:
                parts = found.groupdict()
                system = pattern.system or _meds().vocabulary.get(parts.get("vocabulary", "").lower())
                return _Reading(
                    pattern.quantity, system, parts.get("code"), parts.get("unit"), parts.get("text"), pattern.status
                )
        return None

    def _coded(self, code: str) -> _Reading:
        """The code itself, or the first of its parents that is known."""
        candidates = [(MEDS, code)]
        for parent in self._metadata.parents.get(code, ()):
            named = self._by_pattern(parent)
            candidates += [(named.system or "", named.code or "")] if named else [(MEDS, parent)]
        system, known = candidates[self._codes.best(candidates) or 0]
        return _Reading(system=system, code=known)


def _finished(reader: _Reader, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Statements whose codes have been read; what a row says itself stands before what its code says."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    code = columns["code"]
    for name in ("quantity", "unit", "text", "status"):
        columns[name] = pc.coalesce(columns[name], replaced(code, partial(reader.part, name)))
    for name in ("system", "code"):
        columns[name] = replaced(code, partial(reader.part, name))
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=STATEMENT)


def _meds() -> _Meds:
    held: _Meds = load("formats/meds", _Meds)
    return held
