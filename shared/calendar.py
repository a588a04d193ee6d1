"""Working days of China and the limits counted in them. Plain rules: the table of days comes from outside.

A year's holidays and make-up working days are published by the State Council some weeks before it begins. Days of
a year not published yet are taken as Monday to Friday, and a deadline that leaned on them is marked provisional:
it is to be computed anew once the year is known. No year raises.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from shared.clock import day_end, local_day, to_local
from shared.officehours import USUAL, OfficeHours, Span, instant

CountFrom = Literal["next_day", "same_day"]
Unit = Literal["min", "h", "wh", "d", "wd"]

MAX_DAYS = 3660
"""The longest limit taken, in days: ten years, so that a slip of the keyboard cannot run off the calendar."""

_UNIT_TEXT: dict[Unit, str] = {"min": "分钟", "h": "小时", "wh": "个工作时", "d": "日", "wd": "个工作日"}
# Of a working hour three hours of the day, so that its limits are capped like the others.
_UNIT_MINUTES: dict[Unit, int] = {"min": 1, "h": 60, "wh": 180, "d": 1440, "wd": 1440}
_LIMIT = re.compile(r"([1-9][0-9]{0,6})(min|h|wh|d|wd)")
_FRIDAY = 4
# The notice for 2008 made 29 December 2007 a working Saturday and the Monday after it a holiday; so did that for
# 2019. What 29 to 31 December are is therefore known only with the next year's notice.
_NEXT_NOTICE = (12, 29)


_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How long somebody has: `15min`, `24h` (wall clock), `4wh` (office hours), `30d` (days), `5wd` (working days)."""

    amount: int
    unit: Unit

    @property
    def by_clock(self) -> bool:
        """Say whether the limit runs on the wall clock, day and night, holidays too (紧急类不分工作日)."""
        return self.unit in ("min", "h")

    @property
    def span(self) -> timedelta:
        """Return the elapsed time of a wall-clock limit; days have no fixed length from a given instant."""
        if not self.by_clock:
            raise ValueError(f"时限“{self.text}”不按自然时计算,没有固定时长")
        return timedelta(minutes=self.amount * _UNIT_MINUTES[self.unit])

    @property
    def text(self) -> str:
        """Return the limit as people write it: 5个工作日."""
        return f"{self.amount}{_UNIT_TEXT[self.unit]}"

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant in UTC; what happens up to and including it is on time.

    Limits counted in days end at 24:00 of their last day, written as the next midnight in Shanghai.
    """

    at: datetime
    provisional: bool


@lru_cache(maxsize=512)
def parse_limit(text: str) -> Limit:
    """Read `15min`, `2h`, `4wh`, `30d` or `5wd`; anything else is a ValueError that says so in Chinese."""
    found = _LIMIT.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(
            f"时限“{text[:40]}”写法不对,应为正整数加单位 min(分钟)、h(小时)、wh(工作时)、d(日)或 wd(工作日),如 15min、24h、4wh、5wd"
        )
    unit = _unit(found[2])
    limit = Limit(int(found[1]), unit)
    if limit.amount * _UNIT_MINUTES[unit] > MAX_DAYS * 1440:
        raise ValueError(f"时限“{text[:40]}”过长,最长 {MAX_DAYS} 日")
    return limit


def _unit(text: str) -> Unit:
    return next(unit for unit in _UNIT_TEXT if unit == text)


class WorkCalendar:
    """Which days are worked, and what follows from it for limits. Immutable: a new table is a new calendar."""

    def __init__(
        self,
        exceptions: Mapping[date, bool],
        published: Iterable[int],
        *,
        half_days: Iterable[date] = (),
        hours: OfficeHours = USUAL,
    ) -> None:
        """Take the days that differ from Monday-to-Friday (`True`: worked), and the years whose notice is out.

        `half_days` are worked by half; for limits in days they are working days like others.
        """
        self._exceptions = dict(exceptions)
        self.published = frozenset(published)
        self.half_days = frozenset(half_days)
        self.hours = hours
        # year -> ordinals of its working days, filled when first asked for
        self._years: dict[int, list[int]] = {}
        # A street's tickets of one day share a handful of limits.
        self._ends: dict[tuple[date, int], Deadline] = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WorkCalendar):
            return NotImplemented
        return self._what() == other._what()

    def __hash__(self) -> int:
        return hash((len(self._exceptions), self.published))

    def _what(self) -> tuple[object, ...]:
        return self._exceptions, self.published, self.half_days, self.hours

    def of_street(
        self, days: Mapping[date, bool], half_days: Iterable[date], hours: OfficeHours
    ) -> "WorkCalendar":
        """Return this calendar with a street's own days (停工, 台风停课停工, 加班) and office hours laid over it."""
        return WorkCalendar(
            {**self._exceptions, **days}, self.published, half_days={*self.half_days, *half_days}, hours=hours
        )

    def is_workday(self, day: date) -> bool:
        """Say whether people work on `day`: the table's word, else Monday to Friday."""
        return self._exceptions.get(day, day.weekday() <= _FRIDAY)

    def is_published(self, day: date) -> bool:
        """Say whether the notice that rules `day` is out; for 29 to 31 December that is also the next year's."""
        return day.year in self.published and (
            (day.month, day.day) < _NEXT_NOTICE or day.year + 1 in self.published
        )

    def exceptions_between(self, first: date, last: date) -> Iterator[tuple[date, bool]]:
        """Yield the days from `first` to `last`, both included, that the table sets apart; for explanations."""
        day = first
        while day <= last:
            if day in self._exceptions:
                yield day, self._exceptions[day]
            day += timedelta(days=1)

    def working_days_between(self, start: date, end: date) -> int:
        """Count the working days after `start` up to and including `end` (次日起); negative when `end` is earlier.

        Instants stand for the Shanghai day they fall on.
        """
        first, last = _day(start), _day(end)
        if first > last:
            return -self.working_days_between(last, first)
        whole = sum(len(self._year(year)) for year in range(first.year, last.year))
        return whole + self._worked_until(last) - self._worked_until(first)

    def received_on(self, start: datetime) -> date:
        """Return the working day a receipt counts for where what comes after hours, or on a day off, is the next one's."""
        local = to_local(start)
        day = local.date()
        if self.is_workday(day) and local.hour * 60 + local.minute < self._spans(day)[-1][1]:
            return day
        return self._nth_workday(day + timedelta(days=1), 1)

    def add_workdays(
        self, start: datetime, n: int, *, count_from: CountFrom = "next_day", after_hours: bool = False
    ) -> Deadline:
        """Return the end of the `n`-th working day, counted from the day after `start` (次日起) or from its own day.

        Both ways of counting are in use: 次日起 in most rules, 收到之日起 in Guangdong's. A receipt on a day off
        counts from the next working day either way; with `after_hours` it is taken as received on that day, and so is
        one after closing time.
        """
        if not 1 <= n <= MAX_DAYS:
            raise ValueError(f"工作日数应为 1 至 {MAX_DAYS},收到 {n}")
        received = self.received_on(start) if after_hours else _day(start)
        first = received + timedelta(days=count_from == "next_day")
        known = self._ends.get((first, n))
        if known is None:
            last = self._nth_workday(first, n)
            known = Deadline(day_end(last), provisional=self._leans(first, last))
            if len(self._ends) >= _MOST_REMEMBERED:
                self._ends.clear()
            self._ends[first, n] = known
        return known

    def add_workhours(self, start: datetime, worked: timedelta) -> Deadline:
        """Return when this much of office hours has passed since `start`."""
        begin = to_local(_utc(start))
        day, left = begin.date(), worked
        while True:
            for first, last in self._spans(day):
                since, until = max(begin, instant(day, first)), instant(day, last)
                if since < until:
                    if left <= until - since:
                        return Deadline(_utc(since + left), provisional=self._leans(begin.date(), day))
                    left -= until - since
            day += timedelta(days=1)

    def worked_between(self, start: datetime, end: datetime) -> timedelta:
        """Return the office hours between two instants; none where the end is not after the start."""
        first, last = to_local(_utc(start)), to_local(_utc(end))
        if last <= first:
            return timedelta()
        if first.date() == last.date():
            return self._worked(first.date(), first, last)
        midnight = instant(first.date(), 1440)
        between, day = timedelta(), midnight.date()
        while day < last.date():
            between += self._worked(day, instant(day, 0), instant(day, 1440))
            day += timedelta(days=1)
        return (
            between + self._worked(first.date(), first, midnight) + self._worked(day, instant(day, 0), last)
        )

    def _worked(self, day: date, since: datetime, until: datetime) -> timedelta:
        spans = [(max(since, instant(day, a)), min(until, instant(day, b))) for a, b in self._spans(day)]
        return sum((end - start for start, end in spans if start < end), timedelta())

    def _spans(self, day: date) -> tuple[Span, ...]:
        if not self.is_workday(day):
            return ()
        return self.hours.half if day in self.half_days else self.hours.whole

    def due(
        self, start: datetime, limit: Limit, *, count_from: CountFrom = "next_day", after_hours: bool = False
    ) -> Deadline:
        """Return when `limit`, begun at `start`, runs out.

        Minutes and hours run on the wall clock, working hours through office hours; days and working days end at
        24:00 of the last one.
        """
        if limit.unit == "wd":
            return self.add_workdays(start, limit.amount, count_from=count_from, after_hours=after_hours)
        if limit.unit == "wh":
            return self.add_workhours(start, timedelta(hours=limit.amount))
        if limit.by_clock:
            return Deadline(_utc(start) + limit.span, provisional=False)
        first = _first_counted(start, count_from)
        return Deadline(day_end(first + timedelta(days=limit.amount - 1)), provisional=False)

    def resume(self, due_at: datetime, limit: Limit, paused_at: datetime, resumed_at: datetime) -> Deadline:
        """Return the deadline after a suspension (挂账) from `paused_at` to `resumed_at`.

        Wall clock: the time that passed is added. Working hours: those left are counted on from the resumption. Working days: as many as were left after the day of the pause
        are counted again from the day after the resumption; if none was left, the day of resumption (or the next
        working day) is the last. Calendar days likewise. A pause that begins at or after the deadline heals nothing.
        """
        due_at, paused_at, resumed_at = _utc(due_at), _utc(paused_at), _utc(resumed_at)
        if resumed_at < paused_at:
            raise ValueError("恢复时间早于暂停时间")
        late = paused_at >= due_at
        if limit.by_clock:
            return Deadline(due_at if late else due_at + (resumed_at - paused_at), provisional=False)
        if limit.unit == "wh":
            if late:
                return Deadline(due_at, provisional=self._leans(local_day(due_at), local_day(due_at)))
            new_due = self.add_workhours(resumed_at, self.worked_between(paused_at, due_at)).at
            return Deadline(new_due, provisional=self._leans(local_day(paused_at), local_day(new_due)))
        # The last day of a limit that ends at midnight is the day before that midnight.
        last = local_day(due_at - timedelta(microseconds=1))
        pause, again = local_day(paused_at), local_day(resumed_at)
        if late or pause == again:
            return Deadline(due_at, provisional=limit.unit == "wd" and self._leans(min(pause, last), last))
        if limit.unit == "d":
            return Deadline(day_end(last + (again - pause)), provisional=False)
        left = self.working_days_between(pause, last)
        new = self._nth_workday(again + timedelta(days=1), left) if left > 0 else self._nth_workday(again, 1)
        new = max(new, last)
        return Deadline(day_end(new), provisional=self._leans(pause, new))

    def _leans(self, first: date, last: date) -> bool:
        """Say whether any day from `first` to `last` is not ruled by a published notice."""
        years = range(first.year, last.year + 1)
        return any(year not in self.published for year in years) or not (
            self.is_published(first) and self.is_published(last)
        )

    def _nth_workday(self, first: date, n: int) -> date:
        """Return the `n`-th working day from `first` on, `first` included."""
        year = first.year
        days = self._year(year)
        at = bisect_left(days, first.toordinal()) + n - 1
        while at >= len(days):
            at -= len(days)
            year += 1
            days = self._year(year)
        return date.fromordinal(days[at])

    def _worked_until(self, day: date) -> int:
        return bisect_right(self._year(day.year), day.toordinal())

    def _year(self, year: int) -> list[int]:
        days = self._years.get(year)
        if days is None:
            first, last = date(year, 1, 1), date(year, 12, 31)
            span = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
            days = self._years[year] = [day.toordinal() for day in span if self.is_workday(day)]
        return days


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("时间缺少时区")
    return moment.astimezone(UTC)


def _day(day: date) -> date:
    # An instant is a date to Python; taken as one it would be the wrong day for a third of the time.
    return local_day(_utc(day)) if isinstance(day, datetime) else day


def _first_counted(start: datetime, count_from: CountFrom) -> date:
    return _day(start) + timedelta(days=count_from == "next_day")
