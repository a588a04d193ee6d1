"""What an order to a unit must have before it is given: somebody to lead, two parties where it is joint, no conflict.

Pure. Row S4-10 (联办 needs two parties); domain 3.3 (who is complained about neither handles nor helps).
"""

from typing import Any

from services.routing.handover import NOBODY
from services.routing.hands import Hands, Subject, choose
from services.routing.held import Standing
from services.routing.registry import Registry, Unit
from shared.errors import Invalid, invalid
from shared.terms import Mode

_SAYS_ABOUT = frozenset({"accept", "dispatch", "designate"})
_ENDED = "{name}已停用,请选择现在的{what}"
_OFFENDED = "诉求反映的就是{name},应当回避,请交上一级或其他单位"


def complete(standing: Standing, registry: Registry, data: dict[str, Any], *, by_itself: bool) -> list[str]:
    """Fill in a dispatch that leaves its unit to the rules, and return the codes of those who are to help.

    Raises Invalid for units that are not there, for the desk as lead, and for a joint matter with one party only.
    """
    wanted: list[str] | None = data.pop("co_units", None)
    chosen = None if by_itself else _chosen(standing, registry, data)
    if chosen is not None and data.get("category"):
        data.update(mode=chosen.mode, level=chosen.level)
    ruled = chosen is not None and not data.get("unit")
    if chosen is not None and ruled:
        data["unit"] = chosen.lead.code
    _lasting_category(registry, data)
    lead = lasting(registry, data["unit"], "unit")
    if lead.is_desk:
        raise Invalid("派单台不能作为主办单位", code="desk_cannot_handle")
    if wanted is not None:
        helpers = [lasting(registry, code, "co_units") for code in wanted]
    else:
        joint = _joint(standing, data) and not standing.parts
        helpers = list(chosen.co_units) if chosen is not None and (ruled or joint) else []
    return _parties(lead, helpers, standing, data)


def _parties(lead: Unit, helpers: list[Unit], standing: Standing, data: dict[str, Any]) -> list[str]:
    if any(unit.is_desk for unit in helpers):
        raise invalid("co_units", "派单台不能作为协办单位", code="desk_cannot_handle")
    others = {unit.code: None for unit in helpers if unit.code != lead.code}
    if _joint(standing, data) and not others and not standing.helpers - {lead.code}:
        raise invalid(
            "co_units", "联办须有两个以上单位,请填写协办单位(co_units)", code="joint_needs_co_units"
        )
    return list(others)


def _joint(standing: Standing, data: dict[str, Any]) -> bool:
    mode: str = data.get("mode") or standing.row["mode"]
    return mode == Mode.JOINT


def recategorise(standing: Standing, registry: Registry, data: dict[str, Any]) -> None:
    """Let the rules say how a matter of another category is handled; raise Invalid for one that has ended."""
    _lasting_category(registry, data)
    chosen = _chosen(standing, registry, data)
    data.update(mode=chosen.mode, level=chosen.level)


def _lasting_category(registry: Registry, data: dict[str, Any]) -> None:
    code = data.get("category")
    if code in registry.ended.categories:
        name = f"分类“{registry.category(code).name}”"
        raise invalid("category", _ENDED.format(name=name, what="分类"), code="category_ended")


def lasting(registry: Registry, wanted: str, field: str) -> Unit:
    """Return a unit that work may be given to today; raise Invalid for one that is not there or has ended."""
    unit = registry.unit(wanted, field)
    if unit.code in registry.ended.units:
        raise invalid(field, _ENDED.format(name=f"单位“{unit.name}”", what="单位"), code="unit_ended")
    return unit


def _chosen(standing: Standing, registry: Registry, data: dict[str, Any]) -> Hands:
    row = standing.row
    return choose(
        Subject(
            content=standing.content, kind=data.get("kind") or row["kind"],
            category=registry.category(data.get("category") or row["category_code"]), channel=row["channel"],
            community=row["community_code"], grid=row["grid_code"], received_at=row["received_at"],
            about=_about(standing, registry, data),
        ),
        registry,
    )  # fmt: skip


def _about(standing: Standing, registry: Registry, data: dict[str, Any]) -> str | None:
    told = data.get("about_unit")
    if told is None:
        about: str | None = standing.row["about_unit"]
        return about
    return None if told == NOBODY else registry.unit(told, "about_unit").code


def refuse_unfit(
    action: str, standing: Standing, registry: Registry, data: dict[str, Any], helpers: list[str]
) -> None:
    """Raise Invalid where a move would bring in the unit complained about, or one that has ended."""
    if action not in _SAYS_ABOUT:
        data.pop("about_unit", None)  # it is the desk's to say, where it sends the matter somewhere
    about = _about(standing, registry, data)
    asked = [("co_units", code) for code in helpers]
    if action in {"dispatch", "designate", "assist"}:
        asked.append(("unit", data["unit"]))
    elif action == "whistle":
        asked += [("units", code) for code in data["units"]]
    elif action == "plan_measures":
        asked += [("measures", measure["unit"]) for measure in data["measures"]]
    for field, code in asked:
        unit = lasting(registry, code, field)
        if unit.code == about:
            raise invalid(field, _OFFENDED.format(name=unit.name), code="conflict_of_interest")
