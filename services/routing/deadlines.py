"""A category's three limits made into instants, each with the sentence that explains it.

Signing, first contact and handling are three clocks that start together when the ticket is received. Urgent
categories carry limits in minutes and hours and run day and night; the others count working days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.calendar import CountFrom, Deadline, Limit, WorkCalendar, parse_limit
from shared.clock import local_day, to_local
from shared.officehours import span_text

_WEEKDAYS = "一二三四五六日"
_ONE_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a category as its catalogue row writes them: `1wd`, `15min`, `24h`."""

    sign: str
    contact: str
    resolve: str

    @property
    def all(self) -> tuple[str, str, str]:
        return self.sign, self.contact, self.resolve


@dataclass(frozen=True, slots=True)
class Clocks:
    """The three deadlines of a ticket, in UTC; on time means up to and including the instant."""

    sign_due_at: datetime
    contact_due_at: datetime
    due_at: datetime
    provisional: bool
    """Some of them leaned on a year whose holidays are not published yet."""
    why: list[str]
    """Chinese sentences, one a step, for whoever asks how the deadline came about."""


def _named(limits: Limits) -> list[tuple[str, Limit]]:
    return [
        ("签收", parse_limit(limits.sign)),
        ("先行联系", parse_limit(limits.contact)),
        ("办理", parse_limit(limits.resolve)),
    ]


def clocks(
    limits: Limits,
    received_at: datetime,
    calendar: WorkCalendar,
    *,
    count_from: CountFrom = "next_day",
    after_hours: bool = False,
) -> Clocks:
    """Work out a ticket's deadlines; a limit that cannot be read is a ValueError in Chinese."""
    named = _named(limits)
    due = [
        calendar.due(received_at, limit, count_from=count_from, after_hours=after_hours) for _, limit in named
    ]
    why = [_opening(received_at, [limit for _, limit in named])]
    why += [
        explain(name, limit, received_at, deadline, calendar, count_from=count_from, after_hours=after_hours)
        for (name, limit), deadline in zip(named, due, strict=True)
    ]
    provisional = any(deadline.provisional for deadline in due)
    if provisional:
        last = max(local_day(deadline.at - _ONE_TICK) for deadline in due if deadline.provisional)
        why.append(_unpublished(local_day(received_at), last, calendar))
    return Clocks(due[0].at, due[1].at, due[2].at, provisional, why)


def explain(
    name: str,
    limit: Limit,
    received_at: datetime,
    deadline: Deadline,
    calendar: WorkCalendar,
    *,
    count_from: CountFrom = "next_day",
    after_hours: bool = False,
) -> str:
    """Return one sentence: what the limit is, from when it counts, what it skips, when it ends."""
    if limit.by_clock:
        return f"{name}时限{limit.text},应于{moment_text(deadline.at)}前完成"
    if limit.unit == "wh":
        spans = "、".join(span_text(span) for span in calendar.hours.whole)
        return f"{name}时限{limit.text},按上班时间({spans})累计,应于{moment_text(deadline.at)}前完成"
    day = local_day(received_at)
    received = calendar.received_on(received_at) if after_hours and limit.unit == "wd" else day
    first = received + timedelta(days=count_from == "next_day")
    last = local_day(deadline.at - _ONE_TICK)
    start = f"自次日({_day(first)})起算" if count_from == "next_day" else f"自当日({_day(first)})起算"
    steps = list(_steps(first, last, calendar)) if limit.unit == "wd" else []
    later = [f"下班后或非工作日收到,视为{_day(received)}收到"] if received != day else []
    return ",".join(
        [f"{name}时限{limit.text}", *later, start, *steps, f"应于{moment_text(deadline.at)}前完成"]
    )


def moment_text(moment: datetime) -> str:
    """Write an instant as people here say it; midnight belongs to the day it ends (10月9日24时)."""
    local = to_local(moment)
    if local.hour == local.minute == local.second == local.microsecond == 0:
        ended = local_day(moment - _ONE_TICK)
        return f"{ended.year}年{_day(ended)}24时"
    return f"{local.year}年{_day(local.date())}{local:%H:%M}"


def _opening(received_at: datetime, limits: list[Limit]) -> str:
    local = to_local(received_at)
    received = f"受理于{local.year}年{_day(local.date())}(周{_WEEKDAYS[local.weekday()]}){local:%H:%M}"
    if all(limit.by_clock for limit in limits):
        return f"{received},紧急类按自然时计,不分工作日和非工作日"
    if any(limit.by_clock for limit in limits):
        return f"{received},分钟、小时按自然时计,其余按日计"
    return f"{received},按日计,到末日24时止"


def _steps(first: date, last: date, calendar: WorkCalendar) -> Iterator[str]:
    """Say which days between were not counted, and which weekend days were."""
    off: list[tuple[date, date]] = []
    makeup: list[date] = []
    for day, worked in calendar.exceptions_between(first, last):
        if worked:
            makeup.append(day)
        elif off and off[-1][1] == day - timedelta(days=1):
            off[-1] = (off[-1][0], day)
        else:
            off.append((day, day))
    if off:
        yield "跳过" + "、".join(_span(*run) for run in off) + "放假"
    holidays = sum((until - since).days + 1 for since, until in off)
    counted = calendar.working_days_between(first - timedelta(days=1), last)
    weekend = (last - first).days + 1 - holidays - counted
    if weekend:
        yield f"跳过周末{weekend}天"
    if makeup:
        yield "计入" + "、".join(f"{_day(day)}(周{_WEEKDAYS[day.weekday()]})" for day in makeup) + "调休上班"


def _unpublished(first: date, last: date, calendar: WorkCalendar) -> str:
    years = [year for year in range(first.year, last.year + 2) if year not in calendar.published]
    return f"{years[0]}年放假安排尚未公布,暂按周一至周五上班推算,公布后重新计算"


def _day(day: date) -> str:
    return f"{day.month}月{day.day}日"


def _span(since: date, until: date) -> str:
    if since == until:
        return _day(since)
    return f"{_day(since)}至{until.day}日" if since.month == until.month else f"{_day(since)}至{_day(until)}"
