"""A street's clock policy: what it says and what it refuses."""

import pytest

from services.routing.deadlines import Limits
from services.routing.policy import USUAL_POLICY, read_policy
from shared.calendar import Limit

ORDINARY, URGENT = Limits("1wd", "1wd", "5wd"), Limits("15min", "30min", "24h")
GUANGDONG = {
    "count_from": "same_day",
    "by_kind": {
        "consultation": "2wd",
        "help": "10wd",
        "suggestion": "10wd",
        "complaint": "15wd",
        "tipoff": "15wd",
    },
}


def test_an_empty_document_is_what_holds_by_default():
    assert read_policy(0, {}) == USUAL_POLICY
    assert USUAL_POLICY.limits(ORDINARY, "help", "normal") == ORDINARY


def test_kinds_have_limits_of_their_own_but_an_emergency_goes_first():
    policy = read_policy(3, GUANGDONG)
    assert policy.count_from == "same_day"
    assert policy.limits(ORDINARY, "consultation", "normal") == Limits("1wd", "1wd", "2wd")
    assert policy.limits(ORDINARY, "praise", "normal") == ORDINARY
    assert policy.limits(URGENT, "complaint", "urgent") == URGENT


def test_an_emergency_never_waits_for_office_hours():
    assert USUAL_POLICY.limits(ORDINARY, "help", "urgent") == Limits("15min", "2h", "24h")
    own = read_policy(1, {"urgent": {"sign": "10min", "contact": "1h", "resolve": "12h"}})
    assert own.limits(ORDINARY, "help", "urgent") == Limits("10min", "1h", "12h")


def test_office_hours_and_reporting_in():
    policy = read_policy(
        2, {"hours": {"whole": ["09:00-12:00", "14:00-17:30"]}, "report_in": {"emergency": "15min"}}
    )
    assert policy.hours.half == ((540, 720),)
    assert policy.hours.closes == 1050
    assert (policy.report_in["emergency"], policy.report_in["daily"]) == (Limit(15, "min"), Limit(30, "min"))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"weekend": True}, "没有“weekend”这一项"),
        ({"count_from": "tomorrow"}, "next_day"),
        ({"after_hours": "yes"}, "应为 true 或 false"),
        ({"urgent": {"sign": "15min", "contact": "2h", "resolve": "1wd"}}, "只能按自然时"),
        ({"urgent": {"sign": "15min"}}, "“urgent”写法不对"),
        ({"by_kind": {"gossip": "2wd"}}, "by_kind"),
        ({"by_kind": {"help": "两天"}}, "写法不对"),
        ({"by_kind": ["2wd"]}, "“by_kind”写法不对"),
        ({"hours": {"whole": ["12:00-09:00"]}}, "晚于开始时间"),
        ({"hours": {"whole": ["08:00-12:00", "11:00-17:00"]}}, "互不重叠"),
        ({"hours": {"whole": []}}, "不能为空"),
        ({"hours": {"whole": ["8点到12点"]}}, "08:30-12:00"),
        ({"max_extensions": True}, "0 至 9"),
        ({"max_extensions": 99}, "0 至 9"),
    ],
)
def test_what_cannot_be_read_is_named(document, said):
    with pytest.raises(ValueError, match=said):
        read_policy(1, document)
