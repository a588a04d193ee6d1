"""Who was told what, over which line, and what came of it. A notice is a record; sending it is a matter of its own."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    text as sql,
)

from shared.tables.base import document, instant, tenant_table, text, uuid

# What one person, unit, desk or line is told of one thing that happened. In-app that is the delivery itself.
notices = tenant_table(
    "notices",
    "intake",
    uuid("id", primary_key=True),
    uuid("ticket_id"),
    # what it follows from: move/12, supplement/<id>, rating/12
    text("cause"),
    # resident:<id>, person:<id>, unit:<code>, role:<role> or line:<id>
    text("recipient"),
    text("kind"),
    # at most 20 characters: as long as a `thing` of a subscribe message may be
    text("title"),
    text("detail"),
    # number, state, category: what a program is told; no personal data
    document("facts"),
    instant("occurred_at"),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("uq_notices_once", "street_id", "ticket_id", "cause", "recipient", "kind", unique=True),
    Index("ix_notices_recipient", "street_id", "recipient", "id"),
    append_only=True,
)

# A unit's notice is read by each of its people for themselves.
notice_reads = tenant_table(
    "notice_reads",
    "intake",
    uuid("reader_id", primary_key=True),
    uuid("notice_id", primary_key=True),
    instant("read_at"),
    ForeignKeyConstraint(["street_id", "notice_id"], ["notices.street_id", "notices.id"]),
    append_only=True,
)

# The ways out of the house: WeChat (one a street), robots of groups, webhooks.
notice_lines = tenant_table(
    "notice_lines",
    "intake",
    uuid("id", primary_key=True),
    text("channel"),
    text("name"),
    # address and signing secret, sealed with the line's id as context; empty for WeChat
    Column("sealed", LargeBinary),
    # what people are shown of the address
    text("host"),
    # whose notices it carries; empty: those of all staff
    text("unit_code", nullable=True),
    # the moves a webhook is told of; empty: all
    Column("actions", ARRAY(Text), nullable=False, server_default=sql("'{}'")),
    # whether a webhook is told what was reported, not only that it was
    Column("with_content", Boolean, nullable=False, server_default=sql("false")),
    instant("created_at"),
    uuid("created_by"),
    instant("ended_at", nullable=True),
    text("ended_why", nullable=True),
    # nothing goes out before this: the pace, a limit that was hit, and the open circuit breaker alike
    instant("not_before"),
    # messages in a row that came to nothing
    Column("failures", Integer, nullable=False, server_default=sql("0")),
    CheckConstraint("channel in ('wechat', 'wecom', 'dingtalk', 'webhook')", name="channel"),
)

# One notice over one line.
notice_sends = tenant_table(
    "notice_sends",
    "intake",
    uuid("id", primary_key=True),
    uuid("notice_id"),
    uuid("line_id"),
    text("state"),
    # messages it went into; those of them that count towards giving up
    Column("attempts", Integer, nullable=False, server_default=sql("0")),
    Column("failures", Integer, nullable=False, server_default=sql("0")),
    instant("next_at"),
    # the message it is in just now, and until when that may take
    uuid("message_id", nullable=True),
    instant("claimed_until", nullable=True),
    # whether a grant of the receiver was used for it
    Column("granted", Boolean, nullable=False, server_default=sql("false")),
    # the outcome of the last attempt, with the vendor's own code
    text("code", nullable=True),
    instant("created_at"),
    instant("ended_at", nullable=True),
    CheckConstraint("state in ('queued', 'sending', 'sent', 'failed', 'fallback')", name="state"),
    ForeignKeyConstraint(["street_id", "notice_id"], ["notices.street_id", "notices.id"]),
    ForeignKeyConstraint(["street_id", "line_id"], ["notice_lines.street_id", "notice_lines.id"]),
    Index("uq_notice_sends_once", "street_id", "notice_id", "line_id", unique=True),
    Index("ix_notice_sends_due", "street_id", "line_id", "next_at", postgresql_where=sql("state = 'queued'")),
    Index("ix_notice_sends_held", "street_id", "claimed_until", postgresql_where=sql("state = 'sending'")),
    Index("ix_notice_sends_failed", "street_id", "line_id", postgresql_where=sql("state = 'failed'")),
    Index("ix_notice_sends_line", "street_id", "line_id", "id"),
)

# Two rows an attempt: `begun` before the vendor is asked, `ended` once it is known what came of it.
notice_attempts = tenant_table(
    "notice_attempts",
    "intake",
    uuid("send_id", primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    text("phase", primary_key=True),
    # several sends may travel in one message
    uuid("message_id"),
    text("outcome", nullable=True),
    text("code", nullable=True),
    instant("at"),
    ForeignKeyConstraint(["street_id", "send_id"], ["notice_sends.street_id", "notice_sends.id"]),
    append_only=True,
)

# WeChat never tells how many messages a resident still allows: it is counted here.
subscription_grants = tenant_table(
    "subscription_grants",
    "intake",
    uuid("resident_id", primary_key=True),
    text("template", primary_key=True),
    Column("granted", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    # what the resident answered last: accept, reject, ban or filter
    text("last_result"),
    instant("answered_at"),
    CheckConstraint("used between 0 and granted", name="used"),
)

# What people posted into a group of residents by hand: no robot can, so it is written down (rows S3-17, S4-05).
group_posts = tenant_table(
    "group_posts",
    "intake",
    uuid("id", primary_key=True),
    uuid("ticket_id", nullable=True),
    text("group_name"),
    text("purpose"),
    text("content"),
    uuid("author_id"),
    text("author_role"),
    text("author_unit", nullable=True),
    instant("occurred_at"),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_group_posts_ticket", "street_id", "ticket_id"),
    append_only=True,
)
