"""Counts as the articles give them, and the shares made of such."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from services.metrics.approximate import GREATEST, Count, count, ratio


@pytest.mark.parametrize(
    ("written", "value", "qualifier", "low", "high"),
    [
        (137, 137, "exact", 137, 137),
        ("137", 137, "exact", 137, 137),
        ("0", 0, "exact", 0, 0),
        ("28,400件", 28400, "exact", 28400, 28400),
        ("１３７", 137, "exact", 137, 137),
        ("8700余户", 8700, "gte", 8701, 8799),
        ("480多条", 480, "gte", 481, 489),
        ("5000余份", 5000, "gte", 5001, 5999),
        ("400余次", 400, "gte", 401, 499),
        ("百余名", 100, "gte", 101, 199),
        ("十余件", 10, "gte", 11, 19),
        ("三百二十余人", 320, "gte", 321, 329),
        ("20余万元", 200_000, "gte", 200_001, 299_999),
        ("7万余", 70_000, "gte", 70_001, 79_999),
        ("万余户", 10_000, "gte", 10_001, 19_999),
        ("15余", 15, "gte", 16, 24),
        ("约7万", 70_000, "approx", 65_000, 74_999),
        ("7万", 70_000, "approx", 65_000, 74_999),
        ("2.42万件", 24_200, "approx", 24_150, 24_249),
        ("1.2亿", 120_000_000, "approx", 115_000_000, 124_999_999),
        ("3000平米左右", 3000, "approx", 2500, 3499),
        ("约660", 660, "approx", 655, 664),
        ("近500", 500, "lte", 400, 499),
        ("近20户", 20, "lte", 10, 19),
        ("将近7万", 70_000, "lte", 60_000, 69_999),
        ("超过95", 95, "gte", 96, None),
        ("超过3000户", 3000, "gte", 3001, None),
        ("逾千", 1000, "gte", 1001, None),
        ("95以上", 95, "gte", 95, None),
        ("100户以上", 100, "gte", 100, None),
        ("不少于300", 300, "gte", 300, None),
        ("不足500件", 500, "lte", 0, 499),
        ("30人以内", 30, "lte", 0, 30),
        ("两千零五", 2005, "exact", 2005, 2005),
    ],
)
def test_what_a_count_says(written, value, qualifier, low, high):
    found = count(written)
    assert (found.value, found.qualifier, found.low, found.high) == (value, qualifier, low, high)
    assert found.exact == (qualifier == "exact")
    assert found.qualifier_text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "看不懂"), ("余", "看不懂"), ("很多", "看不懂"), ("-5", "看不懂"), (-5, "小于0"), ("1e9", "看不懂"), ("12,34", "看不懂"),
        ("97.3%", "看不懂"), ("八成", "看不懂"), ("3倍", "看不懂"), ("8.7", "整数"), ("二三", "中文数字"), ("十百", "中文数字"), ("超过95以上", "限定词"), ("近500余", "并用"),
        ("9" * 41, "40个字符"), ("9" * 20, "过大"), (GREATEST + 1, "过大"), ("不足0", "小于0"), ("近0", "小于0"), ("５\x00", "看不懂"),
        ("²", None),
    ],
)  # fmt: skip
def test_what_is_no_count_is_refused_in_chinese(written, said):
    if said is None:  # NFKC makes it a plain 2
        assert count(written).value == 2
        return
    with pytest.raises(ValueError, match=said):
        count(written)


@given(st.text(max_size=45) | st.text("0123456789,.余多约近超过万亿千百十一二三以上左右件", max_size=12))
def test_any_text_is_a_count_or_refused(text):
    try:
        found = count(text)
    except ValueError as error:
        message = str(error)
        assert not message.isascii()
        return
    assert found.low >= 0
    assert found.high is None or found.low <= found.high
    assert found.qualifier != "exact" or found.low == found.high == found.value


@given(st.integers(1, 10**9), st.sampled_from(["余", "多"]))
def test_more_is_more_and_short_of_the_next_round_number(value, word):
    found = count(f"{value}{word}")
    assert found.low == value + 1
    roundness = max(10, 10 ** (len(str(value)) - len(str(value).rstrip("0"))))
    assert found.high == value + roundness - 1


@pytest.mark.parametrize(
    ("numerator", "denominator", "shown"),
    [
        (152, 316, "48.10%"),
        (1, 2, "50.00%"),
        ("480多", "1000", "48.10%–48.90%"),
        (152, "约310", "48.40%–49.84%"),
        ("近500", 500, "80.00%–99.80%"),
        ("8700余", "8700余", "98.88%–100%"),
        ("近10000000", 10_000_000, "0.00%–不足100%"),
        (5, "超过95", "0.00%–5.21%"),
        ("超过95", 100, "96.00%–100%"),
        (3950, 3950, "100%"),
        (99_999, 100_000, "99.99%"),
        ("0", "约500", "0.00%"),
        ("7万", "7.5万", "86.09%–100%"),
    ],
)
def test_a_share_of_approximate_counts_is_an_interval(numerator, denominator, shown):
    assert ratio(count(numerator), count(denominator)).display() == shown


bounds = st.tuples(st.integers(0, 30), st.integers(0, 8)).map(lambda b: (b[0], b[0] + b[1]))


@settings(max_examples=500)
@given(bounds, bounds)
def test_the_interval_holds_every_possible_share_and_no_more(above, below):
    numerator, denominator = (Count("", 0, "approx", *b) for b in (above, below))
    possible = [
        Fraction(k, n)
        for k in range(above[0], above[1] + 1)
        for n in range(below[0], below[1] + 1)
        if k <= n and n
    ]
    if not possible:
        if below[1] == 0:
            assert ratio(numerator, denominator) is None
        else:
            with pytest.raises(ValueError, match="大于分母"):
                ratio(numerator, denominator)
        return
    found = ratio(numerator, denominator)
    assert (found.low, found.high) == (min(possible), max(possible))


def test_over_nothing_there_is_no_share():
    assert ratio(count(0), count(0)) is None
