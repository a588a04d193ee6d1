"""Photos that came with a report or prove what was done. The pictures themselves stand in files, see intake."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    text as sql,
)

from shared.tables.base import instant, tenant_table, text, uuid

attachments = tenant_table(
    "attachments",
    "intake",
    uuid("id", primary_key=True),
    uuid("owner_id"),
    text("owner_role"),
    text("purpose"),
    # SHA-256 of the file as it was handed in: the same person handing it in again gets the same attachment
    Column("digest", LargeBinary, nullable=False),
    # of the picture that is kept, after it was turned upright and made smaller
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    # where it was taken, sealed; only if whoever handed it in shares that
    Column("place", LargeBinary),
    # what WeChat's check of the picture found: of public pages only `none` and `pass`
    text("check_state", server_default=sql("'none'")),
    instant("created_at"),
    # last handed in or referred to; a day later it is settled: referred to for good, or gone
    instant("touched_at"),
    Column("settled", Boolean, nullable=False, server_default=sql("false")),
    CheckConstraint("check_state in ('none', 'pending', 'pass', 'risky')", name="check_state"),
    Index("uq_attachments_owner_digest", "street_id", "owner_id", "digest", unique=True),
    Index("ix_attachments_unsettled", "street_id", "touched_at", postgresql_where=sql("not settled")),
)

ticket_attachments = tenant_table(
    "ticket_attachments",
    "intake",
    uuid("ticket_id", primary_key=True),
    # the ticket itself, or the supplement that brought it
    uuid("origin_id", primary_key=True),
    uuid("attachment_id", primary_key=True),
    text("origin"),
    Column("position", Integer, nullable=False),
    instant("recorded_at"),
    CheckConstraint("origin in ('report', 'supplement', 'proof')", name="origin"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    ForeignKeyConstraint(["street_id", "attachment_id"], ["attachments.street_id", "attachments.id"]),
    Index("ix_ticket_attachments_attachment", "street_id", "attachment_id"),
    append_only=True,
)
