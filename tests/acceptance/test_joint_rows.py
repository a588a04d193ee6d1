"""What the five articles say of many hands on one matter, row by row, over HTTP."""

from datetime import datetime, timedelta

import pytest

from shared.tables import units
from tests.routing.conftest import LEAD

COMMITTEE, GRID, STREET = "community:jwh-c1", "grid_worker:jwh-c1", "unit:u01"
# Parties that the test street does not have by itself: name → kind.
PARTIES = {
    "红色物业": "property", "电信公司": "company", "供电公司": "company", "区住建委": "department", "派出所": "agency",
    "综合行政执法中队": "agency", "河马石公司": "partner", "社区党委": "party_branch", "捆扎队": "team", "志愿服务队": "team",
    "一线工作组": "team", "区党建引领基层治理推进中心": "department",
}  # fmt: skip


@pytest.fixture
async def parties(owner, street):
    """The parties of the articles, each a unit of its kind; `parties["红色物业"]` → its code."""
    codes = {name: street.units.get(name, f"p{n:02d}") for n, name in enumerate(PARTIES, 1)}
    made = [
        {
            "street_id": street.id, "code": codes[name], "name": name, "kind": kind, "is_desk": False,
            "level": "district" if kind == "department" else "street", "parent_code": "u01", "community_code": None,
        }
        for name, kind in PARTIES.items()
        if name not in street.units
    ]  # fmt: skip
    async with owner.transaction([street.id]) as tx:
        await tx.insert_many(units, made)
    return codes


async def arrive(do, number, *names):
    for name in names:
        await do(number, "report_in", name)


async def test_s0_28_s0_34_s0_36_a_block_that_floods(time, parties, placed, do, look, ask):
    """The community hands it up, the street plans several measures, a district department does one; each is tracked."""
    number = await placed("一下雨楼道就灌水", category="0205", grid_code="g11")
    for action, more in (
        ("sign", {}),
        ("contact", {}),
        ("escalate", {"reason": "列入实事清单,需要街道协调"}),
    ):
        await do(number, action, COMMITTEE, **more)
    [slip] = (await ask("/v1/slips", number=number))["items"]
    assert (slip["from_unit_name"], slip["to_unit_name"]) == ("晨晖社区居委会", "街道诉求办")  # S0-28
    for action in ("sign", "contact"):
        await do(number, action, STREET)
    await do(
        number, "visit_site", STREET, reason="排水主管道老化", people=["街道", "区住建委", "居民代表"]
    )  # S0-29
    due = (time.now + timedelta(days=20)).isoformat()
    package = [
        {"unit": "城建办", "text": "垫高楼道"}, {"unit": "城建办", "text": "加设泵房"},
        {"unit": "区住建委", "text": "改造排水主管道", "due_at": due},
    ]  # fmt: skip
    await do(number, "plan_measures", STREET, measures=package)  # S0-36
    for part in (1, 2):
        await do(number, "finish_part", "unit:城建办", part=part, reason="完工")
    await do(number, "handle", STREET, status=409, reason="好了")
    await do(number, "finish_part", f"unit:{parties['区住建委']}", reason="管道已换")  # S0-34
    assert [(p["unit_name"], p["late"]) for p in (await look(number))["parts"]] == [
        ("城建办", None), ("城建办", None), ("区住建委", False),
    ]  # fmt: skip
    assert (await do(number, "handle", STREET, reason="不再灌水"))["state"] == "handled"
    [visit] = [
        c for c in (await ask(f"/v1/tickets/{number}/contacts"))["items"] if c["action"] == "visit_site"
    ]
    assert (visit["people"], visit["said"]) == (["街道", "区住建委", "居民代表"], "排水主管道老化")


async def test_s1_17_and_s4_09_heard_inspected_and_fixed_on_the_spot(time, placed, do, ask):
    number = await placed(
        "门口积水了", by="dispatcher", channel="group_topic", grid_code="g11", category="0205"
    )
    await do(number, "accept", COMMITTEE)
    at = {
        name: (time.now + timedelta(minutes=m)).isoformat()
        for name, m in (("heard_at", 1), ("inspected_at", 9), ("fixed_at", 40))
    }
    time.forward(minutes=41)
    await do(number, "visit_site", COMMITTEE, reason="雨水箅子堵塞,已清", place="3号楼门口", **at)
    closed = await do(number, "close_directly", COMMITTEE, reason="积水已清")
    assert (closed["state"], datetime.fromisoformat(closed["closed_at"])) == ("closed", time.now)
    [visit] = (await ask(f"/v1/tickets/{number}/contacts"))["items"]
    assert {n: datetime.fromisoformat(visit[n]) for n in at} == {
        n: datetime.fromisoformat(t) for n, t in at.items()
    }


