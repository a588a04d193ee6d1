"""Working days against the `chinesecalendar` package day by day, limits against a slow count day by day."""

import random
from datetime import UTC, date, datetime, timedelta
from timeit import timeit
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from chinese_calendar import constants

from shared.calendar import MAX_DAYS, Deadline, Limit, WorkCalendar, parse_limit

PEKING = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
KNOWN = range(2004, 2027)
TABLE = dict.fromkeys(constants.holidays, False) | dict.fromkeys(constants.workdays, True)
CALENDAR = WorkCalendar(TABLE, KNOWN)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=PEKING)


def same(deadline, text, *, provisional=False):
    assert deadline == Deadline(at(text).astimezone(UTC), provisional)


def worked(day):
    """The oracle's word: the package where it knows, Monday to Friday after it."""
    return chinese_calendar.is_workday(day) if day.year in KNOWN else day.isoweekday() <= 5


def midnight_after(day):
    return datetime(day.year, day.month, day.day, tzinfo=PEKING) + DAY


def slow_add(start, n, *, same_day):
    day = start.astimezone(PEKING).date()
    seen = set()
    if not same_day:
        day += DAY
    while True:
        seen.add(day)
        n -= worked(day)
        if n == 0:
            return midnight_after(day), seen
        day += DAY


def moments(count, seed, first=2005, last=2034):
    chance = random.Random(seed)
    begin, end = datetime(first, 1, 1, tzinfo=PEKING), datetime(last, 1, 1, tzinfo=PEKING)
    for _ in range(count):
        yield chance, begin + timedelta(seconds=chance.randrange(int((end - begin).total_seconds())))


def test_every_day_of_the_published_years_is_what_the_package_says():
    day = date(2004, 1, 1)
    while day <= date(2026, 12, 31):
        assert CALENDAR.is_workday(day) == chinese_calendar.is_workday(day), day
        day += DAY


