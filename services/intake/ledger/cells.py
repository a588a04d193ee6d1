"""What a cell says: text, an instant, a number. Whatever can be meant in one way only is taken.

Cells come from CSV as text, from Excel as text, numbers, booleans, dates and times.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from typing import Any, Final

from services.intake.ledger.faults import BadCell
from shared.clock import SHANGHAI, day_end, day_start
from shared.sheets.faults import Cell

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
LATEST_YEAR: Final = 2100
# Excel counts days from here; serials of the years a ledger can be about.
_EXCEL_EPOCH: Final = datetime(1899, 12, 30, tzinfo=SHANGHAI)
_SERIALS: Final = range(32_874, 73_051)  # 1990 to 2099
# How people write that there is nothing to write.
_NOTHING: Final = frozenset(
    {"", "-", "--", "---", "—", "——", "–", "/", "\\", "无", "暂无", "空", "n/a", "na", "null", "none", "nil", "nan"}
)  # fmt: skip
_LONGEST_NOTHING: Final = 6
# Control characters but for line feed and tab; zero-width characters and byte order marks that ride along.
_DROPPED: Final = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(127, 160), 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF]
)
# Our own exports put an apostrophe before what a spreadsheet would take for a formula.
_GUARDED: Final = re.compile(r"'(?=[=+\-@\t\r])")
_AS_TEXT: Final = re.compile(r'="(.*)"', re.DOTALL)
_BLANKS: Final = re.compile(r"\s+")
_WHEN: Final = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?"
    r"(?:[\sTt,]*(上午|下午|am|pm)?\s*(\d{1,2})[:时点](?:(\d{1,2})(?:分|:(\d{1,2})(?:\.(\d{1,6}))?秒?)?)?(?:(\d{1,2})秒)?"
    r"\s*(上午|下午|am|pm)?)?\s*(z|utc|[+-]\d{2}:?(?:\d{2})?)?",
    re.IGNORECASE,
)
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
# A date that lost its format before it was saved as text: five digits are no year, month and day.
_LOST: Final = re.compile(r"\d{5}(\.\d+)?")
_NOON: Final = 12
_DAY_HOURS: Final = 24
_DATE_LENGTH: Final = 10

_HOW: Final = "应为时间,如 2026-11-21 08:30"
_RANGE: Final = f"时间过早或过晚,应在 {EARLIEST.year} 年至 {LATEST_YEAR - 1} 年之间"

When = tuple[datetime, bool]
"""An instant in UTC, and whether only its day was told."""


def key(text: str) -> str:
    """Return what two ways of writing the same word have in common: width, case and spaces left aside."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _BLANKS.sub("", text).casefold()


def words(cell: Cell) -> str:
    """Return a cell as running text: stripped, without control characters, lines ended by a line feed."""
    if isinstance(cell, str):
        text = cell
    elif cell is None:
        return ""
    elif isinstance(cell, bool):
        return "true" if cell else "false"
    elif isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)  # noqa: PLR2004 - beyond, a float is no count
    else:
        return str(cell)
    if not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_DROPPED)
    text = text.strip()
    return _GUARDED.sub("", text, count=1) if text.startswith("'") else text


def entry(cell: Cell) -> str:
    """Return a cell as one entry, a code or a name on one line; "" where it says that there is nothing."""
    text = words(cell)
    if not text.isprintable() or "  " in text:
        text = " ".join(text.split())
    text = text.removeprefix("'")
    if text.startswith("="):
        text = _AS_TEXT.sub(r"\1", text).strip()
    return "" if len(text) <= _LONGEST_NOTHING and key(text) in _NOTHING else text


def flag_entry(cell: Cell) -> str:
    """Return a yes-or-no cell's entry; 无 is an answer here."""
    return words(cell) if words(cell) in {"无", "没有"} else entry(cell)


def count(cell: Cell) -> int | None:
    """Return a count from 0 to 50, or None for an empty cell; raise BadCell."""
    text = key(entry(cell)).removesuffix("次")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not (0 <= number <= 50 and number.is_integer()):  # noqa: PLR2004 - the limit is told in the message
        raise BadCell("应为 0 到 50 的整数")
    return int(number)


