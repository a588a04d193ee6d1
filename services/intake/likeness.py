"""How alike two requests are: the same matter reported twice, or only in the same words.

Pure. Chinese has no spaces, so texts are compared by pairs of characters, those that everybody uses left out.
Numbers are compared apart and first: 3号楼 and 5号楼 are two matters, however alike the rest. Nothing here decides;
people do, who are shown the score and its reasons.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

SAME = 0.4
"""From here on a pair is shown as likely the same matter (measured on invented pairs: tests/intake/pairs.csv)."""
NEAR_METRES = 200.0
_EARTH_METRES = 111_320.0
# What a place or a category known to differ leaves of the texts' likeness; unknown ones leave a little less than all.
_ELSEWHERE, _UNKNOWN_PLACE, _OTHER_CATEGORY = 0.4, 0.95, 0.8
_DIFFERENT_NUMBERS = 0.25

_DIGITS = {
    c: str(n)
    for n, row in enumerate(("零〇", "一", "二两", "三", "四", "五", "六", "七", "八", "九"))
    for c in row
}
_COUNTED = r"号楼|号院|栋|幢|座|单元|门|室|户|层|楼|号|弄|路车|路公交|巷|里|区|期|组|队"
_NUMBER = re.compile(rf"([a-z]?)(\d+|[零〇一二两三四五六七八九十百]+)\s*(?:#|({_COUNTED}))")
# 号 alone, 楼, 栋, 幢 and 座 all name a building where people talk.
_BUILDING = {
    "号楼": "楼",
    "栋": "楼",
    "幢": "楼",
    "座": "楼",
    "楼": "楼",
    "": "楼",
    "号院": "院",
    "里": "里",
    "户": "室",
}
# The names of places people tell by: 和平路 is not 建设路, the south gate not the north.
_NAMED = re.compile(
    r"([东西南北]{1,2})(?=门)|([\u4e00-\u9fff]{2})(?=路|街|公园|学校|医院|花园|家园|胡同)|(菜市场|市场|小学|中学|幼儿园|医院|公园|广场|车站|超市)"
)
_NO_NAME = re.compile(
    "马路|道路|小路|公路|铁路|走路|过路|堵路|占路|电路|线路|[的在上到条那这]路|街道|逛街|大街|过街"
)
_NOISE = re.compile(r"[\W_]+")
# Words in which nothing is said of the matter; longest first.
_EMPTY = re.compile(
    "麻烦|请问|请|希望|尽快|赶紧|帮忙|处理|解决|一下|没人管|没有人管|有人|一直|已经|好几天|几天|天天|每天|这个|那个|我们|你们|咱们|"
    "现在|情况|问题|反映|居民|小区|社区|街道|部门|领导|同志|谢谢|你好|您好|能不能|可以|是不是|怎么|什么|的|了|呢|吗|啊|吧|在|我|你|就|都|也|很|太|又|被|把|给|去|来"
)
_ALIKE_WORDS = (
    ("路灯", "灯杆|街灯|路 灯"), ("不亮", "坏了|灭了|熄了|黑灯瞎火|黑漆漆|不明"), ("下水道", "下水|排水管|污水管|管道|地漏|沟眼"),
    ("堵塞", "堵了|堵住|不通|堵"), ("外溢", "往外冒|冒水|冒出来|返水|倒灌|漫出来|溢出|反水"), ("垃圾", "废物|脏东西"),
    ("清运", "拉走|收走|清走|没拉|没收|没清|运走"), ("噪音", "噪声|吵闹|太吵|很吵|吵得|声音大|轰鸣"), ("施工", "工地|装修"),
    ("停车", "乱停|违停|停放|占道停"), ("消防通道", "消防道|救生通道"), ("电动车", "电瓶车|电单车|电驴"), ("漏水", "渗水|滴水|跑水"),
    ("井盖", "窨井盖|井 盖"), ("电梯", "升降机"), ("占道", "占路|占人行道|占着道"), ("路面", "马路|道路"), ("坑洼", "大坑|塌陷|坑坑洼洼|凹陷"),
)  # fmt: skip
_SYNONYMS = tuple((word, re.compile(others)) for word, others in _ALIKE_WORDS)


@dataclass(frozen=True, slots=True)
class Matter:
    """What is compared of a request; a place in degrees of one and the same coordinate system."""

    content: str
    category: str | None = None
    grid: str | None = None
    longitude: float | None = None
    latitude: float | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """0 to 1, and why, in sentences for people."""

    score: float
    why: tuple[str, ...]

    @property
    def same(self) -> bool:
        return self.score >= SAME


def numbers(text: str) -> dict[str, frozenset[int]]:
    """Return the numbers that name a place in a text, by what they count: {"楼": {3}, "单元": {2}}."""
    found: dict[str, set[int]] = defaultdict(set)
    for match in _NUMBER.finditer(_plain(text)):
        letter, digits, counted = match.groups()
        value = _value(digits)
        if value is not None:
            found[_BUILDING.get(counted or "", counted or "")].add(
                value + 10_000 * (ord(letter) if letter else 0)
            )
    return {what: frozenset(values) for what, values in found.items()}


def _value(digits: str) -> int | None:
    if digits.isdecimal():
        return int(digits[:9])
    value = units = 0
    for character in digits:
        if character in _DIGITS:
            units = units * 10 + int(_DIGITS[character])
        else:
            value, units = value + (units or 1) * (10 if character == "十" else 100), 0
    return value + units or None


def pairs(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring characters that say what it is about; synonyms count as one word."""
    plain = _NUMBER.sub("", _plain(text))
    for word, others in _SYNONYMS:
        plain = others.sub(word, plain)
    kept = _NOISE.sub("", _EMPTY.sub(" ", plain))
    return frozenset(kept[n : n + 2] for n in range(len(kept) - 1)) or frozenset(kept)


