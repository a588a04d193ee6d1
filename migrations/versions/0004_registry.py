"""The registry in full: validity, boundaries by date, buildings, stations, posts, crews, duty, versions, changes."""

import uuid
from datetime import date

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import protect

revision = "0004"
down_revision = "0003"

EVER = "1900-01-01"
STAFF_POSTS = uuid.UUID("6f0f4a3e-7d0c-5e52-9a53-0d6f4c1f2b11")
# table → append-only
TABLES = {
    "grid_boundaries": False, "area_boundaries": False, "buildings": False, "stations": False, "staff_posts": False,
    "crews": False, "responsibles": False, "sponsors": False, "duty_shifts": False, "category_versions": True,
    "registry_changes": True,
}  # fmt: skip


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _validity()
    _tables()
    for name, append_only in TABLES.items():
        for statement in protect(name, owner="routing", append_only=append_only):
            op.execute(statement)
    _move_what_is_there()
    op.drop_column("grids", "polygon")
    op.drop_constraint(op.f("fk_staff_street_id_unit_code"), "staff")
    for name in ("role", "unit_code", "grid_code", "active"):
        op.drop_column("staff", name)


def _since() -> sa.Column:
    return sa.Column("valid_from", sa.Date(), nullable=False, server_default=sa.text(f"'{EVER}'"))


def _until() -> sa.Column:
    return sa.Column("valid_until", sa.Date(), nullable=True)


def _validity() -> None:
    for name in ("communities", "grids", "units", "staff", "categories"):
        op.add_column(name, _since())
        op.add_column(name, _until())
    for name in ("communities", "units"):
        op.drop_index(f"uq_{name}_street_id_name", name)
        op.create_index(
            f"uq_{name}_street_id_name",
            name,
            ["street_id", "name"],
            unique=True,
            postgresql_where=sa.text("valid_until is null"),
        )
    op.add_column("staff", sa.Column("code", sa.Text(), nullable=True))
    op.add_column("streets", sa.Column("city", sa.Text(), nullable=True))
    digits = sa.Column("grid_digits", sa.Integer(), nullable=False, server_default=sa.text("3"))
    op.add_column("streets", digits)
    op.add_column("ticket_states", sa.Column("catalogue_version", sa.Integer(), nullable=True))


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _instant(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _document(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=nullable)


def _table(name: str, key: tuple[str, ...], *items: sa.Column | sa.ForeignKeyConstraint) -> None:
    op.create_table(
        name,
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *items,
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{name}_street_id")),
        sa.PrimaryKeyConstraint("street_id", *key, name=op.f(f"pk_{name}")),
        info={"owner": "routing", "tenant": True, "append_only": TABLES[name]},
    )


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["street_id", column],
        [f"{target}.street_id", f"{target}.code"],
        name=op.f(f"fk_{table}_street_id_{column}"),
    )


