"""Finding what was reported near a point."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_index(
        "ix_tickets_place",
        "tickets",
        ["street_id", sa.text("floor(latitude * 500)"), sa.text("floor(longitude * 500)"), "id"],
        postgresql_where=sa.text("latitude is not null"),
    )