async def test_s1_28_s3_30_council_property_and_shareholders_are_parties(
    time, parties, bring, do, look, routing, who
):
    number = await bring("handling", grid_code="g11")
    await do(number, "assist", LEAD, unit="红色物业", task="入驻代管")
    for body, held in (("议事会", "2026-02-20"), ("股东大会", "2026-02-27"), ("股东大会", "2026-03-01")):
        meeting = {
            "held_on": held, "body": body, "topic": "小区代管", "community": "c1", "participants": 17, "tickets": [number],
            "resolutions": [{"text": "同意红色物业入驻", "unit": "红色物业"}],
        }  # fmt: skip
        answer = await routing.post("/v1/deliberations", json=meeting, headers=who(COMMITTEE))
        assert answer.status_code == 201, answer.text
    ticket = await look(number, f"unit:{parties['红色物业']}")
    held = [m["data"]["body"] for m in ticket["timeline"] if m["action"] == "note_resolution"]
    assert held == ["议事会", "股东大会", "股东大会"]


async def test_s2_09_s2_10_s2_11_one_forum_three_outcomes(time, placed, do, ask):
    forum = {"by": "dispatcher", "channel": "forum", "grid_code": "g11"}
    lamps = await placed("路灯关得太早", category="0301", **forum)
    await do(lamps, "recall", "dispatcher", reason="当场可以决定")
    await do(lamps, "close_directly", "dispatcher", reason="从今晚起延长亮灯两个小时")
    stalls = await placed("菜贩占道经营", category="0205", **forum)
    for action, more in (("sign", {}), ("contact", {}), ("escalate", {"reason": "向上反映"})):
        await do(stalls, action, COMMITTEE, **more)
    posts = await placed("小区想安充电桩", category="0205", **forum)
    await do(posts, "recall", "dispatcher", reason="现在就安排安全办")
    await do(posts, "dispatch", "dispatcher", unit="安全办")
    board = {}
    for number in (lamps, stalls, posts):
        seen = await do(number, "comment", "dispatcher", reason="座谈会")
        board[number] = (seen["state"], seen["lead_unit_name"])
    assert board == {
        lamps: ("closed", None), stalls: ("dispatched", "街道诉求办"), posts: ("dispatched", "安全办"),
    }  # fmt: skip
    assert [s["ticket"] for s in (await ask("/v1/slips"))["items"]] == [stalls]


async def test_s2_25_s2_27_s2_32_s2_39_s3_33_a_joint_operation(time, parties, bring, do, look, ask):
    """The right departments are called, outside companies among them, each reports in, a named crew does the work."""
    number = await bring("handling", grid_code="g11")
    wrong = await do(number, "whistle", LEAD, status=422, units=["外街道城管"], reason="整治")
    assert wrong["code"] == "unknown_unit"  # S2-32: the whistle goes to who can come
    called = ("派出所", "综合行政执法中队", "电信公司", "供电公司")
    await do(
        number,
        "whistle",
        LEAD,
        units=list(called),
        reason="整治空中线缆",
        whistle="key_work",
        task="到场配合",
    )
    await do(number, "assist", LEAD, unit="物业办", task="梳理捆扎线缆", crew="捆扎队")  # S2-39
    names = [f"unit:{parties[name]}" for name in called]
    await arrive(do, number, *names)
    [shown] = (await ask(f"/v1/tickets/{number}/whistles"))["items"]
    assert {s["unit_name"]: s["state"] for s in shown["stages"][1:]} == dict.fromkeys(called, "met")
    for name in (*names, LEAD):
        await do(number, "handle", LEAD, status=409, reason="好了")
        await do(number, "finish_part", name, reason="完成")
    await do(number, "handle", LEAD, reason="线缆已入管")
    assert [p["crew_text"] for p in (await look(number))["parts"] if p["crew"]] == ["捆扎队"]


async def test_s2_29_s4_16_s4_17_up_by_steps_and_an_answer_down(time, placed, do, ask):
    number = await placed("管网破损", category="0205", grid_code="g11")
    for unit in (COMMITTEE, STREET):
        for action, more in (("sign", {}), ("contact", {}), ("escalate", {"reason": "本级解决不了"})):
            await do(number, action, unit, **more)
            time.forward(hours=1)
    for unit, answer in (("unit:u00", "列入区级改造"), (STREET, "区里已列入改造,请转告居民")):
        await do(number, "answer_slip", unit, reason=answer)
    slips = (await ask("/v1/slips", GRID, number=number))["items"][::-1]
    assert [(s["slip"], s["from_unit_name"], s["to_unit_name"], s["answer"]) for s in slips] == [
        (1, "晨晖社区居委会", "街道诉求办", "区里已列入改造,请转告居民"), (2, "街道诉求办", "区接诉即办中心", "列入区级改造"),
    ]  # fmt: skip


