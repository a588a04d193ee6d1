"""Amounts, days, counts and stages of works as the articles tell of them."""

from datetime import date

import pytest

from services.routing.commitments.amounts import amount
from services.routing.commitments.days import days, months_before, months_between
from services.routing.commitments.tally import Tally, display
from services.routing.commitments.vocabulary import Stage
from services.routing.commitments.works import Milestone, fault

AMOUNTS = [
    # S1-26, S1-36, S0-33, S3-23 to S3-27, S3-35
    ("3公里", "3", "公里", "exact"), ("46根", "46", "根", "exact"), ("9000余米", "9000", "米", "over"),
    ("72盏", "72", "盏", "exact"), ("140户", "140", "户", "exact"), ("超过3000户", "3000", "户", "over"),
    ("近20户", "20", "户", "under"), ("3000平", "3000", "平", "exact"), ("54个", "54", "个", "exact"),
    ("20余万元", "200000", "元", "over"), ("54万元", "540000", "元", "exact"), ("约660平米", "660", "平米", "about"),
    ("3000平米左右", "3000", "平米", "about"), ("20万元", "200000", "元", "exact"), ("两处", "2", "处", "exact"),
    ("近3000余户左右", None, None, None), ("1,200.5米", "1200.5", "米", "exact"),
    ("很多", None, None, None), ("", None, None, None), ("9" * 39 + "元", None, None, None), ("-3米", None, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "value", "unit", "side"), AMOUNTS, ids=[a[0][:12] for a in AMOUNTS])
def test_an_amount_keeps_how_exact_it_is(written, value, unit, side):
    if value is None:
        with pytest.raises(ValueError, match=r"看不懂|过大|不能与"):
            amount(written)
    else:
        told = amount(written).document()
        assert (told["value"], told["unit"], told["qualifier"]) == (value, unit, side)
        assert told["said"] == written


DAYS = [
    ("6月上旬", "2021-06-01", "2021-06-10"), ("2021年2月下旬", "2021-02-21", "2021-02-28"), ("1月2日", "2021-01-02", "2021-01-02"),
    ("2018年以来", "2018-01-01", "2018-12-31"), ("2004年", "2004-01-01", "2004-12-31"), ("年初", "2021-01-01", "2021-03-31"),
    ("6月", "2021-06-01", "2021-06-30"), ("2021-06-05", "2021-06-05", "2021-06-05"), ("第三季度", "2021-07-01", "2021-09-30"),
    ("2月30日", None, None), ("13月", None, None), ("以后", None, None), ("", None, None), ("0001年", None, None),
    ("2021-00-05", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "first", "last"), DAYS, ids=[d[0] or "nothing" for d in DAYS])
def test_a_day_may_be_vague_and_stays_so(written, first, last):
    """S3-37 and S1-37."""
    if first is None:
        with pytest.raises(ValueError, match=r"日期|没有这一天"):
            days(written, 2021)
    else:
        assert days(written, 2021).document() == {"said": written, "first": first, "last": last}


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ((2021, 3, 1), (2021, 4, 30), 2), ((2021, 3, 1), (2021, 5, 3), 2), ((2021, 3, 1), (2021, 5, 20), 3),
        ((2021, 1, 31), (2021, 2, 28), 1), ((2018, 5, 1), (2021, 4, 30), 36), ((2021, 3, 1), (2021, 3, 1), 0),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_months(start, end, months):
    assert months_between(date(*start), date(*end)) == months


def test_months_before_ends_with_its_month():
    assert months_before(date(2021, 3, 31), 1) == date(2021, 2, 28)
    assert months_before(date(2021, 3, 31), 27) == date(2018, 12, 31)


def test_a_rate_is_of_something_and_whole_only_when_it_is():
    """S1-02, S1-05."""
    assert [display(*pair) for pair in ((152, 316), (10, 10), (0, 0), (99_999, 100_000), (1, 100_000))] == [
        "48.10%", "100%", "—", "99.99%", "0.01%",
    ]  # fmt: skip
    shown = (Tally(300, 150, 150) + Tally(16, 2, 13, 1)).shown()
    assert (shown["items"], shown["closed"], shown["open"], shown["ended"]) == (316, 152, 163, 1)
    assert shown["value"] == 152 / 316
    assert Tally().shown()["value"] is None


def test_works_go_from_stage_to_stage():
    """S0-31."""
    first, second = date(2021, 3, 1), date(2021, 4, 1)
    assert fault({Stage.APPROVAL: Milestone(first, first), Stage.TENDER: Milestone(second)}) is None
    early = fault({Stage.APPROVAL: Milestone(second), Stage.TENDER: Milestone(first)})
    assert early == ("planned_on", "招标的计划日期早于前一阶段")
    skipped = fault({Stage.APPROVAL: Milestone(first), Stage.TENDER: Milestone(second, second)})
    assert skipped == ("done_on", "立项还没有完成,不能先完成招标")
    back = fault({Stage.APPROVAL: Milestone(None, second), Stage.COMPLETION: Milestone(None, first)})
    assert back == ("done_on", "竣工的完成日期早于前一阶段")
