"""Counts as newspapers give them: 8700余, 约7万, 近500, 超过95, 十余. Each is an interval, never an exact number.

| written | is | because |
|---|---|---|
| 8700余, 480多 | 8701–8799, 481–489 | more, and short of the next number of that roundness |
| 20余万, 7万余 | 200001–299999, 70001–79999 | 余 stands for what follows the digit before it |
| 约7万, 7万, 500左右 | 65000–74999, …, 450–549 | half of the last written place to either side; 万 is itself a rounding |
| 近500 | 400–499 | short of it by less than its last written place |
| 超过95, 95以上 | 96 and more, 95 and more | 民法典: 以上 includes the number, 超过 does not |
| 不足95, 95以内 | at most 94, at most 95 | the same |

No text is refused for being vague, only for being no count (八成 is a share). Which side it errs on is part of the record.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal
from unicodedata import normalize

Qualifier = Literal["exact", "gte", "lte", "approx"]
LONGEST_TEXT, GREATEST = 40, 10**12
_LEAST_PLACE = 10
_QUALIFIER_TEXT: dict[Qualifier, str] = {"exact": "确数", "gte": "多于", "lte": "少于", "approx": "约数"}
# word → what it says of the number; `strict`: the number itself is not meant
_BOUNDS: dict[str, tuple[Qualifier, bool]] = {
    **dict.fromkeys(("超过", "超", "逾", "突破", "多于", "大于", "高于"), ("gte", True)),
    **dict.fromkeys(("至少", "不少于", "不低于", "以上"), ("gte", False)),
    **dict.fromkeys(("不足", "不到", "未满", "少于", "低于", "小于"), ("lte", True)),
    **dict.fromkeys(("至多", "最多", "不超过", "以下", "以内"), ("lte", False)),
}
_NEARLY = ("将近", "接近", "近")
_ABOUT = ("大约", "约", "左右", "上下")
_SUFFIXES = ("以上", "以下", "以内", "左右", "上下")


def _any(words: tuple[str, ...]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


PREFIX = _any(tuple(w for w in (*_BOUNDS, *_NEARLY, *_ABOUT) if w not in _SUFFIXES))
SUFFIX = _any(_SUFFIXES)
_MULTIPLIERS = {"": 1, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_HAN_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_PLACES = {"十": 10, "百": 100, "千": 1000}
_COUNT = re.compile(
    rf"(?P<prefix>{PREFIX})?"
    r"(?:(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<decimals>\.\d+)?|(?P<han>[零〇一二两三四五六七八九十百千]+))?"
    r"(?P<before>余|多)?(?P<unit>[百千万亿])?(?P<after>余|多)?"
    rf"(?![成倍折])(?P<measure>(?:(?!{SUFFIX})[\u4e00-\u9fff]){{0,6}}?)(?P<suffix>{SUFFIX})?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Count:
    """A count as it was written: `value` as it reads, and the whole numbers it may stand for (`high` None: no end)."""

    text: str
    value: int
    qualifier: Qualifier
    low: int
    high: int | None

    @property
    def exact(self) -> bool:
        return self.low == self.high

    @property
    def interval_text(self) -> str:
        if self.exact:
            return str(self.low)
        return f"{self.low}及以上" if self.high is None else f"{self.low}–{self.high}"

    @property
    def qualifier_text(self) -> str:
        return _QUALIFIER_TEXT[self.qualifier]


@dataclass(frozen=True, slots=True)
class Span:
    """What a share of two counts may be, ends included."""

    low: Fraction
    high: Fraction

    def display(self, digits: int = 2) -> str:
        """Return "48.10%–49.02%", rounded outwards so that it never says more than is known."""
        step = Decimal(1).scaleb(-digits)
        if self.low == self.high:
            return _shown(self.low, min(_percent(self.low).quantize(step, ROUND_HALF_UP), 100 - step))
        low = _shown(self.low, _percent(self.low).quantize(step, ROUND_FLOOR))
        high = _percent(self.high).quantize(step, ROUND_CEILING)
        if self.high < 1 and high == 100:  # noqa: PLR2004 - percent
            return f"{low}–不足100%"
        return f"{low}–{_shown(self.high, high)}"


def _percent(share: Fraction) -> Decimal:
    return Decimal(share.numerator * 100) / Decimal(share.denominator)


def _shown(share: Fraction, percent: Decimal) -> str:
    return "100%" if share == 1 else f"{percent}%"


def plain(text: str) -> str:
    """Return a text with full-width forms made plain and blanks gone. Raises ValueError for one too long to be meant."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"数字最多{LONGEST_TEXT}个字符")
    return "".join(normalize("NFKC", text).split())


