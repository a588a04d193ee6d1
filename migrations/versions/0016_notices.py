"""Notices: who was told what, the lines out of the house, each send with its attempts, grants, posts into groups."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import protect

revision = "0016"
down_revision = "0015"

# table → append-only
TABLES = {
    "notices": True, "notice_reads": True, "notice_lines": False, "notice_sends": False, "notice_attempts": True,
    "subscription_grants": False, "group_posts": True,
}  # fmt: skip


def upgrade() -> None:
    _notices()
    _lines()
    _sends()
    _people()
    for name, append_only in TABLES.items():
        for statement in protect(name, owner="intake", append_only=append_only):
            op.execute(statement)


def _notices() -> None:
    _table(
        "notices", ["id"], _uuid("id"), _uuid("ticket_id"),
        *_texts("cause", "recipient", "kind", "title", "detail"),
        sa.Column("facts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        _instant("occurred_at"), _instant("recorded_at"), _to("notices", "ticket_id", "tickets"),
    )  # fmt: skip
    op.create_index(
        "uq_notices_once",
        "notices",
        ["street_id", "ticket_id", "cause", "recipient", "kind"],
        unique=True,
    )
    op.create_index("ix_notices_recipient", "notices", ["street_id", "recipient", "id"])
    _table(
        "notice_reads", ["reader_id", "notice_id"], _uuid("reader_id"), _uuid("notice_id"), _instant("read_at"),
        _to("notice_reads", "notice_id", "notices"),
    )  # fmt: skip


def _lines() -> None:
    _table(
        "notice_lines", ["id"], _uuid("id"), *_texts("channel", "name"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True), *_texts("host"),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("actions", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("with_content", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _instant("created_at"), _uuid("created_by"), _instant("ended_at", nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True), _instant("not_before"), _count("failures"),
        sa.CheckConstraint(
            "channel in ('wechat', 'wecom', 'dingtalk', 'webhook')", name=op.f("ck_notice_lines_channel")
        ),
    )  # fmt: skip


def _sends() -> None:
    _table(
        "notice_sends", ["id"], _uuid("id"), _uuid("notice_id"), _uuid("line_id"), *_texts("state"),
        _count("attempts"), _count("failures"), _instant("next_at"), _uuid("message_id", nullable=True),
        _instant("claimed_until", nullable=True),
        sa.Column("granted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("code", sa.Text(), nullable=True), _instant("created_at"), _instant("ended_at", nullable=True),
        sa.CheckConstraint(
            "state in ('queued', 'sending', 'sent', 'failed', 'fallback')", name=op.f("ck_notice_sends_state")
        ),
        _to("notice_sends", "notice_id", "notices"), _to("notice_sends", "line_id", "notice_lines"),
    )  # fmt: skip
    table = "notice_sends"
    op.create_index("uq_notice_sends_once", table, ["street_id", "notice_id", "line_id"], unique=True)
    op.create_index(
        "ix_notice_sends_failed",
        table,
        ["street_id", "line_id"],
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index("ix_notice_sends_line", table, ["street_id", "line_id", "id"])
    op.create_index(
        "ix_notice_sends_due", table, ["street_id", "line_id", "next_at"],
        postgresql_where=sa.text("state = 'queued'"),
    )  # fmt: skip
    op.create_index(
        "ix_notice_sends_held", table, ["street_id", "claimed_until"],
        postgresql_where=sa.text("state = 'sending'"),
    )  # fmt: skip
    _table(
        "notice_attempts", ["send_id", "attempt", "phase"], _uuid("send_id"),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False), *_texts("phase"),
        _uuid("message_id"), sa.Column("outcome", sa.Text(), nullable=True), sa.Column("code", sa.Text(), nullable=True),
        _instant("at"), _to("notice_attempts", "send_id", "notice_sends"),
    )  # fmt: skip


def _people() -> None:
    _table(
        "subscription_grants", ["resident_id", "template"], _uuid("resident_id"), *_texts("template"),
        sa.Column("granted", sa.Integer(), nullable=False), sa.Column("used", sa.Integer(), nullable=False),
        *_texts("last_result"), _instant("answered_at"),
        sa.CheckConstraint("used between 0 and granted", name=op.f("ck_subscription_grants_used")),
    )  # fmt: skip
    _table(
        "group_posts", ["id"], _uuid("id"), _uuid("ticket_id", nullable=True),
        *_texts("group_name", "purpose", "content"), _uuid("author_id"), *_texts("author_role"),
        sa.Column("author_unit", sa.Text(), nullable=True), _instant("occurred_at"), _instant("recorded_at"),
        _to("group_posts", "ticket_id", "tickets"),
    )  # fmt: skip
    op.create_index("ix_group_posts_ticket", "group_posts", ["street_id", "ticket_id"])


def _table(name: str, key: list[str], *items: sa.Column | sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *items,
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{name}_street_id")),
        sa.PrimaryKeyConstraint("street_id", *key, name=op.f(f"pk_{name}")),
        info={"owner": "intake", "tenant": True, "append_only": TABLES[name]},
    )


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["street_id", column],
        [f"{target}.street_id", f"{target}.id"],
        name=op.f(f"fk_{table}_street_id_{column}"),
    )


def _uuid(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _count(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def _texts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
