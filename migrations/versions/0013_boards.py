"""Boards: an index for each way in which open tickets come into sight. Points: rules as data, a ledger that only grows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.lifecycle import OPEN
from shared.tables.policies import protect

revision = "0013"
down_revision = "0012"

_OPEN = f"state in ({', '.join(repr(state.value) for state in sorted(OPEN))})"
# name → (table, columns after the street, condition)
INDEXES = {
    "ix_ticket_states_lead": ("ticket_states", ["lead_unit", "due_at", "ticket_id"], _OPEN),
    "ix_ticket_states_community": ("ticket_states", ["community_code", "due_at", "ticket_id"], _OPEN),
    "ix_ticket_states_grid": ("ticket_states", ["grid_code", "due_at", "ticket_id"], _OPEN),
    "ix_ticket_states_state": ("ticket_states", ["state", "due_at", "ticket_id"], _OPEN),
    "ix_ticket_states_owner": ("ticket_states", ["owner_unit", "due_at", "ticket_id"], _OPEN),
    "ix_ticket_states_assignee": ("ticket_states", ["assignee_id", "due_at", "ticket_id"], _OPEN),
    "ix_ticket_states_disputed": ("ticket_states", ["due_at", "ticket_id"], "disputed"),
    "ix_ticket_states_handled": ("ticket_states", ["handled_at"], "handled_at is not null"),
    "ix_parts_unit": ("parts", ["unit_code"], None),
    "ix_tickets_entered": ("tickets", ["entered_by"], "entered_role in ('community', 'grid_worker')"),
    "ix_staff_posts_person": ("staff_posts", ["staff_code"], None),
    "ix_crews_person": ("crews", ["staff_code"], None),
    "ix_points_staff": ("points", ["staff_id", "day"], None),
    "ix_points_day": ("points", ["day"], None),
}
UNIQUE = {
    "uq_points_move": ("points", ["ticket_id", "seq", "rule_code"], "kind = 'rule'"),
    "uq_points_reverses": ("points", ["reverses"], "reverses is not null"),
}


def upgrade() -> None:
    # A migration never waits behind a long query while everything else waits behind it.
    op.execute("SET LOCAL lock_timeout = '5s'")
    _rules()
    _points()
    for name in ("point_rules", "points"):
        for statement in protect(name, owner="metrics", append_only=True):
            op.execute(statement)
    # made anew below, in the whole order of the lists
    for name in ("ix_ticket_states_owner", "ix_ticket_states_assignee"):
        op.drop_index(name, "ticket_states")
    for indexes, unique in ((INDEXES, False), (UNIQUE, True)):
        for name, (table, columns, where) in indexes.items():
            condition = sa.text(where) if where is not None else None
            op.create_index(name, table, ["street_id", *columns], unique=unique, postgresql_where=condition)


def _street() -> sa.Column:
    return sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False)


def _rules() -> None:
    op.create_table(
        "point_rules",
        _street(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("merit", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("daily_cap", sa.Integer(), nullable=True),
        sa.Column("monthly_cap", sa.Integer(), nullable=True),
        sa.Column("weights", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "valid_until is null or valid_from <= valid_until", name=op.f("ck_point_rules_validity")
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_point_rules_street_id")),
        sa.PrimaryKeyConstraint("street_id", "code", "version", name=op.f("pk_point_rules")),
        info={"owner": "metrics", "tenant": True, "append_only": True},
    )


def _points() -> None:
    op.create_table(
        "points",
        _street(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule_code", sa.Text(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_role", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('rule', 'manual', 'reversal', 'day', 'month')", name=op.f("ck_points_kind")
        ),
        sa.CheckConstraint("points <> 0", name=op.f("ck_points_points")),
        sa.CheckConstraint("(kind = 'reversal') = (reverses is not null)", name=op.f("ck_points_reverses")),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_points_street_id")),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_points_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "reverses"],
            ["points.street_id", "points.id"],
            name=op.f("fk_points_street_id_reverses"),
        ),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_points")),
        info={"owner": "metrics", "tenant": True, "append_only": True},
    )
