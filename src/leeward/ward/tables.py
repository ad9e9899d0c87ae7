"""The tables of the store. Findings, refusals, moves, decisions, events, alerts and audit are only ever appended to.

Instants are whole microseconds since 1970 in UTC, so that both databases keep them exactly.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Count = BigInteger().with_variant(Integer, "sqlite")
"""A number that counts rows up; SQLite does so for plain integers only."""


def _number() -> Column[int]:
    """A row's own number, in order of arrival."""
    return Column("seq", Count, primary_key=True, autoincrement=True)


def _who(name: str = "patient_key", *, nullable: bool = False) -> Column[int]:
    """A patient by the key of the table `patients`."""
    return Column(name, Count, ForeignKey("patients.seq"), nullable=nullable)


patients = Table(
    "patients", metadata, _number(),
    Column("patient", Text, nullable=False, unique=True),  # the identifier as the hospital writes it
    Column("handle", Text, nullable=False, unique=True),  # what stands in addresses of pages instead of it
    Column("heard_at", BigInteger),  # when something last arrived
)  # fmt: skip

arrivals = Table(
    "arrivals", metadata, _number(),
    Column("door", Text, nullable=False),  # fhir, hl7, csv, bedside, replay
    Column("source", Text, nullable=False),  # the feed, as the settings name it
    Column("message", Text),  # the sender's own id of it
    Column("by", Text),  # who entered or sent it
    Column("received_at", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),  # what it held: the same again is stored once
)  # fmt: skip

