"""What the articles tell of lists of commitments and of projects, row by row: each test carries the ids of its rows."""

from contextlib import ExitStack

import pytest

from services.routing.overdue import sweep
from services.routing.registry import Registries
from shared.tables import units
from shared.terms import Role
from tests.routing.conftest import WAY, Time

LEAD = "物业办"
PLAN = {
    "planned_start": "2026-03-01", "planned_end": "2026-06-30", "steps": ["入户征求意见", "组织施工", "居民验收"],
    "responsible": "何某", "responsible_unit": LEAD,
}  # fmt: skip
LIST = {
    "title": "我为群众办实事", "level": "street", "year": 2026, "owner_kind": "leader", "owner_name": "韩某",
    "owner_unit": LEAD,
}  # fmt: skip


@pytest.fixture
def time():
    with ExitStack() as stack:
        yield Time(stack)


@pytest.fixture
async def teams(owner, street):
    """A task force and a partner are units of the street."""
    rows = [
        ("zb", "道路整治专班", "team"),
        ("hhr", "红色合伙人公司", "partner"),
        ("gj", "共建单位", "co_builder"),
    ]
    async with owner.transaction([street.id]) as tx:
        await tx.insert_many(
            units,
            [
                {"street_id": street.id, "code": code, "name": name, "kind": kind, "level": "street", "is_desk": False}
                for code, name, kind in rows
            ],
        )  # fmt: skip


@pytest.fixture
def ask(routing, actor_headers):
    """`await ask("get", "/checklists", "supervisor", …)` → the answer; `unit:物业办` names a unit."""

    async def call(method, path, by="supervisor", *, status=None, key=None, body=None, **query):
        role, _, unit = by.partition(":")
        headers = actor_headers(Role(role), unit=unit or None) | ({"Idempotency-Key": key} if key else {})
        answer = await routing.request(method, f"/v1{path}", json=body, params=query, headers=headers)
        assert answer.status_code in ((status,) if status else (200, 201)), answer.text
        return answer.json()

    return call


@pytest.fixture
def file(intake, actor_headers):
    async def ticket(content="修补3号楼前道路", by=Role.CLERK, unit=None, **body):
        body = {"content": content, "channel": "commitment", "category": "0101"} | body
        answer = await intake.post("/v1/tickets", json=body, headers=actor_headers(by, unit=unit))
        assert answer.status_code == 201, answer.text
        return answer.json()["number"]

    return ticket


@pytest.fixture
def listed(ask, file):
    """`await listed("QD1", {…})` → the item, a commitment just put on the list."""

    async def put(code, changes=None, content="修补3号楼前道路", **query):
        body = PLAN | {"number": await file(content)} | (changes or {})
        return await ask("post", f"/checklists/{code}/items", body=body, **query)

    return put


@pytest.fixture
def make(ask):
    async def checklist(code, **changes):
        return await ask("post", "/checklists", body=LIST | {"code": code} | changes)

    return checklist


@pytest.fixture
def carry(ask):
    """`await carry(number)` closes a ticket that has been dispatched to 物业办."""

    async def close(number):
        for steps in WAY.values():
            for action, by, body in steps:
                await ask("post", f"/tickets/{number}/actions/{action}", by, body=body)

    return close


async def test_items_carry_timetable_road_map_and_responsible_or_are_refused(time, teams, make, file, ask):
    """S0-23, S1-07: each missing datum is named; a project must also have its task force."""
    await make("QD1")
    told = await ask("post", "/checklists/QD1/items", status=422, body={"number": await file()})
    assert {e["field"] for e in told["errors"]} == {"planned_start", "planned_end", "steps", "responsible"}
    told = await ask("post", "/projects", status=422, body={"code": "XM1", "title": "道路", "tickets": ["x"]})
    assert {e["field"] for e in told["errors"]} >= {"task_force", "planned_end", "responsible"}
    project = PLAN | {"code": "XM1", "title": "道路", "tickets": [await file()], "task_force": LEAD}
    told = await ask("post", "/projects", status=422, body=project)
    assert told["code"] == "not_a_task_force"


