"""Run by alembic for each migration; the connection is `database.migrate`'s."""

from __future__ import annotations

from alembic import context

from leeward.ward.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
