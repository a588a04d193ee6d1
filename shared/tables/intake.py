"""What was reported. Tickets are never updated: where they stand is routing's."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    text as sql,
)

from shared.tables.base import document, instant, tenant_table, text, uuid

tickets = tenant_table(
    "tickets",
    "intake",
    uuid("id", primary_key=True),
    text("number"),
    text("channel"),
    text("kind", nullable=True),
    text("category_code", nullable=True),
    text("content"),
    Column("longitude", Float),
    Column("latitude", Float),
    text("crs", nullable=True),
    # Empty on a confidential report: there it stands sealed among the private data.
    text("address", nullable=True),
    text("community_code", nullable=True),
    text("grid_code", nullable=True),
    Column("anonymous", Boolean, nullable=False),
    Column("confidential", Boolean, nullable=False),
    uuid("reporter_id", nullable=True),
    # name, phone, confidential address: sealed with the ticket's id as context
    Column("private", LargeBinary),
    Column("phone_index", LargeBinary),
    uuid("entered_by"),
    text("entered_role"),
    instant("occurred_at"),
    instant("recorded_at"),
    Column("late", Boolean, nullable=False),
    CheckConstraint("occurred_at <= recorded_at", name="not_from_the_future"),
    CheckConstraint("char_length(content) between 1 and 2500", name="content_length"),
    Index("uq_tickets_street_id_number", "street_id", "number", unique=True),
    Index("ix_tickets_reporter", "street_id", "reporter_id", "id"),
    Index("ix_tickets_received", "street_id", "occurred_at", "id"),
    # the squares of 0.002 degrees a point lies in: what is near, and newest first
    Index(
        "ix_tickets_place",
        "street_id",
        sql("floor(latitude * 500)"),
        sql("floor(longitude * 500)"),
        "id",
        postgresql_where=sql("latitude is not null"),
    ),
    # what people of a community and grid workers entered: theirs to see wherever it lies
    Index(
        "ix_tickets_entered",
        "street_id",
        "entered_by",
        postgresql_where=sql("entered_role in ('community', 'grid_worker')"),
    ),
    Index("ix_tickets_phone", "street_id", "phone_index", postgresql_where=sql("phone_index is not null")),
    append_only=True,
)

residents = tenant_table(
    "residents",
    "intake",
    uuid("id", primary_key=True),
    Column("private", LargeBinary, nullable=False),
    instant("first_seen_at"),
    instant("last_seen_at"),
)

supplements = tenant_table(
    "supplements",
    "intake",
    uuid("id", primary_key=True),
    uuid("ticket_id"),
    text("content"),
    uuid("author_id"),
    text("author_role"),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_supplements_ticket", "street_id", "ticket_id"),
    append_only=True,
)

# What a reporter asks of a ticket's course: routing decides, the asking stays.
petitions = tenant_table(
    "petitions",
    "intake",
    uuid("id", primary_key=True),
    uuid("ticket_id"),
    text("action"),
    text("reason", nullable=True),
    uuid("author_id"),
    text("author_role"),
    instant("occurred_at"),
    instant("recorded_at"),
    # of a confirmation: whether it is solved, how satisfied
    document("answers", nullable=True),
    CheckConstraint("action in ('withdraw', 'urge', 'reopen', 'confirm', 'dispute')", name="action"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_petitions_ticket", "street_id", "ticket_id"),
    append_only=True,
)

ratings = tenant_table(
    "ratings",
    "intake",
    uuid("ticket_id", primary_key=True),
    # the ticket's version when it was closed: one rating for each closure; 0 in a ledger brought in
    Column("closure", Integer, primary_key=True),
    text("satisfaction"),
    text("resolved", nullable=True),
    Column("contacted", Boolean),
    text("comment", nullable=True),
    uuid("author_id"),
    instant("occurred_at"),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    append_only=True,
)

# Ticket numbers are taken in blocks; a gap is a block of a process that died.
number_counters = tenant_table(
    "number_counters",
    "intake",
    Column("day", Date, primary_key=True),
    Column("taken", Integer, nullable=False),
)

# One row an upload. Whoever works on it holds the claim; a claim not renewed in time is anybody's.
imports = tenant_table(
    "imports",
    "intake",
    uuid("id", primary_key=True),
    text("file_name"),
    Column("size", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    text("state"),
    # why it failed, for people
    text("message", nullable=True),
    document("warnings"),
    uuid("entered_by"),
    text("entered_role"),
    instant("created_at"),
    instant("read_at", nullable=True),
    instant("finished_at", nullable=True),
    # how many lines the file has, about; the last of them whose row is stored
    Column("lines", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("faults", Integer, nullable=False),
    uuid("claim", nullable=True),
    instant("claimed_until", nullable=True),
    # claims since the last step forward: a file that kills its reader is given up
    Column("attempts", Integer, nullable=False),
    # the newest event of the rows, and of what routing made of them: when all up to it are done, the import is
    uuid("last_event", nullable=True),
    uuid("last_moved", nullable=True),
    CheckConstraint("state in ('running', 'done', 'failed')", name="state"),
    Index("ix_imports_running", "street_id", "id", postgresql_where=sql("state = 'running'")),
)

# The file itself, sealed, in pieces; gone when all its rows are stored.
import_files = tenant_table(
    "import_files",
    "intake",
    uuid("import_id", primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(["street_id", "import_id"], ["imports.street_id", "imports.id"]),
)

# What a ledger's row told of its ticket's course; no personal data. Rows of later imports that tell more of a
# ticket add rows of their own.
import_rows = tenant_table(
    "import_rows",
    "intake",
    uuid("import_id", primary_key=True),
    Column("line", Integer, primary_key=True),
    uuid("ticket_id"),
    # the ticket's number in the ledger, or the row's digest and its place among equal rows
    text("identity"),
    # of the whole row, and of the part that may not change any more
    Column("digest", LargeBinary, nullable=False),
    Column("fixed", LargeBinary, nullable=False),
    document("course"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_import_rows_identity", "street_id", "identity"),
    Index("ix_import_rows_ticket", "street_id", "ticket_id"),
    append_only=True,
)

import_errors = tenant_table(
    "import_errors",
    "intake",
    uuid("import_id", primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    # the column's English name; empty where the row as such is wrong
    text("column_name", nullable=True),
    text("message"),
    ForeignKeyConstraint(["street_id", "import_id"], ["imports.street_id", "imports.id"]),
    append_only=True,
)
