"""Published figures against their counts, and every answer against trying everything."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from services.metrics.approximate import count
from services.metrics.rates import display
from services.metrics.reachability import MOST_CANDIDATES, check
from services.metrics.shares import ROUNDINGS, share

digits = st.integers(0, 2)


def test_the_issues_example():
    found = check("97.3%", 137)
    assert found.reachable is False
    assert [c.text for c in found.nearest] == ["133/137(97.08%)", "134/137(97.81%)"]
    assert found.message == (
        "不可达:分母为137时,没有整数分子能得出97.3%;最接近的是133/137(97.08%)和134/137(97.81%)"
    )


@pytest.mark.parametrize(
    ("published", "numerator", "n"),
    [
        ("93.72%", 911, 972), ("75.82%", 737, 972), ("94.35%", 902, 956), ("56.25%", 9, 16),  # 天门
        ("95.68%", 953, 996), ("4.32%", 43, 996),
        ("99.3%", 50405, 50755), ("97.15%", 11925, 12275),  # 某市
        ("99%", 597, 601), ("9%", 8, 87),  # 宁国
        ("60.27%", 50154, 83218), ("31.50%", 26213, 83218), ("4.52%", 3759, 83218),  # 连云港
        ("80.53%", 2349, 2917), ("100%", 2349, 2349), ("63.72%", 124599, 195532),  # 唐山
        ("98.53%", 3884, 3942), ("89.29%", 3942, 4415),  # 杨凌
        ("59.87%", 27929, 46653), ("40.13%", 18724, 46653), ("85.33%", 320, 375), ("97.56%", 240, 246), ("99.59%", 245, 246),
        ("99.9%", 254567, 254592),  # 四平
        ("62.04%", 2218, 3575), ("99.59%", 2209, 2218), ("61.79%", 2209, 3575), ("100%", 3950, 3950),
        ("48.1%", 152, 316),
    ],
)  # fmt: skip
def test_published_figures_are_reached(published, numerator, n):
    both, alone = check(published, n, numerator), check(published, n)
    assert (both.reachable, alone.reachable) == (True, True)
    assert both.message.startswith("相符")
    assert [(c.numerator, c.denominator) for c in both.candidates] == [(numerator, n)]
    assert alone.candidate_count > MOST_CANDIDATES or numerator in [c.numerator for c in alone.candidates]


@pytest.mark.parametrize(
    ("published", "numerator", "n"),
    [
        ("93.72%", 911, 996),  # of 立案 instead of 应结案
        ("8%", 8, 87),  # of that channel it is 9 %
        ("63.72%", 124599, 284406),  # 唐山: not of the published total
        ("99.59%", 240, 246),
        ("99.60%", 2209, 2218),
    ],
)
def test_of_another_base_they_are_not(published, numerator, n):
    found = check(published, n, numerator)
    assert found.reachable is False
    assert found.message.startswith("不符")
    assert found.rounded_up is False


def test_99_9902_is_no_100():
    found = check("100.0%", 254592, 254567)
    assert (found.reachable, found.rounded_up) == (False, True)
    assert found.message == (
        "不符:254567/254592(99.99%)只有进位到100%才会写成100.0%,这不允许;分子等于分母才是100%"
    )
    alone = check("100.0%", 254592)
    assert alone.reachable
    assert [c.numerator for c in alone.candidates] == [254592]
    assert "254465/254592至254591/254592四舍五入后也会写成100%,但不允许进位到100%" in alone.message
    assert "进位" not in check("100.0%", 137).message


def test_the_rounding_it_takes_is_named():
    assert check("6.3%", 16).message == "可达:1/16(6.25%),须四舍五入"
    assert check("6.2%", 16).message == "可达:1/16(6.25%),须截断"
    assert check("6.2%", 16, rounding="half_up").reachable is False
    assert check("6.2%", 16, 1).message == "相符:1/16(6.25%),须截断"
    assert check("99%", 601, 597, "truncate").reachable


@given(st.integers(1, 100), digits, st.sampled_from([None, *ROUNDINGS]), st.integers(0, 10_000))
def test_as_trying_every_numerator(n, digits, rounding, hundredths):
    published = f"{(hundredths // 10 ** (2 - digits)) / 10**digits:.{digits}f}%"
    wanted = Fraction(published[:-1])
    prints = {
        k
        for k in range(n + 1)
        for r in ROUNDINGS
        if rounding in (None, r) and Fraction(display(k, n, digits=digits, rounding=r)[:-1]) == wanted
    }
    found = check(published, n, rounding=rounding)
    assert found.reachable == bool(prints)
    if prints:
        assert found.candidate_count == len(prints)
        assert [c.numerator for c in found.candidates] == sorted(prints)[:MOST_CANDIDATES]
    else:
        below, above = (c.numerator for c in found.nearest)
        assert above == below + 1
        assert Fraction(below, n) < wanted / 100 < Fraction(above, n)
    for k in range(n + 1):
        assert check(published, n, k, rounding).reachable == (k in prints)


about = st.sampled_from(["约{}", "近{}", "{}余", "{}以上", "不足{}"])
words = st.sampled_from(["{}%", "{}%", "{}%", "超过{}%", "近{}%", "约{}%", "{}%以上"])


@settings(max_examples=300)
@given(st.integers(1, 120), about, st.integers(0, 1000), words, st.integers(0, 130))
def test_as_trying_every_denominator(n, word, tenths, saying, numerator):
    published, written = saying.format(tenths / 10), word.format(n)
    whole, allowed = count(written), share(published).allows_any()
    most = whole.high if whole.high is not None else max(4000, n * 3)
    every = range(max(1, whole.low), most + 1)
    if not every:
        assert check(published, written).reachable is False
        return
    reached = next((m for m in every if any(k <= m for k in allowed.numerators(m))), None)
    found = check(published, written)
    assert found.reachable == (reached is not None)
    if found.reachable:
        [one] = found.candidates
        assert one.denominator == reached
        assert Fraction(one.numerator, one.denominator) in allowed
    if whole.high is None or numerator <= whole.high:
        hit = next((m for m in every if numerator <= m and Fraction(numerator, m) in allowed), None)
        both = check(published, written, numerator)
        if whole.high is not None or hit is not None:
            assert both.reachable == (hit is not None)
            assert [c.denominator for c in both.candidates] == ([hit] if hit else [])


@settings(max_examples=200)
@given(st.integers(1, 120), st.integers(1, 100), about, st.integers(0, 1000))
def test_as_trying_every_approximate_numerator(n, k, word, tenths):
    published, part = f"{tenths / 10}%", count(word.format(k))
    if part.low > n:
        with pytest.raises(ValueError, match="大于分母"):
            check(published, n, part.text)
        return
    allowed = share(published).allows_any()
    top = n if part.high is None else min(n, part.high)
    hits = [j for j in range(part.low, top + 1) if Fraction(j, n) in allowed]
    found = check(published, n, part.text)
    assert found.reachable == bool(hits)
    assert [c.numerator for c in found.candidates] == hits[:MOST_CANDIDATES]


@pytest.mark.parametrize(
    ("published", "n", "numerator", "reachable", "said"),
    [
        ("97.3%", "8700余户", None, True, "可达:分母8700余户即8701–8799,例如8462/8701(97.25%)"),
        ("100%", "约7万", None, True, "可达:分母约7万即65000–74999,例如65000/65000(100%)"),
        ("97.31%", "15余", None, False, "不可达:分母15余即16–24,没有一个能得出97.31%"),
        ("97.3%", "超过95", None, True, "可达:分母超过95即96及以上,例如"),
        ("48.5%", 1000, "480多", True, "可达:485/1000(48.50%),480多/1000应在48.10%–48.90%之间"),
        ("48%", 1000, "480多", True, "可达:分子为481至489时相符"),
        ("50%", 1000, "480多", False, "不可达:480多即481–489,480多/1000应在48.10%–48.90%之间"),
        ("超过95%", "约500", "近500", True, "可达:分母约500即450–549,占比应在72.85%–100%之间"),
        ("5%", "约500", "近500", False, "不可达:分母约500即450–549,占比应在72.85%–100%之间"),
        ("超过95%", "约1000", "不足950", True, "可达:分母约1000即500–1499,占比应在0.00%–100%之间"),
        ("100%", "100余", "近100", False, "不可达:分母100余即101–199,占比应在0.00%–98.02%之间"),
        ("超过99%", "100余", "近100", False, "不可达"),
        ("超过95%", 20, 19, False, "不符:19/20(95.00%),不是超过95%"),
        ("95%以上", 20, 19, True, "相符:19/20(95.00%)"),
        ("近95%", 200, None, True, "可达:188/200(94.00%)至189/200(94.50%),共2种"),
        ("100%", None, 20357, None, "没有给出分母,100%无法核对"),
        ("100%", 0, None, False, "分母为0,没有占比可言"),
    ],
)  # fmt: skip
def test_approximate_counts_give_intervals(published, n, numerator, reachable, said):
    found = check(published, n, numerator)
    assert found.reachable is reachable
    assert found.message.startswith(said)


def test_a_count_that_can_only_be_one_number_is_that_number():
    """近1 is no 1: short of it there is only 0."""
    assert check("0%", 5, "近1").reachable
    assert not check("20%", 5, "近1").reachable
    assert not check("100%", "近11", "近1").reachable


def test_great_numbers_take_no_time():
    found = check("97.312345%", "约1000万", None)
    assert found.reachable
    assert check("33.333333%", 10**12).candidate_count > 1000
    assert len(check("33.3%", 10**12).candidates) == MOST_CANDIDATES
    assert check("0.000001%", "超过100000000000", 1).reachable is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("97.3%", 137, 138), "大于分母"),
        (("九成", 137), "百分数"),
        (("97%", "很多"), "数字"),
        (("101%", 5), "100%"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_chinese(given, said):
    with pytest.raises(ValueError, match=said):
        check(*given)
