"""The foundation: reference data, intake, routing, metrics, the outbox; with their grants and row policies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import SERVICE_ROLES, create_roles, protect

revision = "0001"
down_revision = None

TENANT_TABLES = {
    "audit_log": ("all", True), "books": ("metrics", False), "categories": ("routing", False),
    "channel_policies": ("routing", False), "communities": ("routing", False), "deliveries": ("all", False),
    "events": ("all", True), "grids": ("routing", False), "handover_slips": ("routing", True),
    "idempotency_keys": ("all", False), "number_counters": ("intake", False), "parts": ("routing", False),
    "petitions": ("intake", True), "ratings": ("intake", True), "residents": ("intake", False),
    "staff": ("routing", False), "supplements": ("intake", True), "ticket_facts": ("metrics", False),
    "ticket_states": ("routing", False), "tickets": ("intake", True), "totals": ("metrics", False),
    "transitions": ("routing", True), "units": ("routing", False),
}  # fmt: skip
REFERENCE_TABLES = ("streets", "calendar_days", "api_keys")


def upgrade() -> None:
    # A migration never waits behind a long query while everything else waits behind it.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("street_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
        info={"owner": "console", "tenant": False, "append_only": False},
    )
    op.create_table(
        "calendar_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_days")),
        info={"owner": "console", "tenant": False, "append_only": False},
    )
    op.create_table(
        "streets",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_streets")),
        sa.UniqueConstraint("code", name=op.f("uq_streets_code")),
        sa.UniqueConstraint("prefix", name=op.f("uq_streets_prefix")),
        info={"owner": "console", "tenant": False, "append_only": False},
    )
    op.create_table(
        "audit_log",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_audit_log_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_audit_log")),
        info={"owner": "all", "tenant": True, "append_only": True},
    )
    op.create_table(
        "books",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_books_street_id")),
        sa.PrimaryKeyConstraint("street_id", name=op.f("pk_books")),
        info={"owner": "metrics", "tenant": True, "append_only": False},
    )
    op.create_table(
        "channel_policies",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("auto_accept", sa.Boolean(), nullable=False),
        sa.Column("auto_dispatch", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_channel_policies_street_id")),
        sa.PrimaryKeyConstraint("street_id", "channel", name=op.f("pk_channel_policies")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_table(
        "communities",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_communities_street_id")),
        sa.PrimaryKeyConstraint("street_id", "code", name=op.f("pk_communities")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_index("uq_communities_street_id_name", "communities", ["street_id", "name"], unique=True)
    op.create_table(
        "events",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("producer", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("payload", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_events_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_events")),
        info={"owner": "all", "tenant": True, "append_only": True},
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_idempotency_keys_street_id")),
        sa.PrimaryKeyConstraint("street_id", "actor_id", "key", name=op.f("pk_idempotency_keys")),
        info={"owner": "intake", "tenant": True, "append_only": False},
    )
    op.create_index(
        "ix_idempotency_keys_recorded_at", "idempotency_keys", ["street_id", "recorded_at"], unique=False
    )
    op.create_table(
        "number_counters",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_number_counters_street_id")),
        sa.PrimaryKeyConstraint("street_id", "day", name=op.f("pk_number_counters")),
        info={"owner": "intake", "tenant": True, "append_only": False},
    )
    op.create_table(
        "residents",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_residents_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_residents")),
        info={"owner": "intake", "tenant": True, "append_only": False},
    )
    op.create_table(
        "ticket_facts",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("community", sa.Text(), nullable=False),
        sa.Column("grid", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("received", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("accepted", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("dispatched", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("closed", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("direct", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("dispatched_closed", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("closed_on_time", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("dispatched_on_time", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_net", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("matured", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("matured_closed", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("matured_on_time", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("overdue", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("open", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("overdue_open", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("suspended", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rejected", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("merged", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("withdrawn", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("redirected", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reworked", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reopened", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_ticket_facts_street_id")),
        sa.PrimaryKeyConstraint("street_id", "ticket_id", "span", name=op.f("pk_ticket_facts")),
        info={"owner": "metrics", "tenant": True, "append_only": False},
    )
    op.create_index(
        "ix_ticket_facts_cohort", "ticket_facts", ["street_id", "received_day", "ticket_id"], unique=False
    )
    op.create_index("ix_ticket_facts_from", "ticket_facts", ["street_id", "valid_from"], unique=False)
    op.create_index(
        "ix_ticket_facts_to",
        "ticket_facts",
        ["street_id", "valid_to"],
        unique=False,
        postgresql_where=sa.text("valid_to is not null"),
    )
    op.create_table(
        "tickets",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("category_code", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("crs", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("community_code", sa.Text(), nullable=True),
        sa.Column("grid_code", sa.Text(), nullable=True),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=True),
        sa.Column("private", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_role", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.CheckConstraint("char_length(content) between 1 and 2500", name=op.f("ck_tickets_content_length")),
        sa.CheckConstraint("occurred_at <= recorded_at", name=op.f("ck_tickets_not_from_the_future")),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_tickets_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_tickets")),
        info={"owner": "intake", "tenant": True, "append_only": True},
    )
    op.create_index("ix_tickets_received", "tickets", ["street_id", "occurred_at", "id"], unique=False)
    op.create_index("ix_tickets_reporter", "tickets", ["street_id", "reporter_id", "id"], unique=False)
    op.create_index("uq_tickets_street_id_number", "tickets", ["street_id", "number"], unique=True)
    op.create_table(
        "totals",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("cohort", sa.Date(), nullable=False),
        sa.Column("step", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("received", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("accepted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dispatched", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("closed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("direct", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dispatched_closed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("closed_on_time", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dispatched_on_time", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_net", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("matured", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("matured_closed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("matured_on_time", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("overdue", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("open", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("overdue_open", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("suspended", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rejected", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("merged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("withdrawn", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("redirected", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reworked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reopened", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_totals_street_id")),
        sa.PrimaryKeyConstraint(
            "street_id", "dimension", "tier", "cohort", "step", "key", name=op.f("pk_totals")
        ),
        info={"owner": "metrics", "tenant": True, "append_only": False},
    )
    op.create_table(
        "deliveries",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offers", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "consumer in ('intake', 'routing', 'metrics')", name=op.f("ck_deliveries_consumer")
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "event_id"],
            ["events.street_id", "events.id"],
            name=op.f("fk_deliveries_street_id_event_id"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_deliveries_street_id")),
        sa.PrimaryKeyConstraint("street_id", "consumer", "event_id", name=op.f("pk_deliveries")),
        info={"owner": "all", "tenant": True, "append_only": False},
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["street_id", "consumer", "next_at"],
        unique=False,
        postgresql_where=sa.text("parked_at is null"),
    )
    op.create_table(
        "grids",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("community_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("polygon", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "community_code"],
            ["communities.street_id", "communities.code"],
            name=op.f("fk_grids_street_id_community_code"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_grids_street_id")),
        sa.PrimaryKeyConstraint("street_id", "code", name=op.f("pk_grids")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_table(
        "handover_slips",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slip", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("from_unit", sa.Text(), nullable=False),
        sa.Column("to_unit", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_handover_slips_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_handover_slips_street_id")),
        sa.PrimaryKeyConstraint("street_id", "slip", name=op.f("pk_handover_slips")),
        info={"owner": "routing", "tenant": True, "append_only": True},
    )
    op.create_table(
        "petitions",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author_role", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("action in ('withdraw', 'urge', 'reopen')", name=op.f("ck_petitions_action")),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_petitions_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_petitions_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_petitions")),
        info={"owner": "intake", "tenant": True, "append_only": True},
    )
    op.create_index("ix_petitions_ticket", "petitions", ["street_id", "ticket_id"], unique=False)
    op.create_table(
        "ratings",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("closure", sa.Integer(), nullable=False),
        sa.Column("satisfaction", sa.Text(), nullable=False),
        sa.Column("resolved", sa.Text(), nullable=True),
        sa.Column("contacted", sa.Boolean(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_ratings_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_ratings_street_id")),
        sa.PrimaryKeyConstraint("street_id", "ticket_id", "closure", name=op.f("pk_ratings")),
        info={"owner": "intake", "tenant": True, "append_only": True},
    )
    op.create_table(
        "supplements",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author_role", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_supplements_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_supplements_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_supplements")),
        info={"owner": "intake", "tenant": True, "append_only": True},
    )
    op.create_index("ix_supplements_ticket", "supplements", ["street_id", "ticket_id"], unique=False)
    op.create_table(
        "transitions",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("actor_unit", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lead_unit", sa.Text(), nullable=True),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("community_code", sa.Text(), nullable=True),
        sa.Column("grid_code", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_transitions_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_transitions_street_id")),
        sa.PrimaryKeyConstraint("street_id", "ticket_id", "seq", name=op.f("pk_transitions")),
        info={"owner": "routing", "tenant": True, "append_only": True},
    )
    op.create_table(
        "units",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("community_code", sa.Text(), nullable=True),
        sa.Column("is_desk", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "community_code"],
            ["communities.street_id", "communities.code"],
            name=op.f("fk_units_street_id_community_code"),
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "parent_code"],
            ["units.street_id", "units.code"],
            name=op.f("fk_units_street_id_parent_code"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_units_street_id")),
        sa.PrimaryKeyConstraint("street_id", "code", name=op.f("pk_units")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_index("uq_units_street_id_name", "units", ["street_id", "name"], unique=True)
    op.create_table(
        "categories",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lead_unit", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("sign_limit", sa.Text(), nullable=False),
        sa.Column("contact_limit", sa.Text(), nullable=False),
        sa.Column("resolve_limit", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "lead_unit"],
            ["units.street_id", "units.code"],
            name=op.f("fk_categories_street_id_lead_unit"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_categories_street_id")),
        sa.PrimaryKeyConstraint("street_id", "code", name=op.f("pk_categories")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_table(
        "parts",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('assist', 'whistle')", name=op.f("ck_parts_kind")),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_parts_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "unit_code"],
            ["units.street_id", "units.code"],
            name=op.f("fk_parts_street_id_unit_code"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_parts_street_id")),
        sa.PrimaryKeyConstraint("street_id", "ticket_id", "unit_code", name=op.f("pk_parts")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_index(
        "ix_parts_open",
        "parts",
        ["street_id", "unit_code"],
        unique=False,
        postgresql_where=sa.text("finished_at is null"),
    )
    op.create_table(
        "staff",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("grid_code", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "unit_code"],
            ["units.street_id", "units.code"],
            name=op.f("fk_staff_street_id_unit_code"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_staff_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_staff")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_table(
        "ticket_states",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("community_code", sa.Text(), nullable=True),
        sa.Column("grid_code", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("owner_unit", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lead_unit", sa.Text(), nullable=True),
        sa.Column("sign_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("return_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extension_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_provisional", sa.Boolean(), nullable=False),
        sa.Column("clock_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolve_limit", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("supervised", sa.Boolean(), nullable=False),
        sa.Column("return_count", sa.Integer(), nullable=False),
        sa.Column("urge_count", sa.Integer(), nullable=False),
        sa.Column("why", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state <> 'closed' or closed_at is not null", name=op.f("ck_ticket_states_closed_at")
        ),
        sa.CheckConstraint(
            "state in ('closed', 'merged', 'redirected', 'rejected', 'withdrawn') or (owner_unit is not null and due_at is not null)",
            name=op.f("ck_ticket_states_owner_and_deadline"),
        ),
        sa.CheckConstraint(
            "state in ('closed', 'merged', 'redirected', 'rejected', 'withdrawn', 'accepted', 'callback', 'dispatched', 'handled', 'handling', 'signed', 'submitted', 'suspended')",
            name=op.f("ck_ticket_states_state"),
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "lead_unit"],
            ["units.street_id", "units.code"],
            name=op.f("fk_ticket_states_street_id_lead_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "owner_unit"],
            ["units.street_id", "units.code"],
            name=op.f("fk_ticket_states_street_id_owner_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_ticket_states_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_ticket_states_street_id")),
        sa.PrimaryKeyConstraint("street_id", "ticket_id", name=op.f("pk_ticket_states")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_index(
        "ix_ticket_states_owner",
        "ticket_states",
        ["street_id", "owner_unit", "due_at"],
        unique=False,
        postgresql_where=sa.text(
            "state in ('accepted', 'callback', 'dispatched', 'handled', 'handling', 'signed', 'submitted', 'suspended')"
        ),
    )
    op.create_index(
        "ix_ticket_states_worklist",
        "ticket_states",
        ["street_id", "due_at", "ticket_id"],
        unique=False,
        postgresql_where=sa.text(
            "state in ('accepted', 'callback', 'dispatched', 'handled', 'handling', 'signed', 'submitted', 'suspended')"
        ),
    )
    op.create_index(
        "uq_ticket_states_street_id_number", "ticket_states", ["street_id", "number"], unique=True
    )
    op.execute(create_roles())
    for name in REFERENCE_TABLES:
        for statement in protect(name, owner="console", tenant=False):
            op.execute(statement)
    for name, (owner, append_only) in TENANT_TABLES.items():
        for statement in protect(name, owner=owner, append_only=append_only):
            op.execute(statement)
    op.execute(f"GRANT SELECT ON alembic_version TO {', '.join(SERVICE_ROLES)}")
