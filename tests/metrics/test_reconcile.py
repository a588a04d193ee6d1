"""Totals, parts and identities of published bulletins; intervals against every possible sum."""

from itertools import product

import pytest
from hypothesis import given, strategies as st

from services.metrics.approximate import Count, count
from services.metrics.reconcile import IDENTITIES, NAMES, against_total, identities, named, together


def counts(**given):
    return {name: count(written) for name, written in given.items()}


def listed(*written):
    return {f"第{place}项": count(one) for place, one in enumerate(written, 1)}


@pytest.mark.parametrize(
    ("total", "parts", "agrees", "difference", "message"),
    [
        # 唐山 2024-11, 杨凌 2021-07, 江阴 2023-09, 连云港 2020-09, 天门 2016-12
        (284406, (124599, 56672, 1983, 1182, 890, 415, 9791), False, 88874, "分项合计195532,公布合计284406,相差88874"),
        (3942, (3744, 91, 49, 25), False, 33, "分项合计3909,公布合计3942,相差33"),
        (3942, (3884, 59), False, -1, "分项合计3943,公布合计3942,相差1"),
        (46653, (41424, 5229), True, 0, "分项合计46653,公布合计46653,相符"),
        (83218, (78589, 4629), True, 0, "分项合计83218,公布合计83218,相符"),
        (996, (971, 25), True, 0, "分项合计996,公布合计996,相符"),
        ("8700余", (5000, 3000), False, None, "分项合计8000,公布合计8701–8799,相差至少701"),
        ("8700余", (5000, 3750), None, None, "分项合计8750,公布合计8701–8799,有约数,可能相符,不能证实"),
        (1000, ("480多", "近500"), False, None, "分项合计881–988,公布合计1000,相差至少12"),
        (1000, ("480多", "约520"), None, None, "分项合计996–1013,公布合计1000,有约数,可能相符,不能证实"),
        (90, ("超过95",), False, None, "分项合计96及以上,公布合计90,相差至少6"),
        (900, ("超过95", 3), None, None, "分项合计99及以上,公布合计900,有约数,可能相符,不能证实"),
        ("超过95", (90,), False, None, "分项合计90,公布合计96及以上,相差至少6"),
        (0, (0, 0), True, 0, "分项合计0,公布合计0,相符"),
    ],
)  # fmt: skip
def test_parts_beside_their_total(total, parts, agrees, difference, message):
    found = against_total(count(total), listed(*parts))
    assert (found.agrees, found.difference, found.message) == (agrees, difference, message)


bounds = st.tuples(st.integers(0, 12), st.integers(0, 4)).map(lambda b: (b[0], b[0] + b[1]))


@given(bounds, st.lists(bounds, min_size=1, max_size=4))
def test_they_agree_surely_possibly_or_not_at_all(total, parts):
    sums = {sum(p) for p in product(*(range(low, high + 1) for low, high in parts))}
    totals = {*range(total[0], total[1] + 1)}
    found = against_total(
        Count("", total[0], "approx", *total),
        {str(i): Count("", p[0], "approx", *p) for i, p in enumerate(parts)},
    )
    if not totals & sums:
        assert found.agrees is False
        gap = min(abs(t - s) for t, s in product(totals, sums))
        assert found.message.endswith((f"相差{gap}", f"相差至少{gap}"))
    else:
        assert found.agrees is (True if len(totals) == len(sums) == 1 else None)


def test_counts_together():
    made = together(listed(5, "480多").values())
    assert (made.exact, made.interval_text) == (False, "486–494")
    assert together([]).interval_text == "0"