def said_of(prefix: str | None, suffix: str | None) -> tuple[Qualifier, bool, str]:
    """Return what the words around a number say: (qualifier, strict, the kind: "", bound, nearly or about)."""
    if prefix and suffix:
        raise ValueError("前后两个限定词只能用一个")
    word = prefix or suffix
    if word is None:
        return "exact", False, ""
    if word in _BOUNDS:
        return *_BOUNDS[word], "bound"
    return ("lte", True, "nearly") if word in _NEARLY else ("approx", False, "about")


def count(written: int | str) -> Count:
    """Return what a count says. Raises ValueError (in Chinese) for what is none."""
    if isinstance(written, int):
        return _checked(Count(str(written), written, "exact", written, written))
    text = plain(written)
    found = _COUNT.fullmatch(text)
    if found is None or not (found["digits"] or found["han"] or found["unit"]):
        raise ValueError("看不懂的数字,应如137、8700余、约7万、近500、超过95")
    number = _number(found)
    multiplier = _MULTIPLIERS[found["unit"] or ""]
    value = number * multiplier
    if value.denominator != 1:
        raise ValueError("件数应为整数")
    more = found["before"] or found["after"]
    qualifier, strict, kind = said_of(found["prefix"], found["suffix"])
    if more and kind not in ("", "about"):
        raise ValueError("“余”“多”不能与其他限定词并用")
    whole = int(value)
    if more:
        # 20余万: what follows the 2; 7万余: what is short of another 万; 8700余: of another hundred
        place = multiplier if found["after"] and multiplier > 1 else _place(number) * multiplier
        return _checked(Count(text, whole, "gte", whole + 1, whole + max(int(place), _LEAST_PLACE) - 1))
    if kind == "bound":
        low, high = (whole + strict, None) if qualifier == "gte" else (0, whole - strict)
        return _checked(Count(text, whole, qualifier, low, high))
    place = max(int(_place(number) * multiplier), _LEAST_PLACE)
    if kind == "nearly":
        return _checked(Count(text, whole, qualifier, max(0, whole - place), whole - 1))
    if kind == "about" or found["unit"]:
        return _checked(Count(text, whole, "approx", max(0, whole - place // 2), whole + place // 2 - 1))
    return _checked(Count(text, whole, "exact", whole, whole))


def _checked(found: Count) -> Count:
    if found.low < 0 or (found.high is not None and found.high < 0):
        raise ValueError("件数不能小于0")
    if found.value > GREATEST:
        raise ValueError("件数过大")
    return found


def _number(found: re.Match[str]) -> Fraction:
    if found["digits"]:
        return Fraction(found["digits"].replace(",", "") + (found["decimals"] or ""))
    return Fraction(_han(found["han"]) if found["han"] else 1)  # 万余, 逾千


def _han(text: str) -> int:
    """Return a number below ten thousand written in Chinese: 一百二十, 十, 两千零五. Raises ValueError."""
    total, digit, last = 0, None, _HAN_PLACES["千"] * 10
    for character in text:
        if character in _HAN_DIGITS:
            if digit not in (None, 0):
                raise ValueError("看不懂的中文数字")
            digit = _HAN_DIGITS[character]
            continue
        place = _HAN_PLACES[character]
        if place >= last:
            raise ValueError("看不懂的中文数字")
        total, digit, last = total + (1 if digit is None else digit) * place, None, place
    return total + (digit or 0)


def _place(number: Fraction) -> Fraction:
    """Return the place of the last written digit that is not nought: 8700 → 100, 8.7 → 1/10."""
    if number == 0:
        return Fraction(1)
    place = Fraction(1)
    while (number / place).denominator != 1:
        place /= 10
    while (number / (place * 10)).denominator == 1:
        place *= 10
    return place


def ratio(numerator: Count, denominator: Count) -> Span | None:
    """Return what part of the one the other may be, or None over nothing. Raises ValueError where it is no part."""
    if denominator.high == 0:
        return None
    if denominator.high is not None and numerator.low > denominator.high:
        raise ValueError(f"分子{numerator.interval_text}大于分母{denominator.interval_text}")
    low = Fraction(numerator.low, denominator.high) if denominator.high is not None else Fraction(0)
    least = max(1, denominator.low)  # nothing is no share of nothing
    if numerator.high is None or numerator.high >= least:
        return Span(low, Fraction(1))
    return Span(low, Fraction(numerator.high, least))
