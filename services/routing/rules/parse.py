"""A rule's documents read: conditions and result, with every fault named in Chinese and by its place.

All functions raise Invalid. Nothing is passed over: a word that is not of the vocabulary is a fault.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from uuid import UUID

from services.routing.rules.conditions import (
    All,
    Among,
    Concerns,
    Condition,
    Dates,
    Either,
    Hours,
    Is,
    Not,
    Season,
    Weekdays,
    Words,
)
from services.routing.rules.vocabulary import (
    CATALOGUE,
    LEAST_LOADED,
    PERSON,
    REPEAT,
    RESPONSIBLE,
    Attribute,
    Tag,
)
from services.routing.spelling import plain
from shared.errors import invalid
from shared.terms import Channel, Kind, Level, ListLevel, Mode, Term

DEEPEST, MOST_VALUES, LONGEST = 4, 200, 100
WEEK = frozenset(range(1, 8))
_LEAP_YEAR = 2000
_CLOCK = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")
_SEASON = re.compile(r"^(\d\d)-(\d\d)$")
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule answers; None and empty leave it as it was. Units by code, or by place (`vocabulary.PLACES`)."""

    lead_unit: str | None = None
    co_units: tuple[str, ...] = ()
    mode: str | None = None
    level: str | None = None
    tags: tuple[str, ...] = ()
    person: str | None = None
    list_level: str | None = None
    wait: bool = False
    adds: bool = False

    @property
    def units(self) -> tuple[str, ...]:
        return (*self.co_units, self.lead_unit) if self.lead_unit is not None else self.co_units


def condition(document: Any, path: str = "conditions", depth: int = 1) -> Condition:
    """Read a condition; an empty document always holds."""
    if depth > DEEPEST:
        raise invalid(path, f"条件最多嵌套 {DEEPEST} 层")
    parts: list[Condition] = []
    for name, value in _mapping(document, path).items():
        here = f"{path}.{name}"
        if name in {"all", "any"}:
            inner = [condition(one, f"{here}[{n}]", depth + 1) for n, one in enumerate(_list(value, here))]
            parts.append(All(tuple(inner)) if name == "all" else Either(tuple(inner)))
        elif name == "not":
            parts.append(Not(condition(value, here, depth + 1)))
        elif name in _LEAVES:
            parts.append(_LEAVES[name](value, here))
        else:
            raise invalid(_visible(here), f"没有这种条件;可用:all、any、not、{'、'.join(_LEAVES)}")
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def result(document: Any, path: str = "result") -> Result:
    """Read a result; it must answer something, and what only adds cannot decide."""
    given = _mapping(document, path)
    unknown = next((name for name in given if name not in _RESULT), None)
    if unknown is not None:
        raise invalid(_visible(f"{path}.{unknown}"), f"没有这种结果;可用:{'、'.join(_RESULT)}")
    read = Result(**{name: _RESULT[name](value, f"{path}.{name}") for name, value in given.items()})
    if read == Result(adds=read.adds):
        raise invalid(path, "规则须有结果")
    if read.adds and (read.lead_unit is not None or read.wait):
        raise invalid(path, "只作补充(adds)的规则不能指定主办单位,也不能转人工")
    if read.lead_unit is None and not read.adds and not read.wait:
        raise invalid(f"{path}.lead_unit", f"须写明主办单位;沿用分类目录的写 {CATALOGUE}")
    if read.lead_unit in read.co_units:
        raise invalid(f"{path}.co_units", "主办单位不能同时协办")
    if read.mode == Mode.JOINT and not read.co_units:
        raise invalid(f"{path}.co_units", "联办至少要有一个协办单位")
    return read


def _visible(path: str) -> str:
    """Return a place as it can be shown, however strange the name that somebody has written there."""
    return "".join(c if c.isprintable() else "?" for c in path)[:LONGEST]


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise invalid(path, "应为对象")
    return value


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
        raise invalid(path, f"应为 1 至 {MOST_VALUES} 项的列表")
    return value


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not value.isprintable():
        raise invalid(path, f"应为 1 至 {LONGEST} 个可见字符")
    return value.strip()


def _strings(value: Any, path: str) -> list[str]:
    return [_string(one, f"{path}[{n}]") for n, one in enumerate(_list(value, path))]


def _flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(path, "应为 true 或 false")
    return value


def _term(vocabulary: type[Term]) -> Callable[[Any, str], str]:
    def read(value: Any, path: str) -> str:
        if not isinstance(value, str) or value not in set(vocabulary):
            raise invalid(path, f"可选值:{'、'.join(f'{t.value}({t.text})' for t in vocabulary)}")
        return value

    return read


