"""Before handing in one learns how many have told of it; staff see which tickets, with reasons; nothing is merged."""

from datetime import timedelta
from uuid import UUID

import pytest

from shared import clock
from shared.lifecycle import State
from shared.terms import Role
from tests.intake.test_submit import problem

LAMP, AGAIN, OTHER = "3号楼前的路灯不亮了", "三号楼前面路灯坏了", "5号楼前的路灯不亮了"
HERE = {"longitude": 117.4001, "latitude": 38.8401, "crs": "gcj02"}


@pytest.fixture
def ask(intake, resident):
    async def post(content, headers=None, **body):
        answer = await intake.post(
            "/v1/tickets/similar", json={"content": content, **body}, headers=headers or resident
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    return post


async def test_how_many_have_told_of_it_and_nothing_of_theirs(submit, ask, stand, actor_headers):
    first = await submit(content=LAMP, location=HERE)
    for n in range(2):
        more = await submit(
            content=AGAIN, location=HERE, headers=actor_headers(Role.RESIDENT, openid=f"n{n}")
        )
        await stand(more, State.MERGED, merged_into=UUID(first["id"]))
    stranger = actor_headers(Role.RESIDENT, openid="stranger")
    told = await ask(AGAIN, stranger, location=HERE)
    assert told["people"] == 3
    assert told["text"] == "附近已有3人反映过类似的问题"
    assert all(item["number"] is None and not item["mine"] for item in told["matches"])
    assert LAMP not in str(told)
    assert first["number"] in [item["number"] for item in (await ask(AGAIN, location=HERE))["matches"]]
    assert (await ask(OTHER, stranger, location=HERE)) == {"people": 0, "text": "", "matches": []}
    far = {**HERE, "longitude": 117.48}
    assert (await ask(AGAIN, stranger, location=far))["people"] == 0


async def test_staff_see_which_and_why_and_what_recurs(submit, stand, intake, actor_headers):
    before = await submit(content=LAMP, grid_code="g11")
    await stand(before, State.CLOSED, closed_at=clock.now() - timedelta(seconds=1))
    gone = await submit(content=LAMP, grid_code="g11")
    await stand(gone, State.WITHDRAWN)
    now = await submit(content=AGAIN, grid_code="g11")
    path = f"/v1/tickets/{now['number']}/similar"
    answer = await intake.get(path, headers=actor_headers(Role.DISPATCHER))
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["matches"]
    assert (item["number"], item["recurs"], item["people"]) == (before["number"], True, 1)
    assert item["score"] >= 0.4
    assert "在同一网格" in item["why"]
    problem(await intake.get(path, headers=actor_headers(Role.UNIT, unit="安全办")), 404, "ticket_not_found")
    problem(await intake.get(path, headers=actor_headers(Role.RESIDENT)), 403, "role_not_allowed")


async def test_another_streets_tickets_are_not_compared(submit, ask, new_street, actor_headers):
    await submit(content=LAMP, location=HERE)
    neighbour = actor_headers(Role.RESIDENT, streets=[await new_street()])
    assert (await ask(AGAIN, neighbour, location=HERE))["people"] == 0