def when(cell: Cell) -> When | None:
    """Return the instant a cell tells, or None for an empty cell; raise BadCell.

    What names no zone is Shanghai's; a bare date is its first moment.
    """
    if isinstance(cell, str):
        found = _told(cell)
    elif isinstance(cell, datetime):
        found = _rounded(_local(cell)), False
    elif isinstance(cell, date):
        found = day_start(cell), True
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        found = _serial(float(cell))
    elif cell is None:
        found = None
    else:
        raise BadCell(_HOW)
    if found is not None and not (found[0] >= EARLIEST and found[0].year < LATEST_YEAR):
        raise BadCell(_RANGE)
    return found


def deadline(cell: Cell) -> datetime | None:
    """Return a deadline: like `when`, but a bare date lasts to the end of its day."""
    found = when(cell)
    if found is None:
        return None
    at, bare = found
    return day_end(at.astimezone(SHANGHAI).date()) if bare else at


def _told(cell: str) -> When | None:
    text = cell.strip()
    try:
        # Almost every cell is written so, and this is quick. Bare digits mean nothing here that they do not there.
        plain = datetime.fromisoformat(text)
    except ValueError:
        return _loosely(text)
    if "W" in text:
        raise BadCell(_HOW)
    return _local(plain), len(text) <= _DATE_LENGTH and ":" not in text and "T" not in text


def _local(moment: datetime) -> datetime:
    """Return an instant in UTC; what names no zone is Shanghai's."""
    try:
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=SHANGHAI)
        return aware.astimezone(UTC)
    except OverflowError:
        raise BadCell(_HOW) from None


def _rounded(moment: datetime) -> datetime:
    """Return an instant of Excel's to the millisecond: its fractions of days are not quite exact."""
    up = moment + timedelta(microseconds=500)
    return up.replace(microsecond=up.microsecond // 1000 * 1000)


def _loosely(text: str) -> When | None:
    text = unicodedata.normalize("NFKC", entry(text))
    if not text:
        return None
    found = _WHEN.fullmatch(text)
    if found is not None:
        return _parts(found)
    if _LOST.fullmatch(text):
        return _serial(float(text))
    compact = _COMPACT.fullmatch(text)
    if compact is None:
        raise BadCell(_HOW)
    year, month, day, *clock = compact.groups()
    hour, minute, second = (int(part or 0) for part in clock)
    return _moment(date_of(year, month, day), hour, minute, second), clock[0] is None


def _parts(found: re.Match[str]) -> When:
    year, month, day, before, hour, minute, second, fraction, seconds, after, zone = found.groups()
    on = date_of(year, month, day)
    if hour is None:
        if zone is not None:
            raise BadCell(_HOW)
        return day_start(on), True
    half = (before or after or "").lower()
    hours = int(hour)
    if half and not 1 <= hours <= _NOON + (half == "下午"):
        raise BadCell(_HOW)
    if half in {"下午", "pm"} and hours < _NOON:
        hours += _NOON
    elif half in {"上午", "am"} and hours == _NOON:
        hours = 0
    micro = int((fraction or "0").ljust(6, "0"))
    return _moment(on, hours, int(minute or 0), int(second or seconds or 0), micro, zone), False


def date_of(year: str, month: str, day: str) -> date:
    """Return a date of its parts; raise BadCell for a day that is not in the calendar."""
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        raise BadCell("没有这一天") from None
    if not EARLIEST.year <= found.year < LATEST_YEAR:
        raise BadCell(_RANGE)
    return found


def _moment(
    on: date, hour: int, minute: int, second: int = 0, micro: int = 0, zone: str | None = None
) -> datetime:
    if (hour, minute, second, micro) == (_DAY_HOURS, 0, 0, 0):
        hour, on = 0, on + timedelta(days=1)
    try:
        return _local(datetime.combine(on, time(hour, minute, second, micro), _zone(zone)))
    except ValueError:
        raise BadCell(_HOW) from None


def _zone(text: str | None) -> Any:
    if text is None:
        return SHANGHAI
    if text.lower() in {"z", "utc"}:
        return UTC
    digits = text.replace(":", "").ljust(5, "0")
    return datetime.strptime(digits, "%z").tzinfo


def _serial(number: float) -> When:
    """Read a date cell that lost its format: Excel's count of days."""
    if not isfinite(number):
        raise BadCell(_HOW)
    if int(number) in _SERIALS:
        return _rounded(_local(_EXCEL_EPOCH + timedelta(days=number))), number.is_integer()
    if number.is_integer() and number > 0 and (found := _COMPACT.fullmatch(str(int(number)))):
        return _loosely(found[0]) or (EARLIEST, True)
    raise BadCell(_HOW)
