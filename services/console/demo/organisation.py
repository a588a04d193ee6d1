"""Who works in a street: the units that the catalogue names, a desk, a committee in each community, people."""

import csv
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

from services.console.demo.places import Blueprint
from shared.terms import Channel, Level, UnitKind

DESK, DESK_NAME = "desk", "街道指挥调度中心"
ABOVE = "above"
COMMITTEE = "社区居委会"
# Coordinates what lies with the district and the city; the catalogue does not name it, a rule does (S2-17).
PARTY = ("dangwei", "街道党工委")
# Codes of the catalogue's lead units, for URLs and tokens; and what kind of body each is.
UNITS = {
    "物业办": ("wuye", "office"), "城管办": ("chengguan", "office"), "综合执法队": ("zhifa", "office"),
    "城建办": ("chengjian", "office"), "安全办": ("anquan", "office"), "公共服务办": ("gongfu", "office"),
    "经济发展办": ("jingfa", "office"), "综合办": ("zonghe", "office"), "司法所": ("sifa", "office"),
    "社区卫生服务中心": ("weisheng", "office"), COMMITTEE: ("juwei", "community"),
    "供水公司": ("gongshui", "company"), "供电公司": ("gongdian", "company"), "供热公司": ("gongre", "company"),
    "燃气公司": ("ranqi", "company"), "通信管线专班": ("tongxin", "team"), "派出所": ("paichusuo", "agency"),
    "区交通局": ("jiaotong", "department"), "交警支队": ("jiaojing", "department"), "区教育局": ("jiaoyu", "department"),
}  # fmt: skip
Row = dict[str, Any]


@lru_cache(maxsize=1)
def catalog() -> tuple[dict[str, str], ...]:
    """Return the packaged categories."""
    text = (files("services.routing") / "catalog.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def committee_code(number: int) -> str:
    """Return the unit code of the committee of the community with this number, counted from 1."""
    return f"juwei-{number:03d}"


def units(street: Blueprint) -> Iterator[Row]:
    """Yield the units, each after the one above it."""
    yield _unit(ABOVE, street.above, UnitKind.DISTRICT.value, Level.DISTRICT, None)
    yield _unit(DESK, DESK_NAME, UnitKind.DESK.value, Level.STREET, ABOVE) | {"is_desk": True}
    yield _unit(*PARTY, UnitKind.PARTY_BRANCH.value, Level.STREET, ABOVE)
    for name, (code, kind) in UNITS.items():
        level = _level(name)
        parent = {Level.DISTRICT: None, Level.STREET: ABOVE, Level.COMMUNITY: DESK}[level]
        yield _unit(code, name, kind, level, parent)
    for number, community in enumerate(street.communities, 1):
        row = _unit(committee_code(number), f"{community}居委会", "community", Level.COMMUNITY, DESK)
        yield row | {"community_code": street.community_code(number)}


def _unit(code: str, name: str, kind: str, level: Level, parent: str | None) -> Row:
    return {
        "code": code, "name": name, "kind": kind, "level": level.value, "parent_code": parent,
        "community_code": None, "is_desk": False,
    }  # fmt: skip


def _level(name: str) -> Level:
    """Return a lead unit's level: that of its categories, the street's where they differ."""
    levels = {row["level"] for row in catalog() if row["lead_unit"] == name}
    return Level(levels.pop()) if len(levels) == 1 else Level.STREET


def categories() -> Iterator[Row]:
    """Yield the categories, each with the code of its lead unit."""
    for row in catalog():
        yield {
            "code": row["code"], "group_name": row["group"], "name": row["name"],
            "lead_unit": UNITS[row["lead_unit"]][0], "level": row["level"], "mode": row["mode"],
            "sign_limit": row["sign_limit"], "contact_limit": row["contact_limit"],
            "resolve_limit": row["resolve_limit"],
        }  # fmt: skip


def channel_policies() -> Iterator[Row]:
    """Yield what happens by itself in each channel.

    A group's topic becomes an issue by a person's word only; a commitment goes to its unit when its plan stands.
    """
    for channel in Channel:
        automatic = channel not in {Channel.GROUP_TOPIC, Channel.COMMITMENT}
        yield {"channel": channel.value, "auto_accept": automatic, "auto_dispatch": automatic}