def _tables() -> None:
    op.create_unique_constraint(op.f("uq_staff_street_id_code"), "staff", ["street_id", "code"])
    _areas()
    _people()
    limits = ("sign_limit", "contact_limit", "resolve_limit")
    _table(
        "category_versions", ("code", "version"), _text("code"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        *[_text(name) for name in ("group_name", "name", "lead_unit", "level", "mode", *limits)],
        sa.Column("valid_from", sa.Date(), nullable=False), _until(), _instant("recorded_at"),
        _refers("category_versions", "code", "categories"),
    )  # fmt: skip
    _table(
        "registry_changes", ("id",), sa.Column("id", sa.Uuid(), nullable=False), _instant("recorded_at"),
        sa.Column("actor_id", sa.Uuid(), nullable=True), _text("actor_role"),
        sa.Column("import_id", sa.Uuid(), nullable=False), _text("kind"), _text("code"), _text("action"),
        _document("before", nullable=True), _document("after"),
    )  # fmt: skip


def _areas() -> None:
    _table(
        "grid_boundaries", ("grid_code", "valid_from"), _text("grid_code"), _since(), _until(), _document("polygons"),
        _refers("grid_boundaries", "grid_code", "grids"),
    )  # fmt: skip
    _table(
        "area_boundaries", ("area_code", "valid_from"), _text("area_code"), _since(), _until(), _document("polygons"),
    )  # fmt: skip
    _table(
        "buildings", ("code",), _text("code"), _text("grid_code"), _text("name"), _text("address", nullable=True),
        _since(), _until(), _refers("buildings", "grid_code", "grids"),
    )  # fmt: skip
    _table(
        "stations", ("code",), _text("code"), _text("grid_code"), _text("name"),
        sa.Column("premium", sa.Boolean(), nullable=False), _text("address", nullable=True), _since(), _until(),
        _refers("stations", "grid_code", "grids"),
    )  # fmt: skip


def _people() -> None:
    _table(
        "staff_posts", ("id",), sa.Column("id", sa.Uuid(), nullable=False), _text("staff_code"), _text("role"),
        _text("unit_code", nullable=True), _text("area_kind"), _text("area_code"), _since(), _until(),
        _refers("staff_posts", "staff_code", "staff"), _refers("staff_posts", "unit_code", "units"),
    )  # fmt: skip
    _table(
        "crews", ("grid_code", "staff_code", "kind", "valid_from"), _text("grid_code"), _text("staff_code"),
        _text("kind"), _since(), _until(), _refers("crews", "grid_code", "grids"),
        _refers("crews", "staff_code", "staff"),
    )  # fmt: skip
    _table(
        "responsibles", ("area_code", "valid_from"), _text("area_code"), _since(), _until(), _text("area_kind"),
        _text("staff_code"), _refers("responsibles", "staff_code", "staff"),
    )  # fmt: skip
    _table(
        "sponsors", ("target_kind", "target_code", "staff_code", "valid_from"), _text("target_kind"),
        _text("target_code"), _text("staff_code"), _since(), _until(), _refers("sponsors", "staff_code", "staff"),
    )  # fmt: skip
    _table(
        "duty_shifts", ("unit_code", "starts_at", "staff_code"), _text("unit_code"), _instant("starts_at"),
        _text("staff_code"), _instant("ends_at"), _refers("duty_shifts", "unit_code", "units"),
        _refers("duty_shifts", "staff_code", "staff"),
    )  # fmt: skip


def _move_what_is_there() -> None:
    """Give every grid its boundary, every person a number and a post; the owner too is fenced to streets."""
    bind = op.get_bind()
    streets = {row.id: row.code for row in bind.execute(sa.text("SELECT id, code FROM streets"))}
    op.execute(f"SET LOCAL app.streets = '{','.join(str(int(street)) for street in streets)}'")
    cells = bind.execute(sa.text("SELECT street_id, code, polygon FROM grids")).all()
    _insert(
        "grid_boundaries", ("street_id", "grid_code", "polygons"), [(c.street_id, c.code, [[c.polygon]]) for c in cells]
    )  # fmt: skip
    op.execute("UPDATE staff SET code = id::text")
    op.alter_column("staff", "code", nullable=False)
    people = bind.execute(sa.text("SELECT * FROM staff")).all()
    _insert(
        "staff_posts",
        ("street_id", "id", "staff_code", "role", "unit_code", "area_kind", "area_code", "valid_until"),
        [
            (
                p.street_id, uuid.uuid5(STAFF_POSTS, str(p.id)), p.code, p.role, p.unit_code,
                "grid" if p.grid_code else "street", p.grid_code or streets[p.street_id],
                None if p.active else date.fromisoformat(EVER),
            )
            for p in people
        ],
    )  # fmt: skip
    op.execute("SET LOCAL app.streets = ''")


def _insert(name: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    if rows:
        table = sa.Table(name, sa.MetaData(), autoload_with=op.get_bind())
        op.bulk_insert(table, [dict(zip(columns, row, strict=True)) for row in rows])
