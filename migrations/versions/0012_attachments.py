"""Photos: what is known of each, and which ticket refers to which."""

import sqlalchemy as sa
from alembic import op

from shared.tables.policies import protect

revision = "0012"
down_revision = "0011"

APPEND_ONLY = {"attachments": False, "ticket_attachments": True}


def upgrade() -> None:
    _attachments()
    _ticket_attachments()
    for name, append_only in APPEND_ONLY.items():
        for statement in protect(name, owner="intake", append_only=append_only):
            op.execute(statement)


def _street() -> sa.Column:
    return sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False)


def _instant(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _required(kind: sa.types.TypeEngine, *names: str) -> list[sa.Column]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _fence(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{table}_street_id"))


def _attachments() -> None:
    op.create_table(
        "attachments",
        _street(),
        *_required(sa.Uuid(), "id", "owner_id"),
        *_required(sa.Text(), "owner_role", "purpose"),
        *_required(sa.LargeBinary(), "digest"),
        *_required(sa.Integer(), "width", "height", "size"),
        sa.Column("place", sa.LargeBinary(), nullable=True),
        sa.Column("check_state", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        _instant("created_at"),
        _instant("touched_at"),
        sa.Column("settled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "check_state in ('none', 'pending', 'pass', 'risky')", name=op.f("ck_attachments_check_state")
        ),
        _fence("attachments"),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_attachments")),
        info={"owner": "intake", "tenant": True, "append_only": False},
    )
    op.create_index(
        "uq_attachments_owner_digest", "attachments", ["street_id", "owner_id", "digest"], unique=True
    )
    op.create_index(
        "ix_attachments_unsettled", "attachments", ["street_id", "touched_at"],
        postgresql_where=sa.text("not settled"),
    )  # fmt: skip


def _ticket_attachments() -> None:
    table = "ticket_attachments"
    op.create_table(
        table,
        _street(),
        *_required(sa.Uuid(), "ticket_id", "origin_id", "attachment_id"),
        *_required(sa.Text(), "origin"),
        *_required(sa.Integer(), "position"),
        _instant("recorded_at"),
        sa.CheckConstraint(
            "origin in ('report', 'supplement', 'proof')", name=op.f("ck_ticket_attachments_origin")
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"],
            name=op.f(f"fk_{table}_street_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(
            ["street_id", "attachment_id"], ["attachments.street_id", "attachments.id"],
            name=op.f(f"fk_{table}_street_id_attachment_id"),
        ),
        _fence(table),
        sa.PrimaryKeyConstraint(
            "street_id", "ticket_id", "origin_id", "attachment_id", name=op.f(f"pk_{table}")
        ),
        info={"owner": "intake", "tenant": True, "append_only": True},
    )  # fmt: skip
    op.create_index("ix_ticket_attachments_attachment", table, ["street_id", "attachment_id"])
