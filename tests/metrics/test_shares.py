"""Published percentages: what they say, which fractions print so, and thresholds."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from services.metrics.rates import display
from services.metrics.shares import ROUNDINGS, at_least, over, share


@pytest.mark.parametrize(
    ("text", "value", "digits", "qualifier", "strict"),
    [
        ("97.3%", "0.973", 1, "exact", False),
        ("97.30%", "0.973", 2, "exact", False),
        ("0.973", "0.973", 1, "exact", False),
        ("0.9", "0.9", -1, "exact", False),
        ("1.00", "1", 0, "exact", False),
        ("97.3", "0.973", 1, "exact", False),
        ("９７．３％", "0.973", 1, "exact", False),
        (" 97.3 % ", "0.973", 1, "exact", False),
        ("百分之95", "0.95", 0, "exact", False),
        ("达100%", "1", 0, "exact", False),
        ("0%", "0", 0, "exact", False),
        ("95%以上", "0.95", 0, "gte", False),
        ("超过95%", "0.95", 0, "gte", True),
        ("不低于95%", "0.95", 0, "gte", False),
        ("近95%", "0.95", 0, "lte", True),
        ("不足5%", "0.05", 0, "lte", True),
        ("约95%", "0.95", 0, "approx", False),
        ("95%左右", "0.95", 0, "approx", False),
    ],
)
def test_what_a_percentage_says(text, value, digits, qualifier, strict):
    found = share(text)
    assert (found.value, found.digits, found.qualifier, found.strict) == (
        Fraction(value),
        digits,
        qualifier,
        strict,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "看不懂"), ("%", "看不懂"), ("-5%", "看不懂"), ("97,3%", "看不懂"), ("百分之95%", "看不懂"), ("1e2%", "看不懂"), ("NaN%", "看不懂"),
        ("1", "百分号"), ("0", "百分号"), ("100.1%", "不能超过100%"), ("1.5倍", "看不懂"), ("97.1234567%", "最多6位"), ("近95%左右", "限定词"),
        ("9" * 50, "40个字符"),
    ],
)  # fmt: skip
def test_what_is_no_percentage_is_refused_in_chinese(text, said):
    with pytest.raises(ValueError, match=said):
        share(text)


@settings(max_examples=300)
@given(st.integers(1, 400), st.integers(0, 3), st.sampled_from(ROUNDINGS), st.data())
def test_a_fraction_is_allowed_where_it_prints_so_and_nowhere_else(n, digits, rounding, data):
    published = display(data.draw(st.integers(0, n)), n, digits=digits, rounding=rounding)
    if published == "100%":
        published = f"{100:.{digits}f}%"
    found = share(published)
    allowed = set(found.allows(rounding).numerators(n))
    prints = {k: display(k, n, digits=digits, rounding=rounding) for k in range(n + 1)}
    assert allowed == {k for k, shown in prints.items() if Fraction(shown[:-1]) == found.value * 100}
    either = set().union(*(found.allows(r).numerators(n) for r in ROUNDINGS))
    assert either == set(found.allows_any().numerators(n))


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("超过95%", ["951/1000", "1"], ["0.95", "0.94"]),
        ("95%以上", ["0.95", "1"], ["949/1000"]),
        ("近95%", ["0.94", "949/1000"], ["0.95", "939/1000"]),
        ("不足5%", ["0", "49/1000"], ["0.05"]),
        ("5%以内", ["0", "0.05"], ["51/1000"]),
        ("约95%", ["0.94", "0.96"], ["0.939", "0.961"]),
        ("约100%", ["0.99", "1"], ["0.98"]),
        ("100.0%", ["1"], ["9999/10000"]),
        ("99.9%", ["254567/254592", "0.9985"], ["1", "0.9984"]),
    ],
)
def test_words_make_it_wider(text, inside, outside):
    allowed = share(text).allows_any()
    assert all(Fraction(f) in allowed for f in inside)
    assert not any(Fraction(f) in allowed for f in outside)
    for n in (1, 7, 1000):
        assert list(allowed.numerators(n)) == [k for k in range(n + 1) if Fraction(k, n) in allowed]


def test_only_rounding_up_makes_this_a_hundred():
    assert Fraction(254567, 254592) in share("100.0%").forbidden()
    assert Fraction(254567, 254592) not in share("100.00%").forbidden()
    assert share("99.9%").forbidden() is None
    assert share("超过100%").forbidden() is None


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_over_is_strictly_over_and_at_least_is_not(k, n):
    assert over(k, n, "95%") == (n > 0 and 20 * k > 19 * n)
    assert at_least(k, n, "95%") == (n > 0 and 20 * k >= 19 * n)


def test_exactly_the_threshold_and_a_weighed_numerator():
    assert (over(19, 20, "95%"), at_least(19, 20, "95%")) == (False, True)
    assert over(95_000_001, 100_000_000, "95%")
    assert over(Fraction(191, 10), 20, "95%")
    assert not over(0, 0, "0%")
    assert not at_least(0, 0, "0%")
