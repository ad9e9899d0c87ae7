"""The first version of the tables."""

from __future__ import annotations

from alembic import op

from leeward.ward.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Take them away."""
    metadata.drop_all(op.get_bind())
