"""Working time against a slow count, minute by minute: nights, weekends, holidays and the days that make up for them."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from services.metrics.worktime import natural_seconds, text, working_seconds
from shared.calendar import WorkCalendar
from shared.clock import SHANGHAI

# 春节 2026: the 15th to the 23rd of February are off; the Saturdays before and after are worked.
OFF = {date(2026, 2, day): False for day in range(15, 24)}
CALENDAR = WorkCalendar(OFF | {date(2026, 2, 14): True, date(2026, 2, 28): True}, [2025, 2026])
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
START = datetime(2026, 2, 6, tzinfo=SHANGHAI)
minutes = st.integers(0, 25 * 1440).map(lambda n: START + n * MINUTE)
instants = st.builds(lambda at, ticks: at + ticks * TICK, minutes, st.integers(0, 59_999_999))


def worked(minute):
    """Whether people are at work in the minute that begins here."""
    day = minute.date()
    off = not CALENDAR.is_workday(day)
    clock = f"{minute:%H:%M}"
    return not off and ("08:30" <= clock < "12:00" or "13:30" <= clock < "18:00")


def slowly(start, end):
    """The office minutes between two whole minutes, counted one by one."""
    count = 0
    while start < end:
        count += worked(start)
        start += MINUTE
    return count * 60


@settings(max_examples=60, deadline=None)
@given(minutes, minutes)
def test_as_counted_minute_by_minute(one, other):
    assert working_seconds(one, other, CALENDAR) == slowly(one, other)


@settings(max_examples=200, deadline=None)
@given(instants, instants, instants)
def test_parts_add_up_to_the_whole_and_never_exceed_natural_time(a, b, c):
    a, b, c = sorted((a, b, c))
    whole = working_seconds(a, c, CALENDAR)
    assert 0 <= whole <= natural_seconds(a, c)
    # seconds are cut to whole ones, so two parts may lack one between them
    assert 0 <= whole - working_seconds(a, b, CALENDAR) - working_seconds(b, c, CALENDAR) <= 1


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 59_999_999), st.integers(1, 12_000))
def test_a_span_within_office_hours_is_all_worked(ticks, seconds):
    start = datetime(2026, 2, 9, 8, 30, tzinfo=SHANGHAI) + ticks * TICK
    assert working_seconds(start, start + timedelta(seconds=seconds), CALENDAR) == seconds


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-02-09 00:00", "2026-02-10 00:00", 8),  # a Monday
        ("2026-02-09 09:00", "2026-02-09 11:30", 2.5),
        ("2026-02-09 11:00", "2026-02-09 14:00", 1.5),  # over lunch
        ("2026-02-09 12:00", "2026-02-09 13:30", 0),
        ("2026-02-09 18:00", "2026-02-10 08:30", 0),  # a night
        ("2026-02-06 17:00", "2026-02-09 09:30", 2),  # Friday to Monday
        ("2026-02-07 08:30", "2026-02-08 18:00", 0),  # a weekend
        ("2026-02-13 17:00", "2026-02-16 12:00", 9),  # the Saturday that is made up for, then the holiday
        ("2026-02-15 00:00", "2026-02-24 00:00", 0),  # the holiday
        ("2026-02-14 23:00", "2026-02-24 09:30", 1),
        ("2026-02-28 08:30", "2026-03-01 18:00", 8),
        ("2026-02-10 10:00", "2026-02-09 10:00", 0),  # backwards
    ],
)
def test_by_hand(start, end, hours):
    a, b = (datetime.fromisoformat(at).replace(tzinfo=SHANGHAI) for at in (start, end))
    assert working_seconds(a, b, CALENDAR) == hours * 3600


def test_whichever_zone_an_instant_is_written_in():
    start = datetime.fromisoformat("2026-02-08T23:00:00+00:00")  # Monday 07:00 in Shanghai
    assert working_seconds(start, start + timedelta(hours=3), CALENDAR) == 1.5 * 3600


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "—"), (0, "0秒"), (40, "40秒"), (60, "1分钟"), (3599, "59分钟"), (3600, "1小时"), (7500, "2小时5分钟"),
        (86_400, "1天"), (86_400 * 3 + 4 * 3600 + 59 * 60, "3天4小时"), (86_459, "1天"),
    ],
)  # fmt: skip
def test_in_words(seconds, words):
    assert text(seconds) == words
