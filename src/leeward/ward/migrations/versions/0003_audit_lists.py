"""Whom a board showed, kept once for all records of the audit that name the list; and who looked when, by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NAME = "ix_audit_at"


def upgrade() -> None:
    """Add the table and the index."""
    op.create_table(
        "audit_lists",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("patients", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_audit_lists")),
    )
    op.create_index(NAME, "audit", ["at"])


def downgrade() -> None:
    """Take them away."""
    op.drop_index(NAME, "audit")
    op.drop_table("audit_lists")