findings = Table(
    "findings", metadata,
    Column("patient_key", Count, ForeignKey("patients.seq"), primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, primary_key=True),  # of the row as the door gave it: its identity and its checksum
    Column("arrival", Count, ForeignKey("arrivals.seq"), nullable=False),
    Column("quantity", Text, nullable=False),
    Column("measured_at", BigInteger, nullable=False),
    Column("measured_until", BigInteger),
    Column("reported_at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("low", Float), Column("high", Float), Column("text", Text), Column("site", Text),
    Column("status", Text, nullable=False), Column("record", Text), Column("version", Text),
    Column("source", Text), Column("place", Text),
    sqlite_with_rowid=False,
)  # fmt: skip

refusals = Table(
    "refusals", metadata, _number(),
    Column("arrival", Count, ForeignKey("arrivals.seq"), nullable=False),
    _who(nullable=True),
    Column("reason", Text, nullable=False), Column("quantity", Text), Column("detail", Text),
    Column("source", Text), Column("place", Text), Column("received_at", BigInteger, nullable=False),
    Index(None, "patient_key"), Index(None, "received_at"),
)  # fmt: skip

moves = Table(
    "moves", metadata, _number(),
    Column("arrival", Count, ForeignKey("arrivals.seq"), nullable=False),
    Column("kind", Text, nullable=False),  # placed, discharged, merged, unmerged
    _who(), _who("other_key", nullable=True),
    Column("unit", Text), Column("bed", Text), Column("label", Text), Column("reason", Text),
    Column("at", BigInteger, nullable=False), Column("received_at", BigInteger, nullable=False),
    Index(None, "patient_key"),
)  # fmt: skip

changed = Table(
    "changed", metadata,
    Column("patient_key", Count, ForeignKey("patients.seq"), primary_key=True, autoincrement=False),
    Column("since", BigInteger, nullable=False),
    Column("silent", Boolean, nullable=False),  # a backlog: history is graded, nobody is told of it
)  # fmt: skip

decisions = Table(
    "decisions", metadata, _number(), _who(),
    Column("decided_at", BigInteger, nullable=False),
    Column("crs_low", Integer), Column("crs_high", Integer),
    Column("icans_low", Integer), Column("icans_high", Integer),
    Column("edition", Text, nullable=False),
    Column("answer", LargeBinary, nullable=False),  # the answer as JSON, as it was given
    Column("said", LargeBinary, nullable=False),  # a digest of what it says: the same again is not kept
    Index(None, "patient_key", "seq"),
)  # fmt: skip

board = Table(
    "board", metadata,
    Column("patient_key", Count, ForeignKey("patients.seq"), primary_key=True, autoincrement=False),
    Column("decided_at", BigInteger, nullable=False),
    Column("row", LargeBinary, nullable=False),  # what the ward's page shows, worked out from the findings
)  # fmt: skip

events = Table(
    "events", metadata, _number(),
    Column("at", BigInteger, nullable=False), Column("kind", Text, nullable=False),
    _who(nullable=True), Column("unit", Text), Column("body", LargeBinary, nullable=False),
)  # fmt: skip

alerts = Table(
    "alerts", metadata, _number(), _who(nullable=True),
    Column("kind", Text, nullable=False), Column("about", Text, nullable=False),  # what it is about: "crs", an analyte
    Column("level", Integer, nullable=False), Column("opened_at", BigInteger, nullable=False),
    Column("unit", Text), Column("body", LargeBinary, nullable=False),
    Column("key", Text, nullable=False, unique=True),  # one alert per change: two workers open it once
)  # fmt: skip

alert_events = Table(
    "alert_events", metadata, _number(),
    Column("alert", Count, ForeignKey("alerts.seq"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # opened, shown, delivered, seen, quieted, escalated, withdrawn, resolved ...
    Column("person", Text), Column("body", LargeBinary),
    Column("closes", Boolean, nullable=False),  # the alert is open until an event closes it
    Index(None, "alert"),
)  # fmt: skip

alert_states = Table(
    "alert_states", metadata,
    Column("subject", Text, primary_key=True),  # a patient's key, or the ward
    Column("state", LargeBinary, nullable=False),  # what the machine of alerts remembers, written with what it tells
)  # fmt: skip

outbox = Table(
    "outbox", metadata, _number(),
    Column("alert", Count, ForeignKey("alerts.seq")),  # none: a Subscription is told of an answer
    Column("receiver", Text, nullable=False), Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),  # the idempotency key that goes with every attempt
    Column("body", LargeBinary, nullable=False), Column("queued_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False), Column("next_at", BigInteger), Column("delivered_at", BigInteger),
    Index(None, "delivered_at", "receiver"),  # what still waits is asked for several times a second
)  # fmt: skip

notes = Table(
    "notes", metadata, _number(), _who(),
    Column("at", BigInteger, nullable=False), Column("person", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "patient_key"),
)  # fmt: skip

audit = Table(
    "audit", metadata,
    Column("seq", Count, primary_key=True, autoincrement=False),  # no gaps: the chain counts itself
    Column("at", BigInteger, nullable=False), Column("person", Text), Column("role", Text),
    Column("action", Text, nullable=False), Column("patient", Text), Column("why", Text), Column("outcome", Text),
    Column("edition", Text, nullable=False), Column("detail", Text),
    Column("before", LargeBinary, nullable=False), Column("digest", LargeBinary, nullable=False),
    Index(None, "at"),  # who looked between two moments
)  # fmt: skip

audit_lists = Table(
    "audit_lists", metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the list; records that name it hold it too
    Column("patients", LargeBinary, nullable=False),  # whom a board showed, as JSON: kept once, however often shown
)  # fmt: skip

tokens = Table(
    "tokens", metadata,
    Column("issuer", Text, primary_key=True), Column("jti", Text, primary_key=True),
    Column("until", BigInteger, nullable=False), Index(None, "until"),
)  # fmt: skip

sessions = Table(
    "sessions", metadata,
    Column("digest", LargeBinary, primary_key=True), Column("person", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False),
)  # fmt: skip

resources = Table(
    "resources", metadata, _number(),
    Column("kind", Text, nullable=False), Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),  # counts up in order of arrival
    Column("ordered", Text, nullable=False),  # the sender's version, spelt so that a newer one sorts behind
    _who(nullable=True), Column("received_at", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of what it says, however it is spaced
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("kind", "id", "version"), Index(None, "patient_key", "kind"),
)  # fmt: skip

identifiers = Table(
    "identifiers", metadata,
    Column("kind", Text, primary_key=True), Column("identifier", Text, primary_key=True),  # system|value
    Column("id", Text, primary_key=True),
)  # fmt: skip