async def test_an_item_goes_by_its_plan_and_shows_who_stands_for_it(time, teams, make, listed, ask):
    """S0-27, S0-30, S1-06, S1-24: sponsor, liaison, budget and source, owner; the deadline is the plan's end."""
    made = await make("QD1", owner_kind="party_secretary", place="新新家园", households="超过3000户")
    assert (made["owner_kind_text"], made["households"]["qualifier"], made["households"]["value"]) == (
        "党组织书记", "over", "3000",
    )  # fmt: skip
    more = {
        "sponsor": "韩某", "liaison": "孙某", "budget": "20万元", "budget_source": "为民服务专项经费",
        "task_force": "道路整治专班", "partner": "hhr", "investment": "20余万元",
    }  # fmt: skip
    item = await listed("QD1", more)
    assert (item["sponsor"], item["liaison"], item["budget"]["value"], item["budget_source"]) == (
        "韩某", "孙某", "200000", "为民服务专项经费",
    )  # fmt: skip
    assert (item["task_force_name"], item["partner_name"], item["investment"]["said"]) == (
        "道路整治专班", "红色合伙人公司", "20余万元",
    )  # fmt: skip
    [ticket] = item["tickets"]
    assert (ticket["state"], ticket["unit_name"], ticket["due_at"][:10]) == ("dispatched", LEAD, "2026-07-01")
    again = await ask("post", "/checklists/QD1/items", status=409, body=PLAN | {"number": ticket["number"]})
    assert again["code"] == "already_listed"


async def test_a_joint_item_names_who_joins(time, make, file, ask):
    await make("QD1")
    body = PLAN | {"number": await file("拆除占道违建", category="0105")}
    told = await ask("post", "/checklists/QD1/items", status=422, body=body)
    assert told["code"] == "joint_needs_co_units"
    item = await ask("post", "/checklists/QD1/items", body=body | {"co_units": ["城管办"]})
    parts = (await ask("get", f"/tickets/{item['code']}"))["parts"]
    assert [part["unit_name"] for part in parts] == ["城管办"]


async def test_a_list_closes_only_when_nothing_on_it_is_open(time, make, listed, carry, ask):
    """S1-18 逐一清零."""
    await make("QD1")
    numbers = [(await listed("QD1"))["code"] for _ in range(2)]
    for left in (2, 1):
        told = await ask("post", "/checklists/QD1/closing", status=409, body={"note": "全部完成"})
        assert (told["code"], told["open"]) == ("items_open", left)
        await carry(numbers.pop())
    closed = await ask("post", "/checklists/QD1/closing", body={"note": "全部完成"})
    assert (closed["tally"]["display"], closed["closing_note"]) == ("100%", "全部完成")
    assert (await ask("post", "/checklists/QD1/closing", status=409, body={"note": "再关"}))[
        "code"
    ] == "checklist_closed"
    await make("QD2")
    told = await ask("post", "/checklists/QD2/closing", status=409, body={"note": "空"})
    assert told["code"] == "checklist_empty"


async def test_major_matters_are_counted_by_themselves(
    time, make, listed, carry, ask, settle, metrics, actor_headers
):
    """S1-01, S1-02, S1-05, S4-25: 1 of 3 beside 2 of 2; the share of kept promises says the same."""
    await make("QD1", published_on="2026-03-02")
    await make("ZD", major=True)
    regular = [(await listed("QD1"))["code"] for _ in range(3)]
    major = [(await listed("ZD"))["code"] for _ in range(2)]
    for number in (regular[0], *major):
        await carry(number)
    told = await ask("get", "/checklists/summary", year=2026)
    assert (told["regular"]["tally"]["display"], told["major"]["tally"]["display"]) == ("33.33%", "100%")
    assert (told["regular"]["tally"]["items"], told["major"]["tally"]["items"]) == (3, 2)
    assert (told["major"]["tally"]["on_time"], told["major"]["tally"]["on_time_display"]) == (2, "100%")
    kept = told["regular"]["kept"]
    assert (kept["promised"], kept["published"], kept["kept"], kept["display"]) == (3, 3, 1, "33.33%")
    assert told["major"]["kept"]["published"] == 0
    assert (await ask("get", "/checklists/summary", year=2025))["regular"]["tally"]["value"] is None
    await settle()
    rate = await metrics.get(
        "/v1/rates/commitment_rate", params={"variant": "closed", "from": "2026-03-01", "to": "2026-03-31"},
        headers=actor_headers(Role.LEADER),
    )  # fmt: skip
    total = rate.json()["total"]
    assert (total["numerator"], total["denominator"], total["display"]) == (1, 3, "33.33%")


