"""Windows by their names, natural and as streets cut them."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, strategies as st

from services.metrics.periods import NATURAL, AssessmentCalendar, Window, parse, previous, year_before
from shared.clock import SHANGHAI

FROM_19TH = AssessmentCalendar(month_starts_on=19)
FROM_NOVEMBER = AssessmentCalendar(year_starts_in=11)
FROM_NOON = AssessmentCalendar(day_starts_at=time(12))
CALENDARS = st.builds(AssessmentCalendar, st.integers(1, 28), st.integers(1, 12))
DAYS = st.dates(date(1995, 1, 1), date(2060, 1, 1))


def day(text):
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("name", "calendar", "first", "last"),
    [
        ("2026-11-24", NATURAL, "2026-11-24", "2026-11-24"),
        ("2026-W01", NATURAL, "2025-12-29", "2026-01-04"),
        ("2026-W47", NATURAL, "2026-11-16", "2026-11-22"),
        ("2024-02", NATURAL, "2024-02-01", "2024-02-29"),
        ("2026-Q4", NATURAL, "2026-10-01", "2026-12-31"),
        ("2026", NATURAL, "2026-01-01", "2026-12-31"),
        ("2026-11", FROM_19TH, "2026-10-19", "2026-11-18"),
        ("2026-01", FROM_19TH, "2025-12-19", "2026-01-18"),
        ("2026", FROM_19TH, "2025-12-19", "2026-12-18"),
        ("2026", FROM_NOVEMBER, "2025-11-01", "2026-10-31"),
        ("2026-Q1", FROM_NOVEMBER, "2025-11-01", "2026-01-31"),
    ],
)
def test_what_a_name_means(name, calendar, first, last):
    window = parse(name, calendar)
    assert (window.first, window.last) == (day(first), day(last))


def test_a_day_from_noon_ends_at_its_own_noon():
    window = parse("2026-11-24", FROM_NOON)
    noon = datetime(2026, 11, 24, 12, tzinfo=SHANGHAI)
    assert window.exact == (noon - timedelta(days=1), noon)
    assert (window.starts_at, window.ends_at) == window.exact


@pytest.mark.parametrize(
    "name", ["", "2026-13", "2026-W54", "2026-02-30", "2026-Q5", "26", "2026-00", "二〇二六", "0000"]
)
def test_what_is_no_period_is_told_in_chinese(name):
    with pytest.raises(ValueError, match="时段"):
        parse(name)


@given(CALENDARS, st.integers(1995, 2060), st.integers(1, 12))
def test_periods_follow_one_another_without_a_gap(calendar, year, month):
    for name in (f"{year}-{month:02d}", f"{year}-Q{(month + 2) // 3}", f"{year}"):
        window = parse(name, calendar)
        before = previous(window)
        assert before.last + timedelta(days=1) == window.first
        assert parse(before.name, calendar) == before
        assert year_before(window).name == f"{year - 1}{name[4:]}"


@given(DAYS)
def test_weeks_and_days(moment):
    year, week, _ = moment.isocalendar()
    window = parse(f"{year}-W{week:02d}")
    assert window.first <= moment <= window.last
    assert previous(window).last == window.first - timedelta(days=1)
    assert year_before(window).name[:4] == str(year - 1)
    assert previous(parse(moment.isoformat())).first == moment - timedelta(days=1)


@given(DAYS, st.integers(0, 900))
def test_a_free_window_is_preceded_by_one_as_long(first, length):
    window = Window.of_days(first, first + timedelta(days=length))
    before = previous(window)
    assert before.last == first - timedelta(days=1)
    assert before.last - before.first == window.last - window.first


def test_a_leap_day_has_a_year_before():
    assert year_before(parse("2024-02-29")).name == "2023-02-28"
    assert year_before(parse("2020-W53")).name == "2019-W52"
