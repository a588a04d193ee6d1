"""Finds what tells of a person in free text, and hides it: telephones, identity cards, plates, bank cards, accounts.

Pure. For every text that anybody may read: residents write numbers into their requests, their own and others'.
What is doubtful is hidden: a number too many hidden is read around, one too few cannot be taken back.
Sources: domain 7 (telephones masked as 138****5678); GB 11643 (check digit); GA 36 (plates); ISO/IEC 7812 (Luhn).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.terms import Term


class PersonalKind(Term):
    """What was found."""

    PHONE = "phone", "电话号码"
    ID_CARD = "id_card", "身份证号"
    PLATE = "plate", "车牌号"
    BANK_CARD = "bank_card", "银行卡号"
    ACCOUNT = "account", "微信或QQ号"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place of a text: characters `start` to `end` (excluded), of which the first and last few stay."""

    kind: PersonalKind
    start: int
    end: int
    head: int
    tail: int


@dataclass(frozen=True, slots=True)
class _Search:
    kind: PersonalKind
    pattern: re.Pattern[str]
    head: int
    tail: int
    certain: Callable[[str], bool] = lambda _: True


# One character for one, so that what is found in the plain form stands at the same place of the text.
_PLAIN = str.maketrans(
    {chr(0xFF01 + n): chr(0x21 + n) for n in range(94)}  # full width
    | dict(zip("〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "0001234567891123456789", strict=True))
    | {"\u3000": " ", "\u00a0": " ", "—": "-", "–": "-"}
)
_WIDTH_ONLY = str.maketrans({chr(0xFF01 + n): chr(0x21 + n) for n in range(94)} | {"—": "-", "–": "-"})
_GAP = r"[ .\-·]{0,2}"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_LUHN_CARRY = 9


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _luhn(text: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(_digits(text))):
        value = int(digit) * (1 + place % 2)
        total += value - _LUHN_CARRY if value > _LUHN_CARRY else value
    return total % 10 == 0


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def check_digit(first_seventeen: str) -> str:
    """Return the last character of an identity card's number (GB 11643) for its first seventeen digits."""
    total = sum(int(d) * w for d, w in zip(first_seventeen, _WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


_DATE = rf"(?:0[1-9]|1[0-2]){_GAP}(?:0[1-9]|[12]\d|3[01])"
# Longest first: what one search has found, the next does not see.
_SEARCHES = (
    _Search(
        PersonalKind.ID_CARD,
        re.compile(
            rf"(?<!\d)[1-9]\d{{5}}{_GAP}(?:1[89]|20)\d\d{_GAP}{_DATE}{_GAP}\d{{3}}[\dXx](?![\dA-Za-z])"
        ),
        3,
        0,
    ),
    # fifteen digits, as they were until 1999: the date must be one
    _Search(PersonalKind.ID_CARD, re.compile(rf"(?<!\d)[1-9]\d{{7}}{_DATE}\d{{3}}(?!\d)"), 3, 0),
    _Search(PersonalKind.BANK_CARD, re.compile(r"(?<!\d)[3-6]\d{3}(?:[ -]?\d){12,15}(?!\d)"), 0, 4, _luhn),
    _Search(PersonalKind.PHONE, re.compile(rf"(?<!\d)(?:\+?86{_GAP})?1[3-9]\d(?:{_GAP}\d){{8}}(?!\d)"), 3, 4),
    _Search(
        PersonalKind.PHONE, re.compile(r"(?<!\d)[(]?0\d{2,3}[)]?[ -]{0,2}[2-9]\d{2,3}[ -]?\d{4}(?!\d)"), 4, 0
    ),
    _Search(PersonalKind.PHONE, re.compile(r"(?<!\d)[48]00[ -]?\d{3,4}[ -]?\d{3,4}(?!\d)"), 3, 0),
)
_LETTERED = (
    _Search(
        PersonalKind.PLATE,
        re.compile(
            rf"[{_PROVINCES}][A-HJ-Za-hj-z][ .·\-]?(?=[A-Za-z]{{0,2}}\d)[A-HJ-NP-Za-hj-np-z0-9]{{4,5}}"
            r"[A-HJ-NP-Za-hj-np-z0-9挂学警港澳](?![A-Za-z0-9])"
        ),
        2,
        0,
        _has_digit,
    ),
    _Search(
        PersonalKind.ACCOUNT,
        re.compile(
            r"(?<=微信)号?[是为: ]{0,3}[A-Za-z][\w\-]{5,19}(?![\w\-])|(?<=[vVwW][xX])[是为: ]{1,3}[A-Za-z][\w\-]{5,19}",
            re.ASCII,
        ),
        0,
        0,
    ),
    _Search(PersonalKind.ACCOUNT, re.compile(r"(?<=[qQ][qQ])号?[是为: ]{0,3}[1-9]\d{4,10}(?!\d)"), 0, 0),
)
_HIDDEN = "*"


def find(text: str) -> list[Finding]:
    """Return what tells of a person, in the order of the text; no two overlap."""
    found: list[Finding] = []
    for plain, searches in (
        (text.translate(_PLAIN), _SEARCHES),
        (text.translate(_WIDTH_ONLY), _LETTERED),
    ):
        for search in searches:
            found.extend(
                f
                for f in _matches(plain, search)
                if not any(f.start < g.end and g.start < f.end for g in found)
            )
    return sorted(found, key=lambda f: f.start)


def _matches(plain: str, search: _Search) -> Iterator[Finding]:
    for match in search.pattern.finditer(plain):
        if search.certain(match.group()):
            yield Finding(search.kind, match.start(), match.end(), search.head, search.tail)


def mask(text: str) -> str:
    """Return the text with everything found hidden, character for character; signs between digits stay."""
    shown = list(text)
    for finding in find(text):
        places = [n for n in range(finding.start, finding.end) if text[n].isalnum()]
        for place in places[finding.head : len(places) - finding.tail]:
            shown[place] = _HIDDEN
    return "".join(shown)
