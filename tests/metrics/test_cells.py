"""The geometry of the totals: each step that a question covers is in exactly one of its ranges."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given, settings, strategies as st

from services.metrics.cells import TIERS, buckets, question
from shared.clock import SHANGHAI, day_start

days = st.dates(date(1990, 1, 1), date(2035, 12, 31))
TICK = timedelta(microseconds=1)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
instants = st.builds(lambda n: EARLIEST + n * TICK, st.integers(0, 46 * 366 * 86_400 * 10**6))
dimensions = st.sampled_from(["", "channel", "grid", "unit!"])


def occurrences(asked, received, step):
    """How many times a step of a ticket received on a day is counted."""
    at = buckets(step)
    cohort = {"d": received, "m": received.replace(day=1), "y": received.replace(month=1, day=1)}
    from_cells = sum(
        r.first <= cohort[r.tier[0]] <= r.last
        and (r.since is None or r.since <= at[r.tier[1]])
        and at[r.tier[1]] < r.until
        for r in asked.ranges
    )
    return from_cells + sum(
        loose.first <= received <= loose.last and loose.since <= step for loose in asked.loose
    )


@settings(max_examples=300, deadline=None)
@given(
    days, st.integers(0, 1500), dimensions, st.sampled_from("ymd"), instants, instants, st.integers(-3, 1530)
)
@example(
    date(2026, 1, 1),
    364,
    "",
    "y",
    datetime(2026, 2, 28, 16, tzinfo=UTC),
    datetime(2026, 2, 28, 16, tzinfo=UTC),
    9,
)
@example(
    date(2026, 1, 31),
    1,
    "grid",
    "d",
    datetime(2026, 2, 1, 15, 59, tzinfo=UTC),
    datetime(2026, 2, 1, tzinfo=UTC),
    1,
)
def test_a_step_is_counted_once_or_not_at_all(first, length, dimension, finest, as_of, step, offset):
    by_days, by_months = finest == "d", finest in {"d", "m"}
    asked = question(first, first + timedelta(length), as_of, dimension, by_days=by_days, by_months=by_months)
    assert not (by_months and any(r.tier == "yy" for r in asked.ranges))
    assert all(r.tier in TIERS[dimension.rstrip("!")] for r in asked.ranges)
    received = first + timedelta(offset)
    if step > as_of or step < day_start(received):  # nothing happens to a ticket before it is received
        return
    assert occurrences(asked, received, step) == (0 <= offset <= length)


@settings(max_examples=300, deadline=None)
@given(instants, dimensions, st.sampled_from([-TICK, timedelta(0), TICK]))
def test_steps_near_the_instant_asked_for(as_of, dimension, beside):
    first = as_of.astimezone(SHANGHAI).date()
    for edge in buckets(as_of).values():
        asked = question(first, first, as_of, dimension)
        step = edge.astimezone(UTC) + beside
        if day_start(first) <= step <= as_of:
            assert occurrences(asked, first, step) == 1


@given(instants)
def test_buckets_are_local(moment):
    local, found = moment.astimezone(SHANGHAI), buckets(moment)
    assert found["y"] <= found["m"] <= found["d"] <= found["h"] <= moment < found["h"] + timedelta(hours=1)
    assert found["d"].astimezone(SHANGHAI).date() == local.date()
    assert found["m"].astimezone(SHANGHAI).date() == local.date().replace(day=1)


SUMMER_TIME_ENDS = datetime(
    1990, 9, 15, 17, tzinfo=UTC
)  # 02:00 becomes 01:00 in Shanghai: that hour comes twice


@pytest.mark.parametrize("minutes", [-90, -30, -1, 0, 1, 30, 59, 60, 90])
@pytest.mark.parametrize("step_minutes", [-90, -30, -1, 0, 1, 30, 59, 60, 90])
def test_an_hour_that_comes_twice(minutes, step_minutes):
    as_of = SUMMER_TIME_ENDS + timedelta(minutes=minutes)
    step = SUMMER_TIME_ENDS + timedelta(minutes=step_minutes)
    asked = question(date(1990, 9, 1), date(1990, 9, 30), as_of)
    if step <= as_of:
        assert occurrences(asked, date(1990, 9, 16), step) == 1
    assert {buckets(SUMMER_TIME_ENDS - TICK)["h"], buckets(SUMMER_TIME_ENDS)["h"]} == {
        SUMMER_TIME_ENDS - timedelta(hours=1),
        SUMMER_TIME_ENDS,
    }