async def test_three_lists_of_one_chain_agree(time, make, listed, carry, file, ask):
    """S0-17: what residents asked for is merged into the item; demand, task and result reconcile."""
    await make("QD1")
    first, second = [(await listed("QD1"))["code"] for _ in range(2)]
    asked = await file("3号楼前路面坑洼,老人摔倒过", Role.RESIDENT, channel="mini_program", category=None)
    await ask("post", f"/tickets/{asked}/actions/accept", "dispatcher", status=409, body={})
    topic = await file("我们楼前的路什么时候修", Role.CLERK, channel="group_topic", category=None)
    await ask("post", f"/tickets/{topic}/actions/merge", "dispatcher", body={"into": first})
    await carry(first)
    counts = {view: await ask("get", "/checklists/views", view=view) for view in ("demand", "task", "result")}
    told = counts["demand"]["counts"]
    assert (told["demands"], told["merged"], told["tasks"], told["results"], told["open"]) == (3, 1, 2, 1, 1)
    assert told["reconciled"]
    assert [len(counts[v]["items"]) for v in ("demand", "task", "result")] == [2, 2, 1]
    assert counts["result"]["items"][0]["tickets"][0]["merged"] == [topic]
    assert counts["task"]["items"][1]["code"] == second


async def test_each_item_is_on_time_or_late_by_itself(time, make, listed, carry, ask):
    """S1-37 and S1-45: completion days and months; moving the plan does not make a late promise on time."""
    await make("QD1")
    in_time, late = (
        (await listed("QD1"))["code"],
        (await listed("QD1", {"planned_end": "2026-03-31"}))["code"],
    )
    time.to("2026-04-05T09:00:00+08:00")
    await ask(
        "post", f"/tickets/{late}/actions/replan", "leader",
        body={"reason": "雨天停工", "until": "2026-05-01T00:00:00+08:00"},
    )  # fmt: skip
    for number in (in_time, late):
        await carry(number)
    items = {i["code"]: i for i in (await ask("get", "/checklists/QD1/items"))["items"]}
    assert (items[in_time]["on_time"], items[in_time]["completed"]["first"], items[in_time]["months"]) == (
        True, "2026-04-05", 1,
    )  # fmt: skip
    assert (items[late]["on_time"], items[late]["on_plan"]) == (False, True)
    tally = (await ask("get", "/checklists/QD1"))["tally"]
    assert (tally["closed"], tally["on_time"], tally["on_time_display"]) == (2, 1, "50.00%")


async def test_works_go_by_stages_and_are_not_overdue_on_plan(time, make, listed, ask, processes, routing):
    """S0-31, S3-22: three years of works, in every report, never overdue while on plan; its contacts are kept."""
    await make("QD1", last_year=2029)
    stages = [
        {"stage": "approval", "planned_on": "2026-04-01"},
        {"stage": "completion", "planned_on": "2029-05-01"},
    ]
    item = await listed(
        "QD1", {"planned_end": "2029-06-30", "milestones": stages, "first_reported": "2004年"}
    )
    where = f"/undertakings/{item['id']}"
    told = await ask(
        "post", f"{where}/milestones", status=422, body={"stage": "completion", "done_on": "2026-03-02"}
    )
    assert told["code"] == "stages_out_of_order"
    time.to("2026-04-02T09:00:00+08:00")
    reached = await ask(
        "post", f"{where}/milestones", f"unit:{LEAD}", body={"stage": "approval", "done_on": "2026-04-01"}
    )
    assert [(m["stage_text"], m["done_on"]) for m in reached["milestones"]] == [
        ("立项", "2026-04-01"),
        ("竣工", None),
    ]
    time.to("2029-03-02T09:00:00+08:00")
    await ask("post", f"{where}/records", f"unit:{LEAD}", body={"kind": "contact", "content": "上门做工作"})
    process = processes("routing")
    await sweep(process, Registries(process.database))
    told = await ask("get", where)
    assert (told["since"], told["tickets"][0]["overdue"], told["tickets"][0]["state"]) == (
        "2004-01-01", False, "dispatched",
    )  # fmt: skip
    assert told["age_days"] == 9192
    assert (await ask("get", "/checklists/views", view="task", year=2029))["counts"]["open"] == 1
    contacts = (await ask("get", f"{where}/records", kind="contact"))["items"]
    assert [c["content"] for c in contacts] == ["上门做工作"]


