"""Closing: a street's policies; who worked on a ticket and who reviewed it, how its callback went, whether its reporter was told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import protect

revision = "0018"
down_revision = "0017"

_ANSWERED_STATES = "state in ('closed', 'merged', 'redirected', 'rejected')"
# What ended before anybody noted answers: whoever reads it in the mini-program, or left no telephone, has the outcome.
_ANSWERED = f"""
UPDATE ticket_states s SET answered_at = coalesce(s.closed_at, s.moved_at) FROM tickets t
WHERE t.street_id = s.street_id AND t.id = s.ticket_id AND s.{_ANSWERED_STATES}
AND (t.reporter_id IS NOT NULL OR t.phone_index IS NULL)"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "closing_policies",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        _document("document", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f("fk_closing_policies_street_id")),
        sa.PrimaryKeyConstraint("street_id", "version", name=op.f("pk_closing_policies")),
        info={"owner": "routing", "tenant": True, "append_only": True},
    )
    for statement in protect("closing_policies", owner="routing", append_only=True):
        op.execute(statement)
    _ticket_states()
    op.add_column("petitions", _document("answers", nullable=True))
    op.drop_constraint(op.f("ck_petitions_action"), "petitions", type_="check")
    op.create_check_constraint(
        op.f("ck_petitions_action"), "petitions",
        "action in ('withdraw', 'urge', 'reopen', 'confirm', 'dispute')",
    )  # fmt: skip


def _ticket_states() -> None:
    table = "ticket_states"
    for column in (
        sa.Column("handler_ids", sa.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=True),
        sa.Column("callback_mode", sa.Text(), nullable=True),
        sa.Column("callback_result", sa.Text(), nullable=True),
        sa.Column("confirm_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closure_asked", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column(table, column)
    streets = [row.id for row in op.get_bind().execute(sa.text("SELECT id FROM streets"))]
    op.execute(f"SET LOCAL app.streets = '{','.join(str(int(street)) for street in streets)}'")
    op.execute(_ANSWERED)
    op.execute("SET LOCAL app.streets = ''")
    op.create_index(
        "ix_ticket_states_unconfirmed", table, ["street_id", "confirm_until"],
        postgresql_where=sa.text("state = 'callback' and callback_mode = 'reporter'"),
    )  # fmt: skip
    op.create_index(
        "ix_ticket_states_untold", table, ["street_id", "ticket_id"],
        postgresql_where=sa.text(f"{_ANSWERED_STATES} and answered_at is null"),
    )  # fmt: skip


def _document(name: str, *, nullable: bool) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=nullable)