def compare(one: Matter, other: Matter) -> Likeness:
    """Return how alike two requests are."""
    mine, theirs = pairs(one.content), pairs(other.content)
    shared = len(mine & theirs)
    # Of a short report and a long one, the short one's words decide, but not alone.
    text = (
        0.0
        if not shared
        else shared / (0.7 * min(len(mine), len(theirs)) + 0.3 * max(len(mine), len(theirs)))
    )
    near, place = _place(one, other)
    told = one.category is not None and other.category is not None
    category = not told or one.category == other.category
    score = min(1.0, text) * place * (1.0 if category else _OTHER_CATEGORY)
    why = [f"文字相近程度 {min(1.0, text):.0%}"]
    if near:
        why.append(near)
    if told:
        why.append("分类相同" if category else "分类不同")
    apart = _apart(one.content, other.content)
    if apart:
        score = min(score, _DIFFERENT_NUMBERS)
        why.append(f"地点不同:{apart}")
    return Likeness(round(score, 3), tuple(why))


def _apart(one: str, other: str) -> str | None:
    """Return what the texts number or name differently, if anything: 楼, 单元, 和平路与建设路 …"""
    mine, theirs = numbers(one), numbers(other)
    for what in mine.keys() & theirs.keys():
        if not mine[what] & theirs[what]:
            return what or "号码"
    here, there = names(one), names(other)
    if here and there and not here & there:
        return f"{'、'.join(sorted(here))}与{'、'.join(sorted(there))}"
    return None


def names(text: str) -> frozenset[str]:
    """Return the names by which a text tells a place: gates, roads, markets, schools."""
    plain = _NO_NAME.sub(" ", _plain(text))
    return frozenset(next(filter(None, match.groups())) for match in _NAMED.finditer(plain))


def _place(one: Matter, other: Matter) -> tuple[str | None, float]:
    metres = distance(one, other)
    if metres is not None:
        return f"相距约 {round(metres, -1):.0f} 米", max(
            _ELSEWHERE, 1 - max(0.0, metres - NEAR_METRES) / NEAR_METRES
        )
    if one.grid is not None and other.grid is not None:
        return ("在同一网格", 1.0) if one.grid == other.grid else ("在不同网格", _ELSEWHERE)
    return None, _UNKNOWN_PLACE


def distance(one: Matter, other: Matter) -> float | None:
    """Return the metres between two places, None unless both are known."""
    if one.longitude is None or one.latitude is None or other.longitude is None or other.latitude is None:
        return None
    east = (one.longitude - other.longitude) * math.cos(math.radians(one.latitude))
    return math.hypot(east, one.latitude - other.latitude) * _EARTH_METRES


def ranked(matter: Matter, others: Iterable[tuple[str, Matter]], *, most: int) -> list[tuple[str, Likeness]]:
    """Return the keys of the likeliest others with their likeness, best first: only those likely the same."""
    scored = [(key, compare(matter, other)) for key, other in others]
    return sorted((s for s in scored if s[1].same), key=lambda s: (-s[1].score, s[0]))[:most]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()
