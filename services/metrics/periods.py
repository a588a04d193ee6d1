"""Windows by their names: a day, an ISO week, a month, a quarter, a year; natural, or as a street's assessment cuts them.

Pure. Real assessments do not follow the calendar (domain notes 0.4): Beijing's month begins on the 19th of the month
before, a Shanghai street's year in November, a daily report at noon. A period bears the name of the time in which it
ends: the assessment month 2026-11 of a street that begins on the 19th is 19 October to 18 November.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from shared.clock import SHANGHAI, day_end, day_start

Kind = Literal["day", "week", "month", "quarter", "year", "days"]
_DAY = timedelta(days=1)
_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("day", re.compile(r"(\d{4})-(\d{2})-(\d{2})")),
    ("week", re.compile(r"(\d{4})-W(\d{2})")),
    ("quarter", re.compile(r"(\d{4})-Q([1-4])")),
    ("month", re.compile(r"(\d{4})-(\d{2})")),
    ("year", re.compile(r"(\d{4})")),
)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class AssessmentCalendar:
    """When a street's assessment months, years and days begin; the default is the natural calendar."""

    month_starts_on: int = 1
    year_starts_in: int = 1
    day_starts_at: time = time(0)


NATURAL = AssessmentCalendar()


@dataclass(frozen=True, slots=True)
class Window:
    """Local days from first to last, inclusive; `exact` where it does not begin and end at midnight."""

    kind: Kind
    name: str | None
    first: date
    last: date
    calendar: AssessmentCalendar = NATURAL
    exact: tuple[datetime, datetime] | None = None

    @classmethod
    def of_days(cls, first: date, last: date) -> "Window":
        return cls("days", None, first, last)

    @property
    def starts_at(self) -> datetime:
        return self.exact[0] if self.exact else day_start(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first instant after it."""
        return self.exact[1] if self.exact else day_end(self.last)


def parse(name: str, calendar: AssessmentCalendar = NATURAL) -> Window:
    """Return the window that a name means in a calendar; raise ValueError, in Chinese, for what is none."""
    for kind, form in _FORMS:
        found = form.fullmatch(name)
        if found:
            try:
                return _window(kind, name, [int(piece) for piece in found.groups()], calendar)
            except (ValueError, OverflowError) as error:
                raise ValueError(f"没有“{name}”这个时段") from error
    raise ValueError("时段应写作 2026-11-24(日)、2026-W47(周)、2026-11(月)、2026-Q4(季)或 2026(年)")


def _window(kind: Kind, name: str, pieces: list[int], calendar: AssessmentCalendar) -> Window:
    if kind == "day":
        first = last = date(*pieces)
    elif kind == "week":
        first = date.fromisocalendar(pieces[0], pieces[1], 1)
        last = first + 6 * _DAY
    else:
        first, last = _months(kind, pieces, calendar)
    if calendar.day_starts_at == time(0):
        return Window(kind, name, first, last, calendar)
    # A day from noon to noon bears the name of the day in which it ends.
    begins = datetime.combine(first - _DAY, calendar.day_starts_at, SHANGHAI)
    ends = datetime.combine(last, calendar.day_starts_at, SHANGHAI)
    return Window(kind, name, begins.date(), last, calendar, (begins, ends))


def _months(kind: Kind, pieces: list[int], calendar: AssessmentCalendar) -> tuple[date, date]:
    """Return the first and last day of a month, quarter or year of a calendar."""
    shift = (calendar.year_starts_in - 1) - (12 if calendar.year_starts_in > 1 else 0)
    count = _MONTHS[kind]
    if kind == "month":
        if not 1 <= pieces[1] <= 12:  # noqa: PLR2004 - months of a year
            raise ValueError(pieces)
        start = pieces[0] * 12 + pieces[1] - 1
    else:
        start = pieces[0] * 12 + shift + (0 if kind == "year" else (pieces[1] - 1) * 3)
    return _begin(start, calendar), _begin(start + count, calendar) - _DAY


def _begin(month: int, calendar: AssessmentCalendar) -> date:
    """Return the day on which a month (counted from the year 0) begins."""
    if calendar.month_starts_on == 1:
        return date(month // 12, month % 12 + 1, 1)
    return date((month - 1) // 12, (month - 1) % 12 + 1, calendar.month_starts_on)


def previous(window: Window) -> Window:
    """Return the period just before (环比); before a free window, the equally long one."""
    if window.kind == "days":
        length = window.last - window.first + _DAY
        return Window.of_days(window.first - length, window.first - _DAY)
    return _named(window, -1)


def year_before(window: Window) -> Window:
    """Return the same period a year earlier (同比). 29 February becomes the 28th; week 53 the last week there was."""
    if window.kind == "days":
        return Window.of_days(_less_a_year(window.first), _less_a_year(window.last))
    return _named(window, None)


def _named(window: Window, step: int | None) -> Window:
    """Return the window of the same kind a period (step -1) or a year (None) before."""
    name = window.name or ""
    year = int(name[:4])
    if window.kind == "day":
        day = date.fromisoformat(name)
        other = (day - _DAY if step else _less_a_year(day)).isoformat()
    elif window.kind == "week":
        monday = date.fromisocalendar(year, int(name[6:]), 1)
        if step:
            other = _week(monday - 7 * _DAY)
        else:
            other = f"{year - 1:04d}-W{min(int(name[6:]), _weeks(year - 1)):02d}"
    elif window.kind == "year" or not step:
        other = f"{year - 1:04d}{name[4:]}"
    elif window.kind == "quarter":
        at = year * 4 + int(name[6:]) - 2
        other = f"{at // 4:04d}-Q{at % 4 + 1}"
    else:
        at = year * 12 + int(name[5:]) - 2
        other = f"{at // 12:04d}-{at % 12 + 1:02d}"
    return parse(other, window.calendar)


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def _weeks(year: int) -> int:
    return date(year, 12, 28).isocalendar().week


def _less_a_year(day: date) -> date:
    return (
        day.replace(year=day.year - 1, day=28)
        if (day.month, day.day) == (2, 29)
        else day.replace(year=day.year - 1)
    )
