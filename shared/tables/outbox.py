"""What all three services write: events and their deliveries, keys of repeated requests, the audit log."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, text as sql

from shared.tables.base import document, instant, tenant_table, text, uuid

events = tenant_table(
    "events",
    "all",
    uuid("id", primary_key=True),
    text("type"),
    Column("version", Integer, nullable=False),
    text("producer"),
    uuid("ticket_id", nullable=True),
    document("payload"),
    instant("recorded_at"),
    append_only=True,
)

deliveries = tenant_table(
    "deliveries",
    "all",
    text("consumer", primary_key=True),
    uuid("event_id", primary_key=True),
    instant("next_at"),
    Column("offers", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    instant("parked_at", nullable=True),
    text("error", nullable=True),
    CheckConstraint("consumer in ('intake', 'routing', 'metrics')", name="consumer"),
    ForeignKeyConstraint(["street_id", "event_id"], ["events.street_id", "events.id"]),
    Index("ix_deliveries_due", "street_id", "consumer", "next_at", postgresql_where=sql("parked_at is null")),
)

audit_log = tenant_table(
    "audit_log",
    "all",
    uuid("id", primary_key=True),
    text("actor"),
    text("action"),
    document("detail"),
    instant("recorded_at"),
    append_only=True,
)

# The answer that a creating request got, for its repetitions.
idempotency_keys = tenant_table(
    "idempotency_keys",
    "all",
    uuid("actor_id", primary_key=True),
    text("key", primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    document("answer"),
    instant("recorded_at"),
    Index("ix_idempotency_keys_recorded_at", "street_id", "recorded_at"),
)
