"""Who sees which ticket (promise 5), and what lies on whose desk."""

import pytest

from shared.scope import visible
from shared.tables import ticket_states
from shared.terms import Role
from tests.routing.conftest import LEAD, RUBBISH


@pytest.fixture
def worklist(routing, who):
    """`await worklist("dispatcher", state=…)` → the numbers, in their order."""

    async def numbers(name, **query):
        answer = await routing.get("/v1/worklist", params=query, headers=who(name))
        assert answer.status_code == 200, answer.text
        return [item["number"] for item in answer.json()["items"]]

    return numbers


STREET_WIDE = ("clerk", "dispatcher", "supervisor", "callback_clerk", "leader", "admin", "auditor")


@pytest.mark.parametrize("name", STREET_WIDE)
async def test_the_streets_own_people_see_every_ticket_of_it(time, placed, look, name):
    number = await placed()
    assert (await look(number, name))["number"] == number


async def test_another_street_sees_nothing_and_learns_nothing(
    time, placed, routing, actor_headers, new_street, street
):
    number = await placed()
    other = await new_street()
    for role in ("dispatcher", "leader", "admin", "unit"):
        headers = actor_headers(Role(role), unit="物业办" if role == "unit" else None, streets=[other])
        seen = await routing.get(f"/v1/tickets/{number}", headers=headers)
        moved = await routing.post(
            f"/v1/tickets/{number}/actions/comment", json={"reason": "x"}, headers=headers
        )
        absent = await routing.get(f"/v1/tickets/{street.prefix}20260302-999999", headers=headers)
        for answer in (seen, moved, absent):
            assert (answer.status_code, answer.json()["code"]) == (404, "ticket_not_found")
            assert answer.json()["detail"] == "没有这张工单"
        assert (await routing.get("/v1/worklist", headers=headers)).json()["items"] == []
        assert (
            await routing.get("/v1/units", params={"street": street.code}, headers=headers)
        ).status_code == 403


async def test_a_district_sees_its_streets(time, placed, routing, actor_headers, street, new_street):
    number = await placed()
    district = actor_headers(Role.LEADER, streets=[street, await new_street()])
    assert (await routing.get(f"/v1/tickets/{number}", headers=district)).status_code == 200
    ambiguous = await routing.get("/v1/units", headers=district)
    assert (ambiguous.status_code, ambiguous.json()["errors"][0]["field"]) == (422, "street")


async def test_a_unit_sees_its_own_tickets_only(time, placed, do, look):
    mine, theirs = await placed(), await placed(category="0201")
    assert (await look(mine, LEAD))["number"] == mine
    assert (await look(theirs, LEAD, status=404))["code"] == "ticket_not_found"
    await do(theirs, "comment", LEAD, status=404, reason="x")
    await do(theirs, "sign", "unit:城建办")
    await do(theirs, "assist", "unit:城建办", unit="物业办")
    assert (await look(theirs, LEAD))["number"] == theirs  # a helper sees it
    await do(theirs, "sign", LEAD, status=403)


async def test_a_unit_that_gave_a_ticket_back_sees_it_no_more(time, placed, do, look):
    number = await placed()
    await do(number, "return", LEAD, reason="不属于我办")
    await look(number, LEAD, status=404)


async def test_somebody_of_no_unit_sees_nothing(time, placed, look, worklist):
    number = await placed()
    for role in ("unit", "community", "grid_worker"):
        await look(number, role, status=404)
        assert await worklist(role) == []


async def test_a_community_sees_its_area_and_what_it_entered(time, placed, look, street, do):
    here, there = await placed(grid_code="g11"), await placed(grid_code="g21")
    name = f"community:{street.committee('c1')}"
    assert (await look(here, name))["number"] == here
    await look(there, name, status=404)
    entered = await placed(by=name, channel="visit", grid_code="g21")
    assert (await look(entered, name))["number"] == entered
    assert (await do(here, "comment", name, reason="看过了"))["state"] == "dispatched"
    await do(entered, "comment", name, status=403, reason="不是我的片")


