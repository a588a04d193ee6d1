"""Rules as data, without a database: what may be written, what matches, what is said, and what breaks."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.routing.rules import parse
from services.routing.rules.book import Known, Rule, Rulebook, Switch
from services.routing.rules.conditions import Facts
from services.routing.rules.vocabulary import attributes_of
from services.routing.spelling import plain
from shared.errors import Invalid

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
DAY = date(2026, 3, 2)
FACTS = Facts(
    text=plain("独居老人家 下水道堵了"), category="0301", group="物业管理", kind="help", channel="hotline", mode="quick",
    level="street", community="c1", grid=None, attributes=frozenset({"vulnerable"}), received_at=MONDAY, workday=True,
)  # fmt: skip
KNOWN = Known(
    units=frozenset({"wuye", "anquan"}), categories=frozenset({"0301", "0401"}), groups=frozenset({"物业管理"}),
    communities=frozenset({"c1"}), grids=frozenset({"g11"}),
)  # fmt: skip


def rule(code, conditions, result=None, *, position=1, version=1, first=date(2026, 1, 1), last=None):
    return Rule(
        code,
        version,
        position,
        first,
        last,
        conditions,
        result or {"lead_unit": "wuye"},
        f"{code}的依据",
        MONDAY,
    )


def at(text):
    return replace(FACTS, received_at=datetime.fromisoformat(f"{text}+08:00"))


HOLDS = [
    {}, {"categories": ["0301", "0401"]}, {"groups": ["物业管理"]}, {"kinds": ["help"]}, {"channels": ["hotline"]},
    {"modes": ["quick"], "levels": ["street"]}, {"communities": ["c1"]}, {"words": {"any": ["马桶", "下水 道"]}},
    {"words": {"all": ["老人", "堵"], "none": ["高空"]}}, {"attributes": ["enterprise", "vulnerable"]},
    {"hours": {"from": "09:00", "until": "17:00"}}, {"hours": {"from": "17:00", "until": "09:01"}}, {"weekdays": [1]},
    {"workday": True}, {"repeat": False}, {"dates": {"from": "2026-03-02", "until": "2026-03-02"}},
    {"dates": {"until": "2026-03-02"}}, {"season": {"from": "11-15", "until": "03-15"}},
    {"any": [{"kinds": ["praise"]}, {"not": {"kinds": ["complaint"]}}]}, {"all": [{"any": [{"not": {"repeat": True}}]}]},
]  # fmt: skip
FAILS = [
    ({"categories": ["0401"]}, "分类“0301”不在其列"), ({"grids": ["g11"]}, "网格“无”不在其列"),
    ({"kinds": ["help"], "channels": ["letter"]}, "渠道“hotline”不在其列"),
    ({"words": {"all": ["下水道", "污水"]}}, "文中没有“污水”"), ({"words": {"none": ["老人"]}}, "文中有“老人”"),
    ({"words": {"any": ["路灯"]}}, "文中没有“路灯”"), ({"attributes": ["enterprise"]}, "不涉及企业和商户"),
    ({"hours": {"from": "08:00", "until": "09:00"}}, "登记时间09:00不在08:00至09:00之间"),
    ({"weekdays": [6, 7]}, "登记日为周一,不在其列"), ({"workday": False}, "登记日是工作日"), ({"repeat": True}, "不是重复反映"),
    ({"dates": {"from": "2026-03-03"}}, "登记日2026-03-02不在规定日期内"),
    ({"season": {"from": "06-01", "until": "09-15"}}, "登记日3月2日不在规定时节内"),
    ({"not": {"kinds": ["help"]}}, "属于排除的情形"),
    ({"any": [{"kinds": ["praise"]}, {"repeat": True}]}, "各项备选都不符合:诉求类型“help”不在其列等"),
]  # fmt: skip


@pytest.mark.parametrize("document", HOLDS, ids=str)
def test_what_holds_says_nothing(document):
    assert parse.condition(document).fails(FACTS) is None


@pytest.mark.parametrize(("document", "said"), FAILS, ids=str)
def test_what_does_not_hold_says_what(document, said):
    assert parse.condition(document).fails(FACTS) == said


@pytest.mark.parametrize(
    ("moment", "inside"),
    [("2026-03-02T18:00", True), ("2026-03-02T17:59", False), ("2026-03-03T07:59", True), ("2026-03-03T08:00", False)],
)  # fmt: skip
def test_a_night_runs_over_midnight(moment, inside):
    night = parse.condition({"hours": {"from": "18:00", "until": "08:00"}})
    assert (night.fails(at(moment)) is None) is inside


FAULTY = [
    ({"colour": ["red"]}, "conditions.colour"), ({"\ud800": 1}, "conditions.?"), ({"kinds": ["anger"]}, "conditions.kinds[0]"), ({"kinds": []}, "conditions.kinds"),
    ({"hours": {"from": "25:00", "until": "08:00"}}, "conditions.hours.from"), ({"hours": {"from": "08:00"}}, "conditions.hours"),
    ({"weekdays": [8]}, "conditions.weekdays"), ({"weekdays": [True]}, "conditions.weekdays"), ({"workday": 1}, "conditions.workday"),
    ({"dates": {"from": "2026-02-30"}}, "conditions.dates"), ({"season": {"from": "13-01", "until": "01-01"}}, "conditions.season"),
    ({"words": {}}, "conditions.words"), ({"words": {"any": ["\x00"]}}, "conditions.words.any[0]"),
    ({"not": {"not": {"not": {"not": {}}}}}, "conditions.not.not.not.not"), ({"all": [3]}, "conditions.all[0]"), ([], "conditions"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "field"), FAULTY, ids=str)
def test_a_faulty_condition_is_named_by_its_place_in_chinese(document, field):
    with pytest.raises(Invalid) as refused:
        parse.condition(document)
    assert [e.field for e in refused.value.errors] == [field]
    assert any("\u4e00" <= c <= "\u9fff" for c in refused.value.errors[0].message)


@pytest.mark.parametrize(
    "document",
    [
        {}, {"adds": True}, {"lead_unit": ""}, {"mode": "joint", "lead_unit": "wuye"}, {"adds": True, "lead_unit": "wuye"},
        {"lead_unit": "wuye", "co_units": ["wuye"]}, {"tags": ["pain_point"]}, {"lead_unit": "wuye", "mode": "slow"},
        {"lead_unit": "wuye", "limit": "3wd"}, {"adds": True, "wait": True}, {"lead_unit": "wuye", "person": []}, {"lead_unit": "wuye", "person": "某某"}, None,
    ],
    ids=str,
)  # fmt: skip
def test_a_result_that_answers_nothing_or_contradicts_itself_is_refused(document):
    with pytest.raises(Invalid):
        parse.result(document)


def test_the_first_that_matches_decides_and_those_before_it_say_why_not():
    book = Rulebook(
        KNOWN,
        (
            rule("second", {}, position=2), rule("first", {"kinds": ["praise"]}, position=1),
            rule("plus", {"attributes": ["vulnerable"]}, {"adds": True, "mode": "urgent"}, position=0), rule("third", {}, position=3),
        ),
    )  # fmt: skip
    verdict = book.judge(FACTS, DAY)
    assert verdict.decides.code == "second"
    assert [(c.rule.code, c.matched, c.why) for c in verdict.considered] == [
        ("plus", True, "plus的依据"), ("first", False, "诉求类型“help”不在其列"), ("second", True, "second的依据"),
    ]  # fmt: skip
    assert [(r.code, result.mode) for r, result in verdict.results] == [("plus", "urgent"), ("second", None)]


def test_the_version_of_the_day_of_receipt_counts():
    book = Rulebook(
        KNOWN,
        (rule("r", {}), rule("r", {}, version=2, first=date(2026, 3, 3), last=date(2026, 3, 10))),
    )
    found = {day: [r.version for r in book.on(date(2026, 3, day))] for day in (2, 3, 10, 11)}
    assert found == {2: [1], 3: [2], 10: [2], 11: []}
    assert book.judge(FACTS, date(2025, 12, 31)).decides is None


BROKEN = {
    "unit": ({}, {"lead_unit": "gone"}, "本街道现在没有“gone”这个单位"),
    "category": ({"not": {"categories": ["9999"]}}, None, "本街道没有代码为“9999”的分类"),
    "grid": ({"any": [{"grids": ["g99"]}, {}]}, None, "本街道没有代码为“g99”的网格"),
    "document": ({"colour": ["red"]}, None, "没有这种条件"),
}


@pytest.mark.parametrize(("conditions", "result", "why"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_reported_and_the_next_one_runs(conditions, result, why):
    book = Rulebook(KNOWN, (rule("bad", conditions, result), rule("good", {}, position=2)))
    verdict = book.judge(FACTS, DAY)
    assert verdict.decides.code == "good"
    [broken] = verdict.broken
    assert broken.rule.code == "bad"
    assert why in broken.why


def test_a_condition_that_raises_breaks_its_own_rule_only():
    book = Rulebook(
        KNOWN, (rule("bad", {"hours": {"from": "08:00", "until": "18:00"}}), rule("good", {}, position=2))
    )
    verdict = book.judge(replace(FACTS, received_at=None), DAY)
    assert (verdict.decides.code, verdict.broken[0].why) == ("good", "判断条件时出错(AttributeError)")


def test_what_is_switched_off_is_not_looked_at():
    book = Rulebook(KNOWN, (rule("r", {}),), {"r": Switch("试运行", MONDAY, by_itself=False)})
    assert book.judge(FACTS, DAY).considered == ()
    assert [r.code for r in book.on(DAY)] == ["r"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("楼上是独居老人", {"vulnerable"}), ("我们公司门口积水", {"enterprise"}), ("某公司欠薪", set()), ("我店里请了残疾人", {"enterprise", "vulnerable"})],
)  # fmt: skip
def test_who_a_text_speaks_of(text, found):
    assert set(attributes_of(plain(text))) == found
