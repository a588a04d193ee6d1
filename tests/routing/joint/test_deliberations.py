"""Deliberations: what was agreed stands with the meeting and in the history of every ticket it was about."""

import asyncio

import pytest

from tests.routing.conftest import LEAD


@pytest.fixture
def deliberate(routing, who):
    """`await deliberate("community:jwh-c1", …)` → the answer."""

    async def post(name="community:jwh-c1", status=201, key=None, **body):
        meeting = {
            "held_on": "2026-03-01", "body": "居民议事会", "topic": "3号楼前垃圾桶怎么放", "community": "c1", "participants": 23,
            "resolutions": [{"text": "增设桶点", "unit": "城管办", "due_at": "2026-04-01T18:00:00+08:00"}, {"text": "楼门长轮值劝导"}],
        } | body  # fmt: skip
        headers = dict(who(name)) | ({"Idempotency-Key": key} if key else {})
        answer = await routing.post("/v1/deliberations", json=meeting, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return post


@pytest.fixture
def listed(routing, who):
    async def get(name="dispatcher", **query):
        answer = await routing.get("/v1/deliberations", params=query, headers=who(name))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


async def test_what_was_agreed_goes_into_every_ticket(time, bring, deliberate, listed, look):
    numbers = [await bring("handling", grid_code="g11") for _ in range(2)]
    before = (await look(numbers[0]))["state"]
    made = await deliberate(tickets=numbers, key="议".encode().hex())
    assert (made["number"], made["tickets"], made["community_name"]) == (1, numbers, "晨晖社区")
    assert (
        await deliberate(tickets=numbers, key="议".encode().hex()) == made
    )  # once, however often it is sent
    for number in numbers:
        ticket = await look(number)
        lines = [m for m in ticket["timeline"] if m["action"] == "note_resolution"]
        assert [(m["reason"], m["data"]["deliberation"]) for m in lines] == [
            ("增设桶点", 1),
            ("楼门长轮值劝导", 1),
        ]
        assert (lines[0]["data"]["body"], ticket["state"]) == ("居民议事会", before)
    [shown] = (await listed(number=numbers[1]))["items"]
    assert shown == made
    assert [(r["text"], r["unit_name"]) for r in shown["resolutions"]] == [
        ("增设桶点", "城管办"),
        ("楼门长轮值劝导", None),
    ]


async def test_who_sees_a_deliberation(time, bring, deliberate, listed):
    number = await bring("handling", grid_code="g11")
    await deliberate(tickets=[number])
    await deliberate("unit:物业办", community=None, body="股东大会", resolutions=[{"text": "投资建停车场"}])
    seen = {
        name: [(d["number"], d["tickets"]) for d in (await listed(name))["items"]]
        for name in ("leader", "community:jwh-c1", "community:jwh-c2", "unit:城管办", LEAD, "unit:安全办")
    }
    assert seen == {
        "leader": [(2, []), (1, [number])], "community:jwh-c1": [(1, [number])], "community:jwh-c2": [],
        "unit:城管办": [(1, [])], LEAD: [(2, [])], "unit:安全办": [],
    }  # fmt: skip
    first = await listed(limit=1)
    assert (await listed(limit=1, cursor=first["next_cursor"]))["items"][0]["number"] == 1
    assert (await listed(community="c2"))["items"] == []


async def test_what_cannot_be_is_refused(time, bring, deliberate):
    number = await bring("handling", grid_code="g11")
    for body, field in (
        ({"tickets": ["XX-1"]}, "tickets"), ({"held_on": "2026-03-03"}, "held_on"), ({"community": "c9"}, "community"),
        ({"resolutions": [{"text": "好", "unit": "火星局"}]}, "resolutions"), ({"resolutions": []}, "resolutions"),
        ({"participants": 0}, "participants"),
    ):  # fmt: skip
        assert (await deliberate(status=422, **body))["errors"][0]["field"].startswith(field)
    assert (await deliberate("community:jwh-c2", status=422, tickets=[number]))[
        "code"
    ] == "unknown_ticket"  # out of sight
    await deliberate("resident", status=403)
    await deliberate("auditor", status=403)


async def test_numbers_follow_one_another_however_many_meet_at_once(time, bring, deliberate):
    number = await bring("handling", grid_code="g11")
    made = await asyncio.gather(*(deliberate(tickets=[number]) for _ in range(5)))
    assert sorted(d["number"] for d in made) == [1, 2, 3, 4, 5]
