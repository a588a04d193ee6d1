"""What it adds up to: each ticket's measures over time, and their running totals."""

from typing import Any

from sqlalchemy import Column, Date, Index, Integer, SmallInteger, text as sql

from shared.tables.base import instant, tenant_table, text, uuid

# Columns of facts (0 or 1) and of totals (sums). What each means stands in services/metrics/measures.py.
MEASURES = (
    "received", "accepted", "dispatched", "closed", "direct", "dispatched_closed",
    "closed_on_time", "dispatched_on_time", "due", "due_net", "matured", "matured_closed", "matured_on_time",
    "overdue", "open", "overdue_open", "suspended", "rejected", "merged", "withdrawn", "redirected",
    "returned", "reworked", "reopened",
)  # fmt: skip
# What a figure can be split by; the totals keep one set of cells for each.
DIMENSIONS = ("channel", "kind", "category", "community", "grid", "unit")


def _measures(kind: Any) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False, server_default=sql("0")) for name in MEASURES]


# One row for each span of time in which nothing about the ticket changed: [valid_from, valid_to).
ticket_facts = tenant_table(
    "ticket_facts",
    "metrics",
    uuid("ticket_id", primary_key=True),
    Column("span", Integer, primary_key=True),
    instant("valid_from"),
    instant("valid_to", nullable=True),
    Column("received_day", Date, nullable=False),
    text("state"),
    instant("due_at", nullable=True),
    instant("closed_at", nullable=True),
    *[text(name) for name in DIMENSIONS],
    *_measures(SmallInteger),
    Index("ix_ticket_facts_from", "street_id", "valid_from"),
    Index("ix_ticket_facts_to", "street_id", "valid_to", postgresql_where=sql("valid_to is not null")),
    Index("ix_ticket_facts_cohort", "street_id", "received_day", "ticket_id"),
)

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
    *_measures(Integer),
)

# One row a street: whoever books holds it, so that bookings of a street follow one another.
books = tenant_table(
    "books",
    "metrics",
    instant("booked_at"),
)
