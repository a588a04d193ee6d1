"""What it adds up to: each ticket's measures over time, and their running totals."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    Time,
    text as sql,
)

from shared.tables.base import document, instant, tenant_table, text, uuid

# What a ticket has or has not at an instant. What each means stands in services/metrics/measures.py. A place
# in this list is a bit of the facts (`FLAG_BITS` to a column) and a column of the totals: append only.
MEASURES = (
    # where it stands
    "received", "accepted", "dispatched", "closed", "direct", "dispatched_closed",
    "closed_on_time", "dispatched_on_time", "due", "due_net", "matured", "matured_closed", "matured_on_time",
    "overdue", "open", "overdue_open", "suspended", "rejected", "merged", "withdrawn", "redirected",
    "returned", "reworked", "reopened",
    # how it was closed
    "handled", "handled_on_time", "handled_due", "closed_by_first_deadline", "ever_handled", "ever_closed",
    "closed_resolved", "closed_partly", "closed_explained", "closed_beyond_level", "closed_transferred",
    "closed_deferred", "closed_at_grid", "closed_at_community", "closed_at_street", "closed_at_district",
    # how it went
    "signed", "signed_on_time", "contacted", "contacted_on_time", "replied", "never_returned",
    "first_receiver_closed", "returned_thrice", "reworked_again", "escalated", "extension_asked", "extended",
    "extended_closed", "ever_suspended", "whistled", "reported_in", "reported_in_30m", "entered_late",
    "closed_last_hour", "disputed",
    # what the staff's callback found
    "called_back", "closed_called_back", "valid_callback", "callback_contact_known", "callback_contacted",
    "callback_resolved", "callback_partly", "callback_very_satisfied", "callback_satisfied", "callback_basic",
    "callback_dissatisfied", "callback_very_dissatisfied", "dispatched_dissatisfied",
    # what the reporter said
    "rated", "rated_very_satisfied", "rated_satisfied", "rated_basic", "rated_dissatisfied",
    "rated_very_dissatisfied",
    # items of commitment lists
    "listed", "listed_closed", "listed_due", "listed_on_time",
)  # fmt: skip
FLAG_BITS = 62
FLAGS = tuple(f"flags{n}" for n in range(-(-len(MEASURES) // FLAG_BITS)))
# What a figure can be split by; the totals keep one set of cells for each.
DIMENSIONS = ("channel", "kind", "category", "community", "grid", "unit", "level", "mode", "list")
# What the facts alone can be split or narrowed by.
ATTRIBUTES = ("list_level", "outcome", "excluded")

# One row for each span of time in which nothing about the ticket changed: [valid_from, valid_to).
ticket_facts = tenant_table(
    "ticket_facts",
    "metrics",
    uuid("ticket_id", primary_key=True),
    Column("span", Integer, primary_key=True),
    instant("valid_from"),
    instant("valid_to", nullable=True),
    instant("received_at"),
    Column("received_day", Date, nullable=False),
    instant("due_at", nullable=True),
    instant("dispatched_at", nullable=True),
    instant("signed_at", nullable=True),
    instant("contacted_at", nullable=True),
    instant("handled_at", nullable=True),
    instant("closed_at", nullable=True),
    *[Column(name, BigInteger, nullable=False) for name in FLAGS],
    text("state"),
    *[text(name) for name in DIMENSIONS],
    *[text(name) for name in ATTRIBUTES],
    # the lead unit and every unit that was asked to help by then
    Column("units", ARRAY(Text), nullable=False),
    Index("ix_ticket_facts_from", "street_id", "valid_from"),
    Index("ix_ticket_facts_to", "street_id", "valid_to", postgresql_where=sql("valid_to is not null")),
    Index("ix_ticket_facts_cohort", "street_id", "received_day", "ticket_id"),
)


def _sums() -> list[Column[Any]]:
    """Return a column for each measure; empty where nothing changed, which costs a bit and no bytes."""
    return [Column(name, Integer) for name in MEASURES]


# Sums of the changes of all measures: by day or month of receipt (cohort) and by hour, day or month in
# which the change happened (step). What stood at any instant is the sum of the steps before it.
totals = tenant_table(
    "totals",
    "metrics",
    text("dimension", primary_key=True),
    text("tier", primary_key=True),
    Column("cohort", Date, primary_key=True),
    instant("step", primary_key=True),
    text("key", primary_key=True),
    *_sums(),
)

# One row a street: whoever books holds it, so that bookings of a street follow one another. A street that has
# tickets but no row here is rebuilt from history by the worker.
books = tenant_table(
    "books",
    "metrics",
    instant("booked_at"),
)

# When a street's assessment periods begin, where that is not the first of the month at midnight.
assessment_calendars = tenant_table(
    "assessment_calendars",
    "metrics",
    Column("month_starts_on", Integer, nullable=False),
    Column("year_starts_in", Integer, nullable=False),
    Column("day_starts_at", Time, nullable=False),
    CheckConstraint("month_starts_on between 1 and 28", name="month_starts_on"),
    CheckConstraint("year_starts_in between 1 and 12", name="year_starts_in"),
)

# A bulletin and its figures are frozen as they were published; what is found later stands beside them.
bulletins = tenant_table(
    "bulletins",
    "metrics",
    uuid("id", primary_key=True),
    text("title"),
    instant("as_of"),
    instant("known_at"),
    uuid("issued_by"),
    text("issued_role"),
    instant("issued_at"),
    append_only=True,
)

bulletin_figures = tenant_table(
    "bulletin_figures",
    "metrics",
    uuid("bulletin_id", primary_key=True),
    Column("place", Integer, primary_key=True),
    # what was asked, and the whole answer with its definition and version
    document("question"),
    document("answer"),
    ForeignKeyConstraint(["street_id", "bulletin_id"], ["bulletins.street_id", "bulletins.id"]),
    append_only=True,
)

bulletin_corrections = tenant_table(
    "bulletin_corrections",
    "metrics",
    uuid("bulletin_id", primary_key=True),
    uuid("id", primary_key=True),
    text("reason"),
    instant("known_at"),
    # for each figure that differs: its place, the answer then and now
    document("differences"),
    uuid("made_by"),
    text("made_role"),
    instant("made_at"),
    ForeignKeyConstraint(["street_id", "bulletin_id"], ["bulletins.street_id", "bulletins.id"]),
    append_only=True,
)
