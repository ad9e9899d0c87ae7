"""Whom an answer about several patients showed: the list stands once, under its digest, and records name the digest.

A record holds the digest within its own, so that a list that was altered or taken away shows as a record's would.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, inspect, select
from sqlalchemy.dialects import postgresql, sqlite

from leeward.ward.tables import audit_lists

_NAMES = re.compile(r"\bshowing ([0-9a-f]{64})$")
"""How the detail of a record names a list."""


def named(patients: Iterable[str]) -> tuple[str, bytes]:
    """The name of a list, and the list as it is kept: in one order, nobody twice."""
    listed = msgspec.json.encode(sorted(set(patients)))
    return hashlib.sha256(listed).hexdigest(), listed


def list_of(detail: str | None) -> str | None:
    """The list that a record names."""
    found = _NAMES.search(detail or "")
    return found[1] if found else None


def told(detail: str | None, name: str) -> str:
    """What a record's detail says of a list."""
    return f"{detail}, showing {name}" if detail else f"showing {name}"


def keep(connection: Connection, lists: dict[str, bytes]) -> None:
    """Keep lists that are not there yet."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    rows = [{"digest": bytes.fromhex(name), "patients": listed} for name, listed in lists.items()]
    connection.execute(dialect.insert(audit_lists).on_conflict_do_nothing(), rows)


def with_any(connection: Connection, patients: frozenset[str]) -> set[str]:
    """The lists on which one of some patients stands."""
    asked = select(audit_lists.c.digest, audit_lists.c.patients)
    rows = connection.execution_options(yield_per=1_000).execute(asked)
    return {bytes(name).hex() for name, listed in rows if patients & frozenset(msgspec.json.decode(bytes(listed)))}


def whole(connection: Connection) -> set[str]:
    """The lists that are what was written; a store of an older version has none."""
    if not inspect(connection).has_table(audit_lists.name):
        return set()
    asked = select(audit_lists.c.digest, audit_lists.c.patients)
    rows = connection.execution_options(yield_per=1_000).execute(asked)
    return {bytes(name).hex() for name, listed in rows if hashlib.sha256(bytes(listed)).digest() == bytes(name)}
