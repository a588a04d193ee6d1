"""Three clocks and the sentences that explain them."""

import csv
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from chinese_calendar import constants

from services.routing import deadlines
from services.routing.deadlines import Limits, clocks, moment_text
from shared.calendar import WorkCalendar, parse_limit

PEKING = ZoneInfo("Asia/Shanghai")
TABLE = dict.fromkeys(constants.holidays, False) | dict.fromkeys(constants.workdays, True)
CALENDAR = WorkCalendar(TABLE, range(2004, 2027))
URGENT = Limits("15min", "2h", "24h")
ORDINARY = Limits("1wd", "1wd", "5wd")
CATALOG = list(
    csv.DictReader(Path(deadlines.__file__).with_name("catalog.csv").read_text(encoding="utf-8").splitlines())
)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=PEKING)


def test_an_urgent_ticket_runs_through_the_holiday():
    found = clocks(URGENT, at("2026-10-01T08:00"), CALENDAR)
    assert found.sign_due_at == at("2026-10-01T08:15")
    assert found.contact_due_at == at("2026-10-01T10:00")
    assert found.due_at == at("2026-10-02T08:00")
    assert not found.provisional
    assert found.why == [
        "受理于2026年10月1日(周四)08:00,紧急类按自然时计,不分工作日和非工作日",
        "签收时限15分钟,应于2026年10月1日08:15前完成",
        "先行联系时限2小时,应于2026年10月1日10:00前完成",
        "办理时限24小时,应于2026年10月2日08:00前完成",
    ]


def test_working_days_skip_the_holiday_and_count_the_make_up_saturday():
    found = clocks(ORDINARY, at("2026-09-28T16:30"), CALENDAR)
    assert found.sign_due_at == found.contact_due_at == at("2026-09-30T00:00")
    assert found.why[0] == "受理于2026年9月28日(周一)16:30,按日计,到末日24时止"
    assert found.why[3] == (
        "办理时限5个工作日,自次日(9月29日)起算,跳过10月1日至7日放假,计入10月10日(周六)调休上班,"
        "应于2026年10月10日24时前完成"
    )
    assert found.due_at == at("2026-10-11T00:00")


def test_ordinary_weekends_and_holidays_that_cross_a_month_are_named():
    plain = clocks(ORDINARY, at("2026-11-12T10:00"), CALENDAR)
    assert "跳过周末2天,应于2026年11月19日24时前完成" in plain.why[3]
    crossing = WorkCalendar({at("2025-01-31").date(): False, at("2025-02-01").date(): False}, [2025, 2026])
    assert "跳过1月31日至2月1日放假,跳过周末1天" in clocks(ORDINARY, at("2025-01-28T10:00"), crossing).why[3]


def test_a_year_not_published_is_said_once():
    found = clocks(ORDINARY, at("2026-12-30T10:00"), CALENDAR)
    assert found.provisional
    assert found.why[-1] == "2027年放假安排尚未公布,暂按周一至周五上班推算,公布后重新计算"
    assert sum("尚未公布" in line for line in found.why) == 1
    # The last days of December are ruled by the next notice even when the deadline stays in the old year.
    assert clocks(ORDINARY, at("2026-12-24T10:00"), CALENDAR).why[-1].startswith("2027年放假安排尚未公布")
    assert not clocks(URGENT, at("2026-12-31T23:59"), CALENDAR).provisional


def test_counting_from_the_day_of_receipt_and_mixed_limits():
    same_day = clocks(ORDINARY, at("2026-11-16T10:00"), CALENDAR, count_from="same_day")
    assert same_day.sign_due_at == at("2026-11-17T00:00")
    assert "自当日(11月16日)起算" in same_day.why[1]
    mixed = clocks(Limits("30min", "1wd", "7d"), at("2026-11-16T10:00"), CALENDAR)
    assert mixed.why[0].endswith("分钟、小时按自然时计,其余按日计")
    assert mixed.why[3] == "办理时限7日,自次日(11月17日)起算,应于2026年11月23日24时前完成"


def test_midnight_belongs_to_the_day_it_ends():
    assert moment_text(at("2026-01-01T00:00")) == "2025年12月31日24时"
    assert moment_text(at("2026-01-01T00:01")) == "2026年1月1日00:01"


@pytest.mark.parametrize("row", CATALOG, ids=lambda row: row["code"])
def test_every_category_of_the_catalogue_has_deadlines_in_order_on_any_day(row):
    limits = Limits(row["sign_limit"], row["contact_limit"], row["resolve_limit"])
    for days in range(0, 800, 3):
        received = at("2025-11-01T13:37") + timedelta(days=days, minutes=days)
        found = clocks(limits, received, CALENDAR)
        assert received < found.sign_due_at <= found.contact_due_at <= found.due_at
        assert len(found.why) == 4 + found.provisional
        assert parse_limit(limits.resolve).text in found.why[3]


def test_a_limit_that_cannot_be_read_says_so():
    with pytest.raises(ValueError, match="时限“五天”写法不对"):
        clocks(Limits("1wd", "1wd", "五天"), at("2026-11-16"), CALENDAR)
