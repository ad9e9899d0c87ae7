"""The migrations make exactly the tables that the ward works with, and take them away again."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from leeward.ward.database import MIGRATIONS, migrate, open_database
from leeward.ward.tables import metadata


def test_the_migrations_make_the_tables(any_database: str) -> None:
    """Every table, column, type and index, on both databases."""
    engine = open_database(any_database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_way_back(any_database: str) -> None:
    """From the newest version to nothing, and forward again; twice forward changes nothing."""
    engine = open_database(any_database)
    migrate(engine)
    downgraded = create_engine(any_database)
    with downgraded.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(downgraded).get_table_names()) == {"alembic_version"}
    downgraded.dispose()
    migrate(engine)
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()
