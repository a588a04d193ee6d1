"""Clocks: a street's clock policies and own days; what each ticket was clocked under, its pauses and extensions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import protect

revision = "0005"
down_revision = "0004"

# table → append-only
TABLES = {"clock_policies": True, "local_days": False}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _table(
        "clock_policies", "version", sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False), _document("document"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    )  # fmt: skip
    _table(
        "local_days", "day", sa.Column("day", sa.Date(), nullable=False), sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('off', 'half', 'work')", name=op.f("ck_local_days_kind")),
    )  # fmt: skip
    for name, append_only in TABLES.items():
        for statement in protect(name, owner="routing", append_only=append_only):
            op.execute(statement)
    for column in (
        sa.Column("sign_limit", sa.Text(), nullable=True),
        sa.Column("contact_limit", sa.Text(), nullable=True),
        sa.Column("clock_policy", sa.Integer(), nullable=True),
        sa.Column("first_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("feedback_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_seconds", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("extension_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
        _document("due_why", server_default=sa.text("'[]'")),
    ):
        op.add_column("ticket_states", column)
    op.add_column("parts", sa.Column("report_due_at", sa.DateTime(timezone=True), nullable=True))


def _table(name: str, key: str, *items: sa.Column | sa.CheckConstraint) -> None:
    op.create_table(
        name,
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *items,
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{name}_street_id")),
        sa.PrimaryKeyConstraint("street_id", key, name=op.f(f"pk_{name}")),
        info={"owner": "routing", "tenant": True, "append_only": TABLES[name]},
    )


def _document(name: str, **options: sa.TextClause) -> sa.Column:
    return sa.Column(
        name, postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, **options
    )
