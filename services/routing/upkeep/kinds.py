"""The lists that make up a registry: their columns in Chinese and English, what each cell must be, what tells rows apart.

The order is that of reference: a list names only what stands in those before it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table

from services.routing.upkeep import cells
from services.routing.upkeep.faults import BadCell
from shared import tables
from shared.sheets.faults import Cell
from shared.terms import STAFF_ROLES, CrewKind, GridKind, Level, Mode, Role, Term, UnitKind


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the table, its Chinese header, what reads it, and what an empty cell stands for."""

    name: str
    title: str
    read: Callable[[Cell], Any]
    required: bool = False
    default: Any = None
    vocabulary: type[Term] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A list; `key` tells its rows apart, `target` is what the database tells them apart by where that differs."""

    name: str
    title: str
    table: Table
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("code",)
    target: tuple[str, ...] = ()

    def key_of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return what tells a row apart from all others of its list."""
        return tuple(row[name] for name in self.key)


def _code(name: str, title: str, *, required: bool = True) -> Column:
    return Column(name, title, cells.code, required)


def _text(name: str, title: str, *, required: bool = True) -> Column:
    return Column(name, title, cells.text, required)


def _term(
    name: str, title: str, vocabulary: type[Term], *, required: bool = True, default: str | None = None
) -> Column:
    return Column(name, title, cells.term(vocabulary), required, default, vocabulary)


def _role(cell: Cell) -> Any:
    role = cells.term(Role)(cell)
    if role is not None and role not in STAFF_ROLES:
        raise BadCell(f"没有这一项,可选:{'、'.join(r.text for r in Role if r in STAFF_ROLES)}")
    return role


_SINCE = Column("valid_from", "生效日期", cells.day)
_UNTIL = Column("valid_until", "有效期至", cells.day)
_STAFF = _code("staff_code", "工号")
_GRID = _code("grid_code", "网格代码")

KINDS: Final = (
    Kind(
        "communities", "社区", tables.communities,
        (_code("code", "社区代码"), _text("name", "社区名称"), _SINCE, _UNTIL),
    ),
    Kind(
        "grids", "网格", tables.grids,
        (_code("code", "网格代码"), _code("community_code", "社区代码"), _text("name", "网格名称"),
         _term("kind", "网格类型", GridKind, required=False, default="residential"), _SINCE, _UNTIL),
    ),
    Kind(
        "buildings", "楼栋", tables.buildings,
        (_code("code", "楼栋代码"), _GRID, _text("name", "楼栋名称"), _text("address", "地址", required=False), _SINCE, _UNTIL),
    ),
    Kind(
        "stations", "党群服务站", tables.stations,
        (_code("code", "服务站代码"), _GRID, _text("name", "服务站名称"),
         Column("premium", "精品", cells.flag, default=False), _text("address", "地址", required=False), _SINCE, _UNTIL),
    ),
    Kind(
        "units", "单位", tables.units,
        (_code("code", "单位代码"), _text("name", "单位名称"), _term("kind", "单位类型", UnitKind), _term("level", "层级", Level),
         _text("parent_code", "上级单位", required=False), _code("community_code", "所属社区", required=False),
         Column("is_desk", "派单台", cells.flag, default=False), _SINCE, _UNTIL),
    ),
    Kind("staff", "人员", tables.staff, (_code("code", "工号"), _text("name", "姓名"), _SINCE, _UNTIL)),
    Kind(
        "posts", "岗位", tables.staff_posts,
        (_STAFF, Column("role", "岗位", _role, required=True, vocabulary=Role), _text("unit_code", "单位", required=False),
         _code("area_code", "片区代码", required=False), _SINCE, _UNTIL),
        ("staff_code", "role", "unit_code", "area_code", "valid_from"), ("id",),
    ),
    Kind(
        "crews", "网格队伍", tables.crews, (_GRID, _STAFF, _term("kind", "队伍", CrewKind), _SINCE, _UNTIL),
        ("grid_code", "staff_code", "kind", "valid_from"),
    ),
    Kind(
        "responsibles", "责任人", tables.responsibles, (_code("area_code", "片区代码"), _STAFF, _SINCE, _UNTIL),
        ("area_code", "valid_from"),
    ),
    Kind(
        "duty", "值班", tables.duty_shifts,
        (_text("unit_code", "值班单位"), _STAFF, Column("starts_at", "开始时间", cells.instant, required=True),
         Column("ends_at", "结束时间", cells.instant, required=True)),
        ("unit_code", "starts_at", "staff_code"),
    ),
    Kind(
        "sponsors", "包联", tables.sponsors, (_STAFF, _text("target_code", "包联对象"), _SINCE, _UNTIL),
        ("target_kind", "target_code", "staff_code", "valid_from"),
    ),
    Kind(
        "categories", "分类", tables.categories,
        (_code("code", "分类代码"), _text("group_name", "大类"), _text("name", "分类名称"), _text("lead_unit", "主办单位"),
         _term("level", "层级", Level), _term("mode", "办理方式", Mode),
         Column("sign_limit", "签收时限", cells.limit, required=True),
         Column("contact_limit", "联系时限", cells.limit, required=True),
         Column("resolve_limit", "办理时限", cells.limit, required=True), _SINCE, _UNTIL),
    ),
)  # fmt: skip
BY_NAME: Final = {kind.name: kind for kind in KINDS}
# Boundaries come as GeoJSON; to compare and to write they are lists like the others.
GRID_BOUNDARIES: Final = Kind(
    "boundaries", "网格边界", tables.grid_boundaries, (), ("grid_code", "valid_from")
)
AREA_BOUNDARIES: Final = Kind("outlines", "范围", tables.area_boundaries, (), ("area_code", "valid_from"))
EVERYTHING: Final = (*KINDS, GRID_BOUNDARIES, AREA_BOUNDARIES)


def kind_called(name: str) -> Kind | None:
    """Return the list that a sheet or a file is called after, in Chinese or English."""
    wanted = cells.key(name)
    return next((k for k in KINDS if wanted in {cells.key(k.name), cells.key(k.title)}), None)