async def test_what_has_no_note_for_days_is_listed(time, make, listed, carry, ask):
    """S0-25: notes are only added; silence is counted from the last of them, or from the start."""
    await make("QD1")
    noted, quiet, done = [await listed("QD1") for _ in range(3)]
    await carry(done["code"])
    time.forward(days=40)
    assert len((await ask("get", "/undertakings/silent", days=30))["items"]) == 2
    note = {"kind": "note", "content": "完成路基", "on": "4月上旬"}
    told = await ask("post", f"/undertakings/{noted['id']}/records", f"unit:{LEAD}", body=note, key="n-1")
    assert told["on"] == {"said": "4月上旬", "first": "2026-04-01", "last": "2026-04-10"}
    assert (
        await ask("post", f"/undertakings/{noted['id']}/records", f"unit:{LEAD}", body=note, key="n-1")
        == told
    )
    [left] = (await ask("get", "/undertakings/silent", days=30))["items"]
    assert left["id"] == quiet["id"]
    assert (await ask("get", f"/undertakings/{noted['id']}"))["latest_note"]["said"] == "4月上旬"
    future = note | {"on": "12月"}
    await ask("post", f"/undertakings/{noted['id']}/records", status=422, body=future)


async def test_old_troubles_that_were_solved_are_reported(time, make, listed, carry, ask):
    """S0-35, S0-42: older than the record says, counted from when it was first reported."""
    await make("QD1")
    old, _, _ = (
        await listed("QD1", {"first_reported": "2018年以来"}), await listed("QD1", {"first_reported": "2020年"}),
        await listed("QD1"),
    )  # fmt: skip
    await carry(old["code"])
    told = await ask("get", "/checklists/longstanding", months=36)
    assert (told["total"], told["solved"], told["display"]) == (2, 1, "50.00%")
    assert {i["since"] for i in told["items"]} == {"2018-01-01", "2020-01-01"}


async def test_a_project_keeps_the_link_of_each_ticket(time, teams, file, ask, carry):
    """S3-05, S1-25, S1-43: several topics make an issue, several issues a project; its end closes no ticket."""
    issue, other = await file("河道边违建拆除"), await file("违建占道")
    topics = [await file(f"{n}号楼后违建挡路", channel="group_topic", category=None) for n in (1, 2)]
    for topic in topics:
        await ask("post", f"/tickets/{topic}/actions/merge", "dispatcher", body={"into": issue})
    body = PLAN | {"code": "XM1", "title": "拆违建停车场", "tickets": [issue, other], "task_force": "zb"}
    project = await ask("post", "/projects", body=body, key="p-1")
    assert await ask("post", "/projects", body=body, key="p-1") == project
    assert {t["number"]: t["merged"] for t in project["tickets"]} == {issue: sorted(topics), other: []}
    told = await ask("post", "/projects", status=409, body=body | {"code": "XM2"})
    assert told["code"] == "already_in_project"
    await ask("post", "/projects/XM1/tickets", body={"tickets": [await file("停车场照明")]})
    time.to("2026-06-10T09:00:00+08:00")
    done = await ask("post", "/projects/XM1/completion", body={"completed": "6月上旬"})
    assert (done["completed"]["said"], done["on_time"], done["months"]) == ("6月上旬", True, 3)
    assert not any(t["closed_at"] for t in done["tickets"])
    assert (await ask("post", "/projects/XM1/tickets", status=409, body={"tickets": [issue]}))[
        "code"
    ] == "project_completed"
    assert [p["code"] for p in (await ask("get", "/projects"))["items"]] == ["XM1"]