async def test_s3_07_to_s3_13_the_residents_case(time, parties, bring, do, look, ask):
    """First contact and visit, cause, whistle to the community's party committee, three parts of a package."""
    number = await bring("signed", grid_code="g11")
    time.forward(minutes=20)
    await do(number, "contact", LEAD)
    await do(
        number, "visit_site", LEAD, reason="按安排撤桶并点,44号楼前没有桶", people=["社区党建指导员"]
    )  # S3-07, S3-08
    await do(number, "whistle", GRID, units=["社区党委"], reason="44号楼前垃圾成堆")  # S3-09
    time.forward(minutes=5)
    await arrive(do, number, f"unit:{parties['社区党委']}")
    package = [
        {"unit": "城管办", "text": "44号楼增设分类投放桶点"}, {"unit": "社区党委", "text": "单元门张贴引导通知"},
        {"unit": "红色物业", "text": "清除44号楼前垃圾"},
    ]  # fmt: skip
    await do(number, "plan_measures", LEAD, measures=package)  # S3-13
    for n, (name, done) in enumerate(
        (
            ("unit:城管办", "已增设"),
            (f"unit:{parties['社区党委']}", "已张贴"),
            (f"unit:{parties['红色物业']}", "已清除"),
        )
    ):
        await do(number, "handle", LEAD, status=409, reason="好了")
        await do(number, "finish_part", name, reason=done, part=n + 2)  # S3-10, S3-11, S3-12
    ticket = await do(number, "handle", LEAD, reason="三项都已落实")
    first = datetime.fromisoformat(ticket["contacted_at"]) - datetime.fromisoformat(ticket["received_at"])
    assert first == timedelta(minutes=20)
    assert [(p["unit_name"], p["result"]) for p in (await look(number))["parts"]] == [
        ("社区党委", None), ("城管办", "已增设"), ("社区党委", "已张贴"), ("红色物业", "已清除"),
    ]  # fmt: skip
    [whistle] = (await ask(f"/v1/tickets/{number}/whistles"))["items"]
    assert (whistle["origin_text"], [s["state"] for s in whistle["stages"]]) == ("网格", ["met", "met"])


async def test_s3_18_whistle_response_report_in(time, bring, do, ask):
    """群众吹哨、街居响应、部门报到: three stages, each with its time and deadline, each on its own late or not."""
    number = await bring("signed", grid_code="g11")
    await do(number, "group_whistle", "resident", reason="桶满了没人管")
    time.forward(minutes=10)
    await do(number, "respond_whistle", COMMITTEE, reason="马上协调", units=["城管办", "物业办"])
    time.forward(minutes=20)
    await do(number, "report_in", "unit:城管办")
    time.forward(minutes=20)
    await do(number, "report_in", LEAD)
    [whistle] = (await ask(f"/v1/tickets/{number}/whistles"))["items"]
    assert [(s["stage_text"], s["state"]) for s in whistle["stages"]] == [
        ("吹哨", "met"), ("响应", "met"), ("报到", "met"), ("报到", "late"),
    ]  # fmt: skip
    assert all(s["due_at"] and s["met_at"] for s in whistle["stages"][1:])


async def test_s3_22_three_years_of_work_on_one_matter(time, bring, do, ask):
    number = await bring("handling")
    talks = [f"{year}-{month:02d}-10T10:00:00+08:00" for year in (2026, 2027, 2028) for month in (4, 10)]
    for moment in talks:
        time.to(datetime.fromisoformat(moment))
        await do(number, "log_contact", LEAD, reason="上门做住户工作")
    log = (await ask(f"/v1/tickets/{number}/contacts"))["items"][1:]
    start = datetime.fromisoformat("2026-03-02T09:00:00+08:00")
    assert [c["age_days"] for c in log] == [(datetime.fromisoformat(m) - start).days for m in talks]
    listed = await ask("/v1/worklist", LEAD)
    assert [item["number"] for item in listed["items"]] == [number]  # as old as it is, it is still there


async def test_s3_29_s3_40_s4_28_s4_32_parties_of_every_kind_on_one_matter(time, parties, bring, do, look):
    number = await bring("handling", grid_code="g11")
    hands = {
        "一线工作组": "入户动员", "城管办": "拆除", "晨晖社区居委会": "安置协调", "红色物业": "清运", "河马石公司": "投资停车场",
        "志愿服务队": "引导", "社区党委": "牵头联系", "区党建引领基层治理推进中心": "对接赋能",
    }  # fmt: skip
    await do(number, "plan_measures", LEAD, measures=[{"unit": u, "text": t} for u, t in hands.items()])
    assert {p["unit_name"]: p["task"] for p in (await look(number))["parts"]} == hands
    await do(number, "finish_part", f"unit:{parties['河马石公司']}", reason="54个车位已建成")
    assert [p["unit_name"] for p in (await look(number))["parts"] if p["state"] == "done"] == ["河马石公司"]
