"""积分: what people earn, as rules say. The ledger is only ever added to: a person's points are the sum of their entries."""

from sqlalchemy import CheckConstraint, Column, Date, ForeignKeyConstraint, Index, Integer, text as sql

from shared.tables.base import day, document, instant, tenant_table, text, uuid

# A changed rule is a new version; what was earned keeps the one it was earned by.
point_rules = tenant_table(
    "point_rules",
    "metrics",
    text("code", primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # what earns it: `services/metrics/points/rules.py: Merit`
    text("merit"),
    # what is deducted is negative
    Column("points", Integer, nullable=False),
    # how much a person can get (or lose) by this rule in a day and in a month; empty: no limit
    Column("daily_cap", Integer, nullable=True),
    Column("monthly_cap", Integer, nullable=True),
    # category code → factor, as text ("1.5"); what is not named counts once
    document("weights"),
    day("valid_from"),
    # the last day it is in force
    Column("valid_until", Date, nullable=True),
    text("note"),
    instant("recorded_at"),
    uuid("recorded_by"),
    CheckConstraint("valid_until is null or valid_from <= valid_until", name="validity"),
    append_only=True,
)

points = tenant_table(
    "points",
    "metrics",
    uuid("id", primary_key=True),
    uuid("staff_id"),
    # rule: earned by a move; manual: a supervisor's word; reversal: takes another entry back; day, month: what exceeds
    # a cap, and what of that is given back when there is room again
    text("kind"),
    Column("points", Integer, nullable=False),
    # the Shanghai day on which it was earned (of caps: the first day of what they are for)
    day("day"),
    instant("occurred_at"),
    instant("recorded_at"),
    text("rule_code", nullable=True),
    Column("rule_version", Integer, nullable=True),
    uuid("ticket_id", nullable=True),
    # the move that earned it (of a rating: the closure that was rated)
    Column("seq", Integer, nullable=True),
    uuid("reverses", nullable=True),
    text("reason"),
    # empty: by the rules
    uuid("entered_by", nullable=True),
    text("entered_role", nullable=True),
    CheckConstraint("kind in ('rule', 'manual', 'reversal', 'day', 'month')", name="kind"),
    CheckConstraint("points <> 0", name="points"),
    CheckConstraint("(kind = 'reversal') = (reverses is not null)", name="reverses"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    ForeignKeyConstraint(["street_id", "reverses"], ["points.street_id", "points.id"]),
    Index("ix_points_staff", "street_id", "staff_id", "day"),
    Index("ix_points_day", "street_id", "day"),
    # exactly once for a rule and a move; taken back at most once
    Index(
        "uq_points_move",
        "street_id",
        "ticket_id",
        "seq",
        "rule_code",
        unique=True,
        postgresql_where=sql("kind = 'rule'"),
    ),
    Index(
        "uq_points_reverses",
        "street_id",
        "reverses",
        unique=True,
        postgresql_where=sql("reverses is not null"),
    ),
    append_only=True,
)
