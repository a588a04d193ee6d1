"""Supervision: the ladder and its orders, groups, meetings, inspections, re-visits, scores; what a ticket keeps of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.lifecycle import OPEN
from shared.tables.policies import protect

revision = "0011"
down_revision = "0010"

_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
# the one table here that is not only added to
CHANGES = "supervision_members"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _ticket_states()
    _policy_and_orders()
    _groups()
    _meetings()
    _inspections()
    _revisits()


def _table(name: str, key: list[str], *items: sa.Column | sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *items,
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{name}_street_id")),
        sa.PrimaryKeyConstraint("street_id", *key, name=op.f(f"pk_{name}")),
        info={"owner": "routing", "tenant": True, "append_only": name != CHANGES},
    )
    for statement in protect(name, owner="routing", append_only=name != CHANGES):
        op.execute(statement)


def _ticket_states() -> None:
    table = "ticket_states"
    for column in (
        sa.Column("clock_run", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("run_started_at", _TIME, nullable=True),
        sa.Column("run_urges", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("ladder_step", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("supervision_level", sa.Text(), nullable=True),
        sa.Column("supervise_at", _TIME, nullable=True),
        sa.Column("key_since", _TIME, nullable=True),
    ):
        op.add_column(table, column)
    op.create_index(
        "ix_ticket_states_supervise", table, ["street_id", "supervise_at"],
        postgresql_where=sa.text("supervise_at is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_ticket_states_supervised", table, ["street_id", "due_at", "ticket_id"],
        postgresql_where=sa.text(f"state in ({_OPEN}) and supervision_level is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_ticket_states_key",
        table,
        ["street_id", "key_since"],
        postgresql_where=sa.text("key_since is not null"),
    )
    op.create_index(
        "ix_transitions_key", "transitions", ["street_id", "recorded_at"],
        postgresql_where=sa.text("action in ('list_key', 'unlist_key')"),
    )  # fmt: skip


def _policy_and_orders() -> None:
    _table(
        "supervision_policies", ["version"],
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("document", _JSON, nullable=False),
        sa.Column("recorded_at", _TIME, nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
    )  # fmt: skip
    _table(
        "supervision_orders", ["year", "serial"],
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("head_unit", sa.Text(), nullable=True),
        sa.Column("head_staff", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("reply_due_at", _TIME, nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_role", sa.Text(), nullable=False),
        sa.CheckConstraint("level in ('urge', 'notice', 'escalate', 'bulletin')", name=op.f("ck_supervision_orders_level")),
        sa.ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"], name=op.f("fk_supervision_orders_street_id_ticket_id")),
        sa.ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"], name=op.f("fk_supervision_orders_street_id_unit_code")),
    )  # fmt: skip
    op.create_index("ix_supervision_orders_ticket", "supervision_orders", ["street_id", "ticket_id"])
    op.create_index(
        "uq_supervision_orders_step",
        "supervision_orders",
        ["street_id", "ticket_id", "run", "step"],
        unique=True,
        postgresql_where=sa.text("step is not null"),
    )
    _table(
        "supervision_replies", ["year", "serial", "reply"],
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("reply", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("replied_by", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("replied_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["street_id", "year", "serial"], ["supervision_orders.street_id", "supervision_orders.year", "supervision_orders.serial"], name=op.f("fk_supervision_replies_street_id_year_serial")),
    )  # fmt: skip


def _groups() -> None:
    _table(
        "supervision_groups", ["id"],
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
    )  # fmt: skip
    op.create_index("uq_supervision_groups_name", "supervision_groups", ["street_id", "name"], unique=True)
    _table(
        "supervision_members", ["group_id", "staff_code", "joined_at"],
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("staff_code", sa.Text(), nullable=False),
        sa.Column("joined_at", _TIME, nullable=False),
        sa.Column("left_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["street_id", "group_id"], ["supervision_groups.street_id", "supervision_groups.id"], name=op.f("fk_supervision_members_street_id_group_id")),
        sa.ForeignKeyConstraint(["street_id", "staff_code"], ["staff.street_id", "staff.code"], name=op.f("fk_supervision_members_street_id_staff_code")),
    )  # fmt: skip
    op.create_index(
        "uq_supervision_members_present",
        "supervision_members",
        ["street_id", "group_id", "staff_code"],
        unique=True,
        postgresql_where=sa.text("left_at is null"),
    )
    _table(
        "unit_evaluations", ["id"],
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("score", sa.Numeric(5, 2), nullable=False),
        sa.Column("guidance", sa.Text(), nullable=False),
        sa.Column("recorded_at", _TIME, nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("score between 0 and 100", name=op.f("ck_unit_evaluations_score")),
        sa.ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"], name=op.f("fk_unit_evaluations_street_id_unit_code")),
    )  # fmt: skip
    op.create_index("ix_unit_evaluations_unit", "unit_evaluations", ["street_id", "unit_code", "period"])


def _meetings() -> None:
    _table(
        "meetings", ["week"],
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("moved_why", sa.Text(), nullable=True),
        sa.Column("called_at", _TIME, nullable=False),
    )  # fmt: skip
    _table(
        "meeting_items", ["week", "ticket_id"],
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint("part in ('progress', 'results', 'problems')", name=op.f("ck_meeting_items_part")),
        sa.ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"], name=op.f("fk_meeting_items_street_id_ticket_id")),
        sa.ForeignKeyConstraint(["street_id", "week"], ["meetings.street_id", "meetings.week"], name=op.f("fk_meeting_items_street_id_week")),
    )  # fmt: skip
    op.create_index("ix_meeting_items_place", "meeting_items", ["street_id", "week", "place"])
    _table(
        "meeting_resolutions", ["id"],
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("decided_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"], name=op.f("fk_meeting_resolutions_street_id_unit_code")),
        sa.ForeignKeyConstraint(["street_id", "week", "ticket_id"], ["meeting_items.street_id", "meeting_items.week", "meeting_items.ticket_id"], name=op.f("fk_meeting_resolutions_street_id_week_ticket_id")),
    )  # fmt: skip
    op.create_index("ix_meeting_resolutions_week", "meeting_resolutions", ["street_id", "week"])
    _table(
        "resolution_reports", ["id"],
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resolution_id", sa.Uuid(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reported_at", _TIME, nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["street_id", "resolution_id"], ["meeting_resolutions.street_id", "meeting_resolutions.id"], name=op.f("fk_resolution_reports_street_id_resolution_id")),
    )  # fmt: skip
    op.create_index("ix_resolution_reports_resolution", "resolution_reports", ["street_id", "resolution_id"])


def _inspections() -> None:
    _table(
        "inspection_rounds", ["month"],
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("posted", sa.Integer(), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
    )  # fmt: skip
    _table(
        "inspection_items", ["month", "ticket_id"],
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["street_id", "month"], ["inspection_rounds.street_id", "inspection_rounds.month"], name=op.f("fk_inspection_items_street_id_month")),
        sa.ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"], name=op.f("fk_inspection_items_street_id_ticket_id")),
    )  # fmt: skip
    _table(
        "inspection_findings", ["month", "ticket_id"],
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("inspected_at", _TIME, nullable=False),
        sa.Column("inspected_by", sa.Uuid(), nullable=False),
        sa.Column("inspector_unit", sa.Text(), nullable=True),
        sa.CheckConstraint("method in ('random_walk', 'site_check', 'covert_visit')", name=op.f("ck_inspection_findings_method")),
        sa.CheckConstraint("passed = (remedy is null)", name=op.f("ck_inspection_findings_remedy")),
        sa.ForeignKeyConstraint(["street_id", "month", "ticket_id"], ["inspection_items.street_id", "inspection_items.month", "inspection_items.ticket_id"], name=op.f("fk_inspection_findings_street_id_month_ticket_id")),
    )  # fmt: skip
    _table(
        "inspection_reports", ["month"],
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("figures", _JSON, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("published_at", _TIME, nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["street_id", "month"], ["inspection_rounds.street_id", "inspection_rounds.month"], name=op.f("fk_inspection_reports_street_id_month")),
    )  # fmt: skip


def _revisits() -> None:
    _table(
        "revisit_draws", ["id"],
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("population", sa.BigInteger(), nullable=False),
        sa.Column("population_digest", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("drawn_at", _TIME, nullable=False),
        sa.Column("drawn_by", sa.Uuid(), nullable=False),
    )  # fmt: skip
    _table(
        "revisit_items", ["draw_id", "ticket_id"],
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["street_id", "draw_id"], ["revisit_draws.street_id", "revisit_draws.id"], name=op.f("fk_revisit_items_street_id_draw_id")),
        sa.ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"], name=op.f("fk_revisit_items_street_id_ticket_id")),
    )  # fmt: skip
    _table(
        "revisit_results", ["draw_id", "ticket_id"],
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("resolved", sa.Text(), nullable=True),
        sa.Column("satisfaction", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("visited_at", _TIME, nullable=False),
        sa.Column("visited_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["street_id", "draw_id", "ticket_id"], ["revisit_items.street_id", "revisit_items.draw_id", "revisit_items.ticket_id"], name=op.f("fk_revisit_results_street_id_draw_id_ticket_id")),
    )  # fmt: skip
