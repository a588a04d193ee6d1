"""The weekly coordination meeting's rules: its week, its day, and what stands on its agenda. Pure.

Rows S2-18 and S1-08: every week, the items of last week that are not closed and whatever was left unsolved, in three
parts: 督进度, 看成效, 解难题. What one meeting left open stands on the next one's agenda until it is over.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from shared.calendar import WorkCalendar
from shared.clock import day_start, local_day
from shared.lifecycle import FINAL
from shared.terms import MeetingPart, SupervisionLevel

_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_HARD = frozenset({SupervisionLevel.ESCALATE, SupervisionLevel.BULLETIN})
_PLACES = {part: place for place, part in enumerate(MeetingPart)}
A_WEEK = timedelta(days=7)


def week_of(day: date) -> str:
    """Return the ISO week of a day: 2026-W10. The first days of January may lie in the last week of the year before."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def monday_of(week: str) -> date:
    """Return the first day of a week; raise ValueError for what is none."""
    found = _WEEK.fullmatch(week)
    if found is None:
        raise ValueError(week)
    return date.fromisocalendar(int(found[1]), int(found[2]), 1)


def meeting_day(week: str, weekday: int, calendar: WorkCalendar) -> tuple[date, str | None]:
    """Return the day of a week's meeting, and why it is not the usual one: a day off moves it to the next working day."""
    usual = day = monday_of(week) + timedelta(days=weekday - 1)
    while not calendar.is_workday(day):
        day += timedelta(days=1)
    return day, None if day == usual else f"{usual:%m月%d日}不是工作日,顺延至{day:%m月%d日}"


@dataclass(frozen=True, slots=True)
class Matter:
    """What the agenda must know of a ticket."""

    ticket_id: UUID
    state: str
    unit_code: str | None
    received_at: datetime
    due_at: datetime | None
    level: str | None
    disputed: bool
    key: bool


@dataclass(frozen=True, slots=True)
class Item:
    matter: Matter
    part: MeetingPart
    why: str


def agenda(
    week: str, matters: Iterable[Matter], before: Mapping[UUID, MeetingPart], pending: Mapping[UUID, date]
) -> list[Item]:
    """Return a week's agenda in its order: parts, within them units, within them the most urgent first.

    `before`: what stood on the agenda before this one, in which part; `pending`: tickets with a resolution that is
    not done, and by when it was to be.
    """
    items = [
        Item(matter, *found)
        for matter in matters
        if (found := _place(week, matter, before.get(matter.ticket_id), pending.get(matter.ticket_id)))
    ]
    return sorted(
        items,
        key=lambda i: (
            _PLACES[i.part],
            i.matter.unit_code or "",
            i.matter.due_at or i.matter.received_at,
            i.matter.ticket_id,
        ),
    )


def _place(
    week: str, matter: Matter, before: MeetingPart | None, due_on: date | None
) -> tuple[MeetingPart, str] | None:
    carried = before is not None and before is not MeetingPart.RESULTS
    if matter.state in FINAL:
        return (MeetingPart.RESULTS, "上次会议未了事项,现已办结") if carried else None
    hard = list(_hard(week, matter, due_on))
    if hard:
        return MeetingPart.PROBLEMS, ";".join(hard)
    if due_on is not None:
        return MeetingPart.PROGRESS, f"会议决议,限{due_on:%m月%d日}前完成"
    if carried:
        return MeetingPart.PROGRESS, "上次会议未了事项"
    this = monday_of(week)
    if this - A_WEEK <= local_day(matter.received_at) < this:
        return MeetingPart.PROGRESS, "上周受理,尚未办结"
    return None


def _hard(week: str, matter: Matter, due_on: date | None) -> Iterable[str]:
    if due_on is not None and due_on < monday_of(week):
        yield f"会议决议应于{due_on:%m月%d日}前完成,逾期"
    if matter.level in _HARD:
        yield f"已{SupervisionLevel(matter.level).text}"
    if matter.disputed:
        yield "多次派单未成"
    if matter.key:
        yield "重点督办"


def last_week(week: str) -> tuple[datetime, datetime]:
    """Return the instants between which last week lies."""
    this = monday_of(week)
    return day_start(this - A_WEEK), day_start(this)
