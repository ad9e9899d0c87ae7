"""What still waits in the outbox is found by an index."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

NAME = "ix_outbox_delivered_at_receiver"


def upgrade() -> None:
    """Add the index."""
    op.create_index(NAME, "outbox", ["delivered_at", "receiver"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index(NAME, "outbox")
