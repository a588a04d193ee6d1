"""A street's own classifier: every version of it, one of them in use."""

import sqlalchemy as sa
from alembic import op

from shared.tables.policies import protect

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "classifier_models",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        *[
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("samples", "tested", "right_before", "right_after")
        ],
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_classifier_models_street_id")),
        sa.PrimaryKeyConstraint("street_id", "version", name=op.f("pk_classifier_models")),
        info={"owner": "routing", "tenant": True, "append_only": False},
    )
    op.create_index(
        "uq_classifier_models_active",
        "classifier_models",
        ["street_id"],
        unique=True,
        postgresql_where=sa.text("active"),
    )
    for statement in protect("classifier_models", owner="routing"):
        op.execute(statement)