async def test_a_community_accepts_and_closes_on_the_spot_in_its_area(time, placed, do, street):
    name = f"grid_worker:{street.committee('c1')}"
    number = await placed(by="clerk", channel="group_topic", grid_code="g11")
    await do(number, "accept", name)
    assert (await do(number, "close_directly", name, reason="当场清走"))["state"] == "closed"


async def test_a_resident_sees_only_what_is_theirs(time, placed, look):
    number = await placed()
    mine = await look(number, "resident")
    assert mine["timeline"] == []  # the course that residents see is intake's to tell
    assert mine["actions"] == ["withdraw", "urge", "group_whistle"]
    await look(number, "resident:o-two", status=404)


async def test_a_script_reads_with_the_right_scope_and_moves_nothing(time, placed, routing, api_key):
    number = await placed()
    reader, writer = await api_key("ledger:read"), await api_key("tickets:write")
    assert (await routing.get(f"/v1/tickets/{number}", headers=reader)).status_code == 200
    assert (await routing.get(f"/v1/tickets/{number}", headers=writer)).json()["code"] == "missing_scope"
    assert (await routing.get("/v1/worklist", headers=writer)).status_code == 403
    for headers in (reader, writer):
        answer = await routing.post(
            f"/v1/tickets/{number}/actions/comment", json={"reason": "x"}, headers=headers
        )
        assert answer.status_code == 403


async def test_each_finds_on_their_desk_what_waits_for_them(time, bring, placed, do, worklist, street):
    at_desk = await placed("你好")
    dispatched, handled, callback = await placed(), await bring("handled"), await bring("callback")
    closed = await bring("closed")
    assert await worklist("clerk") == await worklist("dispatcher") == [at_desk]
    assert await worklist("supervisor") == [handled]
    assert await worklist("callback_clerk") == [callback]
    assert await worklist(LEAD) == [dispatched]
    everything = set(await worklist("leader"))
    assert everything == {at_desk, dispatched, handled, callback}
    assert closed not in everything
    assert await worklist("dispatcher", state="handled") == [handled]
    assert await worklist("unit:城管办") == []


async def test_the_most_urgent_comes_first_and_says_how_urgent(time, submit, deliver, routing, who):
    for category in ("0105", "0203", "0101"):
        await submit(category=category)
    await deliver("routing")
    time.forward(days=2)
    items = (await routing.get("/v1/worklist", headers=who("leader"))).json()["items"]
    assert [i["category"] for i in items] == ["0203", "0101", "0105"]
    assert [i["overdue"] for i in items] == [True, False, False]
    assert [i["deadline_text"] for i in items][:2] == ["已超期24小时", "剩余39小时"]
    assert items[0]["title"] == RUBBISH[:30]
    late = (await routing.get("/v1/worklist", params={"overdue": "true"}, headers=who("dispatcher"))).json()[
        "items"
    ]
    assert [i["category"] for i in late] == ["0203"]  # overdue anywhere, not only at the desk


@pytest.mark.parametrize("limit", [7, 100])
async def test_pages_of_more_than_a_hundred_are_whole(time, submit, deliver, routing, who, limit, gather):
    sent = {r["number"] for r in await gather(*(submit() for _ in range(105)))}
    await deliver("routing")
    seen, cursor, pages = [], None, 0
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = (await routing.get("/v1/worklist", params=query, headers=who(LEAD))).json()
        seen += [item["number"] for item in page["items"]]
        pages += 1
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 105
    assert set(seen) == sent
    assert pages == -(-105 // limit)


async def test_a_cursor_of_another_list_is_refused(time, routing, who):
    grids = (await routing.get("/v1/grids", params={"limit": 2}, headers=who("clerk"))).json()
    answer = await routing.get("/v1/worklist", params={"cursor": grids["next_cursor"]}, headers=who("clerk"))
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


async def test_the_condition_is_one_for_all(actor, owner, street):
    async with owner.transaction([street.id], read_only=True) as tx:
        conditions = [
            str(await visible(tx, actor(Role(name), unit="物业办"), [street.id]))
            for name in (*STREET_WIDE, "unit", "community", "resident")
        ]
    assert len(set(conditions)) == 4
    assert ticket_states.name in conditions[-2]
