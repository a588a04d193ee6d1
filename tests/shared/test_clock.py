"""One clock, Shanghai's days, and a countdown that people read."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from shared import clock

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(hours=2), "剩余2小时"), (timedelta(days=3), "剩余3天"), (timedelta(hours=47, minutes=59), "剩余47小时"),
        (timedelta(hours=48), "剩余2天"), (timedelta(days=3) - timedelta(seconds=1), "剩余2天"),
        (timedelta(minutes=60), "剩余1小时"), (timedelta(minutes=59, seconds=59), "剩余59分钟"),
        (timedelta(minutes=1), "剩余1分钟"), (timedelta(seconds=30), "剩余1分钟"), (timedelta(), "剩余1分钟"),
        (-timedelta(seconds=1), "已超期1分钟"), (-timedelta(minutes=5), "已超期5分钟"), (-timedelta(hours=1), "已超期1小时"),
        (-timedelta(days=1), "已超期24小时"), (-timedelta(days=2), "已超期2天"), (-timedelta(days=400), "已超期400天"),
    ],
)  # fmt: skip
def test_a_deadline_in_a_residents_words(left, text):
    assert clock.remaining_text(NOON + left, NOON) == text


def test_the_clock_is_held_and_let_go():
    with clock.at(NOON):
        assert clock.now() == NOON
        with clock.at(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    with pytest.raises(ZeroDivisionError), clock.at(NOON):
        _ = 1 / 0
    assert clock.now() != NOON


def test_days_are_shanghais():
    late = datetime(2026, 3, 4, 15, 59, 59, tzinfo=UTC)
    assert clock.local_day(late) == date(2026, 3, 4)
    assert clock.local_day(late + timedelta(seconds=1)) == date(2026, 3, 5)
    assert clock.day_start(date(2026, 3, 5)) == datetime(2026, 3, 4, 16, tzinfo=UTC)
    assert clock.day_end(date(2026, 3, 4)) == clock.day_start(date(2026, 3, 5))
    assert clock.to_local(NOON).isoformat() == "2026-03-04T12:00:00+08:00"
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-7)))
    with clock.at(elsewhere):
        assert clock.now().utcoffset() == timedelta()
