"""Lists of commitments, their items, projects, works, records, indicators; places that are all to be reached."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import protect

revision = "0014"
down_revision = "0013"

APPEND_ONLY = {
    "checklists": False, "undertakings": False, "undertaking_tickets": True, "milestones": False,
    "undertaking_records": True, "indicators": False, "indicator_readings": True, "campaigns": False,
    "campaign_places": False,
}  # fmt: skip


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _checklists()
    _undertakings()
    _along_the_way()
    _indicators()
    _campaigns()
    for name, append_only in APPEND_ONLY.items():
        for statement in protect(name, owner="routing", append_only=append_only):
            op.execute(statement)


def _table(name: str, key: tuple[str, ...], *items: sa.schema.SchemaItem) -> None:
    street = sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False)
    fence = sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{name}_street_id"))
    primary = sa.PrimaryKeyConstraint("street_id", *key, name=op.f(f"pk_{name}"))
    marks = {"owner": "routing", "tenant": True, "append_only": APPEND_ONLY[name]}
    op.create_table(name, street, *items, fence, primary, info=marks)


def _refers(table: str, to: str, *columns: tuple[str, str]) -> sa.ForeignKeyConstraint:
    here, there = [c[0] for c in columns], [c[1] for c in columns]
    return sa.ForeignKeyConstraint(
        ["street_id", *here], [f"{to}.street_id", *[f"{to}.{name}" for name in there]],
        name=op.f(f"fk_{table}_street_id_{'_'.join(here)}"),
    )  # fmt: skip


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _day(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _uuid(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _document(name: str, *, nullable: bool = False) -> sa.Column:
    kind = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    return sa.Column(name, kind, nullable=nullable)


def _integer(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)


def _checklists() -> None:
    _table(
        "checklists", ("code",),
        _text("code"), _text("title"), _text("level"), _integer("year"), _integer("last_year"),
        sa.Column("major", sa.Boolean(), nullable=False),
        _text("owner_kind"), _text("owner_name"), _text("owner_unit", nullable=True), _text("place", nullable=True),
        _document("households", nullable=True), _day("promised_on"), _day("published_on", nullable=True),
        _instant("recorded_at"), _uuid("recorded_by"),
        _instant("closed_at", nullable=True), _uuid("closed_by", nullable=True), _text("closing_note", nullable=True),
        sa.CheckConstraint("year <= last_year", name=op.f("ck_checklists_years")),
        _refers("checklists", "units", ("owner_unit", "code")),
    )  # fmt: skip


def _undertakings() -> None:
    name = "undertakings"
    _table(
        name, ("id",),
        _uuid("id"), _text("kind"), _text("code"), _text("checklist_code", nullable=True), _text("title"),
        _day("planned_start"), _day("planned_end"), _document("steps"), _text("responsible"),
        *[_text(n, nullable=True) for n in ("responsible_unit", "task_force", "liaison", "sponsor", "partner")],
        _document("investment", nullable=True), _document("budget", nullable=True), _text("budget_source", nullable=True),
        _document("beneficiaries", nullable=True), _document("trades"), _document("first_reported", nullable=True),
        _document("completed", nullable=True), _instant("recorded_at"), _uuid("recorded_by"),
        sa.CheckConstraint("kind in ('item', 'project')", name=op.f("ck_undertakings_kind")),
        sa.CheckConstraint("kind = 'project' or checklist_code is not null", name=op.f("ck_undertakings_item_on_list")),
        sa.CheckConstraint("planned_start <= planned_end", name=op.f("ck_undertakings_timetable")),
        _refers(name, "checklists", ("checklist_code", "code")),
        *[_refers(name, "units", (n, "code")) for n in ("responsible_unit", "task_force", "partner")],
    )  # fmt: skip
    op.create_index("uq_undertakings_street_id_kind_code", name, ["street_id", "kind", "code"], unique=True)
    op.create_index("ix_undertakings_checklist", name, ["street_id", "checklist_code"])
    _table(
        "undertaking_tickets", ("kind", "ticket_id"),
        _text("kind"), _uuid("ticket_id"), _uuid("undertaking_id"), _instant("linked_at"), _uuid("linked_by"),
        _refers("undertaking_tickets", name, ("undertaking_id", "id")),
        _refers("undertaking_tickets", "tickets", ("ticket_id", "id")),
    )  # fmt: skip
    op.create_index(
        "ix_undertaking_tickets_undertaking", "undertaking_tickets", ["street_id", "undertaking_id"]
    )


def _along_the_way() -> None:
    _table(
        "milestones", ("undertaking_id", "stage"),
        _uuid("undertaking_id"), _text("stage"), _day("planned_on", nullable=True), _day("done_on", nullable=True),
        _refers("milestones", "undertakings", ("undertaking_id", "id")),
    )  # fmt: skip
    name = "undertaking_records"
    _table(
        name, ("id",),
        _uuid("id"), _uuid("undertaking_id"), _text("kind"), _text("content"), _text("said_on"), _day("first_on"),
        _day("last_on"), _document("quantities"), _document("parties"), _instant("recorded_at"), _uuid("recorded_by"),
        _refers(name, "undertakings", ("undertaking_id", "id")),
    )  # fmt: skip
    op.create_index(
        "ix_undertaking_records_undertaking", name, ["street_id", "undertaking_id", "kind", "first_on"]
    )


def _indicators() -> None:
    _table(
        "indicators", ("checklist_code", "name", "year"),
        _text("checklist_code"), _text("name"), _integer("year"), _text("unit"),
        sa.Column("target", sa.Numeric(), nullable=False),
        _refers("indicators", "checklists", ("checklist_code", "code")),
    )  # fmt: skip
    name, key = "indicator_readings", ("checklist_code", "name", "year")
    _table(
        name, ("id",),
        _uuid("id"), _text("checklist_code"), _text("name"), _integer("year"),
        sa.Column("value", sa.Numeric(), nullable=False), _day("read_on"), _instant("recorded_at"), _uuid("recorded_by"),
        _refers(name, "indicators", *[(column, column) for column in key]),
    )  # fmt: skip
    op.create_index("ix_indicator_readings_indicator", name, ["street_id", *key])


def _campaigns() -> None:
    _table(
        "campaigns", ("code",), _text("code"), _text("title"), _instant("recorded_at"), _uuid("recorded_by")
    )
    _table(
        "campaign_places", ("campaign_code", "place"),
        _text("campaign_code"), _text("place"), _day("done_on", nullable=True),
        _refers("campaign_places", "campaigns", ("campaign_code", "code")),
    )  # fmt: skip
