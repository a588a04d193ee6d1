"""Days as reports give them: 6月上旬, 年初, 2018年以来, 1月2日. Each is a span of days, from its first to its last. Pure."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from unicodedata import normalize

LONGEST = 30
EARLIEST, LATEST = 1900, 2200
_TENS = {
    "上旬": (1, 10),
    "中旬": (11, 20),
    "下旬": (21, 31),
    "初": (1, 10),
    "中": (11, 20),
    "底": (21, 31),
    "末": (21, 31),
}
# months from, to
_PARTS = {
    "": (1, 12), "年初": (1, 3), "年底": (10, 12), "年末": (10, 12), "上半年": (1, 6), "下半年": (7, 12), "一季度": (1, 3),
    "二季度": (4, 6), "三季度": (7, 9), "四季度": (10, 12),
}  # fmt: skip
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})", re.ASCII)
_IN_YEAR = re.compile(
    rf"(?:(?P<year>\d{{4}})年)?第?(?P<part>{'|'.join(p for p in _PARTS if p)})?(?P<on>以来|起|前)?", re.ASCII
)
_IN_MONTH = re.compile(
    rf"(?:(?P<year>\d{{4}})年)?(?P<month>\d{{1,2}})月(?:份|(?P<day>\d{{1,2}})[日号]|(?P<part>{'|'.join(_TENS)}))?"
    r"(?P<on>以来|起|前)?",
    re.ASCII,
)
_HALF_A_MONTH = 15


@dataclass(frozen=True, slots=True)
class Days:
    """`said` as it was written; what it may mean lies from `first` to `last`, both included."""

    said: str
    first: date
    last: date

    def document(self) -> dict[str, str]:
        """Return what is stored and shown of it."""
        return {"said": self.said, "first": self.first.isoformat(), "last": self.last.isoformat()}


def exactly(day: date) -> Days:
    """Return a day of which nothing is vague."""
    return Days(day.isoformat(), day, day)


def days(written: str, year: int) -> Days:
    """Return what days are meant; `year` is that of whoever names none. Raises ValueError (in Chinese)."""
    text = "".join(normalize("NFKC", written).split())
    try:
        found = _read(text, year) if 0 < len(text) <= LONGEST else None
    except ValueError as error:
        raise ValueError("没有这一天") from error
    if found is None:
        raise ValueError("看不懂的日期,应如2021-06-05、6月5日、6月上旬、2018年以来、年初")
    return Days(text, *found)


def _read(text: str, year: int) -> tuple[date, date] | None:
    if iso := _ISO.fullmatch(text):
        day = date(_year(iso["year"], year), int(iso["month"]), int(iso["day"]))
        return day, day
    if month := _IN_MONTH.fullmatch(text):
        return _in_month(month, _year(month["year"], year))
    whole = _IN_YEAR.fullmatch(text)
    if whole is None or not (whole["year"] or whole["part"]):
        return None
    first, last = _PARTS[whole["part"] or ""]
    of = _year(whole["year"], year)
    return date(of, first, 1), date(of, last, monthrange(of, last)[1])


def _year(written: str | None, usual: int) -> int:
    year = int(written) if written else usual
    if not EARLIEST <= year < LATEST:
        raise ValueError(year)
    return year


def _in_month(found: re.Match[str], year: int) -> tuple[date, date]:
    month = int(found["month"])
    end = date(year, month, 1), date(year, month, monthrange(year, month)[1])
    if found["day"]:
        day = date(year, month, int(found["day"]))
        return day, day
    first, last = _TENS.get(found["part"] or "", (1, 31))
    return end[0].replace(day=first), end[1].replace(day=min(last, end[1].day))


def months_between(start: date, end: date) -> int:
    """Return how many months something took, first and last day included: half a month and more counts as one."""
    after = end + timedelta(days=1)
    whole = (after.year - start.year) * 12 + after.month - start.month - (after.day < start.day)
    year, month = divmod(start.year * 12 + start.month - 1 + whole, 12)
    reached = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
    return whole + ((after - reached).days >= _HALF_A_MONTH)


def months_before(day: date, months: int) -> date:
    """Return the same day so many months ago, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
