"""What the articles say of supervision, row by row, over HTTP."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import insert
from uuid_utils.compat import uuid7

from services.routing.registry import Registries
from services.routing.supervision.sweep import climb
from shared import clock
from shared.tables import staff
from shared.terms import InspectionMethod, MeetingPart, Role

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NEXT_MONDAY = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)
LEAD = (Role.UNIT, "物业办")


@pytest.fixture
def house(street, intake, routing, actor_headers, deliver):
    """`.file()` → a number with 物业办; `.send(method, path, role, unit, **body)`; `.act(number, action, …)`."""

    async def send(verb, path, role=Role.SUPERVISOR, of=None, /, *, status=200, **body):
        options = {"params": body} if verb == "GET" else {"json": body}
        answer = await routing.request(verb, f"/v1{path}", headers=actor_headers(role, of), **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def act(number, action, role, of=None, /, **body):
        return await send("POST", f"/tickets/{number}/actions/{action}", role, of, **body)

    async def file():
        body = {"content": "3号楼前垃圾没人清运"}
        filed = await intake.post("/v1/tickets", json=body, headers=actor_headers(Role.RESIDENT))
        await deliver("routing")
        number = filed.json()["number"]
        await act(number, "sign", *LEAD)
        await act(number, "contact", *LEAD)
        return number

    async def close(number):
        await act(number, "handle", *LEAD, reason="已清运")
        await act(number, "review_pass", Role.SUPERVISOR)
        await act(number, "close", Role.CALLBACK_CLERK, outcome="resolved")

    return SimpleNamespace(send=send, act=act, file=file, close=close)


async def test_s0_24_an_item_enters_the_key_supervision_ledger_with_who_when_and_why(house):
    with clock.at(MONDAY):
        number = await house.file()
        await house.act(number, "list_key", Role.LEADER, reason="居民反映多年,纳入重点督办")
        [entry] = (await house.send("GET", "/supervision/key-ledger"))["items"]
        [item] = (await house.send("GET", "/supervision", key=True))["items"]
    assert (entry["number"], entry["role_text"], entry["reason"], entry["occurred_at"]) == (
        number, "街道领导", "居民反映多年,纳入重点督办", "2026-03-02T09:00:00.000+08:00",
    )  # fmt: skip
    assert item["key_since"] == entry["occurred_at"]


async def test_s1_08_a_supervision_group_and_a_meeting_in_three_parts(house, owner, street):
    async with owner.transaction([street.id]) as tx:
        for code in ("d01", "d02"):
            await tx.execute(
                insert(staff).values(street_id=street.id, id=uuid7(), code=code, name=f"测试{code}")
            )
    group = {"name": "我为群众办实事督导专班", "task": "督进度、看成效、解难题", "members": ["d01", "d02"]}
    await house.send("POST", "/supervision/groups", status=422, **group | {"members": ["d99"]})
    made = await house.send("POST", "/supervision/groups", **group)
    await house.send("POST", "/supervision/groups", status=409, **group)
    await house.send("POST", f"/supervision/groups/{made['id']}/members", join=["d01"], leave=["d02"])
    await house.send("POST", f"/supervision/groups/{made['id']}/members", status=422, leave=["d02"])
    [known] = (await house.send("GET", "/supervision/groups"))["items"]
    assert {m["staff"]: m["left_at"] is None for m in known["members"]} == {"d01": True, "d02": False}
    assert [part.text for part in MeetingPart] == ["督进度", "看成效", "解难题"]
    with clock.at(MONDAY):
        first, second = await house.file(), await house.file()
        await house.act(second, "supervise", Role.LEADER, supervision="escalate", reason="多年未解决")
    with clock.at(NEXT_MONDAY):
        meeting = await house.send("POST", "/meetings")
        items = (await house.send("GET", f"/meetings/{meeting['week']}/items"))["items"]
    assert [(i["number"], i["part_text"]) for i in items] == [(first, "督进度"), (second, "解难题")]


async def test_s1_09_each_meeting_is_followed_up_unit_by_unit(house):
    with clock.at(MONDAY):
        number = await house.file()
        await house.file()
    with clock.at(NEXT_MONDAY):
        await house.send("POST", "/meetings")
        await house.close(number)
        [share] = (await house.send("GET", "/meetings/2026-W11"))["units"]
    assert (share["unit_name"], share["items"], share["closed"]) == ("物业办", 2, 1)


async def test_s1_10_units_and_communities_are_evaluated_with_guidance(house):
    said = {"period": "2026-Q1", "guidance": "加强夜间巡查,先难后易"}
    for unit, score in (("物业办", "86.5"), ("晨晖社区居委会", "92"), ("物业办", "88.25")):
        await house.send("POST", "/evaluations", unit=unit, score=score, **said)
    for wrong in ({"score": 100.5}, {"score": -1}, {"unit": "没有"}, {"period": "2026-13"}, {"guidance": ""}):
        await house.send(
            "POST", "/evaluations", status=422, **{"unit": "物业办", "score": 60, **said, **wrong}
        )
    await house.send("POST", "/evaluations", *LEAD, status=403, unit="物业办", score=100, **said)
    known = (await house.send("GET", "/evaluations", *LEAD, period="2026-Q1"))["items"]
    assert [(e["unit_name"], e["score"], e["current"]) for e in known] == [
        ("物业办", "88.25", True), ("晨晖社区居委会", "92.00", True), ("物业办", "86.50", False),
    ]  # fmt: skip
    assert {e["guidance"] for e in known} == {"加强夜间巡查,先难后易"}


async def test_s1_20_a_superior_comments_and_instructs_on_an_item_it_does_not_own(house):
    with clock.at(MONDAY):
        number = await house.file()
        await house.act(number, "comment", Role.LEADER, reason="请党工委统筹,一周内拿出方案")
        await house.act(
            number, "supervise", Role.LEADER, reason="领导批示:限期答复", until="2026-03-04T18:00:00+08:00"
        )
        [order] = (await house.send("GET", "/supervision/orders", *LEAD))["items"]
        await house.act(number, "reply_supervision", *LEAD, order=order["order"], reason="方案已报")
        shown = await house.send("GET", f"/tickets/{number}")
    assert [(m["action_text"], m["actor_role_text"]) for m in shown["timeline"][-3:]] == [
        ("批注", "街道领导"), ("督办", "街道领导"), ("督办答复", "承办人员"),
    ]  # fmt: skip
    assert (order["unit_name"], shown["lead_unit_name"], shown["state"]) == ("物业办", "物业办", "handling")


async def test_s2_18_a_meeting_each_week_hears_of_what_last_week_left_open(house):
    with clock.at(MONDAY):
        still_open, done = await house.file(), await house.file()
        await house.close(done)
    with clock.at(NEXT_MONDAY):
        await house.file()  # of this week: next week's business
        meeting = await house.send("POST", "/meetings")
        items = (await house.send("GET", "/meetings/2026-W11/items"))["items"]
    assert (meeting["week"], [(i["number"], i["why"]) for i in items]) == (
        "2026-W11", [(still_open, "上周受理,尚未办结")],
    )  # fmt: skip


async def test_s2_19_a_resolution_names_owner_measure_and_new_date_on_the_item(house):
    with clock.at(MONDAY):
        number = await house.file()
    with clock.at(NEXT_MONDAY):
        await house.send("POST", "/meetings")
        told = {"number": number, "unit": "安全办", "measure": "联合整治,一揽子解决", "due_on": "2026-03-20"}
        await house.send("POST", "/meetings/2026-W11/resolutions", **told)
        last = (await house.send("GET", f"/tickets/{number}"))["timeline"][-1]
        [kept] = (await house.send("GET", "/meetings/2026-W11/resolutions", Role.UNIT, "安全办"))["items"]
    assert (last["action_text"], last["reason"], last["data"]["due_on"]) == (
        "会议决议",
        told["measure"],
        "2026-03-20",
    )
    assert (kept["unit_name"], kept["measure"], kept["due_on"]) == ("安全办", told["measure"], "2026-03-20")


async def test_s2_20_the_supervision_office_is_none_of_the_handlers(house):
    good = {"method": "site_check", "passed": True, "finding": "已整改"}
    with clock.at(MONDAY):
        number = await house.file()
        await house.send("POST", "/inspections", month="2026-03")
        door = "/inspections/2026-03/findings"
        await house.send("POST", door, Role.SUPERVISOR, "物业办", status=403, number=number, **good)
        await house.send("POST", door, *LEAD, status=403, number=number, **good)
        await house.send("POST", door, number=number, **good)


async def test_s2_21_methods_are_named_and_a_draw_can_be_repeated(house):
    assert [m.text for m in InspectionMethod] == ["随机走访", "实地检查", "明察暗访"]
    with clock.at(MONDAY):
        for _ in range(4):
            await house.close(await house.file())
        wish = {"first_day": "2026-03-01", "last_day": "2026-03-31", "size": 2, "seed": "2018-08-09"}
        draws = [await house.send("POST", "/revisits", **wish) for _ in range(2)]
        items = [(await house.send("GET", f"/revisits/{d['id']}/items"))["items"] for d in draws]
    assert items[0] == items[1]
    assert len(items[0]) == 2


async def test_s2_22_every_posted_item_is_inspected_before_the_result_is_published_and_frozen(house):
    with clock.at(MONDAY):
        numbers = [await house.file() for _ in range(3)]
        await house.close(numbers[0])
        opened = await house.send("POST", "/inspections", month="2026-03")
        assert opened["posted"] == 3
        for left, number in zip((3, 2, 1), numbers, strict=True):
            refused = await house.send("POST", "/inspections/2026-03/publication", status=409)
            assert refused["remaining"] == left
            finding = {
                "number": number,
                "method": "random_walk",
                "passed": number != numbers[1],
                "finding": "已查看",
            }
            await house.send("POST", "/inspections/2026-03/findings", **finding)
            again = await house.send("POST", "/inspections/2026-03/findings", status=409, **finding)
            assert again["code"] == "already_inspected"
        result = await house.send("POST", "/inspections/2026-03/publication")
    with clock.at(NEXT_MONDAY):
        await house.close(numbers[1])
        assert await house.send("GET", "/inspections/2026-03") == result
    assert (result["inspected"], result["passed"], result["failed"], len(result["digest"])) == (3, 2, 1, 64)


async def test_an_unanswered_matter_climbs_from_reminder_to_bulletin_by_itself(
    house, processes, monkeypatch, street
):
    """Issue 5: urge → notice → escalate up the line → bulletin, each in its colour."""
    process = processes("routing")
    everywhere = process.streets.all

    async def here():
        return [each for each in await everywhere() if each.id == street.id]

    monkeypatch.setattr(process.streets, "all", here)
    with clock.at(MONDAY):
        number = await house.file()
    seen = []
    for day in range(2, 17):
        with clock.at(datetime(2026, 3, day, 4, 0, tzinfo=UTC)):
            await climb(process, Registries(process.database))
            ticket = await house.send("GET", f"/tickets/{number}")
        step = (ticket["supervision_level_text"], ticket["supervision_colour"])
        seen += [step] if step not in seen else []
    assert seen == [
        (None, "green"),
        ("催办", "blue"),
        ("督办单", "orange"),
        ("提级督办", "red"),
        ("通报", "red"),
    ]