async def test_results_keep_their_quantities_and_agreements_their_parties(time, teams, file, ask):
    """S1-26, S1-36, S1-44, S3-23 to S3-28, S3-35, S3-36: sums stay with each project, approximate stays so."""
    for number, (code, money) in enumerate((("XM1", "20余万元"), ("XM2", "54万元"), ("XM3", "20万元"))):
        body = PLAN | {
            "code": code, "title": f"第{number}个项目", "tickets": [await file()], "task_force": "zb", "partner": "红色合伙人公司",
            "investment": money, "beneficiaries": "近20户", "trades": ["小吃店", "小卖部", "铁艺加工", "废品回收"],
        }  # fmt: skip
        project = await ask("post", "/projects", body=body)
    said = ["3公里", "46根", "9000余米", "72盏", "140户", "54个", "约660平米", "3000平米左右"]
    where = f"/undertakings/{project['id']}/records"
    result = await ask(
        "post", where, f"unit:{LEAD}", body={"kind": "result", "content": "道路硬化", "quantities": said}
    )
    assert [(q["value"], q["unit"]) for q in result["quantities"]][:3] == [
        ("3", "公里"),
        ("46", "根"),
        ("9000", "米"),
    ]
    assert [q["qualifier_text"] for q in result["quantities"]][-2:] == ["约数", "约数"]
    alone = {"kind": "agreement", "content": "签订入驻服务和代管协议", "parties": ["红色物业公司"]}
    await ask("post", where, status=422, body=alone)
    both = await ask(
        "post", where, body=alone | {"parties": ["红色物业公司", "居委会"], "on": "6月5日"}, status=422
    )
    assert both["errors"][0]["field"] == "on"  # still to come
    signed = await ask(
        "post", where, body=alone | {"parties": ["红色物业公司", "居委会"], "on": "2026-03-01"}
    )
    assert (signed["on"]["first"], signed["parties"]) == ("2026-03-01", ["红色物业公司", "居委会"])
    projects = (await ask("get", "/projects"))["items"]
    assert [p["investment"]["value"] for p in projects] == ["200000", "540000", "200000"]
    assert (projects[0]["beneficiaries"]["qualifier_text"], len(projects[0]["trades"])) == ("少于", 4)


async def test_every_place_of_a_roster_is_reached_or_named(time, ask):
    """S1-27 26/26, S2-28 178/178: complete only when all are; who is missing is named."""
    places = [f"{n}号小区" for n in range(1, 27)]
    made = await ask(
        "post", "/campaigns", body={"code": "SW", "title": "三无小区物业全覆盖", "places": places}
    )
    assert (made["places"], made["done"], made["display"]) == (26, 0, "0.00%")
    told = await ask(
        "post", "/campaigns/SW/reached", "community:晨晖社区居委会", body={"places": places[:-1]}
    )
    assert (told["done"], told["display"], told["missing"]) == (25, "96.15%", ["26号小区"])
    await ask("post", "/campaigns/SW/reached", status=422, body={"places": ["不在册小区"]})
    assert (await ask("post", "/campaigns/SW/reached", body={"places": places[-1:]}))["display"] == "100%"
    assert (await ask("get", "/campaigns"))["items"][0]["missing"] == []


async def test_a_plan_of_years_is_held_to_its_indicators(time, make, ask):
    """S1-38: five years, each with what it is measured by."""
    await make("WN", title="五年事业发展", last_year=2030)
    indicator = {"name": "居民满意度", "unit": "%", "year": 2028, "target": 95}
    await ask("post", "/checklists/WN/indicators", body=indicator)
    assert (await ask("post", "/checklists/WN/indicators", status=409, body=indicator))[
        "code"
    ] == "indicator_taken"
    await ask("post", "/checklists/WN/indicators", status=422, body=indicator | {"year": 2031})
    for value, reached in ((94.5, False), (96, True)):
        time.forward(days=1)
        told = await ask(
            "post", "/checklists/WN/readings", body={"name": "居民满意度", "year": 2028, "value": value}
        )
        assert (told["indicators"][0]["latest"], told["indicators"][0]["reached"]) == (value, reached)
    told = await ask(
        "post", "/checklists/WN/readings", status=422, body={"name": "没有", "year": 2028, "value": 1}
    )
    assert told["code"] == "unknown_indicator"


