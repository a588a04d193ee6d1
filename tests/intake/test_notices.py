"""What one is told in the app: derived from the history, once each, to whom it concerns and nobody else."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from services.intake.notices import consume
from shared.events import TicketMovedV1
from shared.tables import notices, transitions
from shared.terms import Role
from tests.intake.test_submit import problem


@pytest.fixture
def told(intake, resident):
    """`await told(headers=…, **query)` → the notices one has."""

    async def get(headers=None, **query):
        answer = await intake.get("/v1/notices", params=query, headers=headers or resident)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    return get


@pytest.fixture
def act(routing, settle):
    """`await act(number, action, headers, **data)` makes a move and lets everybody hear of it."""

    async def post(number, action, headers, **data):
        answer = await routing.post(f"/v1/tickets/{number}/actions/{action}", json=data, headers=headers)
        assert answer.status_code == 200, answer.text
        await settle()
        return answer.json()

    return post


@pytest.fixture
async def ticket(submit, settle):
    """A ticket that has gone to 物业办."""
    made = await submit(content="3号楼楼道里堆满杂物", category="0101", location=None)
    await settle()
    return made


@pytest.fixture
async def leader(routing, ticket, actor_headers):
    """The headers of the unit that leads the ticket."""
    answer = await routing.get(f"/v1/tickets/{ticket['number']}", headers=actor_headers(Role.SUPERVISOR))
    return actor_headers(Role.UNIT, unit=answer.json()["lead_unit"])


async def test_from_handing_in_to_closing_the_reporter_and_the_unit_hear_of_each_step(
    ticket, leader, act, told, actor_headers
):
    number = ticket["number"]
    assert [n["kind"] for n in await told()] == ["dispatch", "accept"]
    [order] = await told(leader)
    assert (order["title"], order["number"], order["read"]) == ("新工单,请签收", number, False)
    await act(number, "sign", leader)
    await act(number, "contact", leader, reason="已电话联系")
    await act(number, "handle", leader, reason="已清理", outcome="resolved")
    supervisor, caller = actor_headers(Role.SUPERVISOR), actor_headers(Role.CALLBACK_CLERK)
    assert [n["kind"] for n in await told(supervisor)] == ["handle"]
    await act(number, "review_pass", supervisor)
    assert [n["kind"] for n in await told(caller)] == ["review_pass"]
    await act(number, "rework", caller, reason="还有一处没有清")
    assert [n["kind"] for n in await told(leader)] == ["rework", "dispatch"]
    mine = await told()
    assert [n["title"] for n in mine[:3]] == ["诉求已发回重办", "请确认是否解决", "承办单位已办理"]
    assert "已清理" in mine[2]["detail"]
    assert "还有一处" not in mine[0]["detail"], "working notes are not the reporter's"


async def test_what_the_reporter_adds_and_asks_is_told_to_the_unit_and_answered(
    ticket, leader, told, intake, resident, settle
):
    base = f"/v1/tickets/{ticket['number']}"
    assert (
        await intake.post(f"{base}/supplements", json={"content": "又多了"}, headers=resident)
    ).status_code == 201
    assert (await intake.post(f"{base}/urges", json={}, headers=resident)).status_code == 202
    await settle()
    assert {n["kind"] for n in await told(leader)} == {"supplement", "urge", "dispatch"}
    assert "又多了" not in str(await told(leader))
    assert (await intake.post(f"{base}/withdrawal", json={}, headers=resident)).status_code == 202
    await settle()
    assert (await told())[0]["kind"] == "withdraw"


async def test_a_petition_that_comes_too_late_is_answered(
    ticket, leader, routing, told, intake, resident, settle
):
    number = ticket["number"]
    assert (
        await intake.post(f"/v1/tickets/{number}/withdrawal", json={}, headers=resident)
    ).status_code == 202
    signed = await routing.post(f"/v1/tickets/{number}/actions/sign", json={}, headers=leader)
    assert signed.status_code == 200
    await settle()
    newest = (await told())[0]
    assert (newest["kind"], newest["title"]) == ("refuse_petition", "申请未能办理")


async def test_the_same_event_again_tells_nobody_twice(ticket, street, processes, owner, count):
    before = await count(notices)
    async with owner.transaction([street.id], read_only=True) as tx:
        rows = await tx.rows(select(transitions.c.action).order_by(transitions.c.seq))
    event = TicketMovedV1(
        street_id=street.id, ticket_id=UUID(ticket["id"]), actions=[r.action for r in rows], state="dispatched",
        version=len(rows),
    )  # fmt: skip
    for _ in range(2):
        async with processes("intake").database.transaction([street.id]) as tx:
            await consume.Consumer({}).handle(tx, [event, event])
    assert await count(notices) == before > 0


async def test_an_event_tells_of_its_own_moves_only(submit, deliver, street, processes, owner, count):
    """What came with a ledger before them is long past: nobody is told of it."""
    ticket = await submit(category="0101")
    await deliver("routing")
    event = TicketMovedV1(
        street_id=street.id, ticket_id=UUID(ticket["id"]), actions=["dispatch"], state="dispatched", version=3
    )
    async with processes("intake").database.transaction([street.id]) as tx:
        await consume.Consumer({}).handle(tx, [event])
    async with owner.transaction([street.id], read_only=True) as tx:
        kinds = {row.kind for row in await tx.rows(select(notices.c.kind))}
    assert kinds == {"dispatch"}


async def test_notices_that_fail_hold_up_nothing_and_come_later(
    submit, deliver, routing, actor_headers, told, monkeypatch, resident
):
    broken = {"fail": True}
    write = consume.store.write

    async def failing(tx, rows):
        if broken["fail"]:
            raise RuntimeError("no notice can be written")
        return await write(tx, rows)

    monkeypatch.setattr(consume.store, "write", failing)
    ticket = await submit(category="0101")
    for service in ("routing", "intake", "metrics"):
        await deliver(service, tolerate=service == "intake")
    answer = await routing.get(f"/v1/tickets/{ticket['number']}", headers=actor_headers(Role.SUPERVISOR))
    assert answer.json()["state"] == "dispatched"
    assert await told() == []
    broken["fail"] = False
    await deliver("intake", tolerate=True)
    assert {n["kind"] for n in await told()} == {"accept", "dispatch"}


async def test_nobody_hears_of_what_is_not_theirs(ticket, told, actor_headers, new_street, intake):
    mine = await told()
    for stranger in (
        actor_headers(Role.RESIDENT, openid="o-other"),
        actor_headers(Role.UNIT, unit="安全办"),
        actor_headers(Role.DISPATCHER),
        actor_headers(Role.RESIDENT, streets=[await new_street()]),
    ):
        assert await told(stranger) == []
        refused = await intake.post(f"/v1/notices/{mine[0]['id']}/read", headers=stranger)
        problem(refused, 404, "notice_not_found")


async def test_reading(ticket, told, intake, resident):
    async def badge():
        return (await intake.get("/v1/notices/unread", headers=resident)).json()

    newest, oldest = await told()
    assert await badge() == {"unread": 2, "unread_text": "2"}
    for _ in range(2):
        answer = await intake.post(f"/v1/notices/{newest['id']}/read", headers=resident)
        assert answer.json() == {"id": newest["id"], "read": True}
    assert [n["id"] for n in await told(unread=True)] == [oldest["id"]]
    answer = await intake.post("/v1/notices/read", headers=resident)
    assert answer.json() == {"marked": 1, "unread": 0}
    assert await told(unread=True) == []
    problem(await intake.post(f"/v1/notices/{uuid4()}/read", headers=resident), 404, "notice_not_found")


async def test_a_units_people_read_each_for_themselves(ticket, leader, told, intake, tokens):
    [notice] = await told(leader)
    await intake.post(f"/v1/notices/{notice['id']}/read", headers=leader)
    one = tokens.verify(leader["Authorization"].removeprefix("Bearer "))
    token, _ = tokens.issue(replace(one, id=uuid4()), 600)
    [same] = await told({"Authorization": f"Bearer {token}"})
    assert (same["id"], same["read"]) == (notice["id"], False)


async def test_pages(ticket, intake, resident):
    first = (await intake.get("/v1/notices?limit=1", headers=resident)).json()
    second = (await intake.get(f"/v1/notices?limit=1&cursor={first['next_cursor']}", headers=resident)).json()
    assert [first["has_more"], second["has_more"]] == [True, False]
    assert first["items"][0]["id"] > second["items"][0]["id"]
