"""A claim examined as a whole: nothing given is passed over, nothing unreadable gets through."""

import pytest
from hypothesis import given, strategies as st

from services.metrics.claims import Claim, examine
from services.metrics.rates import display
from shared.errors import Invalid


def told(verdict):
    """Return what a verdict says, line by line."""
    return [*([verdict.check.message] if verdict.check else []), *(f.message for f in verdict.findings)]


@pytest.mark.parametrize(
    ("claim", "holds", "said"),
    [
        (Claim("97.3%", 137), False,
         ["不可达:分母为137时,没有整数分子能得出97.3%;最接近的是133/137(97.08%)和134/137(97.81%)"]),
        (Claim("93.72%", 972, 911), True, ["相符:911/972(93.72%)"]),
        (Claim("99.9%", 254592, 254567, rounding="half_up"), True, ["相符:254567/254592(99.99%)"]),
        (Claim("97.3%"), True, ["没有给出分母,97.3%无法核对"]),
        (Claim("近80%", "近500", 390), True, None),
        (Claim(numerator="480多", n=1000), True, ["480多/1000应为48.10%–48.90%,没有给出公布值"]),
        (Claim(numerator=0, n=0), True, ["分母为0,没有占比可言"]),
        (Claim(n=137), True, ["分子、分母只给出了一个,也没有给出公布值,无从核对"]),
        (Claim(total=46653, parts={"渠道": 41424, "其他": 5229}), True, ["分项合计46653,公布合计46653,相符"]),
        (Claim(parts={"渠道": 41424, "其他": 5229}), True, ["分项合计46653,没有给出公布合计,无从核对"]),
        (Claim(total=46653), True, ["公布合计46653,没有给出分项,无从核对"]),
        (Claim(total=284406, parts={"咨询": 124599, "其他": 70933}, shares={"咨询": "63.72%"}), False,
         ["分项合计195532,公布合计284406,相差88874", "占比以分项合计195532为分母,不是公布合计284406"]),
        (Claim(counts={"受理": 2877, "direct": 2276, "派单": 601}), True, ["受理2877,直办2276 + 派单601 = 2877,相符"]),
        (Claim("98.53%", 3942, 3884, counts={"受理": 3942, "办结": 3884, "在办": 59}), False,
         ["相符:3884/3942(98.53%),须四舍五入", "受理3942,办结3884 + 在办59 = 3943,相差1"]),
    ],
)  # fmt: skip
def test_what_is_said_of_a_claim(claim, holds, said):
    verdict = examine(claim)
    assert verdict.holds is holds
    assert told(verdict)
    if said is not None:
        assert told(verdict) == said


@pytest.mark.parametrize(
    ("claim", "field", "said"),
    [
        (Claim(), "published", "没有可以核对的内容"),
        (Claim("很高", 5), "published", "看不懂的百分数"),
        (Claim("50%", "很多"), "n", "看不懂的数字"),
        (Claim("50%", 5, 6), "numerator", "大于分母"),
        (Claim("50%", 5, -1), "numerator", "不能小于0"),
        (Claim(total="八成", parts={"甲": 1}), "total", "看不懂"),
        (Claim(total=1, parts={"甲": "x"}), "parts.甲", "看不懂"),
        (Claim(shares={"甲": "x"}), "shares.甲", "看不懂"),
        (Claim(counts={"满意": 1}), "counts.满意", "没有“满意”这项计数"),
        (Claim(counts={"受理": 1, "accepted": 2}), "counts.accepted", "“受理”写了两次"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_field(claim, field, said):
    with pytest.raises(Invalid, match=said) as refused:
        examine(claim)
    assert [e.field for e in refused.value.errors] == [field]


texts = st.sampled_from(
    ["8700余", "近500", "约7万", "超过95", "0", "12", "97.3%", "不足5", ""]
) | st.integers(0, 300)
named = st.dictionaries(st.sampled_from("甲乙丙"), texts, max_size=3)


@given(
    st.builds(
        Claim, published=st.none() | st.sampled_from(["97.3%", "100%", "0%", "超过95%", "近9%"]), n=st.none() | texts,
        numerator=st.none() | texts, total=st.none() | texts, parts=named,
        shares=st.dictionaries(st.sampled_from("甲乙丙"), st.sampled_from(["50%", "0%", "100%", "约30%"]), max_size=3),
        counts=st.dictionaries(st.sampled_from(["受理", "直办", "派单", "办结", "在办", "登记"]), texts),
    )
)  # fmt: skip
def test_any_claim_is_examined_or_refused(claim):
    try:
        verdict = examine(claim)
    except Invalid:
        return
    assert told(verdict)
    assert all(told(verdict))


@given(st.lists(st.integers(0, 400), min_size=2, max_size=5).filter(any), st.integers(0, 2))
def test_an_honest_table_holds(numbers, digits):
    total = sum(numbers)
    parts = {f"第{i}类": number for i, number in enumerate(numbers)}
    shares = {name: display(k, total, digits=digits) for name, k in parts.items()}
    verdict = examine(Claim(shares["第0类"], total, numbers[0], total, parts, shares))
    assert verdict.holds
    assert verdict.check.reachable
    assert all(f.agrees for f in verdict.findings)
