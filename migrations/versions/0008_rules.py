"""Routing rules with their versions and switches; what a ticket keeps of its dispatch: conflicts, disputes, people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.lifecycle import OPEN
from shared.tables.policies import protect

revision = "0008"
down_revision = "0007"

APPEND_ONLY = {"routing_rules": True, "routing_rule_states": False}
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))


def upgrade() -> None:
    _rules()
    _rule_states()
    for name, append_only in APPEND_ONLY.items():
        for statement in protect(name, owner="routing", append_only=append_only):
            op.execute(statement)
    _ticket_states()


def _street() -> sa.Column:
    return sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False)


def _fence(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{table}_street_id"))


def _rules() -> None:
    op.create_table(
        "routing_rules",
        _street(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        *[
            sa.Column(name, postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False)
            for name in ("conditions", "result")
        ],
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "valid_until is null or valid_from <= valid_until", name=op.f("ck_routing_rules_validity")
        ),
        _fence("routing_rules"),
        sa.PrimaryKeyConstraint("street_id", "code", "version", name=op.f("pk_routing_rules")),
        info={"owner": "routing", "tenant": True, "append_only": True},
    )


def _rule_states() -> None:
    op.create_table(
        "routing_rule_states",
        _street(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        _fence("routing_rule_states"),
        sa.PrimaryKeyConstraint("street_id", "code", name=op.f("pk_routing_rule_states")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )


def _ticket_states() -> None:
    table = "ticket_states"
    for column in (
        sa.Column("about_unit", sa.Text(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("failed_dispatches", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("disputed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("designated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("responsible_unit", sa.Text(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("list_level", sa.Text(), nullable=True),
    ):
        op.add_column(table, column)
    for name in ("about_unit", "responsible_unit"):
        op.create_foreign_key(
            op.f(f"fk_{table}_street_id_{name}"), table, "units", ["street_id", name], ["street_id", "code"]
        )
    op.create_index(
        "ix_ticket_states_unanswered", table, ["street_id", "return_until"],
        postgresql_where=sa.text("state = 'dispatched'"),
    )  # fmt: skip
    op.create_index(
        "ix_ticket_states_assignee", table, ["street_id", "assignee_id", "due_at"],
        postgresql_where=sa.text(f"state in ({_OPEN})"),
    )  # fmt: skip
