"""What was reported. Tickets are never updated: where they stand is routing's."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    text as sql,
)

from shared.tables.base import instant, tenant_table, text, uuid

tickets = tenant_table(
    "tickets",
    "intake",
    uuid("id", primary_key=True),
    text("number"),
    text("channel"),
    text("kind", nullable=True),
    text("category_code", nullable=True),
    text("content"),
    Column("longitude", Float),
    Column("latitude", Float),
    text("crs", nullable=True),
    # Empty on a confidential report: there it stands sealed among the private data.
    text("address", nullable=True),
    text("community_code", nullable=True),
    text("grid_code", nullable=True),
    Column("anonymous", Boolean, nullable=False),
    Column("confidential", Boolean, nullable=False),
    uuid("reporter_id", nullable=True),
    # name, phone, confidential address: sealed with the ticket's id as context
    Column("private", LargeBinary),
    Column("phone_index", LargeBinary),
    uuid("entered_by"),
    text("entered_role"),
    instant("occurred_at"),
    instant("recorded_at"),
    Column("late", Boolean, nullable=False),
    CheckConstraint("occurred_at <= recorded_at", name="not_from_the_future"),
    CheckConstraint("char_length(content) between 1 and 2500", name="content_length"),
    Index("uq_tickets_street_id_number", "street_id", "number", unique=True),
    Index("ix_tickets_reporter", "street_id", "reporter_id", "id"),
    Index("ix_tickets_received", "street_id", "occurred_at", "id"),
    Index("ix_tickets_phone", "street_id", "phone_index", postgresql_where=sql("phone_index is not null")),
    append_only=True,
)

residents = tenant_table(
    "residents",
    "intake",
    uuid("id", primary_key=True),
    Column("private", LargeBinary, nullable=False),
    instant("first_seen_at"),
    instant("last_seen_at"),
)

supplements = tenant_table(
    "supplements",
    "intake",
    uuid("id", primary_key=True),
    uuid("ticket_id"),
    text("content"),
    uuid("author_id"),
    text("author_role"),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_supplements_ticket", "street_id", "ticket_id"),
    append_only=True,
)

# What a reporter asks of a ticket's course: routing decides, the asking stays.
petitions = tenant_table(
    "petitions",
    "intake",
    uuid("id", primary_key=True),
    uuid("ticket_id"),
    text("action"),
    text("reason", nullable=True),
    uuid("author_id"),
    text("author_role"),
    instant("occurred_at"),
    instant("recorded_at"),
    CheckConstraint("action in ('withdraw', 'urge', 'reopen')", name="action"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_petitions_ticket", "street_id", "ticket_id"),
    append_only=True,
)

ratings = tenant_table(
    "ratings",
    "intake",
    uuid("ticket_id", primary_key=True),
    # the ticket's version when it was closed: one rating for each closure; 0 in a ledger brought in
    Column("closure", Integer, primary_key=True),
    text("satisfaction"),
    text("resolved", nullable=True),
    Column("contacted", Boolean),
    text("comment", nullable=True),
    uuid("author_id"),
    instant("occurred_at"),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    append_only=True,
)

# Ticket numbers are taken in blocks; a gap is a block of a process that died.
number_counters = tenant_table(
    "number_counters",
    "intake",
    Column("day", Date, primary_key=True),
    Column("taken", Integer, nullable=False),
)
