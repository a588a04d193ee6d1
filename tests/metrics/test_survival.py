"""The closing curve against a slow count with fractions, and against a textbook; Wilson's interval."""

from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from services.metrics.intervals import wilson
from services.metrics.survival import curve, quantile, within

LIVES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60)


def counted(lives, closed):
    found = {}
    for day, ended in lives:
        if ended is closed:
            found[day] = found.get(day, 0) + 1
    return found


@given(LIVES)
def test_the_product_limit(lives):
    points = curve(counted(lives, True), counted(lives, False))
    left = Fraction(1)
    for day in range(13):
        at_risk = sum(1 for d, _ in lives if d >= day)
        ended = sum(1 for d, closed in lives if closed and d == day)
        if ended:
            left *= 1 - Fraction(ended, at_risk)
            [point] = [p for p in points if p.day == day]
            assert (point.at_risk, point.closed) == (at_risk, ended)
            assert point.share == pytest.approx(float(1 - left), abs=1e-12)
            assert point.low - 1e-12 <= point.share <= point.high + 1e-12
    assert [p.day for p in points] == sorted({d for d, closed in lives if closed})


@given(LIVES)
def test_without_open_tickets_it_is_the_plain_share(lives):
    days = [d for d, _ in lives]
    points = curve(counted([(d, True) for d in days], True), {})
    for point in points:
        assert point.share == pytest.approx(sum(d <= point.day for d in days) / len(days))


def test_the_leukaemia_data_of_the_textbooks():
    """6-MP group of Freireich et al. (1963), as every textbook prints it: S(6)=0.857, S(10)=0.753, S(23)=0.448."""
    closed = {6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1}
    censored = {6: 1, 9: 1, 10: 1, 11: 1, 17: 1, 19: 1, 20: 1, 25: 1, 32: 2, 34: 1, 35: 1}
    points = curve(closed, censored)
    left = {p.day: round(1 - p.share, 3) for p in points}
    assert (left[6], left[7], left[10], left[13], left[16], left[22], left[23]) == (
        0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448,
    )  # fmt: skip
    assert quantile(points, 0.5) == 23
    assert quantile(points, 0.9) is None
    assert within(points, 5) is None
    assert within(points, 9).day == 7
    assert (round(1 - points[0].high, 3), round(1 - points[0].low, 3)) == (0.620, 0.952)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (240, 246, 0.9478, 0.9888)]
)  # fmt: skip
def test_wilson_as_published(k, n, low, high):
    assert tuple(round(bound, 4) for bound in wilson(k, n)) == (low, high)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_a_share_of_nothing_has_no_interval(k, n):
    with pytest.raises(ValueError, match="no share"):
        wilson(k, n)