@pytest.mark.parametrize(
    ("given", "agrees", "message"),
    [
        # 宁国 2022-04, 江阴 2023-09, 杨凌 2021-07, 连云港 2020-09, 天门 2016-12, 唐山 2024-11
        ({"accepted": 2877, "direct": 2276, "dispatched": 601}, [True], "受理2877,直办2276 + 派单601 = 2877,相符"),
        ({"accepted": 46653, "direct": 27929, "dispatched": 18700}, [False],
         "受理46653,直办27929 + 派单18700 = 46629,相差24"),
        ({"received": 4415, "valid": 3942, "invalid": 473}, [True], "登记4415,有效诉求3942 + 无效诉求473 = 4415,相符"),
        ({"accepted": 3942, "closed": 3884, "open": 59}, [False], "受理3942,办结3884 + 在办59 = 3943,相差1"),
        ({"accepted": 2917, "closed": 2349, "open": 568}, [True], "受理2917,办结2349 + 在办568 = 2917,相符"),
        ({"accepted": 78589, "carried_in": 4629, "closed": 80000, "carried_out": 3218}, [True],
         "受理78589 + 上期结转4629 = 83218,办结80000 + 结转下期3218 = 83218,相符"),
        ({"received": 100, "closed": 90, "open": 4}, [None],
         "登记100,办结90 + 在办4 = 94,其余6应为不予受理、并案、撤回、引导,没有给出"),
        ({"received": 100, "closed": 90, "open": 4, "rejected": 3, "merged": 1, "withdrawn": 1, "redirected": 0}, [False],
         "登记100,办结90 + 在办4 + 不予受理3 + 并案1 + 撤回1 + 引导0 = 99,相差1"),
        ({"received": 90, "closed": 90, "open": 4}, [False], "登记90,办结90 + 在办4 = 94,相差4"),
        ({"due": 972, "closed_on_time": 737, "closed_late": 174, "overdue_open": 61, "closed": 911}, [True, True],
         "办结911,按期办结737 + 超期办结174 = 911,相符"),
        ({"accepted": "8700余", "direct": 8000, "dispatched": "700余"}, [None],
         "受理8701–8799,直办8000 + 派单701–799 = 8701–8799,有约数,可能相符,不能证实"),
        ({"received": "8700余", "closed": 8000, "open": 5}, [None],
         "登记8701–8799,办结8000 + 在办5 = 8005,其余至少696应为不予受理、并案、撤回、引导,没有给出"),
        ({"closed": 5, "direct": 2}, [None], "直办、办结无从核对:与之相加减的各项没有给出"),
        ({"accepted": 9, "direct": 4, "dispatched": 5, "due": 3}, [True, None], "受理9,直办4 + 派单5 = 9,相符"),
    ],
)  # fmt: skip
def test_one_count_told_in_several_ways(given, agrees, message):
    found = identities(counts(**given))
    assert [f.agrees for f in found] == agrees
    assert found[0].message == message


def test_with_tickets_carried_over_closures_are_not_those_of_the_period():
    """78589 received and 80000 closed are no contradiction where 4629 were open before."""
    given = counts(accepted=78589, carried_in=4629, closed=80000, carried_out=3218, open=3218)
    assert not [f for f in identities(given) if f.agrees is False]
    del given["carried_in"]
    assert [f.agrees for f in identities(given)] == [False, None]


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), st.integers(0, 20).map(count)))
def test_every_count_is_used_or_named(given):
    found = identities(given)
    assert bool(found) == bool(given)
    told = "".join(f.message for f in found)
    for name in given:
        assert NAMES[name] in told


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda i: "+".join(i.left) + "=" + "+".join(i.right))
@given(data=st.data())
def test_what_is_so_agrees_and_one_more_does_not(identity, data):
    """Over counts that make the identity true, whatever else they make."""
    right = (*identity.right, *identity.may)
    parts = {name: data.draw(st.integers(0, 50)) for name in right}
    whole = sum(parts.values())
    first = data.draw(st.integers(0, whole)) if len(identity.left) > 1 else whole
    left = dict(zip(identity.left, (first, whole - first), strict=False))
    for more, agrees in ((0, True), (1, False)):
        given = counts(**parts, **{**left, identity.left[0]: left[identity.left[0]] + more})
        wanted = [
            f
            for f in identities(given)
            if f.message.startswith(f"{NAMES[identity.left[0]]}{given[identity.left[0]].low}")
        ]
        assert agrees in [f.agrees for f in wanted]


def test_counts_have_chinese_names():
    assert [named("受理"), named("accepted"), named("上期结转")] == ["accepted", "accepted", "carried_in"]
    with pytest.raises(ValueError, match="没有“满意”这项计数"):
        named("满意")
    assert {n for i in IDENTITIES for n in (*i.left, *i.right, *i.may)} == NAMES.keys()
