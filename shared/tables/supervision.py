"""Supervision laid over the tickets: the street's ladder, orders and replies, meetings, inspections, re-visits, scores.

Nearly all of it is a record: written once, never changed. What a ticket itself keeps of its supervision (the level
reached, when the next step is due) stands in `ticket_states`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    text as sql,
)

from shared.tables.base import day, document, instant, tenant_table, text, uuid
from shared.terms import InspectionMethod, SupervisionLevel

_TICKET = (["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"])
_LEVELS = ", ".join(f"'{level.value}'" for level in SupervisionLevel)
_METHODS = ", ".join(f"'{method.value}'" for method in InspectionMethod)

# How a street supervises (`services/routing/ladder/policy.py` reads the document); a change is a new version.
supervision_policies = tenant_table(
    "supervision_policies",
    "routing",
    Column("version", Integer, primary_key=True, autoincrement=False),
    day("valid_from"),
    document("document"),
    instant("recorded_at"),
    uuid("recorded_by"),
    append_only=True,
)

# 督办单, numbered within street and year. `step` is empty where a person gave it and not the ladder.
supervision_orders = tenant_table(
    "supervision_orders",
    "routing",
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    uuid("ticket_id"),
    text("level"),
    Column("run", Integer, nullable=False),
    Column("step", Integer, nullable=True),
    # who is to answer; who above them is told
    text("unit_code"),
    text("head_unit", nullable=True),
    text("head_staff", nullable=True),
    text("reason"),
    instant("issued_at"),
    instant("reply_due_at"),
    uuid("issued_by"),
    text("issued_role"),
    CheckConstraint(f"level in ({_LEVELS})", name="level"),
    ForeignKeyConstraint(*_TICKET),
    ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"]),
    Index("ix_supervision_orders_ticket", "street_id", "ticket_id"),
    # The ladder takes each of its steps once while one clock runs, whatever a sweep may think.
    Index(
        "uq_supervision_orders_step", "street_id", "ticket_id", "run", "step", unique=True,
        postgresql_where=sql("step is not null"),
    ),
    append_only=True,
)  # fmt: skip

supervision_replies = tenant_table(
    "supervision_replies",
    "routing",
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("reply", Integer, primary_key=True, autoincrement=False),
    text("unit_code"),
    uuid("replied_by"),
    text("content"),
    instant("replied_at"),
    ForeignKeyConstraint(
        ["street_id", "year", "serial"],
        ["supervision_orders.street_id", "supervision_orders.year", "supervision_orders.serial"],
    ),
    append_only=True,
)

# 督导专班: a group of people who supervise; who left stays on record.
supervision_groups = tenant_table(
    "supervision_groups",
    "routing",
    uuid("id", primary_key=True),
    text("name"),
    text("task"),
    instant("created_at"),
    uuid("created_by"),
    Index("uq_supervision_groups_name", "street_id", "name", unique=True),
    append_only=True,
)

supervision_members = tenant_table(
    "supervision_members",
    "routing",
    uuid("group_id", primary_key=True),
    text("staff_code", primary_key=True),
    instant("joined_at", primary_key=True),
    instant("left_at", nullable=True),
    ForeignKeyConstraint(["street_id", "group_id"], ["supervision_groups.street_id", "supervision_groups.id"]),
    ForeignKeyConstraint(["street_id", "staff_code"], ["staff.street_id", "staff.code"]),
    Index(
        "uq_supervision_members_present", "street_id", "group_id", "staff_code", unique=True,
        postgresql_where=sql("left_at is null"),
    ),
)  # fmt: skip

# 督办协调会: one for each ISO week ("2026-W10"), with its agenda as it was when the meeting was called.
meetings = tenant_table(
    "meetings",
    "routing",
    text("week", primary_key=True),
    day("held_on"),
    # why it is not on the usual day of the week
    text("moved_why", nullable=True),
    instant("called_at"),
    append_only=True,
)

meeting_items = tenant_table(
    "meeting_items",
    "routing",
    text("week", primary_key=True),
    uuid("ticket_id", primary_key=True),
    Column("place", Integer, nullable=False),
    # 督进度, 看成效, 解难题
    text("part"),
    text("unit_code", nullable=True),
    text("state"),
    text("why"),
    CheckConstraint("part in ('progress', 'results', 'problems')", name="part"),
    ForeignKeyConstraint(["street_id", "week"], ["meetings.street_id", "meetings.week"]),
    ForeignKeyConstraint(*_TICKET),
    Index("ix_meeting_items_place", "street_id", "week", "place"),
    append_only=True,
)

meeting_resolutions = tenant_table(
    "meeting_resolutions",
    "routing",
    uuid("id", primary_key=True),
    text("week"),
    uuid("ticket_id"),
    text("unit_code"),
    text("measure"),
    day("due_on"),
    instant("decided_at"),
    uuid("decided_by"),
    ForeignKeyConstraint(
        ["street_id", "week", "ticket_id"],
        ["meeting_items.street_id", "meeting_items.week", "meeting_items.ticket_id"],
    ),
    ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"]),
    Index("ix_meeting_resolutions_week", "street_id", "week"),
    append_only=True,
)

# What became of a resolution; while nothing says that it is done, it stands on the next agenda.
resolution_reports = tenant_table(
    "resolution_reports",
    "routing",
    uuid("id", primary_key=True),
    uuid("resolution_id"),
    Column("done", Boolean, nullable=False),
    text("note"),
    instant("reported_at"),
    uuid("reported_by"),
    ForeignKeyConstraint(
        ["street_id", "resolution_id"], ["meeting_resolutions.street_id", "meeting_resolutions.id"]
    ),
    Index("ix_resolution_reports_resolution", "street_id", "resolution_id"),
    append_only=True,
)

# 督查 of a month ("2026-03"): every posted item, each exactly once (the key of a finding is the item's).
inspection_rounds = tenant_table(
    "inspection_rounds",
    "routing",
    text("month", primary_key=True),
    Column("posted", Integer, nullable=False),
    instant("opened_at"),
    uuid("opened_by"),
    append_only=True,
)

inspection_items = tenant_table(
    "inspection_items",
    "routing",
    text("month", primary_key=True),
    uuid("ticket_id", primary_key=True),
    text("unit_code", nullable=True),
    text("state"),
    ForeignKeyConstraint(["street_id", "month"], ["inspection_rounds.street_id", "inspection_rounds.month"]),
    ForeignKeyConstraint(*_TICKET),
    append_only=True,
)

inspection_findings = tenant_table(
    "inspection_findings",
    "routing",
    text("month", primary_key=True),
    uuid("ticket_id", primary_key=True),
    text("method"),
    Column("passed", Boolean, nullable=False),
    text("finding"),
    # what was done about a failure: rework, reopen, review_fail, supervise
    text("remedy", nullable=True),
    instant("inspected_at"),
    uuid("inspected_by"),
    text("inspector_unit", nullable=True),
    CheckConstraint(f"method in ({_METHODS})", name="method"),
    CheckConstraint("passed = (remedy is null)", name="remedy"),
    ForeignKeyConstraint(
        ["street_id", "month", "ticket_id"],
        ["inspection_items.street_id", "inspection_items.month", "inspection_items.ticket_id"],
    ),
    append_only=True,
)

# The published result: frozen, with the digest of the findings it was counted from.
inspection_reports = tenant_table(
    "inspection_reports",
    "routing",
    text("month", primary_key=True),
    document("figures"),
    text("digest"),
    instant("published_at"),
    uuid("published_by"),
    ForeignKeyConstraint(["street_id", "month"], ["inspection_rounds.street_id", "inspection_rounds.month"]),
    append_only=True,
)

# 随机回访: a draw from what was closed between two days; the seed gives the same draw again.
revisit_draws = tenant_table(
    "revisit_draws",
    "routing",
    uuid("id", primary_key=True),
    text("seed"),
    day("first_day"),
    day("last_day"),
    Column("population", BigInteger, nullable=False),
    # of the ids drawn from, sorted
    text("population_digest"),
    Column("size", Integer, nullable=False),
    instant("drawn_at"),
    uuid("drawn_by"),
    append_only=True,
)

revisit_items = tenant_table(
    "revisit_items",
    "routing",
    uuid("draw_id", primary_key=True),
    uuid("ticket_id", primary_key=True),
    Column("place", Integer, nullable=False),
    ForeignKeyConstraint(["street_id", "draw_id"], ["revisit_draws.street_id", "revisit_draws.id"]),
    ForeignKeyConstraint(*_TICKET),
    append_only=True,
)

revisit_results = tenant_table(
    "revisit_results",
    "routing",
    uuid("draw_id", primary_key=True),
    uuid("ticket_id", primary_key=True),
    Column("valid", Boolean, nullable=False),
    text("resolved", nullable=True),
    text("satisfaction", nullable=True),
    text("note", nullable=True),
    instant("visited_at"),
    uuid("visited_by"),
    ForeignKeyConstraint(
        ["street_id", "draw_id", "ticket_id"],
        ["revisit_items.street_id", "revisit_items.draw_id", "revisit_items.ticket_id"],
    ),
    append_only=True,
)

# 综合评估 of a 站所 or community for a period, with what it is advised to do; a later one replaces it.
unit_evaluations = tenant_table(
    "unit_evaluations",
    "routing",
    uuid("id", primary_key=True),
    text("unit_code"),
    text("period"),
    Column("score", Numeric(5, 2), nullable=False),
    text("guidance"),
    instant("recorded_at"),
    uuid("recorded_by"),
    CheckConstraint("score between 0 and 100", name="score"),
    ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"]),
    Index("ix_unit_evaluations_unit", "street_id", "unit_code", "period"),
    append_only=True,
)
