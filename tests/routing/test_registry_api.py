"""The registry's doors, and the question where a request would go and why."""

import pytest
from sqlalchemy import func, select

from services.routing.geometry import gcj02_to_wgs84
from shared.tables import events, ticket_states


@pytest.fixture
def route(routing, who):
    """`await route(content=…, …)` → the dry run."""

    async def ask(name="dispatcher", status=200, **body):
        answer = await routing.post("/v1/route", json=body, headers=who(name))
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


async def test_a_request_is_explained_without_being_moved(time, route, street, rows):
    longitude, latitude = gcj02_to_wgs84(*street.middle("g21"))
    told = await route(
        content="井盖没了,有人差点掉下去",
        location={"longitude": longitude, "latitude": latitude, "crs": "wgs84"},
    )
    assert told["category"]["name"] == "井盖缺损"
    assert 0.4 <= told["category"]["score"] <= 1
    assert told["candidates"][0] == {**told["category"], "words": told["candidates"][0]["words"]}
    assert "井盖没了" in told["candidates"][0]["words"]
    assert (told["mode"], told["mode_text"], told["lead_unit_name"]) == ("urgent", "紧急", "城建办")
    assert (told["grid"], told["community"], told["community_name"]) == ("g21", "c2", "远洋社区")
    assert told["deadlines"] == {
        "sign": "2026-03-02T09:15:00.000+08:00", "contact": "2026-03-02T11:00:00.000+08:00",
        "handle": "2026-03-03T09:00:00.000+08:00", "provisional": False,
    }  # fmt: skip
    why = "\n".join(told["why"])
    for part in ("井盖", "网格 g21(远洋社区)", "城建办", "诉求类型", "15分钟", "24小时"):
        assert part in why
    assert await rows(ticket_states) == []
    assert await rows(events) == []


async def test_what_is_routed_is_what_was_foretold(time, route, placed, look):
    for words in ("路灯不亮了,走夜路太危险", "楼上天天装修噪音扰民", "你好"):
        told = await route(content=words, address="胜利社区5号楼")
        ticket = await look(await placed(words, address="胜利社区5号楼"))
        assert ticket["category"] == told["category"]["code"]
        assert ticket["community"] == told["community"]
        assert ticket["why"] == told["why"]
        assert told["certain"] == (ticket["state"] == "dispatched")
        assert not told["certain"] or ticket["lead_unit"] == told["lead_unit"]


async def test_a_committee_category_goes_to_the_committee_of_the_place(time, route, street):
    told = await route(content="你好", category="0205", grid_code="g31")
    assert told["lead_unit"] == street.committee("c3")
    assert "“休闲健身设施”由所在社区承办:胜利社区居委会" in told["why"]


async def test_doubt_is_told_as_doubt(time, route):
    told = await route(content="你好")
    assert (told["certain"], told["category"]["code"], told["category"]["score"]) == (False, "1399", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"category": "9999"}, "category"), ({"grid_code": "g99"}, "grid_code"), ({"street": "000"}, "street"),
        ({"content": ""}, "content"), ({"content": "x" * 2501}, "content"), ({"location": {"longitude": 117, "latitude": 39}}, "location.crs"),
        ({"location": {"longitude": 181, "latitude": 39, "crs": "gcj02"}}, "location.longitude"), ({"units": 1}, "units"),
    ],
    ids=str,
)  # fmt: skip
async def test_what_does_not_exist_is_named_in_chinese(time, route, body, field):
    told = await route(status=422, **({"content": "路灯不亮"} | body))
    assert [e["field"] for e in told["errors"]] == [field]
    assert any("\u4e00" <= c <= "\u9fff" for c in told["errors"][0]["message"])


async def test_a_script_asks_with_the_right_scope(routing, api_key):
    body = {"content": "路灯不亮"}
    assert (
        await routing.post("/v1/route", json=body, headers=await api_key("tickets:write"))
    ).status_code == 200
    refused = await routing.post("/v1/route", json=body, headers=await api_key("ledger:read"))
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize(
    ("what", "count"), [("categories", 57), ("communities", 3), ("grids", 6), ("units", None)]
)
@pytest.mark.parametrize("limit", [2, 100])
async def test_the_registry_comes_in_pages(routing, who, street, what, count, limit):
    seen, cursor = [], None
    while True:
        query = {"limit": limit, "street": street.code} | ({"cursor": cursor} if cursor else {})
        page = (await routing.get(f"/v1/{what}", params=query, headers=who("resident"))).json()
        seen += [item["code"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == (len(street.units) if count is None else count)


async def test_a_unit_and_a_category_are_shown_whole(routing, who, street):
    units = (await routing.get("/v1/units", headers=who("clerk"))).json()["items"]
    committee = next(u for u in units if u["code"] == street.committee("c1"))
    assert committee == {
        "code": "jwh-c1", "name": "晨晖社区居委会", "kind": "community", "kind_text": "居委会", "level": "community", "level_text": "社区",
        "parent": "u01", "community": "c1", "is_desk": False,
    }  # fmt: skip
    assert [u["name"] for u in units if u["is_desk"]] == ["街道诉求办"]
    categories = (await routing.get("/v1/categories", headers=who("clerk"))).json()["items"]
    assert next(c for c in categories if c["code"] == "0203") == {
        "code": "0203", "group": "公共设施", "name": "井盖缺损", "lead_unit": street.unit("城建办"), "level": "street",
        "level_text": "街道", "mode": "urgent", "mode_text": "紧急", "sign_limit": "15min", "contact_limit": "2h",
        "resolve_limit": "24h",
    }  # fmt: skip


async def test_grids_of_one_community(routing, who):
    page = (await routing.get("/v1/grids", params={"community": "c2"}, headers=who("clerk"))).json()
    assert [(g["code"], g["community"]) for g in page["items"]] == [("g21", "c2"), ("g22", "c2")]


async def test_a_ticket_nobody_has_placed_yet_says_so(time, submit, look, rows):
    number = (await submit())["number"]
    waiting = await look(number, status=409)
    assert (waiting["code"], waiting["state"]) == ("not_placed_yet", "submitted")
    assert (await rows(select(func.count()).select_from(ticket_states).subquery()))[0][0] == 0


async def test_a_category_that_was_imported_a_moment_ago_is_shown_by_its_code(
    time, routing, who, street, submit, deliver, look, owner, intake
):
    await routing.get(
        "/v1/units", headers=who("clerk")
    )  # the process remembers the registry for a few seconds
    async with owner.transaction([street.id]) as tx:
        await tx.raw.execute(
            "INSERT INTO categories SELECT street_id, '1401', group_name, '新分类', lead_unit, level, mode, sign_limit,"
            " contact_limit, resolve_limit FROM categories WHERE code = '0101'"
        )
    number = (await submit(category="1401"))["number"]
    await deliver("routing")
    ticket = await look(number)
    assert (ticket["category"], ticket["category_name"]) == ("1401", "1401")
    items = (await routing.get("/v1/worklist", headers=who("leader"))).json()["items"]
    assert [i["category_name"] for i in items] == ["1401"]
