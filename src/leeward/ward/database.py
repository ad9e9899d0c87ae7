"""Opening the store's database: SQLite with every commit on the disk, or PostgreSQL; migrated to this version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MS = 10_000
"""How long a writer waits for another before it says so."""


def open_database(url: str) -> Engine:
    """The engine of a database, its tables made or brought to this version.

    url: as SQLAlchemy writes it: sqlite:///ward.db, postgresql+psycopg://user@host/name.
    """
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _begin)
    migrate(engine)
    return engine


def migrate(engine: Engine, to: str = "head") -> None:
    """Bring the tables to a version; several workers that start at once do it one after another."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("select pg_advisory_xact_lock(7460113)")
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def _durable(connection: Any, _record: Any) -> None:
    """A commit that has returned is on the disk; readers do not wait for the writer."""
    connection.isolation_level = None  # SQLAlchemy's own `begin` below opens transactions
    cursor = connection.cursor()
    for said in ("journal_mode = wal", "synchronous = full", f"busy_timeout = {BUSY_MS}", "foreign_keys = on"):
        cursor.execute(f"pragma {said}")
    cursor.close()


def _begin(connection: Any) -> None:
    """A transaction that will write says so at once, so that two never wait for each other for ever."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")
