"""Rates in full: the facts as flags, sparse totals, the clocks of signing and contact in the history.

Facts and totals are derived: they are thrown away here, and metrics' worker writes them anew from history.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import protect

revision = "0002"
down_revision = "0001"

MEASURES = (
    "received", "accepted", "dispatched", "closed", "direct", "dispatched_closed",
    "closed_on_time", "dispatched_on_time", "due", "due_net", "matured", "matured_closed", "matured_on_time",
    "overdue", "open", "overdue_open", "suspended", "rejected", "merged", "withdrawn", "redirected",
    "returned", "reworked", "reopened", "handled", "handled_on_time", "handled_due", "closed_by_first_deadline",
    "ever_handled", "ever_closed", "closed_resolved", "closed_partly", "closed_explained", "closed_beyond_level",
    "closed_transferred", "closed_deferred", "closed_at_grid", "closed_at_community", "closed_at_street",
    "closed_at_district", "signed", "signed_on_time", "contacted", "contacted_on_time", "replied", "never_returned",
    "first_receiver_closed", "returned_thrice", "reworked_again", "escalated", "extension_asked", "extended",
    "extended_closed", "ever_suspended", "whistled", "reported_in", "reported_in_30m", "entered_late",
    "closed_last_hour", "disputed", "called_back", "closed_called_back", "valid_callback",
    "callback_contact_known", "callback_contacted", "callback_resolved", "callback_partly",
    "callback_very_satisfied", "callback_satisfied", "callback_basic", "callback_dissatisfied",
    "callback_very_dissatisfied", "dispatched_dissatisfied", "rated", "rated_very_satisfied", "rated_satisfied",
    "rated_basic", "rated_dissatisfied", "rated_very_dissatisfied", "listed", "listed_closed", "listed_due",
    "listed_on_time",
)  # fmt: skip
DIMENSIONS = ("channel", "kind", "category", "community", "grid", "unit", "level", "mode", "list")
INSTANTS = ("due_at", "dispatched_at", "signed_at", "contacted_at", "handled_at", "closed_at")


def upgrade() -> None:
    # A migration never waits behind a long query while everything else waits behind it.
    op.execute("SET LOCAL lock_timeout = '5s'")
    _history()
    _ratings()
    for table in ("categories", "communities", "units"):
        op.add_column(
            table, sa.Column("imported", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        )
    op.drop_table("totals")
    op.drop_table("ticket_facts")
    op.execute("TRUNCATE books")
    _facts()
    _totals()
    _calendars()
    _bulletins()
    for name in ("ticket_facts", "totals", "assessment_calendars"):
        for statement in protect(name, owner="metrics"):
            op.execute(statement)
    for name in ("bulletins", "bulletin_figures", "bulletin_corrections"):
        for statement in protect(name, owner="metrics", append_only=True):
            op.execute(statement)


def _history() -> None:
    for name in ("sign_due_at", "contact_due_at"):
        op.add_column("transitions", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_transitions_recorded", "transitions", ["street_id", "recorded_at"], postgresql_using="brin"
    )
    op.create_index(
        "ix_tickets_phone",
        "tickets",
        ["street_id", "phone_index"],
        postgresql_where=sa.text("phone_index is not null"),
    )


def _ratings() -> None:
    op.add_column("ratings", sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True))
    # The owner is fenced like everyone else; for this one statement it must see every street.
    op.execute("ALTER TABLE ratings NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE ratings SET occurred_at = recorded_at")
    op.execute("ALTER TABLE ratings FORCE ROW LEVEL SECURITY")
    op.alter_column("ratings", "occurred_at", nullable=False)


def _facts() -> None:
    op.create_table(
        "ticket_facts",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_day", sa.Date(), nullable=False),
        *[sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in INSTANTS],
        sa.Column("flags0", sa.BigInteger(), nullable=False),
        sa.Column("flags1", sa.BigInteger(), nullable=False),
        *[
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("state", *DIMENSIONS, "list_level", "outcome", "excluded")
        ],
        sa.Column("units", sa.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_ticket_facts_street_id")),
        sa.PrimaryKeyConstraint("street_id", "ticket_id", "span", name=op.f("pk_ticket_facts")),
        info={"owner": "metrics", "tenant": True, "append_only": False},
    )
    op.create_index("ix_ticket_facts_cohort", "ticket_facts", ["street_id", "received_day", "ticket_id"])
    op.create_index("ix_ticket_facts_from", "ticket_facts", ["street_id", "valid_from"])
    op.create_index(
        "ix_ticket_facts_to",
        "ticket_facts",
        ["street_id", "valid_to"],
        postgresql_where=sa.text("valid_to is not null"),
    )


def _totals() -> None:
    op.create_table(
        "totals",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("cohort", sa.Date(), nullable=False),
        sa.Column("step", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        *[sa.Column(name, sa.Integer(), nullable=True) for name in MEASURES],
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_totals_street_id")),
        sa.PrimaryKeyConstraint(
            "street_id", "dimension", "tier", "cohort", "step", "key", name=op.f("pk_totals")
        ),
        info={"owner": "metrics", "tenant": True, "append_only": False},
    )


def _calendars() -> None:
    op.create_table(
        "assessment_calendars",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month_starts_on", sa.Integer(), nullable=False),
        sa.Column("year_starts_in", sa.Integer(), nullable=False),
        sa.Column("day_starts_at", sa.Time(), nullable=False),
        sa.CheckConstraint(
            "month_starts_on between 1 and 28", name=op.f("ck_assessment_calendars_month_starts_on")
        ),
        sa.CheckConstraint(
            "year_starts_in between 1 and 12", name=op.f("ck_assessment_calendars_year_starts_in")
        ),
        sa.ForeignKeyConstraint(
            ["street_id"], ["streets.id"], name=op.f("fk_assessment_calendars_street_id")
        ),
        sa.PrimaryKeyConstraint("street_id", name=op.f("pk_assessment_calendars")),
        info={"owner": "metrics", "tenant": True, "append_only": False},
    )


def _bulletins() -> None:
    op.create_table(
        "bulletins",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_role", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_bulletins_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_bulletins")),
        info={"owner": "metrics", "tenant": True, "append_only": True},
    )
    of_bulletin = ["street_id", "bulletin_id"], ["bulletins.street_id", "bulletins.id"]
    document = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.create_table(
        "bulletin_figures",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bulletin_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("question", document, nullable=False),
        sa.Column("answer", document, nullable=False),
        sa.ForeignKeyConstraint(*of_bulletin, name=op.f("fk_bulletin_figures_street_id_bulletin_id")),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_bulletin_figures_street_id")),
        sa.PrimaryKeyConstraint("street_id", "bulletin_id", "place", name=op.f("pk_bulletin_figures")),
        info={"owner": "metrics", "tenant": True, "append_only": True},
    )
    op.create_table(
        "bulletin_corrections",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bulletin_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("differences", document, nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_role", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(*of_bulletin, name=op.f("fk_bulletin_corrections_street_id_bulletin_id")),
        sa.ForeignKeyConstraint(
            ["street_id"], ["streets.id"], name=op.f("fk_bulletin_corrections_street_id")
        ),
        sa.PrimaryKeyConstraint("street_id", "bulletin_id", "id", name=op.f("pk_bulletin_corrections")),
        info={"owner": "metrics", "tenant": True, "append_only": True},
    )
