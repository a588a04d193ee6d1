"""The articles' rules as the demo street has them; the note of each says which row it comes from.

Order: what only adds first, then the more particular before the more general, then the level.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from services.console.demo.organisation import COMMITTEE, PARTY, UNITS

FIRST_DAY = date(2021, 1, 1)
_VULNERABLE, _ENTERPRISE = {"attributes": ["vulnerable"]}, {"attributes": ["enterprise"]}
# (code, conditions, result, note); units by name.
_RULES: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
    ("S0-40", {"all": [_VULNERABLE, {"modes": ["normal", "quick"]}]}, {"adds": True, "mode": "urgent"},
     "从最困难的群体入手:涉及困难群体的按紧急办理"),
    ("S4-06-complaint", {"kinds": ["complaint"]}, {"adds": True, "tags": ["complaint_point"]}, "及时回应“槽点”"),
    ("S4-06-pain", {"any": [{"repeat": True}, {"groups": ["民生保障", "教育卫生"]}]}, {"adds": True, "tags": ["pain_point"]},
     "纾解“痛点”:民生保障和重复反映的问题"),
    ("S4-06-blockage", {"modes": ["joint"]}, {"adds": True, "tags": ["blockage_point"]}, "打通“堵点”:需要联办的难事"),
    ("S4-21", {"words": {"any": ["群租", "三合一", "九小场所"]}},
     {"lead_unit": "安全办", "co_units": ["街道党工委", "派出所", "城管办"], "mode": "joint"},
     "党建、综治、城管、应急管理四线统筹联动"),
    ("S2-15", {"categories": ["0101", "0301", "0302"]}, {"lead_unit": "物业办"},
     "下水道堵塞、小区车辆乱停乱放、垃圾清理不及时由物业办牵头"),
    ("S2-16", {"categories": ["0401", "0402", "0403"]}, {"lead_unit": "安全办"}, "私拉电线、占用消防通道、消防器材缺损由安全办解决"),
    ("S0-15", {"all": [_ENTERPRISE, {"groups": ["营商环境"]}]}, {"lead_unit": "经济发展办", "co_units": ["综合办"], "mode": "joint"},
     "营商环境:企业和商户的诉求由经济发展办牵头联办"),
    ("S2-17", {"levels": ["district"], "not": {"modes": ["urgent"]}},
     {"lead_unit": "街道党工委", "co_units": ["catalogue"]}, "区级和市级管理层面的问题由街道党工委协调,主管单位协办;紧急的仍直派主管单位,不多一道手"),
    ("S4-10", {"modes": ["joint"]}, {"lead_unit": "catalogue", "co_units": ["committee"]}, "难事联办:主办单位之外由所在社区协办"),
)  # fmt: skip


def rules() -> Iterator[dict[str, Any]]:
    """Yield the rules as rows, units by their codes."""
    for number, (code, conditions, result, note) in enumerate(_RULES, 1):
        units = {key: _codes(result[key]) for key in ("lead_unit", "co_units") if key in result}
        yield {
            "code": code, "version": 1, "position": number * 10, "valid_from": FIRST_DAY, "valid_until": None,
            "conditions": conditions, "result": result | units, "note": note,
        }  # fmt: skip


def _codes(named: str | list[str]) -> str | list[str]:
    if isinstance(named, list):
        return [str(_codes(name)) for name in named]
    known = {name: code for name, (code, _) in UNITS.items() if name != COMMITTEE} | {PARTY[1]: PARTY[0]}
    return known.get(named, named)