async def test_a_community_may_ask_for_itself(time, file, ask, actor):
    """S3-39: raised by a community and not by a resident."""
    number = await file(
        "党群服务站缺少服务用房", Role.COMMUNITY, unit="晨晖社区居委会", channel="visit", community="c1"
    )
    first = (await ask("get", f"/tickets/{number}", status=409))["code"]
    assert first == "not_placed_yet"
    told = await ask(
        "post", f"/tickets/{number}/actions/comment", "community:晨晖社区居委会", body={"reason": "社区提出"}
    )
    assert "reopen" not in told["actions"]


async def test_promises_are_seen_by_those_who_have_a_hand_in_them(time, teams, make, listed, ask, file):
    await make("QD1")
    await make("QD2", owner_unit=None)
    item = await listed("QD1")
    for by, seen in ((f"unit:{LEAD}", ["QD1"]), ("unit:城管办", []), ("auditor", ["QD1", "QD2"])):
        assert [c["code"] for c in (await ask("get", "/checklists", by))["items"]] == seen
    for path in ("/checklists/QD1", "/checklists/QD1/items", f"/undertakings/{item['id']}"):
        await ask("get", path, f"unit:{LEAD}")
        assert (await ask("get", path, "unit:城管办", status=404))["status"] == 404
    project = PLAN | {
        "code": "XM1",
        "title": "项目",
        "tickets": [item["code"], await file()],
        "task_force": "zb",
    }
    await ask("post", "/projects", body=project | {"responsible_unit": "城管办"})
    for by, seen in ((f"unit:{LEAD}", 1), ("unit:城管办", 0), ("leader", 2)):
        assert len((await ask("get", "/projects/XM1", by))["tickets"]) == seen
    await ask("get", "/checklists", "resident", status=403)
    await ask("get", "/checklists/summary", f"unit:{LEAD}", status=403)
    await ask("post", "/checklists", f"unit:{LEAD}", status=403, body=LIST | {"code": "QD3"})
    ordinary = await file(channel="phone")
    told = await ask("post", "/checklists/QD1/items", status=422, body=PLAN | {"number": ordinary})
    assert told["code"] == "not_a_commitment"
    over = PLAN | {"number": await file(), "planned_start": "2026-01-01", "planned_end": "2026-01-31"}
    told = await ask("post", "/checklists/QD1/items", status=422, body=over)
    assert [e["field"] for e in told["errors"]] == ["planned_end"]
    assert (await ask("post", "/checklists", status=409, body=LIST | {"code": "QD1"}))["code"] == "code_taken"
    assert (await ask("post", "/checklists", status=422, body=LIST | {"code": "views"}))["status"] == 422


async def test_lists_and_items_come_in_pages(time, make, listed, ask):
    for code in ("QD1", "QD2", "QD3"):
        await make(code)
    page = await ask("get", "/checklists", limit=2)
    assert ([c["code"] for c in page["items"]], page["has_more"]) == (["QD1", "QD2"], True)
    rest = await ask("get", "/checklists", limit=2, cursor=page["next_cursor"])
    assert ([c["code"] for c in rest["items"]], rest["has_more"]) == (["QD3"], False)
    made = {(await listed("QD1"))["id"] for _ in range(3)}
    page = await ask("get", "/checklists/QD1/items", limit=2)
    rest = await ask("get", "/checklists/QD1/items", limit=2, cursor=page["next_cursor"])
    assert {i["id"] for i in page["items"] + rest["items"]} == made
    time.forward(days=1)
    told = await ask("post", "/checklists/QD1/publication", body={"published_on": "2026-03-03"})
    assert told["published_on"] == "2026-03-03"
    await ask("post", "/checklists/QD1/publication", status=422, body={"published_on": "2026-03-04"})
