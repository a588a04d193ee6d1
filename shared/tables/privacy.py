"""Who saw a reporter's private data, and who may not report for a while."""

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKeyConstraint, Index, Text

from shared.tables.base import instant, tenant_table, text, uuid

# Every time contact data were shown in the clear: to whom, why, which fields. Never the data themselves.
disclosures = tenant_table(
    "disclosures",
    "intake",
    uuid("id", primary_key=True),
    uuid("ticket_id"),
    text("number"),
    uuid("reader_id"),
    text("reader_role"),
    text("reader_unit", nullable=True),
    text("reason"),
    Column("fields", ARRAY(Text), nullable=False),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_disclosures_reader", "street_id", "reader_id", "recorded_at"),
    Index("ix_disclosures_ticket", "street_id", "ticket_id"),
    append_only=True,
)

# A reporter who may hand nothing in until a day, with the reason; what was handed in before goes its way.
reporter_blocks = tenant_table(
    "reporter_blocks",
    "intake",
    uuid("id", primary_key=True),
    uuid("reporter_id"),
    text("reason"),
    uuid("blocked_by"),
    instant("recorded_at"),
    instant("until"),
    uuid("lifted_by", nullable=True),
    instant("lifted_at", nullable=True),
    text("lift_reason", nullable=True),
    CheckConstraint("until >= recorded_at", name="lasts"),
    CheckConstraint(
        "(lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lift_reason is null)",
        name="lifted",
    ),
    Index("ix_reporter_blocks_reporter", "street_id", "reporter_id", "until"),
)
