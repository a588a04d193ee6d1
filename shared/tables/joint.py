"""Many hands on one matter: whistles and what became of them, answers to slips, matters passed on, deliberations.

All of it is told once and kept: a line that belongs to a ticket carries the number of the line of its history (`seq`).
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, text as sql

from shared.tables.base import day, instant, tenant_table, text, uuid


def _ticket() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"])


# 吹哨: who was called to which place, and by when. Which departments, and when each came, stands in `parts`.
whistles = tenant_table(
    "whistles",
    "routing",
    uuid("ticket_id", primary_key=True),
    Column("seq", Integer, primary_key=True),
    text("kind"),
    # residents, grid, community, street or unit: who blew it
    text("origin"),
    text("caller_unit", nullable=True),
    text("reason"),
    text("place", nullable=True),
    instant("blown_at"),
    # of the residents' whistle: by when street or community must have answered
    instant("response_due_at", nullable=True),
    _ticket(),
    Index("ix_whistles_blown", "street_id", "blown_at", "ticket_id", "seq"),
    append_only=True,
)

# What became of a whistle: the answer of street or community, minutes of what was agreed, its end.
whistle_steps = tenant_table(
    "whistle_steps",
    "routing",
    uuid("ticket_id", primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("whistle", Integer, nullable=False),
    text("step"),
    text("unit_code", nullable=True),
    text("said"),
    instant("occurred_at"),
    CheckConstraint("step in ('response', 'minutes', 'release')", name="step"),
    ForeignKeyConstraint(
        ["street_id", "ticket_id", "whistle"], ["whistles.street_id", "whistles.ticket_id", "whistles.seq"]
    ),
    Index(
        "uq_whistle_steps_once",
        "street_id",
        "ticket_id",
        "whistle",
        "step",
        unique=True,
        postgresql_where=sql("step <> 'minutes'"),
    ),
    append_only=True,
)

# 问题交接单的答复: what the unit above told the one below, once for each slip.
slip_answers = tenant_table(
    "slip_answers",
    "routing",
    Column("slip", BigInteger, primary_key=True),
    text("unit_code"),
    text("answer"),
    instant("answered_at"),
    ForeignKeyConstraint(["street_id", "slip"], ["handover_slips.street_id", "handover_slips.slip"]),
    append_only=True,
)

# 转送: what was passed on to a body outside the street; the ticket stays.
forwards = tenant_table(
    "forwards",
    "routing",
    uuid("ticket_id", primary_key=True),
    Column("seq", Integer, primary_key=True),
    text("body"),
    text("channel"),
    text("reference", nullable=True),
    text("reason"),
    instant("forwarded_at"),
    # by when an answer is expected, where somebody has said so
    instant("due_at", nullable=True),
    _ticket(),
    Index("ix_forwards_forwarded", "street_id", "forwarded_at", "ticket_id", "seq"),
    append_only=True,
)

forward_answers = tenant_table(
    "forward_answers",
    "routing",
    uuid("ticket_id", primary_key=True),
    # the line of the history in which it was passed on
    Column("forward", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    text("answer"),
    instant("answered_at"),
    ForeignKeyConstraint(
        ["street_id", "ticket_id", "forward"], ["forwards.street_id", "forwards.ticket_id", "forwards.seq"]
    ),
    append_only=True,
)

# 议事: who met when about which tickets; numbered per street.
deliberations = tenant_table(
    "deliberations",
    "routing",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    day("held_on"),
    text("body"),
    text("topic"),
    text("community_code", nullable=True),
    Column("participants", Integer, nullable=False),
    text("recorded_unit", nullable=True),
    uuid("recorded_by"),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "community_code"], ["communities.street_id", "communities.code"]),
    append_only=True,
)

deliberation_tickets = tenant_table(
    "deliberation_tickets",
    "routing",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    uuid("ticket_id", primary_key=True),
    ForeignKeyConstraint(["street_id", "number"], ["deliberations.street_id", "deliberations.number"]),
    _ticket(),
    append_only=True,
)

# What was agreed: each line stands in the history of every ticket of its deliberation too.
resolutions = tenant_table(
    "resolutions",
    "routing",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True),
    text("agreed"),
    text("unit_code", nullable=True),
    instant("due_at", nullable=True),
    ForeignKeyConstraint(["street_id", "number"], ["deliberations.street_id", "deliberations.number"]),
    ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"]),
    append_only=True,
)
