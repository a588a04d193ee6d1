"""What the street has promised, by whom and until when, and what has come of it."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, Numeric

from shared.tables.base import day, document, instant, tenant_table, text, uuid

# A list of commitments: one person's word. What is major is counted by itself.
checklists = tenant_table(
    "checklists",
    "routing",
    text("code", primary_key=True),
    text("title"),
    text("level"),
    Column("year", Integer, nullable=False),
    Column("last_year", Integer, nullable=False),
    Column("major", Boolean, nullable=False),
    text("owner_kind"),
    text("owner_name"),
    text("owner_unit", nullable=True),
    # of whom it speaks: a place, and how many households live there (mostly an approximate number)
    text("place", nullable=True),
    document("households", nullable=True),
    day("promised_on"),
    day("published_on", nullable=True),
    instant("recorded_at"),
    uuid("recorded_by"),
    instant("closed_at", nullable=True),
    uuid("closed_by", nullable=True),
    text("closing_note", nullable=True),
    CheckConstraint("year <= last_year", name="years"),
    ForeignKeyConstraint(["street_id", "owner_unit"], ["units.street_id", "units.code"]),
)

# An item of a list (one ticket), or a project (several): by when, on which way, by whom, for whose money.
undertakings = tenant_table(
    "undertakings",
    "routing",
    uuid("id", primary_key=True),
    text("kind"),
    # an item's is its ticket's number
    text("code"),
    text("checklist_code", nullable=True),
    text("title"),
    # as promised at first; an item's deadline in force is its ticket's
    day("planned_start"),
    day("planned_end"),
    document("steps"),
    text("responsible"),
    text("responsible_unit", nullable=True),
    text("task_force", nullable=True),
    text("liaison", nullable=True),
    text("sponsor", nullable=True),
    text("partner", nullable=True),
    document("investment", nullable=True),
    document("budget", nullable=True),
    text("budget_source", nullable=True),
    document("beneficiaries", nullable=True),
    document("trades"),
    # when the matter was first spoken of, which may be years before there was a ticket
    document("first_reported", nullable=True),
    # of a project; an item is done when its ticket is closed
    document("completed", nullable=True),
    instant("recorded_at"),
    uuid("recorded_by"),
    CheckConstraint("kind in ('item', 'project')", name="kind"),
    CheckConstraint("kind = 'project' or checklist_code is not null", name="item_on_list"),
    CheckConstraint("planned_start <= planned_end", name="timetable"),
    ForeignKeyConstraint(["street_id", "checklist_code"], ["checklists.street_id", "checklists.code"]),
    ForeignKeyConstraint(["street_id", "responsible_unit"], ["units.street_id", "units.code"]),
    ForeignKeyConstraint(["street_id", "task_force"], ["units.street_id", "units.code"]),
    ForeignKeyConstraint(["street_id", "partner"], ["units.street_id", "units.code"]),
    Index("uq_undertakings_street_id_kind_code", "street_id", "kind", "code", unique=True),
    Index("ix_undertakings_checklist", "street_id", "checklist_code"),
)

# A ticket stands on one list at most and belongs to one project at most: that is the key.
undertaking_tickets = tenant_table(
    "undertaking_tickets",
    "routing",
    text("kind", primary_key=True),
    uuid("ticket_id", primary_key=True),
    uuid("undertaking_id"),
    instant("linked_at"),
    uuid("linked_by"),
    ForeignKeyConstraint(["street_id", "undertaking_id"], ["undertakings.street_id", "undertakings.id"]),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_undertaking_tickets_undertaking", "street_id", "undertaking_id"),
    append_only=True,
)

milestones = tenant_table(
    "milestones",
    "routing",
    uuid("undertaking_id", primary_key=True),
    text("stage", primary_key=True),
    day("planned_on", nullable=True),
    day("done_on", nullable=True),
    ForeignKeyConstraint(["street_id", "undertaking_id"], ["undertakings.street_id", "undertakings.id"]),
)

# Progress, contacts, results with their quantities, agreements with their parties.
undertaking_records = tenant_table(
    "undertaking_records",
    "routing",
    uuid("id", primary_key=True),
    uuid("undertaking_id"),
    text("kind"),
    text("content"),
    # the days as they were told, and what they may mean
    text("said_on"),
    day("first_on"),
    day("last_on"),
    document("quantities"),
    document("parties"),
    instant("recorded_at"),
    uuid("recorded_by"),
    ForeignKeyConstraint(["street_id", "undertaking_id"], ["undertakings.street_id", "undertakings.id"]),
    Index("ix_undertaking_records_undertaking", "street_id", "undertaking_id", "kind", "first_on"),
    append_only=True,
)

# What a list of several years is measured by, and what was measured.
indicators = tenant_table(
    "indicators",
    "routing",
    text("checklist_code", primary_key=True),
    text("name", primary_key=True),
    Column("year", Integer, primary_key=True),
    text("unit"),
    Column("target", Numeric, nullable=False),
    ForeignKeyConstraint(["street_id", "checklist_code"], ["checklists.street_id", "checklists.code"]),
)

indicator_readings = tenant_table(
    "indicator_readings",
    "routing",
    uuid("id", primary_key=True),
    text("checklist_code"),
    text("name"),
    Column("year", Integer, nullable=False),
    Column("value", Numeric, nullable=False),
    day("read_on"),
    instant("recorded_at"),
    uuid("recorded_by"),
    ForeignKeyConstraint(
        ["street_id", "checklist_code", "name", "year"],
        ["indicators.street_id", "indicators.checklist_code", "indicators.name", "indicators.year"],
    ),
    Index("ix_indicator_readings_indicator", "street_id", "checklist_code", "name", "year"),
    append_only=True,
)

# A named roster of places, all of which are to be reached: 26 of 26, 178 of 178.
campaigns = tenant_table(
    "campaigns",
    "routing",
    text("code", primary_key=True),
    text("title"),
    instant("recorded_at"),
    uuid("recorded_by"),
)

campaign_places = tenant_table(
    "campaign_places",
    "routing",
    text("campaign_code", primary_key=True),
    text("place", primary_key=True),
    day("done_on", nullable=True),
    ForeignKeyConstraint(["street_id", "campaign_code"], ["campaigns.street_id", "campaigns.code"]),
)