def _among(field: str, noun: str, vocabulary: type[Term] | None = None) -> Callable[[Any, str], Condition]:
    one = _term(vocabulary) if vocabulary is not None else _string

    def read(value: Any, path: str) -> Condition:
        return Among(field, noun, frozenset(one(v, f"{path}[{n}]") for n, v in enumerate(_list(value, path))))

    return read


def _words(value: Any, path: str) -> Condition:
    given = _mapping(value, path)
    if not given or not given.keys() <= {"all", "any", "none"}:
        raise invalid(path, "应写明 all、any、none 中的至少一项")
    read = {name: tuple(plain(w) for w in _strings(v, f"{path}.{name}")) for name, v in given.items()}
    return Words(read.get("all", ()), read.get("any", ()), read.get("none", ()))


def _attributes(value: Any, path: str) -> Condition:
    one = _term(Attribute)
    found = tuple(one(v, f"{path}[{n}]") for n, v in enumerate(_list(value, path)))
    return Concerns(found, tuple(Attribute(v).text for v in found))


def _ends(value: Any, path: str, shape: re.Pattern[str], example: str) -> tuple[str | None, str | None]:
    given = _mapping(value, path)
    if not given or not given.keys() <= {"from", "until"}:
        raise invalid(path, "应写明 from 和 until")
    for name, one in given.items():
        if not isinstance(one, str) or not shape.fullmatch(one) or not one.isascii():
            raise invalid(f"{path}.{name}", f"应写作 {example}")
    return given.get("from"), given.get("until")


def _both(ends: tuple[str | None, str | None], path: str) -> tuple[str, str]:
    start, end = ends
    if start is None or end is None:
        raise invalid(path, "from 和 until 都要填写")
    return start, end


def _hours(value: Any, path: str) -> Condition:
    start, end = _both(_ends(value, path, _CLOCK, "18:00"), path)
    if start == end:
        raise invalid(path, "from 和 until 不能相同")
    return Hours(time.fromisoformat(start), time.fromisoformat(end))


def _dates(value: Any, path: str) -> Condition:
    start, end = _ends(value, path, _DATE, "2026-11-15")
    first, last = (day(one, path) if one is not None else None for one in (start, end))
    if first is not None and last is not None and first > last:
        raise invalid(path, "from 不能晚于 until")
    return Dates(first, last)


def day(text: str, path: str) -> date:
    """Read a day."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise invalid(path, f"没有 {text} 这一天") from error


def _season(value: Any, path: str) -> Condition:
    start, end = _both(_ends(value, path, _SEASON, "11-15"), path)
    first, last = (day(f"{_LEAP_YEAR}-{one}", path) for one in (start, end))
    return Season((first.month, first.day), (last.month, last.day))


def _weekdays(value: Any, path: str) -> Condition:
    days = _list(value, path)
    if any(isinstance(one, bool) or not isinstance(one, int) or one not in WEEK for one in days):
        raise invalid(path, "应为 1(周一)至 7(周日)")
    return Weekdays(frozenset(days))


def _tags(value: Any, path: str) -> tuple[str, ...]:
    one = _term(Tag)
    return tuple(dict.fromkeys(one(v, f"{path}[{n}]") for n, v in enumerate(_list(value, path))))


def _person(value: Any, path: str) -> str:
    name = _string(value, path)
    if name in {RESPONSIBLE, LEAST_LOADED}:
        return name
    try:
        return str(UUID(name))
    except ValueError as error:
        raise invalid(
            path, f"应为 {RESPONSIBLE}(网格责任人)、{LEAST_LOADED}(工作量最少)或工作人员的 id"
        ) from error


_LEAVES: dict[str, Callable[[Any, str], Condition]] = {
    "categories": _among("category", "分类"),
    "groups": _among("group", "大类"),
    "kinds": _among("kind", "诉求类型", Kind),
    "channels": _among("channel", "渠道", Channel),
    "modes": _among("mode", "办理方式", Mode),
    "levels": _among("level", "层级", Level),
    "communities": _among("community", "社区"),
    "grids": _among("grid", "网格"),
    "words": _words,
    "attributes": _attributes,
    "hours": _hours,
    "weekdays": _weekdays,
    "workday": lambda v, path: Is("workday", _flag(v, path), "登记日不是工作日", "登记日是工作日"),
    "dates": _dates,
    "season": _season,
    REPEAT: lambda v, path: Is("repeat", _flag(v, path), "不是重复反映", "是重复反映"),
}
_RESULT: dict[str, Callable[[Any, str], Any]] = {
    "lead_unit": _string,
    "co_units": lambda v, path: tuple(dict.fromkeys(_strings(v, path))),
    "mode": _term(Mode),
    "level": _term(Level),
    "tags": _tags,
    PERSON: _person,
    "list_level": _term(ListLevel),
    "wait": _flag,
    "adds": _flag,
}
