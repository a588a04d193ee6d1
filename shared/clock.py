"""The one clock. Every process asks it; tests set it; SQL never asks the database for the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVER = date(1900, 1, 1)
"""The day from which a thing is valid of which nobody said since when."""

_fixed: datetime | None = None


def now() -> datetime:
    """Return the present instant, aware, in UTC, to the microsecond."""
    return _fixed if _fixed is not None else datetime.now(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Hold the clock of this process at `moment` (tests only)."""
    global _fixed  # noqa: PLW0603 - one clock for the process is the point
    before, _fixed = _fixed, moment.astimezone(UTC)
    try:
        yield
    finally:
        _fixed = before


def local_day(moment: datetime) -> date:
    """Return the day in Shanghai on which `moment` falls."""
    return moment.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """Return the first instant of a Shanghai day."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def day_end(day: date) -> datetime:
    """Return the first instant after a Shanghai day (windows are half-open)."""
    return day_start(day + timedelta(days=1))


def to_local(moment: datetime) -> datetime:
    """Return `moment` as people here write it (+08:00)."""
    return moment.astimezone(SHANGHAI)


def duration_text(seconds: int) -> str:
    """Return a duration in words: 3天4小时, 2小时5分钟, 40秒."""
    hours, minutes = divmod(seconds // 60, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}天{hours}小时" if hours else f"{days}天"
    if hours:
        return f"{hours}小时{minutes}分钟" if minutes else f"{hours}小时"
    return f"{minutes}分钟" if minutes else f"{seconds}秒"


def remaining_text(due_at: datetime, moment: datetime) -> str:
    """Return a deadline in a resident's words: 剩余2小时, 剩余3天, 已超期1天."""
    seconds = (due_at - moment).total_seconds()
    lead, amount = ("剩余", seconds) if seconds >= 0 else ("已超期", -seconds)
    minutes = int(amount // 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{lead}{max(minutes, 1)}分钟"
    hours = minutes // 60
    return f"{lead}{hours}小时" if hours < 48 else f"{lead}{hours // 24}天"  # noqa: PLR2004 - two days
