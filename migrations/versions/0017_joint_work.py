"""Joint work: parts by number with task and deadline, whistles, answers to slips, forwards, deliberations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import protect

revision = "0017"
down_revision = "0016"

TABLES = (
    "whistles", "whistle_steps", "slip_answers", "forwards", "forward_answers", "deliberations", "deliberation_tickets",
    "resolutions",
)  # fmt: skip
_KINDS = "kind in ('assist', 'whistle', 'measure')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _parts()
    op.create_index("ix_handover_slips_ticket", "handover_slips", ["street_id", "ticket_id"])
    _whistles()
    _answers()
    _deliberations()
    for name in TABLES:
        for statement in protect(name, owner="routing", append_only=True):
            op.execute(statement)


def _parts() -> None:
    """Number the parts of each ticket in the order in which they were asked for."""
    op.add_column("parts", sa.Column("part", sa.Integer(), nullable=True))
    op.execute("ALTER TABLE parts NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE parts p SET part = (SELECT count(*) FROM parts q WHERE q.street_id = p.street_id "
        "AND q.ticket_id = p.ticket_id AND (q.asked_at, q.unit_code) <= (p.asked_at, p.unit_code))"
    )
    op.execute("ALTER TABLE parts FORCE ROW LEVEL SECURITY")
    op.drop_constraint(op.f("pk_parts"), "parts", type_="primary")
    op.alter_column("parts", "part", nullable=False)
    op.create_primary_key(op.f("pk_parts"), "parts", ["street_id", "ticket_id", "part"])
    for column in (
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("crew", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("whistle", sa.Integer(), nullable=True),
        sa.Column("reported_from", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("released", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rated_by_lead", sa.Integer(), nullable=True),
        sa.Column("rated_by_unit", sa.Integer(), nullable=True),
    ):
        op.add_column("parts", column)
    op.drop_constraint(op.f("ck_parts_kind"), "parts", type_="check")
    for name, condition in (
        ("kind", _KINDS),
        ("released", "not released or finished_at is not null"),
        ("rated", "rated_by_lead between 1 and 5 and rated_by_unit between 1 and 5"),
    ):
        op.create_check_constraint(op.f(f"ck_parts_{name}"), "parts", condition)


def _table(name: str, key: tuple[str, ...], *items: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *items,
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{name}_street_id")),
        sa.PrimaryKeyConstraint("street_id", *key, name=op.f(f"pk_{name}")),
        info={"owner": "routing", "tenant": True, "append_only": True},
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _integer(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _number(name: str = "number") -> sa.Column:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def _ticket() -> sa.Column:
    return sa.Column("ticket_id", sa.Uuid(), nullable=False)


def _refers(name: str, columns: tuple[str, ...], table: str, there: tuple[str, ...]) -> sa.schema.SchemaItem:
    return sa.ForeignKeyConstraint(
        ["street_id", *columns],
        [f"{table}.street_id", *(f"{table}.{column}" for column in there)],
        name=op.f(f"fk_{name}_street_id_{'_'.join(columns)}"),
    )


def _whistles() -> None:
    _table(
        "whistles", ("ticket_id", "seq"), _ticket(), _integer("seq"), _text("kind"), _text("origin"),
        _text("caller_unit", nullable=True), _text("reason"), _text("place", nullable=True), _instant("blown_at"),
        _instant("response_due_at", nullable=True), _refers("whistles", ("ticket_id",), "tickets", ("id",)),
    )  # fmt: skip
    op.create_index("ix_whistles_blown", "whistles", ["street_id", "blown_at", "ticket_id", "seq"])
    _table(
        "whistle_steps", ("ticket_id", "seq"), _ticket(), _integer("seq"), _integer("whistle"), _text("step"),
        _text("unit_code", nullable=True), _text("said"), _instant("occurred_at"),
        sa.CheckConstraint("step in ('response', 'minutes', 'release')", name=op.f("ck_whistle_steps_step")),
        _refers("whistle_steps", ("ticket_id", "whistle"), "whistles", ("ticket_id", "seq")),
    )  # fmt: skip
    op.create_index(
        "uq_whistle_steps_once", "whistle_steps", ["street_id", "ticket_id", "whistle", "step"], unique=True,
        postgresql_where=sa.text("step <> 'minutes'"),
    )  # fmt: skip


def _answers() -> None:
    _table(
        "slip_answers", ("slip",), _number("slip"), _text("unit_code"), _text("answer"), _instant("answered_at"),
        _refers("slip_answers", ("slip",), "handover_slips", ("slip",)),
    )  # fmt: skip
    _table(
        "forwards", ("ticket_id", "seq"), _ticket(), _integer("seq"), _text("body"), _text("channel"),
        _text("reference", nullable=True), _text("reason"), _instant("forwarded_at"), _instant("due_at", nullable=True),
        _refers("forwards", ("ticket_id",), "tickets", ("id",)),
    )  # fmt: skip
    op.create_index("ix_forwards_forwarded", "forwards", ["street_id", "forwarded_at", "ticket_id", "seq"])
    _table(
        "forward_answers", ("ticket_id", "forward"), _ticket(), _integer("forward"), _integer("seq"),
        _text("answer"), _instant("answered_at"),
        _refers("forward_answers", ("ticket_id", "forward"), "forwards", ("ticket_id", "seq")),
    )  # fmt: skip


def _deliberations() -> None:
    _table(
        "deliberations", ("number",), _number(), sa.Column("held_on", sa.Date(), nullable=False), _text("body"),
        _text("topic"), _text("community_code", nullable=True), _integer("participants"),
        _text("recorded_unit", nullable=True), sa.Column("recorded_by", sa.Uuid(), nullable=False),
        _instant("recorded_at"), _refers("deliberations", ("community_code",), "communities", ("code",)),
    )  # fmt: skip
    _table(
        "deliberation_tickets", ("number", "ticket_id"), _number(), _ticket(),
        _refers("deliberation_tickets", ("number",), "deliberations", ("number",)),
        _refers("deliberation_tickets", ("ticket_id",), "tickets", ("id",)),
    )  # fmt: skip
    _table(
        "resolutions", ("number", "position"), _number(), _integer("position"), _text("agreed"),
        _text("unit_code", nullable=True), _instant("due_at", nullable=True),
        _refers("resolutions", ("number",), "deliberations", ("number",)),
        _refers("resolutions", ("unit_code",), "units", ("code",)),
    )  # fmt: skip
