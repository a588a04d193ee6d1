"""What must be true of a row beside the others: codes level by level, references that are there, names that are free."""

from collections.abc import Callable, Mapping
from typing import Final

from services.routing.upkeep.faults import Unfit
from services.routing.upkeep.state import Row, State
from shared.terms import AreaKind

STREET_DIGITS, COMMUNITY_DIGITS = 9, 3
# What makes a thing what it is: a code that has ended is not given to another.
_ITSELF: Final = {
    "communities": ("name",), "grids": ("community_code", "name"), "buildings": ("grid_code", "name"),
    "stations": ("grid_code", "name"), "units": ("name",), "staff": ("name",), "categories": ("name",),
}  # fmt: skip


def check(kind: str, row: Row, state: State) -> Row:
    """Return a row as it goes in, names turned to codes; raise Unfit."""
    since, until = row.get("valid_from"), row.get("valid_until")
    if since is not None and until is not None and until < since:
        raise Unfit("valid_until", "有效期至早于生效日期")
    if kind in _ITSELF:
        _not_another(kind, row, state)
    checked = _CHECKS[kind](row, state) if kind in _CHECKS else None
    return row if checked is None else row | checked


def _not_another(kind: str, row: Row, state: State) -> None:
    old = state.find(kind, row["code"])
    if old is None or state.lasts(old):
        return
    if any(row[name] != old[name] for name in _ITSELF[kind]):
        raise Unfit("code", f"代码 {row['code']} 已于 {old['valid_until']} 停用,不能再用于别的对象")


def _there(state: State, kind: str, column: str, code: str, what: str, *, lasting: bool) -> Row:
    found = state.find(kind, code)
    if found is None:
        raise Unfit(column, f"没有代码为 {code} 的{what}")
    if lasting and not state.lasts(found):
        raise Unfit(column, f"{what} {code} 已于 {found['valid_until']} 停用")
    return found


def _digits(column: str, code: str, above: str, more: int, what: str) -> None:
    rest = code.removeprefix(above)
    if rest == code or len(rest) != more or not rest.isdecimal() or not rest.isascii():
        raise Unfit(column, f"代码应为{what} {above} 后接 {more} 位数字")


def _free_name(kind: str, row: Row, state: State, what: str) -> None:
    if not state.lasts(row):
        return
    for other in state.current(kind):
        if other["name"] == row["name"] and other["code"] != row["code"]:
            raise Unfit("name", f"已有同名的{what}(代码 {other['code']})")


def _community(row: Row, state: State) -> None:
    _digits("code", row["code"], state.street, COMMUNITY_DIGITS, "街道代码")
    _free_name("communities", row, state, "社区")


def _grid(row: Row, state: State) -> None:
    above = row["community_code"]
    _there(state, "communities", "community_code", above, "社区", lasting=state.lasts(row))
    _digits("code", row["code"], above, state.digits, "社区代码")


def _building(row: Row, state: State) -> None:
    _there(state, "grids", "grid_code", row["grid_code"], "网格", lasting=state.lasts(row))
    if not row["code"].startswith(row["grid_code"]) or row["code"] == row["grid_code"]:
        raise Unfit("code", f"代码应以网格代码 {row['grid_code']} 开头")


def _station(row: Row, state: State) -> None:
    _there(state, "grids", "grid_code", row["grid_code"], "网格", lasting=state.lasts(row))


def _unit(row: Row, state: State) -> None:
    """Check all but what stands above it: that may come later in the list."""
    if row["community_code"] is not None:
        _there(
            state, "communities", "community_code", row["community_code"], "社区", lasting=state.lasts(row)
        )
    _free_name("units", row, state, "单位")


def _unit_code(column: str, text: str, state: State) -> str:
    unit = state.unit(text)
    if unit is None:
        raise Unfit(column, f"没有代码或名称为“{text}”的单位")
    return str(unit["code"])


def _person(row: Row, state: State) -> None:
    _there(state, "staff", "staff_code", row["staff_code"], "人员(工号)", lasting=state.lasts(row))


def _area(column: str, code: str, state: State) -> AreaKind:
    kind = state.area_kind(code)
    if kind is None:
        raise Unfit(column, f"没有代码为 {code} 的街道、社区、网格或楼栋")
    return kind


def _post(row: Row, state: State) -> Row:
    _person(row, state)
    area = row.get("area_code") or state.street
    unit = row.get("unit_code")
    return {
        "unit_code": _unit_code("unit_code", unit, state) if unit is not None else None,
        "area_code": area, "area_kind": _area("area_code", area, state).value,
    }  # fmt: skip


def _member(row: Row, state: State) -> None:
    _person(row, state)
    _there(state, "grids", "grid_code", row["grid_code"], "网格", lasting=state.lasts(row))


def _responsible(row: Row, state: State) -> Row:
    _person(row, state)
    return {"area_kind": _area("area_code", row["area_code"], state).value}


def _shift(row: Row, state: State) -> Row:
    _there(state, "staff", "staff_code", row["staff_code"], "人员(工号)", lasting=False)
    if row["ends_at"] < row["starts_at"]:
        raise Unfit("ends_at", "结束时间早于开始时间")
    return {"unit_code": _unit_code("unit_code", row["unit_code"], state)}


def _sponsor(row: Row, state: State) -> Row:
    _person(row, state)
    if state.area_kind(row["target_code"]) is not None:
        return {"target_kind": "area"}
    return {"target_kind": "unit", "target_code": _unit_code("target_code", row["target_code"], state)}


def _category(row: Row, state: State) -> Row:
    return {"lead_unit": _unit_code("lead_unit", row["lead_unit"], state)}


_CHECKS: Final[Mapping[str, Callable[[Row, State], Row | None]]] = {
    "communities": _community, "grids": _grid, "buildings": _building, "stations": _station, "units": _unit,
    "posts": _post, "crews": _member, "responsibles": _responsible, "duty": _shift, "sponsors": _sponsor,
    "categories": _category,
}  # fmt: skip
