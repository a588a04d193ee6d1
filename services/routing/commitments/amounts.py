"""Amounts as reports give them: 9000余米, 54个, 近20户, 20余万元, 3000平米左右. What is approximate stays approximate.

The value is what is written (余 adds nothing to it), the qualifier says on which side it errs. Pure.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from unicodedata import normalize

from shared.terms import Term

LONGEST, GREATEST = 40, 10**15


class Qualifier(Term):
    EXACT = "exact", "确数"
    OVER = "over", "多于"
    UNDER = "under", "少于"
    ABOUT = "about", "约数"


_WORDS = {
    **dict.fromkeys(("超过", "逾", "突破", "至少", "不少于", "余", "多", "以上"), Qualifier.OVER),
    **dict.fromkeys(("不足", "不到", "将近", "接近", "近", "以内"), Qualifier.UNDER),
    **dict.fromkeys(("大约", "约", "左右", "上下", "许"), Qualifier.ABOUT),
}
_MULTIPLES = {"": 1, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_DIGITS = {c: n for n, c in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_AMOUNT = re.compile(
    r"(?P<before>超过|逾|突破|至少|不少于|不足|不到|将近|接近|近|大约|约)?"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[一二两三四五六七八九十])"
    r"(?P<more>余|多)?(?P<multiple>[百千万亿])?(?P<after>余|多)?"
    r"(?P<unit>[^\d\s]{0,10}?)(?P<behind>左右|上下|以上|以内|许)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Amount:
    """`said` as it was written; `value` as a plain number in `unit` (empty: a mere number)."""

    said: str
    value: Decimal
    unit: str
    qualifier: Qualifier

    def document(self) -> dict[str, str]:
        """Return what is stored and shown of it."""
        return {
            "said": self.said, "value": format(self.value.normalize(), "f"), "unit": self.unit,
            "qualifier": self.qualifier.value, "qualifier_text": self.qualifier.text,
        }  # fmt: skip


def amount(written: str) -> Amount:
    """Return what an amount says. Raises ValueError (in Chinese) for what is none, or says both over and under."""
    text = "".join(normalize("NFKC", written).split())
    found = _AMOUNT.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise ValueError("看不懂的数量,应如72盏、9000余米、近20户、20余万元、约660平米")
    number = found["number"].replace(",", "")
    value = Decimal(_DIGITS.get(number, number)) * _MULTIPLES[found["multiple"] or ""]
    if value > GREATEST:
        raise ValueError("数量过大")
    words = [found[name] for name in ("before", "more", "after", "behind") if found[name]]
    said = {_WORDS[word] for word in words}
    if {Qualifier.OVER, Qualifier.UNDER} <= said:
        raise ValueError("“余”“多”不能与“近”“不足”并用")
    side = said - {Qualifier.ABOUT} or said
    return Amount(text, value, found["unit"], side.pop() if side else Qualifier.EXACT)
