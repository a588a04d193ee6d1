"""Disclosures of contact data, and reporters who are blocked for a while."""

import sqlalchemy as sa
from alembic import op

from shared.tables.policies import protect

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "disclosures",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=False),
        sa.Column("reader_role", sa.Text(), nullable=False),
        sa.Column("reader_unit", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_disclosures_street_id")),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_disclosures_street_id_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_disclosures")),
        info={"owner": "intake", "tenant": True, "append_only": True},
    )
    op.create_index("ix_disclosures_reader", "disclosures", ["street_id", "reader_id", "recorded_at"])
    op.create_index("ix_disclosures_ticket", "disclosures", ["street_id", "ticket_id"])
    op.create_table(
        "reporter_blocks",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("blocked_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("until >= recorded_at", name=op.f("ck_reporter_blocks_lasts")),
        sa.CheckConstraint(
            "(lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lift_reason is null)",
            name=op.f("ck_reporter_blocks_lifted"),
        ),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_reporter_blocks_street_id")),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_reporter_blocks")),
        info={"owner": "intake", "tenant": True, "append_only": False},
    )
    op.create_index("ix_reporter_blocks_reporter", "reporter_blocks", ["street_id", "reporter_id", "until"])
    for statement in protect("disclosures", owner="intake", append_only=True):
        op.execute(statement)
    for statement in protect("reporter_blocks", owner="intake"):
        op.execute(statement)