def test_no_day_to_2100_raises_and_unknown_years_are_monday_to_friday():
    for ordinal in range(date(2027, 1, 1).toordinal(), date(2101, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        assert CALENDAR.is_workday(day) == (day.isoweekday() <= 5)
        assert not CALENDAR.is_published(day)
    assert CALENDAR.add_workdays(at("2100-12-31T23:59:59"), 250).provisional
    assert WorkCalendar({}, []).add_workdays(at("2027-01-01"), 1).provisional


@pytest.mark.parametrize("same_day", [False, True])
def test_adding_working_days_agrees_with_counting_them_one_by_one(same_day):
    for chance, start in moments(4000, seed=1 + same_day):
        n = chance.choice((1, 2, 3, 5, 10, 15, 30, 60, 261))
        end, seen = slow_add(start, n, same_day=same_day)
        deadline = CALENDAR.add_workdays(start, n, count_from="same_day" if same_day else "next_day")
        assert deadline.at == end, (start, n)
        needs = {day.year for day in seen} | {
            day.year + 1 for day in seen if (day.month, day.day) >= (12, 29)
        }
        assert deadline.provisional == (not needs <= set(KNOWN)), (start, n)


def test_counting_between_two_days_agrees_with_walking_them_and_mirrors():
    for chance, start in moments(1500, seed=3):
        a = start.date()
        b = a + timedelta(days=chance.randrange(0, 900))
        walked = sum(worked(a + timedelta(days=i)) for i in range(1, (b - a).days + 1))
        assert CALENDAR.working_days_between(a, b) == walked
        assert CALENDAR.working_days_between(b, a) == -walked


def test_an_instant_stands_for_its_day_in_shanghai():
    monday_there = datetime(2026, 11, 15, 16, 0, tzinfo=UTC)
    assert CALENDAR.working_days_between(monday_there, date(2026, 11, 17)) == 1
    same(CALENDAR.add_workdays(monday_there, 1), "2026-11-18")


def test_holidays_and_make_up_days():
    same(CALENDAR.add_workdays(at("2026-09-30T09:00"), 1), "2026-10-09")
    same(CALENDAR.add_workdays(at("2026-10-09T09:00"), 1), "2026-10-11")  # Saturday 10 October is worked
    same(
        CALENDAR.add_workdays(at("2026-02-13T23:59:59"), 2), "2026-02-25"
    )  # 14 is worked, then the Spring Festival


def test_same_day_counts_the_day_of_receipt_only_if_it_is_worked():
    same(CALENDAR.add_workdays(at("2026-11-16T23:59"), 1, count_from="same_day"), "2026-11-17")
    same(CALENDAR.add_workdays(at("2026-11-15T09:00"), 1, count_from="same_day"), "2026-11-17")


def test_over_new_year():
    same(CALENDAR.add_workdays(at("2026-12-21T10:00"), 5), "2026-12-29")
    # 29 December is ruled by the notice for 2027, as 29 December 2018 was by the one for 2019.
    same(CALENDAR.add_workdays(at("2026-12-21T10:00"), 6), "2026-12-30", provisional=True)
    same(CALENDAR.add_workdays(at("2026-12-31T10:00"), 1), "2027-01-02", provisional=True)
    assert CALENDAR.is_workday(date(2018, 12, 29))
    assert not CALENDAR.is_workday(date(2018, 12, 31))


def test_publishing_a_year_settles_and_moves_its_deadlines():
    before = CALENDAR.add_workdays(at("2026-12-31T10:00"), 1)
    known = WorkCalendar(TABLE | {date(2027, 1, 1): False}, [*KNOWN, 2027])
    after = known.add_workdays(at("2026-12-31T10:00"), 1)
    assert (before.provisional, after.provisional) == (True, False)
    same(after, "2027-01-05")


def test_limits_by_the_clock_know_no_holidays():
    start = at("2026-10-01T23:50")
    same(CALENDAR.due(start, parse_limit("15min")), "2026-10-02T00:05")
    same(CALENDAR.due(start, parse_limit("48h")), "2026-10-03T23:50")
    same(CALENDAR.due(at("2099-12-31T23:50"), parse_limit("2h")), "2100-01-01T01:50")


def test_calendar_days_end_at_midnight_and_skip_nothing():
    same(CALENDAR.due(at("2026-09-30T10:00"), parse_limit("7d")), "2026-10-08")
    same(CALENDAR.due(at("2026-09-30T10:00"), parse_limit("1d"), count_from="same_day"), "2026-10-01")


def test_a_suspension_keeps_the_working_days_that_were_left():
    five = parse_limit("5wd")
    due = CALENDAR.due(at("2026-11-16T10:00"), five)  # Monday; last day Monday 23
    same(due, "2026-11-24")

    def resume(paused, resumed):
        return CALENDAR.resume(due.at, five, at(paused), at(resumed))

    same(resume("2026-11-18T09:00", "2026-11-18T17:00"), "2026-11-24")  # within a day: nothing moves
    same(resume("2026-11-18T09:00", "2026-12-02T17:00"), "2026-12-08")  # Thu, Fri, Mon were left
    same(resume("2026-11-23T09:00", "2026-11-25T17:00"), "2026-11-26")  # the last day: the day of resumption
    same(resume("2026-11-23T09:00", "2026-11-28T17:00"), "2026-12-01")  # resumed on a Saturday: Monday
    same(resume("2026-11-24T00:00", "2026-11-28T17:00"), "2026-11-24")  # already late
    same(resume("2026-11-18T09:00", "2026-12-30T17:00"), "2027-01-05", provisional=True)


def test_a_suspension_adds_its_span_to_limits_by_the_clock_and_days_to_calendar_days():
    day, paused, resumed = at("2026-10-02T10:00"), at("2026-10-01T22:00"), at("2026-10-03T01:30")
    same(CALENDAR.resume(day, parse_limit("24h"), paused, resumed), "2026-10-03T13:30")
    same(CALENDAR.resume(day, parse_limit("24h"), day, resumed), "2026-10-02T10:00")
    same(CALENDAR.resume(at("2026-10-08"), parse_limit("7d"), paused, resumed), "2026-10-10")


def test_a_suspension_never_brings_a_deadline_forward_and_never_costs_working_days():
    for chance, start in moments(2000, seed=5):
        limit = parse_limit(chance.choice(("1wd", "5wd", "30wd", "24h", "10d")))
        due = CALENDAR.due(start, limit)
        paused = start + chance.random() * (due.at - start)
        resumed = paused + timedelta(hours=chance.expovariate(1 / 200))
        new = CALENDAR.resume(due.at, limit, paused, resumed)
        assert new.at >= due.at
        assert new.at > resumed
        if limit.unit == "wd":
            left = CALENDAR.working_days_between(paused, due.at - timedelta(microseconds=1))
            again = CALENDAR.working_days_between(resumed, new.at - timedelta(microseconds=1))
            assert left in (again, 0)


def test_limits_read_and_print():
    assert parse_limit("15min") == Limit(15, "min")
    assert parse_limit(" 5WD ").text == "5个工作日"
    assert [parse_limit(t).text for t in ("30min", "48h", "30d")] == ["30分钟", "48小时", "30日"]
    assert str(parse_limit("30d")) == "30d"
    assert parse_limit("2h").span == timedelta(hours=2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "wd",
        "0wd",
        "-1h",
        "1.5h",
        "5 wd",
        "٥wd",
        "5个工作日",
        "3661d",
        "9999999min",
        "1wd😀",
        "x" * 9999,
    ],
)
def test_a_limit_that_cannot_be_read_says_so(text):
    with pytest.raises(ValueError, match="时限"):
        parse_limit(text)


def test_what_cannot_be_counted_says_so():
    for n in (0, -1, MAX_DAYS + 1):
        with pytest.raises(ValueError, match="工作日数"):
            CALENDAR.add_workdays(at("2026-11-16"), n)
    with pytest.raises(ValueError, match="时区"):
        CALENDAR.add_workdays(datetime(2026, 11, 16), 1)  # noqa: DTZ001 - the point
    with pytest.raises(ValueError, match="恢复时间"):
        CALENDAR.resume(at("2026-11-18"), parse_limit("1h"), at("2026-11-17"), at("2026-11-16"))
    with pytest.raises(ValueError, match="固定时长"):
        _ = parse_limit("5wd").span


def test_thirty_working_days_take_microseconds():
    start = at("2026-11-16T10:00")
    assert timeit(lambda: CALENDAR.add_workdays(start, 30), number=2000) / 2000 < 200e-6
