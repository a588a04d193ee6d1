"""The registry of a street: its areas, units, people and catalogue, each for as long as it is valid.

Nothing here is ever deleted: `valid_until` is the last day on which a thing holds (empty: no end is known), and a
code that has ended is never given to something else. Routing writes; the console does, for the one who sets up.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    text as sql,
)

from shared.clock import EVER
from shared.tables.base import day, document, instant, tenant_table, text, uuid

_OPEN_ENDED = sql("valid_until is null")


def _since(**options: bool) -> "Column[Date]":
    return day("valid_from", server_default=sql(f"'{EVER}'"), **options)


def _until() -> "Column[Date]":
    return day("valid_until", nullable=True)


communities = tenant_table(
    "communities",
    "routing",
    text("code", primary_key=True),
    text("name"),
    Column("imported", Boolean, nullable=False, server_default=sql("false")),
    _since(),
    _until(),
    Index("uq_communities_street_id_name", "street_id", "name", unique=True, postgresql_where=_OPEN_ENDED),
)

grids = tenant_table(
    "grids",
    "routing",
    text("code", primary_key=True),
    text("community_code"),
    text("name"),
    text("kind"),
    _since(),
    _until(),
    ForeignKeyConstraint(["street_id", "community_code"], ["communities.street_id", "communities.code"]),
)

# A new survey adds a row: what was received before it is looked up in the row that held then.
grid_boundaries = tenant_table(
    "grid_boundaries",
    "routing",
    text("grid_code", primary_key=True),
    _since(primary_key=True),
    _until(),
    # polygons of rings (the outer one, then holes) of [longitude, latitude] pairs, GCJ-02
    document("polygons"),
    ForeignKeyConstraint(["street_id", "grid_code"], ["grids.street_id", "grids.code"]),
)

# Outlines of communities and of the street itself, where a surveyor gave them: what grids are held against.
area_boundaries = tenant_table(
    "area_boundaries",
    "routing",
    text("area_code", primary_key=True),
    _since(primary_key=True),
    _until(),
    document("polygons"),
)

buildings = tenant_table(
    "buildings",
    "routing",
    text("code", primary_key=True),
    text("grid_code"),
    text("name"),
    text("address", nullable=True),
    _since(),
    _until(),
    ForeignKeyConstraint(["street_id", "grid_code"], ["grids.street_id", "grids.code"]),
)

# 党群服务站 of grids; the better ones (精品) are flagged.
stations = tenant_table(
    "stations",
    "routing",
    text("code", primary_key=True),
    text("grid_code"),
    text("name"),
    Column("premium", Boolean, nullable=False),
    text("address", nullable=True),
    _since(),
    _until(),
    ForeignKeyConstraint(["street_id", "grid_code"], ["grids.street_id", "grids.code"]),
)

units = tenant_table(
    "units",
    "routing",
    text("code", primary_key=True),
    text("name"),
    text("kind"),
    text("level"),
    # one level up, for hand-over slips
    text("parent_code", nullable=True),
    text("community_code", nullable=True),
    Column("is_desk", Boolean, nullable=False),
    Column("imported", Boolean, nullable=False, server_default=sql("false")),
    _since(),
    _until(),
    Index("uq_units_street_id_name", "street_id", "name", unique=True, postgresql_where=_OPEN_ENDED),
    ForeignKeyConstraint(["street_id", "parent_code"], ["units.street_id", "units.code"]),
    ForeignKeyConstraint(["street_id", "community_code"], ["communities.street_id", "communities.code"]),
)

# A person; what they do and where stands in their posts. `code` is the number by which a street's lists know them.
staff = tenant_table(
    "staff",
    "routing",
    uuid("id", primary_key=True),
    text("code"),
    text("name"),
    _since(),
    _until(),
    UniqueConstraint("street_id", "code"),
)

staff_posts = tenant_table(
    "staff_posts",
    "routing",
    uuid("id", primary_key=True),
    text("staff_code"),
    text("role"),
    text("unit_code", nullable=True),
    text("area_kind"),
    text("area_code"),
    _since(),
    _until(),
    ForeignKeyConstraint(["street_id", "staff_code"], ["staff.street_id", "staff.code"]),
    ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"]),
    Index("ix_staff_posts_person", "street_id", "staff_code"),
)

crews = tenant_table(
    "crews",
    "routing",
    text("grid_code", primary_key=True),
    text("staff_code", primary_key=True),
    text("kind", primary_key=True),
    _since(primary_key=True),
    _until(),
    ForeignKeyConstraint(["street_id", "grid_code"], ["grids.street_id", "grids.code"]),
    ForeignKeyConstraint(["street_id", "staff_code"], ["staff.street_id", "staff.code"]),
    Index("ix_crews_person", "street_id", "staff_code"),
)

# 分片包干: on every day exactly one person for an area.
responsibles = tenant_table(
    "responsibles",
    "routing",
    text("area_code", primary_key=True),
    _since(primary_key=True),
    _until(),
    text("area_kind"),
    text("staff_code"),
    ForeignKeyConstraint(["street_id", "staff_code"], ["staff.street_id", "staff.code"]),
)

# 包联: a leader stands by an area or a unit (`target_kind` is area or unit).
sponsors = tenant_table(
    "sponsors",
    "routing",
    text("target_kind", primary_key=True),
    text("target_code", primary_key=True),
    text("staff_code", primary_key=True),
    _since(primary_key=True),
    _until(),
    ForeignKeyConstraint(["street_id", "staff_code"], ["staff.street_id", "staff.code"]),
)

# A shift that ends when it begins was called off.
duty_shifts = tenant_table(
    "duty_shifts",
    "routing",
    text("unit_code", primary_key=True),
    instant("starts_at", primary_key=True),
    text("staff_code", primary_key=True),
    instant("ends_at"),
    ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"]),
    ForeignKeyConstraint(["street_id", "staff_code"], ["staff.street_id", "staff.code"]),
)

categories = tenant_table(
    "categories",
    "routing",
    text("code", primary_key=True),
    text("group_name"),
    text("name"),
    text("lead_unit"),
    text("level"),
    text("mode"),
    text("sign_limit"),
    text("contact_limit"),
    text("resolve_limit"),
    # made by an import that named it: nobody has said yet what it is
    Column("imported", Boolean, nullable=False, server_default=sql("false")),
    _since(),
    _until(),
    ForeignKeyConstraint(["street_id", "lead_unit"], ["units.street_id", "units.code"]),
)

# The catalogue as it was: version n of a category is its row with the greatest version up to n.
category_versions = tenant_table(
    "category_versions",
    "routing",
    text("code", primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    text("group_name"),
    text("name"),
    text("lead_unit"),
    text("level"),
    text("mode"),
    text("sign_limit"),
    text("contact_limit"),
    text("resolve_limit"),
    day("valid_from"),
    _until(),
    instant("recorded_at"),
    ForeignKeyConstraint(["street_id", "code"], ["categories.street_id", "categories.code"]),
    append_only=True,
)

channel_policies = tenant_table(
    "channel_policies",
    "routing",
    text("channel", primary_key=True),
    Column("auto_accept", Boolean, nullable=False),
    Column("auto_dispatch", Boolean, nullable=False),
)

# How a street's clocks run (`services/routing/policy.py` reads the document); a change is a new version.
clock_policies = tenant_table(
    "clock_policies",
    "routing",
    Column("version", Integer, primary_key=True, autoincrement=False),
    day("valid_from"),
    document("document"),
    instant("recorded_at"),
    append_only=True,
)

# A street's own days over the national calendar: closed for a typhoon, half a day, a Saturday worked.
local_days = tenant_table(
    "local_days",
    "routing",
    day("day", primary_key=True),
    text("kind"),
    text("note"),
    CheckConstraint("kind in ('off', 'half', 'work')", name="kind"),
)

# Who changed what, and how it stood before. `actor_id` is empty for the console.
registry_changes = tenant_table(
    "registry_changes",
    "routing",
    uuid("id", primary_key=True),
    instant("recorded_at"),
    uuid("actor_id", nullable=True),
    text("actor_role"),
    uuid("import_id"),
    text("kind"),
    text("code"),
    text("action"),
    document("before", nullable=True),
    document("after"),
    append_only=True,
)
