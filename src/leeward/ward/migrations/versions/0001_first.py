"""The first version of the tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "alert_states",
    "arrivals",
    "audit",
    "identifiers",
    "patients",
    "sessions",
    "tokens",
    "alerts",
    "board",
    "changed",
    "decisions",
    "events",
    "findings",
    "moves",
    "notes",
    "refusals",
    "resources",
    "alert_events",
    "outbox",
)


def upgrade() -> None:
    """Make the tables."""
    _alert_states()
    _arrivals()
    _audit()
    _identifiers()
    _patients()
    _sessions()
    _tokens()
    _alerts()
    _board()
    _changed()
    _decisions()
    _events()
    _findings()
    _moves()
    _notes()
    _refusals()
    _resources()
    _alert_events()
    _outbox()


def downgrade() -> None:
    """Take them away."""
    for name in reversed(TABLES):
        op.drop_table(name)


def _alert_states() -> None:
    op.create_table(
        "alert_states",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_alert_states")),
    )


def _arrivals() -> None:
    op.create_table(
        "arrivals",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_arrivals")),
        sa.UniqueConstraint("digest", name=op.f("uq_arrivals_digest")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", COUNT, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )


def _identifiers() -> None:
    op.create_table(
        "identifiers",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "identifier", "id", name=op.f("pk_identifiers")),
    )


def _patients() -> None:
    op.create_table(
        "patients",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_patients")),
        sa.UniqueConstraint("handle", name=op.f("uq_patients_handle")),
        sa.UniqueConstraint("patient", name=op.f("uq_patients_patient")),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "jti", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_until"), "tokens", ["until"], unique=False)


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("patient_key", COUNT, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_alerts_patient_key")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_alerts")),
        sa.UniqueConstraint("key", name=op.f("uq_alerts_key")),
    )


def _board() -> None:
    op.create_table(
        "board",
        sa.Column("patient_key", COUNT, autoincrement=False, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_board_patient_key")),
        sa.PrimaryKeyConstraint("patient_key", name=op.f("pk_board")),
    )


def _changed() -> None:
    op.create_table(
        "changed",
        sa.Column("patient_key", COUNT, autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_changed_patient_key")),
        sa.PrimaryKeyConstraint("patient_key", name=op.f("pk_changed")),
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("patient_key", COUNT, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("crs_low", sa.Integer(), nullable=True),
        sa.Column("crs_high", sa.Integer(), nullable=True),
        sa.Column("icans_low", sa.Integer(), nullable=True),
        sa.Column("icans_high", sa.Integer(), nullable=True),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_decisions_patient_key")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_patient_key_seq"), "decisions", ["patient_key", "seq"], unique=False)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("patient_key", COUNT, nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_events_patient_key")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
    )


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("patient_key", COUNT, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("arrival", COUNT, nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.Column("measured_until", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["arrival"], ["arrivals.seq"], name=op.f("fk_findings_arrival")),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_findings_patient_key")),
        sa.PrimaryKeyConstraint("patient_key", "digest", name=op.f("pk_findings")),
        sqlite_with_rowid=False,
    )


def _moves() -> None:
    op.create_table(
        "moves",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("arrival", COUNT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("patient_key", COUNT, nullable=False),
        sa.Column("other_key", COUNT, nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("bed", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["arrival"], ["arrivals.seq"], name=op.f("fk_moves_arrival")),
        sa.ForeignKeyConstraint(["other_key"], ["patients.seq"], name=op.f("fk_moves_other_key")),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_moves_patient_key")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_moves")),
    )
    op.create_index(op.f("ix_moves_patient_key"), "moves", ["patient_key"], unique=False)


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("patient_key", COUNT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_notes_patient_key")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_patient_key"), "notes", ["patient_key"], unique=False)


def _refusals() -> None:
    op.create_table(
        "refusals",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("arrival", COUNT, nullable=False),
        sa.Column("patient_key", COUNT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["arrival"], ["arrivals.seq"], name=op.f("fk_refusals_arrival")),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_refusals_patient_key")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_refusals")),
    )
    op.create_index(op.f("ix_refusals_patient_key"), "refusals", ["patient_key"], unique=False)
    op.create_index(op.f("ix_refusals_received_at"), "refusals", ["received_at"], unique=False)


def _resources() -> None:
    op.create_table(
        "resources",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ordered", sa.Text(), nullable=False),
        sa.Column("patient_key", COUNT, nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_key"], ["patients.seq"], name=op.f("fk_resources_patient_key")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_resources")),
        sa.UniqueConstraint("kind", "id", "version", name=op.f("uq_resources_kind_id_version")),
    )
    op.create_index(op.f("ix_resources_patient_key_kind"), "resources", ["patient_key", "kind"], unique=False)


def _alert_events() -> None:
    op.create_table(
        "alert_events",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("alert", COUNT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("closes", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["alert"], ["alerts.seq"], name=op.f("fk_alert_events_alert")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_alert_events")),
    )
    op.create_index(op.f("ix_alert_events_alert"), "alert_events", ["alert"], unique=False)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("alert", COUNT, nullable=True),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["alert"], ["alerts.seq"], name=op.f("fk_outbox_alert")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
