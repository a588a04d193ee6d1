"""What a reporter does next: add, withdraw, urge, reopen, rate."""

import asyncio
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import select

from shared import clock
from shared.lifecycle import State
from shared.tables import deliveries, events, petitions, ratings, supplements
from shared.terms import Role
from tests.intake.test_submit import problem

S = State


@pytest.fixture
def act(intake, resident):
    """`await act(ticket, "urges", body, headers)` → the answer."""

    async def post(ticket, door, body=None, headers=None):
        return await intake.post(
            f"/v1/tickets/{ticket['number']}/{door}", json=body, headers=resident | (headers or {})
        )

    return post


@pytest.fixture
def happened(owner, street):
    """`await happened()` → (type, payload, consumers) of the street's events, registration left out."""

    async def read():
        async with owner.transaction([street.id], read_only=True) as tx:
            rows = await tx.rows(
                select(events).where(events.c.type != "ticket_submitted").order_by(events.c.id)
            )
            sent = await tx.rows(select(deliveries))
        to = {r.id: sorted(d.consumer for d in sent if d.event_id == r.id) for r in rows}
        return [(r.type, r.payload, to[r.id]) for r in rows]

    return read


async def test_withdrawing_before_and_after_routing_looked(submit, stand, act, happened, count):
    for state in (None, S.ACCEPTED, S.DISPATCHED):
        ticket = await submit()
        if state:
            await stand(ticket, state)
        answer = await act(ticket, "withdrawal", {"reason": "自己解决了"})
        assert answer.status_code == 202, answer.text
        receipt = answer.json()
        assert (receipt["action"], receipt["action_text"]) == ("withdraw", "撤回")
        assert receipt["state"] == (state or S.SUBMITTED).value
        kind, payload, to = (await happened())[-1]
        assert (kind, to) == ("petition_filed", ["routing"])
        assert payload == {"petition_id": receipt["id"], "action": "withdraw"}
    assert await count(petitions) == 3


@pytest.mark.parametrize("state", [S.SIGNED, S.HANDLING, S.CLOSED, S.WITHDRAWN])
async def test_withdrawing_too_late(submit, stand, act, count, state):
    ticket = await submit()
    await stand(ticket, state)
    refused = problem(await act(ticket, "withdrawal"), 409, "not_allowed_now")
    assert (refused["state"], refused["state_text"]) == (state.value, state.text)
    assert await count(petitions) == 0


async def test_urging_once_an_hour(submit, stand, act, intake, resident, happened):
    ticket = await submit()
    await stand(ticket, S.SIGNED)
    now = clock.now() + timedelta(seconds=1)
    with clock.at(now):
        assert (await act(ticket, "urges")).status_code == 202
        problem(await act(ticket, "urges", {"reason": "快点"}), 409, "urged_recently")
        detail = await intake.get(f"/v1/tickets/{ticket['number']}", headers=resident)
        assert "urge" not in detail.json()["actions"]
    with clock.at(now + timedelta(minutes=59)):
        problem(await act(ticket, "urges"), 409, "urged_recently")
    with clock.at(now + timedelta(hours=1)):
        assert (await act(ticket, "urges", {})).status_code == 202
    assert [e[1]["action"] for e in await happened()] == ["urge", "urge"]


