"""How long something took, in natural and in working time. Pure.

Working time is the office hours of working days, 08:30 to 12:00 and 13:30 to 18:00 (eight hours); make-up days are
worked and holidays are not. Streets' own hours differ; this is a yardstick for comparing, not a deadline.
"""

from datetime import datetime, timedelta

from shared.calendar import WorkCalendar
from shared.clock import SHANGHAI, duration_text

_SECOND = 1_000_000  # counted in whole microseconds, so that no second is lost to rounding
_MINUTE = 60 * _SECOND
HOURS = ((510 * _MINUTE, 720 * _MINUTE), (810 * _MINUTE, 1080 * _MINUTE))  # microseconds of the day
DAY = sum(end - start for start, end in HOURS)


def natural_seconds(start: datetime, end: datetime) -> int:
    """Return the whole seconds from start to end."""
    return int((end - start).total_seconds())


def working_seconds(start: datetime, end: datetime, calendar: WorkCalendar) -> int:
    """Return the office hours between two instants, in whole seconds; 0 where the end is not after the start."""
    a, b = start.astimezone(SHANGHAI), end.astimezone(SHANGHAI)
    if b <= a:
        return 0
    if a.date() == b.date():
        return (_until(b, calendar) - _until(a, calendar)) // _SECOND
    whole = calendar.working_days_between(a.date(), b.date() - timedelta(days=1))
    first = DAY if calendar.is_workday(a.date()) else 0
    return (first - _until(a, calendar) + whole * DAY + _until(b, calendar)) // _SECOND


def _until(moment: datetime, calendar: WorkCalendar) -> int:
    """Return how much of its day's office hours has passed, in microseconds."""
    if not calendar.is_workday(moment.date()):
        return 0
    at = (moment.hour * 60 + moment.minute) * _MINUTE + moment.second * _SECOND + moment.microsecond
    return sum(min(max(at - start, 0), end - start) for start, end in HOURS)


def text(seconds: float | None) -> str:
    """Return a duration in words: 3天4小时, 2小时5分钟, 40秒; "—" for none."""
    return "—" if seconds is None else duration_text(int(seconds))
