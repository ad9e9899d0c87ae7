"""Reading a record: recognise its format, stream it through the door, keep what was understood and what was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from leeward.knowledge.vocabulary import local as local_source
from leeward.record import mapped_csv, sources
from leeward.record.csv_files import is_empty
from leeward.record.door import Door
from leeward.record.errors import CannotRead, NotFound, Unrecognised
from leeward.record.readers import LOOKED_FOR, Reader, all_readers
from leeward.record.settings import Refused, Settings
from leeward.record.spool import Record, Spool

__all__ = ["Record", "read"]

SHIFTED = "times-shifted"
"""A source's declaration that its times were moved on purpose, so that the future is no error."""


def read(
    path: str | Path,
    *,
    zone: str | None = None,
    local: Sequence[str] | str | None = None,
    mapping: str | Path | None = None,
    now: datetime | None = None,
) -> Record:
    """Everything a record says, as findings, with what was refused.

    path: a file or folder of any format `leeward.record.readers` knows; the format is recognised, not asked.
    zone: IANA zone or fixed offset of local times; without one they are refused as `ambiguous-time`.
    local: names of local code systems (knowledge/local); those that give themselves away are found without.
    mapping: a TOML file that says how to read CSV of any other form (docs/mapping.md).
    now: times after it are refused as `future-time`; the present moment, unless the source shifts its times.

    Raises NotFound, Unrecognised, Malformed, UnknownZone, UnknownLocal.
    """
    where = Path(path)
    if not where.exists():
        raise NotFound(f"there is nothing at {where}")
    if where.is_file() and is_empty(where):
        raise CannotRead(f"{where.name} is empty")
    if mapping is not None:
        own = mapped_csv.Mapped(mapped_csv.load_mapping(Path(mapping)))
        reader: Reader = own
        form = own.name
    else:
        reader, form = recognised(where)
    chosen = _settings(where, reader, zone, local, now)
    return _admit(reader.statements(where, chosen), chosen, form, _declares(reader, chosen))


def recognised(path: Path) -> tuple[Reader, str]:
    """The first reader that knows the path."""
    for reader in all_readers():
        found = reader.recognises(path)
        if found:
            return reader, found
    looked_for = "\n".join(f"  {line}" for line in LOOKED_FOR)
    raise Unrecognised(f"{path} is in no form that is known here. Looked for:\n{looked_for}")


def _settings(
    path: Path,
    reader: Reader,
    zone: str | None,
    local: Sequence[str] | str | None,
    now: datetime | None,
) -> Settings:
    named = [local] if isinstance(local, str) else list(local or ())
    own = reader.mapping if isinstance(reader, mapped_csv.Mapped) else None
    found = sources.found(path) if local is None else []
    locals_ = list(dict.fromkeys([*named, *(own.local if own else ()), *found]))
    known = [local_source(name) for name in locals_ if name in sources.known()]
    zones = [zone, own.zone if own else None, *(source.zone for source in known)]
    shifted = any(SHIFTED in source.declares for source in known) or bool(own and SHIFTED in own.declares)
    moment = now if now is not None else None if shifted else datetime.now(UTC)
    return Settings(zone=next((z for z in zones if z), None), local=tuple(locals_), now=moment)


def _declares(reader: Reader, settings: Settings) -> frozenset[str]:
    own = reader.mapping.declares if isinstance(reader, mapped_csv.Mapped) else ()
    return frozenset(own).union(*(local_source(name).declares for name in settings.local))


def _admit(
    statements: Iterator[pa.RecordBatch | Refused], settings: Settings, recognised: str, declares: frozenset[str]
) -> Record:
    """Every statement through the door, in bounded memory."""
    door, spool = Door(settings), Spool()
    for said in statements:
        if isinstance(said, Refused):
            spool.refuse(door.refuse(said))
        elif said.num_rows:
            findings, refusals = door.admit(said)
            spool.add(findings, refusals)
    return spool.record(recognised, declares, settings)
