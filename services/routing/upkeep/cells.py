"""What a cell of a list says: text, a day, an instant, yes or no, a word of a vocabulary. Whatever can be meant in one way."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from services.routing.upkeep.faults import BadCell
from shared.calendar import parse_limit
from shared.clock import SHANGHAI
from shared.sheets.faults import Cell
from shared.terms import Term

LONGEST: Final = 200
LONGEST_CODE: Final = 64
_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?")
_TIME = re.compile(r"(\d{1,2})[::时点](\d{1,2})分?(?:[::](\d{1,2}))?")
_TRUE = frozenset({"是", "true", "yes", "y", "1", "有", "√", "✓", "精品"})
_FALSE = frozenset({"否", "false", "no", "n", "0", "无", "×", "✗", "普通"})


def key(text: str) -> str:
    """Return what two ways of writing the same word have in common: width, case and spaces left aside."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def entry(cell: Cell) -> str:
    """Return a cell as one line of text, "" for an empty one; a number without the point that Excel adds."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = "".join(c if c.isprintable() else " " for c in str(cell))
    # Our own lists put an apostrophe before a code, so that a spreadsheet leaves its zeros alone.
    return " ".join(text.split()).removeprefix("'")


def text(cell: Cell) -> str | None:
    """Return running text; raise BadCell for what is too long."""
    found = entry(cell)
    if len(found) > LONGEST:
        raise BadCell(f"不能超过 {LONGEST} 个字")
    return found or None


def code(cell: Cell) -> str | None:
    """Return a code; a number too long for a spreadsheet to keep exactly is refused rather than guessed."""
    if isinstance(cell, float) and cell >= 1e15:  # noqa: PLR2004 - Excel keeps fifteen digits
        raise BadCell("代码被表格软件当成了数字,末尾几位已丢失;请把这一列设为文本格式后重新填写")
    found = entry(cell)
    if len(found) > LONGEST_CODE:
        raise BadCell(f"代码不能超过 {LONGEST_CODE} 个字符")
    return found or None


def day(cell: Cell) -> date | None:
    """Return a day; raise BadCell."""
    if isinstance(cell, datetime):
        found = cell.date()
    elif isinstance(cell, date):
        found = cell
    elif not entry(cell):
        return None
    else:
        match = _DAY.match(entry(cell))
        if match is None:
            raise BadCell("应为日期,如 2026-07-01")
        found = _date(match)
    if not _EARLIEST <= found <= _LATEST:
        raise BadCell("日期过早或过晚")
    return found


def _date(match: re.Match[str]) -> date:
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise BadCell("没有这一天") from None


def instant(cell: Cell) -> datetime | None:
    """Return an instant of local time, in UTC; raise BadCell."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=cell.tzinfo or SHANGHAI).astimezone(UTC)
    found = day(cell)
    if found is None:
        return None
    words = _DAY.sub("", entry(cell), count=1).strip(" T")
    clock = _TIME.match(words)
    if clock is None:
        raise BadCell("应为时间,如 2026-07-01 08:30")
    hours, minutes, seconds = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if not (hours <= 24 and minutes < 60 and seconds < 60):  # noqa: PLR2004 - 24:00 ends a day
        raise BadCell("应为时间,如 2026-07-01 08:30")
    start = datetime(found.year, found.month, found.day, tzinfo=SHANGHAI)
    return (start + timedelta(hours=hours, minutes=minutes, seconds=seconds)).astimezone(UTC)


def flag(cell: Cell) -> bool | None:
    """Return yes or no; raise BadCell."""
    word = key(entry(cell))
    if not word:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise BadCell("应为 是 或 否")


def limit(cell: Cell) -> str | None:
    """Return a limit as the calendar reads it (2h, 3wd …); raise BadCell."""
    found = entry(cell)
    if not found:
        return None
    try:
        parse_limit(found)
    except ValueError as error:
        raise BadCell("应为时限,如 15min、2h、3wd(3 个工作日)") from error
    return found


def term(vocabulary: type[Term]) -> Callable[[Cell], Any]:
    """Return what reads a member of a vocabulary, by code or in Chinese."""
    words = {key(word): member.value for member in vocabulary for word in (member.value, member.text)}

    def read(cell: Cell) -> str | None:
        word = key(entry(cell))
        if not word:
            return None
        if word not in words:
            raise BadCell(f"没有这一项,可选:{'、'.join(m.text for m in vocabulary)}")
        return words[word]

    return read
