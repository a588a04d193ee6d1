"""What published shares are shares of."""

import pytest
from hypothesis import given, strategies as st

from services.metrics.approximate import count
from services.metrics.bases import of_shares
from services.metrics.rates import display
from services.metrics.shares import ROUNDINGS, share

# 唐山 2024-11: the classes, their shares as printed, and the total that they are not shares of
CLASSES = {"咨询": 124599, "求助": 56672, "投诉": 1983, "举报": 1182, "建议": 890, "表扬": 415, "其他": 9791}
SHARES = {
    "咨询": "63.72%",
    "求助": "28.98%",
    "投诉": "1.01%",
    "举报": "0.60%",
    "建议": "0.46%",
    "表扬": "0.21%",
    "其他": "5.01%",
}


def checked(shares, parts=None, total=None):
    return of_shares(
        {name: share(text) for name, text in shares.items()},
        {name: count(written) for name, written in (parts or {}).items()},
        count(total) if total is not None else None,
    )


def told(found):
    return [(f.code, f.agrees, f.message) for f in found]


def test_shares_of_the_parts_sum_not_of_the_total_above_it():
    assert told(checked(SHARES, CLASSES, 284406)) == [
        ("shares_of_parts", False, "占比以分项合计195532为分母,不是公布合计284406"),
        ("shares_make_the_whole", True, "占比之和为99.99%,在取整误差之内"),
    ]
    assert told(checked(SHARES, CLASSES))[0] == ("shares_agree", True, "占比以分项合计195532为分母,相符")


def test_shares_whose_base_holds_what_was_carried_over():
    """连云港 2020-09: of 83218, 4629 of them from the month before; of 78589 alone none of them would be right."""
    parts = {"电话": 50154, "监督员": 26213, "微信": 3759}
    shares = {"电话": "60.27%", "监督员": "31.50%", "微信": "4.52%"}
    assert told(checked(shares, parts, 83218))[0] == ("shares_agree", True, "占比以公布合计83218为分母,相符")
    code, agrees, message = told(checked(shares, parts, 78589))[0]
    assert (code, agrees) == ("shares_differ", False)
    assert message.startswith("占比与公布合计78589对不上:电话写作60.27%,50154/78589应为63.82%;")


@pytest.mark.parametrize(
    ("shares", "parts", "total", "expected"),
    [
        ({"甲": "50%", "乙": "50%"}, {"甲": 1, "乙": 2}, None,
         [("shares_differ", False, "占比与分项合计3对不上:甲写作50%,1/3应为33.33%;乙写作50%,2/3应为66.67%"),
          ("shares_make_the_whole", True, "占比之和为100%,在取整误差之内")]),
        ({"甲": "99.5%", "乙": "0.5%"}, {"甲": 199, "乙": 1}, 200,
         [("shares_agree", True, "占比以公布合计200为分母,相符"), ("shares_make_the_whole", True, "占比之和为100%,在取整误差之内")]),
        ({"甲": "30%"}, {"甲": 30, "乙": 70}, 100, [("shares_agree", True, "占比以公布合计100为分母,相符")]),
        ({"甲": "48.6%"}, {"甲": "480多"}, 1000, [("shares_open", None, "占比以公布合计1000为分母说得通,但有约数,不能证实")]),
        ({"甲": "50%"}, {"甲": "480多"}, 1000,
         [("shares_differ", False, "占比与公布合计1000对不上:甲写作50%,481–489/1000应为48.10%–48.90%")]),
        ({"甲": "50%"}, {"甲": 9}, 5, [("shares_differ", False, "占比与公布合计5对不上:甲写作50%,而9大于5")]),
        ({"甲": "50%"}, {"甲": 0}, 0, [("shares_differ", False, "占比与公布合计0对不上:甲写作50%,而分母为0")]),
        ({"甲": "60%", "乙": "30%"}, None, None,
         [("share_open", None, "甲60%没有件数和确切的合计,无从核对"), ("share_open", None, "乙30%没有件数和确切的合计,无从核对"),
          ("shares_make_less", None, "占比之和为90%,与100%相差10个百分点,其余占比没有给出")]),
        ({"甲": "60%", "乙": "45.5%"}, None, "约7万",
         [("share_open", None, "甲60%没有件数和确切的合计,无从核对"), ("share_open", None, "乙45.5%没有件数和确切的合计,无从核对"),
          ("shares_miss_the_whole", False, "占比之和为105.5%,与100%相差5.5个百分点,不是取整造成的")]),
        ({"甲": "60%", "乙": "30%"}, {"甲": 6, "乙": 3}, 10,
         [("shares_agree", True, "占比以公布合计10为分母,相符"),
          ("shares_make_less", None, "占比之和为90%,与100%相差10个百分点,其余占比没有给出")]),
        ({"甲": "60%", "乙": "30%"}, {"甲": 6, "乙": 4}, 10,
         [("shares_differ", False, "占比与公布合计10对不上:乙写作30%,4/10应为40.00%"),
          ("shares_miss_the_whole", False, "占比之和为90%,与100%相差10个百分点,不是取整造成的")]),
    ],
)  # fmt: skip
def test_what_is_said_of_shares(shares, parts, total, expected):
    assert told(checked(shares, parts, total)) == expected


def test_a_share_without_its_count_must_be_some_whole_number_of_the_base():
    found = checked({"满意": "97.3%", "其他": "2.19%"}, total=137)
    assert [(f.code, f.agrees) for f in found] == [
        ("share_unreachable", False), ("share_reachable", True), ("shares_make_less", None),
    ]  # fmt: skip
    assert "133/137(97.08%)" in found[0].message
    assert found[0].message.startswith("满意97.3%不可达")


@given(
    st.lists(st.integers(0, 500), min_size=2, max_size=6), st.integers(0, 3), st.sampled_from(ROUNDINGS), st.integers(1, 500)
)  # fmt: skip
def test_honest_shares_are_never_accused(numbers, digits, rounding, more):
    total = sum(numbers)
    parts = {f"第{i}项": number for i, number in enumerate(numbers)}
    if not total:
        return
    shares = {name: display(k, total, digits=digits, rounding=rounding) for name, k in parts.items()}
    assert [f.agrees for f in checked(shares, parts, total)] == [True, True]
    other = checked(shares, parts, total + more)[0]  # a wrong total is not taken for the base
    assert other.agrees is False or all(
        share(text).allows_any().numerators(total + more).count(parts[name]) for name, text in shares.items()
    )