async def test_urging_ten_times_at_once_is_urging_once(submit, act, count):
    ticket = await submit()
    answers = await asyncio.gather(*(act(ticket, "urges") for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [202] + [409] * 9
    assert await count(petitions) == 1


async def test_urging_a_closed_ticket(submit, stand, act):
    ticket = await submit()
    await stand(ticket, S.CLOSED)
    problem(await act(ticket, "urges"), 409, "not_allowed_now")


async def test_reopening_within_the_window(submit, stand, act, happened):
    ticket = await submit()
    await stand(ticket, S.CLOSED)
    problem(await act(ticket, "reopening", {}), 422, field="reason")
    problem(await act(ticket, "reopening", {"reason": " "}), 422, field="reason")
    answer = await act(ticket, "reopening", {"reason": "还在漏水"})
    assert answer.status_code == 202
    assert (await happened())[-1][1]["action"] == "reopen"
    with clock.at(clock.now() + timedelta(days=31)):
        problem(await act(ticket, "reopening", {"reason": "又漏了"}), 409, "reopen_window_passed")


async def test_rating_a_closure_once(submit, stand, act, happened, count, intake, resident):
    ticket = await submit()
    problem(await act(ticket, "rating", {"satisfaction": "satisfied"}), 409, "not_allowed_now")
    moves = [("close", S.CALLBACK, S.CLOSED), ("comment", S.CLOSED, S.CLOSED)]
    await stand(ticket, S.CLOSED, moves)
    path = f"/v1/tickets/{ticket['number']}"
    assert (await intake.get(path, headers=resident)).json()["actions"] == ["reopen", "rate"]
    body = {"satisfaction": "very_satisfied", "resolved": "partly", "contacted": True, "comment": "不错"}
    answer = await act(ticket, "rating", body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["closure"] == 1
    assert answer.json()["resolved_text"] == "部分解决"
    assert (await happened())[-1] == (
        "rating_given",
        {"closure": 1, "satisfaction": "very_satisfied"},
        ["intake", "metrics"],
    )
    problem(await act(ticket, "rating", {"satisfaction": "dissatisfied"}), 409, "already_rated")
    assert (await intake.get(path, headers=resident)).json()["actions"] == ["reopen"]
    await stand(ticket, S.HANDLING, [*moves, ("reopen", S.CLOSED, S.HANDLING)])
    problem(await act(ticket, "rating", body), 409, "not_allowed_now")
    await stand(ticket, S.CLOSED, [*moves, ("reopen", S.CLOSED, S.HANDLING), ("close", S.CALLBACK, S.CLOSED)])
    assert (await act(ticket, "rating", {"satisfaction": "basic"})).json()["closure"] == 4
    assert await count(ratings) == 2


async def test_rating_twice_at_once(submit, stand, act, count):
    ticket = await submit()
    await stand(ticket, S.CLOSED)
    answers = await asyncio.gather(*(act(ticket, "rating", {"satisfaction": "satisfied"}) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [202] + [409] * 7
    assert await count(ratings) == 1


async def test_supplements_of_reporter_and_staff(submit, stand, act, clerk, happened, intake, resident):
    ticket = await submit()
    mine = await act(ticket, "supplements", {"content": "水漫到一楼了"})
    assert mine.status_code == 201
    assert (mine.json()["role"], mine.json()["content"]) == ("resident", "水漫到一楼了")
    await stand(ticket, S.HANDLING)
    theirs = await act(ticket, "supplements", {"content": "已电话核实"}, clerk)
    assert theirs.json()["role_text"] == "受理员"
    shown = (await intake.get(f"/v1/tickets/{ticket['number']}", headers=resident)).json()["supplements"]
    assert [s["content"] for s in shown] == ["水漫到一楼了", "已电话核实"]
    assert [e[0] for e in await happened()] == ["supplement_added"] * 2
    await stand(ticket, S.CLOSED)
    problem(await act(ticket, "supplements", {"content": "晚了"}), 409, "not_allowed_now")


@pytest.mark.parametrize("content", ["", "字" * 2501, "a\x00", None])
async def test_supplements_that_are_none(submit, act, content):
    problem(await act(await submit(), "supplements", {"content": content}), 422, field="content")


DOORS = [
    ("supplements", {"content": "补充"}, supplements, 201),
    ("withdrawal", {"reason": "算了"}, petitions, 202),
    ("urges", {}, petitions, 202),
]


@pytest.mark.parametrize(("door", "body", "table", "status"), DOORS)
async def test_repeats_with_a_key(submit, act, count, door, body, table, status):
    ticket, key = await submit(), {"Idempotency-Key": "once"}
    answers = await asyncio.gather(*(act(ticket, door, body, key) for _ in range(10)))
    assert {a.status_code for a in answers} == {status}
    assert len({orjson.dumps(a.json(), option=orjson.OPT_SORT_KEYS) for a in answers}) == 1
    assert await count(table) == 1
    other = {"content": "别的"} if door == "supplements" else {"reason": "别的"}
    problem(await act(ticket, door, other, key), 409, "idempotency_key_reused")


async def test_a_refusal_does_not_use_the_key_up(submit, stand, act):
    ticket, key = await submit(), {"Idempotency-Key": "k"}
    body = {"satisfaction": "satisfied"}
    problem(await act(ticket, "rating", body, key), 409, "not_allowed_now")
    await stand(ticket, S.CLOSED)
    assert (await act(ticket, "rating", body, key)).status_code == 202
    assert (await act(ticket, "rating", body, key)).status_code == 202


async def test_acting_on_an_old_version(submit, stand, act):
    ticket = await submit()
    await stand(ticket, S.SIGNED)
    problem(await act(ticket, "urges", None, {"If-Match": '"v0"'}), 412, "stale")
    assert (await act(ticket, "urges", None, {"If-Match": '"v1"'})).status_code == 202


@pytest.mark.parametrize("door", ["withdrawal", "urges", "reopening", "rating", "supplements"])
async def test_others_tickets_are_not_there(submit, act, actor_headers, new_street, door):
    ticket = await submit()
    body = {
        "supplements": {"content": "x"},
        "reopening": {"reason": "x"},
        "rating": {"satisfaction": "basic"},
    }.get(door)
    stranger = actor_headers(Role.RESIDENT, openid="o-two")
    abroad = actor_headers(Role.RESIDENT, streets=[await new_street()])
    for headers in (stranger, abroad):
        problem(await act(ticket, door, body, headers), 404, "ticket_not_found")


@pytest.mark.parametrize("door", ["withdrawal", "urges", "reopening", "rating"])
async def test_what_is_the_reporters_alone(submit, act, clerk, api_key, door):
    ticket, body = (
        await submit(),
        {"reopening": {"reason": "x"}, "rating": {"satisfaction": "basic"}}.get(door),
    )
    problem(await act(ticket, door, body, clerk), 403, "role_not_allowed")
    answer = await act(ticket, door, body, {"Authorization": "", **await api_key("tickets:write")})
    assert answer.status_code == 401


async def test_ratings_that_are_none(submit, act):
    ticket = await submit()
    for body, field in (
        ({}, "satisfaction"),
        ({"satisfaction": "so-so"}, "satisfaction"),
        ({"satisfaction": "basic", "resolved": True}, "resolved"),
        ({"satisfaction": "basic", "comment": "x" * 301}, "comment"),
        ({"satisfaction": "basic", "stars": 5}, "stars"),
    ):
        problem(await act(ticket, "rating", body), 422, field=field)
