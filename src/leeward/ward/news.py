"""Events for the boards and the subscribers, numbered so that nobody who reads the tail misses one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from leeward.ward import tables as t
from leeward.ward.rows import microseconds

NUMBERED_LOCK = 7460115
"""The lock of PostgreSQL's workers under which events are numbered; beside those of the database and of the audit."""


def add_news(
    connection: Connection, kind: str, at: datetime, patient_key: int | None, unit: str | None, body: Any
) -> int:
    """An event, within the transaction of what it tells of; its number."""
    if connection.dialect.name == "postgresql":  # a later number must never be seen before an earlier one
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({NUMBERED_LOCK})")
    row = {"at": microseconds(at), "kind": kind, "patient_key": patient_key, "unit": unit}
    made = insert(t.events).values(row | {"body": msgspec.json.encode(body)}).returning(t.events.c.seq)
    return int(connection.execute(made).scalar_one())
