"""What the five articles say of who handles what, row by row: the demo street's rules are asked, nothing is written."""

from datetime import UTC, datetime

import pytest

from services.console.demo import organisation
from services.console.demo.places import XINBEI
from services.console.demo.rules import rules
from services.routing.assign import Matter, plan
from services.routing.boundaries import Cells
from services.routing.deadlines import Limits
from services.routing.registry import Category, Registry, Unit
from services.routing.rules.book import Known, Rule, Rulebook
from shared import clock
from shared.calendar import WorkCalendar
from shared.tables import transitions
from shared.terms import Role

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HERE = XINBEI.community_code(1)


def demo():
    """Return the demo street's registry as the worker would read it."""
    units = {u["code"]: Unit(**u) for u in organisation.units(XINBEI)}
    catalogue = {
        c["code"]: Category(
            c["code"], c["group_name"], c["name"], c["lead_unit"], c["level"], c["mode"],
            Limits(c["sign_limit"], c["contact_limit"], c["resolve_limit"]),
        )
        for c in organisation.categories()
    }  # fmt: skip
    communities = {XINBEI.community_code(n): f"{name}" for n, name in enumerate(XINBEI.communities, 1)}
    known = Known(
        units=frozenset(units), categories=frozenset(catalogue), communities=frozenset(communities),
        groups=frozenset(c.group_name for c in catalogue.values()),
    )  # fmt: skip
    book = Rulebook(known, tuple(Rule(**rule, recorded_at=MONDAY) for rule in rules()))
    assert [rule.code for rule in book.rules if book.fault(rule)] == []
    return Registry(
        street_id=XINBEI.id, desk=units[organisation.DESK], units=units, categories=catalogue, communities=communities,
        grids={}, policies={}, calendar=WorkCalendar({}, [2026]), cells=Cells([]), rulebook=book,
        units_by_name={u.name: u for u in units.values()},
        committees={u.community_code: u for u in units.values() if u.community_code},
    )  # fmt: skip


REGISTRY = demo()


def routed(content="请处理", category=None, **more):
    """Return the hands a request of the first community would go into."""
    matter = Matter(content=content, received_at=MONDAY, category_code=category, community_code=HERE, **more)
    return plan(matter, REGISTRY)


def led(content="请处理", category=None):
    hands = routed(content, category).hands
    return hands.lead.name, hands.rule.code if hands.rule else None


# S2-15, S2-16


@pytest.mark.parametrize(
    ("words", "lead", "row"),
    [
        ("3号楼前下水道堵了,污水往外冒", "物业办", "S2-15"), ("小区车辆乱停乱放,找不到车位", "物业办", "S2-15"),
        ("垃圾桶满了好几天没人清运", "物业办", "S2-15"), ("有人从楼上私拉电线给电瓶车充电,飞线", "安全办", "S2-16"),
        ("消防通道被私家车占用,堵死了", "安全办", "S2-16"), ("市场里商户的灭火器坏了,消防器材缺失", "安全办", "S2-16"),
    ],
)  # fmt: skip
def test_s2_15_and_s2_16_the_articles_matters_go_where_the_article_says(words, lead, row):
    assert led(words) == (lead, row)


# S2-14, S2-17


def test_s2_14_what_the_street_can_solve_stays_with_the_street():
    for category in (c for c in REGISTRY.categories.values() if c.level == "street"):
        assert routed(category=category.code).hands.lead.level == "street", category.name


def test_s2_17_what_lies_above_the_street_is_coordinated_by_the_party_committee():
    for category in (c for c in REGISTRY.categories.values() if c.level == "district"):
        hands = routed(category=category.code).hands
        doing = REGISTRY.units[category.lead_unit]
        if category.mode == "urgent":
            assert hands.lead == doing  # no further hand between a leak and who mends it
        else:
            assert (hands.lead.name, doing in hands.co_units) == ("街道党工委", True), category.name


# S0-15, S0-40, S4-06, S4-10, S4-21, S2-40


def test_s0_15_firms_and_shops_report_too_and_have_their_own_lead():
    decided = routed("我们公司想在这里扩建厂房,不知道找谁对接", "1102")
    assert (decided.hands.lead.name, decided.hands.rule.code) == ("经济发展办", "S0-15")
    assert "文中有“我们公司”,涉及企业和商户" in decided.why


@pytest.mark.parametrize(
    ("words", "mode"), [("独居老人家停了暖气没人管", "urgent"), ("家里路灯不亮", "normal")]
)
def test_s0_40_the_hardest_pressed_come_first(words, mode):
    assert routed(words, "0201").hands.mode == mode


@pytest.mark.parametrize(
    ("words", "category", "tag"),
    [("投诉!老是没人管,气人", "0101", "complaint_point"), ("低保怎么还没批下来", "0801", "pain_point"), ("楼顶违建", "0105", "blockage_point")],
)  # fmt: skip
def test_s4_06_complaints_pains_and_blockages_are_tagged(words, category, tag):
    assert tag in routed(words, category).hands.tags


def test_s4_10_small_things_fast_urgent_ones_at_once_hard_ones_together():
    small, urgent, hard = (routed(category=code) for code in ("0101", "0203", "0105"))
    assert [p.hands.mode for p in (small, urgent, hard)] == ["quick", "urgent", "joint"]
    assert urgent.clocks.due_at < small.clocks.due_at < hard.clocks.due_at
    for category in (c for c in REGISTRY.categories.values() if c.mode == "joint"):
        assert routed(category=category.code).hands.co_units, category.name


def test_s4_21_four_lines_of_work_handle_one_matter():
    hands = routed("这里群租严重,电线乱拉,人员混杂", "0401").hands
    assert {hands.lead.name, *(unit.name for unit in hands.co_units)} == {
        "安全办",
        "街道党工委",
        "派出所",
        "城管办",
    }


def test_s2_40_it_is_understood_as_people_speak():
    asked = routed("书记,咱们背街小巷的路灯,能不能关灯的时间晚一点?")
    assert asked.candidates[0].code == "0201"


# S0-21, S0-22: a ticket stands on one list at most, so the three partition what is listed


async def test_s0_21_a_move_between_the_three_lists_is_logged(
    street, intake, routing, actor_headers, deliver, owner
):
    with clock.at(MONDAY):
        staff = actor_headers(Role.SUPERVISOR)
        filed = await intake.post(
            "/v1/tickets", json={"content": "垃圾没人清运"}, headers=actor_headers(Role.CLERK)
        )
        await deliver("routing")
        door = f"/v1/tickets/{filed.json()['number']}/actions/relist"
        for level, status in (("community", 200), ("party", 200), ("district", 422)):
            answer = await routing.post(door, json={"list_level": level, "reason": "调整责任"}, headers=staff)
            assert answer.status_code == status, answer.text
        shown = (await routing.get(door.removesuffix("/actions/relist"), headers=staff)).json()
    assert (shown["list_level"], shown["list_level_text"]) == ("party", "党组织")
    moved = [
        (m["data"].get("before"), m["data"]["list_level"])
        for m in shown["timeline"]
        if m["action"] == "relist"
    ]
    assert moved == [(None, "community"), ("community", "party")]
    assert transitions.info["append_only"]
