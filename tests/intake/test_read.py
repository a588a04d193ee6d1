"""Lists and single tickets: who sees what, and what of it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from shared import clock
from shared.lifecycle import State
from shared.tables import ratings, supplements
from shared.terms import Role
from tests.intake.test_submit import problem

S = State


@pytest.fixture
def get(intake, resident):
    async def ask(path, headers=None, **query):
        return await intake.get(path, params=query, headers=headers or resident)

    return ask


@pytest.fixture
def numbers(get):
    """`await numbers(headers=…, filter=…)` → the numbers on the first page."""

    async def ask(headers=None, **query):
        answer = await get("/v1/tickets", headers, **query)
        assert answer.status_code == 200, answer.text
        return [item["number"] for item in answer.json()["items"]]

    return ask


async def test_residents_see_their_own(submit, numbers, actor_headers):
    other = actor_headers(Role.RESIDENT, openid="o-two")
    mine, theirs = await submit(), await submit(headers=other)
    assert await numbers() == [mine["number"]]
    assert await numbers(other) == [theirs["number"]]


async def test_an_item(submit, get):
    ticket = await submit(content="  长" + "话" * 40, kind="help", category="0101", grid_code="g11")
    item = (await get("/v1/tickets")).json()["items"][0]
    assert item == {
        "id": ticket["id"], "number": ticket["number"], "title": "长" + "话" * 29, "state": "submitted",
        "state_text": "已登记", "kind": "help", "kind_text": "求助", "channel": "mini_program",
        "channel_text": "小程序", "category": "0101", "category_text": "垃圾清运", "community_code": "c1",
        "occurred_at": ticket["occurred_at"], "due_at": None, "deadline_text": None,
        "updated_at": ticket["recorded_at"], "thumb_url": None,
    }  # fmt: skip


async def test_scopes_of_staff(submit, stand, numbers, actor_headers, street):
    resident_one, grid_worker = await submit(), actor_headers(Role.GRID_WORKER, unit="晨晖社区居委会")
    own = await submit(headers=grid_worker)
    elsewhere = await submit()
    await stand(resident_one, S.SIGNED, community_code="c1")
    await stand(
        elsewhere,
        S.SIGNED,
        community_code="c2",
        lead_unit=street.unit("安全办"),
        owner_unit=street.unit("安全办"),
    )
    everything = [elsewhere["number"], own["number"], resident_one["number"]]
    for role in (Role.CLERK, Role.DISPATCHER, Role.LEADER, Role.AUDITOR, Role.ADMIN):
        assert await numbers(actor_headers(role)) == everything
    assert await numbers(actor_headers(Role.UNIT, unit="物业办")) == [resident_one["number"]]
    assert await numbers(actor_headers(Role.UNIT, unit="安全办")) == [elsewhere["number"]]
    assert await numbers(actor_headers(Role.UNIT)) == []
    assert await numbers(grid_worker) == [own["number"], resident_one["number"]]


async def test_scripts_need_the_scope(submit, get, numbers, api_key):
    ticket = await submit()
    assert await numbers(await api_key("ledger:read")) == [ticket["number"]]
    problem(await get("/v1/tickets", await api_key("tickets:write")), 403, "missing_scope")
    answer = await get(f"/v1/tickets/{ticket['number']}", await api_key("ledger:read"))
    assert answer.json()["actions"] == []


async def test_district_staff_see_their_streets(intake, submit, numbers, new_street, street, actor_headers):
    other, third = await new_street(), await new_street()
    here = await submit()
    both = actor_headers(Role.DISPATCHER, streets=[street, other])
    there = (
        await intake.post("/v1/tickets", json={"content": "a", "street": other.code}, headers=both)
    ).json()
    outside = actor_headers(Role.RESIDENT, streets=[third])
    await intake.post("/v1/tickets", json={"content": "b"}, headers=outside)
    assert set(await numbers(both)) == {here["number"], there["number"]}


async def test_filters(submit, stand, numbers, clerk):
    with clock.at(datetime(2026, 3, 4, 15, 59, tzinfo=UTC)):  # 23:59 in Shanghai
        old = await submit(category="0103", grid_code="g31")
    new = await submit(headers=clerk, channel="hotline", category="0101")
    await stand(new, S.CLOSED, category_code="0102", community_code="c2")
    o, n = [old["number"]], [new["number"]]
    assert await numbers(clerk, state="submitted") == o
    assert await numbers(clerk, state="closed") == n
    assert await numbers(clerk, channel="hotline") == n
    assert await numbers(clerk, category="0103") == o
    assert await numbers(clerk, category="0102") == n
    assert await numbers(clerk, category="0101") == []  # reclassified since
    assert await numbers(clerk, community="c3") == o
    assert await numbers(clerk, **{"from": "2026-03-04", "to": "2026-03-04"}) == o
    assert await numbers(clerk, **{"from": "2026-03-05"}) == n
    assert await numbers(clerk, to="2026-03-03") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "gone"}, "state"),
        ({"channel": "x"}, "channel"),
        ({"category": "\x00' OR 1=1"}, "category"),
        ({"from": "2026-13-01"}, "from"),
        ({"from": "0001-01-01"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"to": "20260101"}, "to"),
        ({"from": "2026-03-05", "to": "2026-03-04"}, "to"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WyJhIl0"}, "cursor"),
        ({"cursor": "钥匙"}, "cursor"),
    ],
)
async def test_queries_that_are_wrong(get, query, field):
    problem(await get("/v1/tickets", **query), 422, field=field)


async def test_pages(submit, get):
    tickets = [(await submit())["number"] for _ in range(5)]
    seen, query = [], {"limit": "2"}
    while True:
        page = (await get("/v1/tickets", **query)).json()
        seen += [item["number"] for item in page["items"]]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == tickets[::-1]
    assert page["next_cursor"] is None


async def test_a_ticket_whole(submit, stand, get, street, clerk):
    ticket = await submit(
        address="幸福里3号楼",
        contact={"name": "王小明", "phone": "13812345678"},
        location={"longitude": 117.665, "latitude": 39.035, "crs": "gcj02"},
    )
    await stand(
        ticket,
        S.HANDLING,
        [
            ("register", S.SUBMITTED, S.SUBMITTED),
            ("accept", S.SUBMITTED, S.ACCEPTED, {"actor_role": "system", "actor_unit": None}),
            (
                "dispatch",
                S.ACCEPTED,
                S.DISPATCHED,
                {"actor_role": "dispatcher", "actor_unit": street.unit("街道诉求办")},
            ),
            ("return", S.DISPATCHED, S.ACCEPTED),
            (
                "dispatch",
                S.ACCEPTED,
                S.DISPATCHED,
                {"actor_role": "dispatcher", "actor_unit": street.unit("街道诉求办")},
            ),
            ("sign", S.DISPATCHED, S.SIGNED),
            ("contact", S.SIGNED, S.HANDLING),
            ("comment", S.HANDLING, S.HANDLING),
        ],
        due_at=clock.now() + timedelta(hours=5, minutes=1),
    )
    path = f"/v1/tickets/{ticket['number']}"
    answer = await get(path)
    assert answer.headers["etag"] == '"v8"'
    mine = answer.json()
    assert mine["deadline_text"] == "剩余5小时"
    assert mine["contact"] == {"name": "王**", "phone": "138****5678"}
    assert mine["address"] == "幸福里3号楼"
    assert mine["location"] == {"longitude": 117.665, "latitude": 39.035, "crs": "gcj02"}
    assert mine["unit"] == "物业办"
    assert [s["action"] for s in mine["timeline"]] == [
        "register",
        "accept",
        "dispatch",
        "dispatch",
        "sign",
        "contact",
    ]
    assert [s["unit"] for s in mine["timeline"]] == [None, None, "物业办", "物业办", "物业办", "物业办"]
    assert {s["reason"] for s in mine["timeline"]} == {None}
    assert mine["timeline"][0]["role_text"] == "居民"
    assert mine["actions"] == ["supplement", "urge"]
    staff = (await get(path, clerk)).json()
    assert [s["action"] for s in staff["timeline"]][3:5] == ["return", "dispatch"]
    assert staff["timeline"][3]["reason"] == "内部:return"
    assert staff["contact"] == {"name": "王**", "phone": "138****5678"}
    assert staff["actions"] == ["supplement"]
    assert [s["seq"] for s in staff["timeline"]] == [0, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("action", ["reject", "close_directly"])
async def test_reasons_that_are_told(submit, stand, get, action):
    ticket = await submit()
    state = S.REJECTED if action == "reject" else S.CLOSED
    await stand(ticket, state, [(action, S.ACCEPTED, state)])
    answer = (await get(f"/v1/tickets/{ticket['number']}")).json()
    assert answer["timeline"][1]["reason"] == f"内部:{action}"
    assert answer["deadline_text"] is None


@pytest.mark.parametrize("flag", ["anonymous", "confidential"])
async def test_who_reports_stays_hidden_where_asked(submit, get, clerk, flag):
    contact = None if flag == "anonymous" else {"name": "王小明", "phone": "13812345678"}
    place = {"longitude": 117.665, "latitude": 39.035, "crs": "gcj02"}
    ticket = await submit(contact=contact, address="幸福里3号楼201", location=place, **{flag: True})
    path = f"/v1/tickets/{ticket['number']}"
    staff, mine = await get(path, clerk), await get(path)
    assert staff.json()["contact"] is None
    assert "王" not in staff.text.replace(staff.json()["content"], "")
    assert mine.json()["address"] == "幸福里3号楼201"
    if flag == "confidential":
        assert (staff.json()["address"], staff.json()["location"]) == (None, None)
        assert mine.json()["contact"] == {"name": "王**", "phone": "138****5678"}


async def test_an_unchanged_ticket_is_304(intake, submit, stand, owner, street, resident):
    ticket = await submit()
    path = f"/v1/tickets/{ticket['number']}"

    async def ask(tag):
        return await intake.get(path, headers=resident | {"If-None-Match": tag})

    unchanged = await ask('"v0"')
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == '"v0"'
    assert (await ask('W/"v0", "x"')).status_code == 304
    assert (await ask("*")).status_code == 304
    assert (await ask('"v7"')).status_code == 200
    await stand(ticket, S.ACCEPTED)
    assert (await ask('"v0"')).status_code == 200
    assert (await ask('"v1"')).status_code == 304
    async with owner.transaction([street.id]) as tx:
        await tx.execute(
            insert(supplements).values(
                street_id=street.id, id=ticket["id"], ticket_id=ticket["id"], content="又堵了",
                author_id=ticket["id"], author_role="resident", recorded_at=clock.now(),
            )
        )  # fmt: skip
    fresh = await ask('"v1"')
    assert fresh.status_code == 200
    assert fresh.json()["supplements"][0]["content"] == "又堵了"


async def test_ratings_are_shown(submit, stand, get, owner, street, clerk):
    ticket = await submit()
    await stand(ticket, S.CLOSED, outcome="resolved")
    async with owner.transaction([street.id]) as tx:
        await tx.execute(
            insert(ratings).values(
                street_id=street.id, ticket_id=ticket["id"], closure=1, satisfaction="satisfied", resolved="yes",
                contacted=True, comment="快", author_id=ticket["id"], occurred_at=clock.now(), recorded_at=clock.now(),
            )
        )  # fmt: skip
    answer = (await get(f"/v1/tickets/{ticket['number']}", clerk)).json()
    assert answer["outcome_text"] == "已解决"
    assert answer["ratings"][0] | {"recorded_at": None} == {
        "closure": 1, "satisfaction": "satisfied", "satisfaction_text": "满意", "resolved": "yes",
        "resolved_text": "已解决", "contacted": True, "comment": "快", "recorded_at": None,
    }  # fmt: skip


async def test_what_is_not_there_and_what_is_not_yours_look_the_same(
    submit, stand, get, street, new_street, actor_headers
):
    ticket, other = await submit(), await new_street()
    await stand(ticket, S.SIGNED)
    path = f"/v1/tickets/{ticket['number']}"
    strangers = [
        actor_headers(Role.RESIDENT, openid="o-two"),
        actor_headers(Role.CLERK, streets=[other]),
        actor_headers(Role.UNIT, unit="安全办"),
        actor_headers(Role.UNIT),
    ]
    missing = await get(f"/v1/tickets/{street.prefix}20200101-000001")
    expected = problem(missing, 404, "ticket_not_found") | {"trace_id": None}
    for headers in strangers:
        assert problem(await get(path, headers), 404) | {"trace_id": None} == expected


@pytest.mark.parametrize(
    "number",
    ["x", "0", "ZZZZ20260101-000001", "%00", "..%2f", "TAAAA20260101-000001%0A", "é" * 50, "%F0%A0%AE%B7"],
)
async def test_numbers_that_are_none(get, number):
    problem(await get(f"/v1/tickets/{number}"), 404)


async def test_a_suspended_ticket_has_no_running_deadline(submit, stand, get):
    ticket = await submit()
    await stand(ticket, S.SUSPENDED)
    assert (await get(f"/v1/tickets/{ticket['number']}")).json()["deadline_text"] == "计时暂停"
