"""Sight by posts and grids: whoever is bound to grids sees these alone; nobody sees what is said of their own unit."""

import pytest

from tests.fixtures.posts import YESTERDAY
from tests.routing.conftest import LEAD


@pytest.fixture
def seen(routing, who, look, placed):
    """`await seen(headers)` → the grids of all it sees on the board, each checked by looking at the ticket itself."""

    async def grids(headers):
        answer = await routing.get("/v1/board/items", params={"limit": 100}, headers=who(headers))
        assert answer.status_code == 200, answer.text
        for item in answer.json()["items"]:
            await look(item["number"], headers)
        return sorted(item["grid"] or "-" for item in answer.json()["items"])

    return grids


@pytest.fixture
async def everywhere(time, placed):
    """A 物业办 ticket in each of three grids and in none, and one of 城建办 in the first; → numbers by place."""
    found = {grid: await placed(grid_code=grid) for grid in ("g11", "g12", "g21")}
    return found | {"": await placed(), "other": await placed(category="0201", grid_code="g11")}


async def test_a_grid_worker_sees_their_grids_and_no_others(everywhere, posted, seen, look, street):
    """S3-19: grid workers see their grid's open items."""
    home = street.committee("c1")
    worker = await posted("grid_worker", home, grids=["g11"])
    assert await seen(worker) == ["g11", "g11"]
    await look(everywhere["g12"], worker, status=404)
    assert await seen(await posted("grid_worker", home, grids=["g11", "g21"])) == ["g11", "g11", "g21"]
    # the committee's own people see the whole community, and so does a worker of whom no post is known
    assert await seen(f"community:{home}") == await seen(f"grid_worker:{home}") == ["g11", "g11", "g12"]


async def test_whoever_is_sent_down_to_grids_sees_only_them(everywhere, posted, seen, look, street):
    """S2-31, S2-34: by a post on a grid, or as one of its crew."""
    unit = street.unit("物业办")
    assert await seen(LEAD) == ["-", "g11", "g12", "g21"]
    sent = await posted("unit", unit, grids=["g11"])
    assert await seen(sent) == ["g11", "g11"]
    await look(everywhere[""], sent, status=404)
    assert await seen(await posted("unit", unit, grids=["g12"], crew="city_management")) == ["g12"]
    assert await seen(await posted("unit", unit, grids=["g12"], crew="department", until=YESTERDAY)) == [
        "-", "g11", "g12", "g21",
    ]  # fmt: skip
    # a post that reaches further lets them see their unit's tickets too
    both = await posted("unit", unit, grids=["g11"], area=("street", street.code))
    assert await seen(both) == ["-", "g11", "g11", "g12", "g21"]


async def test_what_is_in_ones_own_hands_is_in_sight_wherever_it_lies(
    everywhere, posted, do, seen, owner, street, tokens
):
    unit = street.unit("物业办")
    sent = await posted("unit", unit, grids=["g11"])
    me = str(tokens.verify(sent["Authorization"].removeprefix("Bearer ")).id)
    await do(everywhere["g21"], "sign", LEAD)
    await do(everywhere["g21"], "assign", LEAD, assignee=me)
    assert await seen(sent) == ["g11", "g11", "g21"]


async def test_a_complaint_of_a_committee_is_not_shown_to_it(time, placed, posted, look, seen, do, street):
    home = street.committee("c1")
    number = await placed("投诉晨晖社区居委会推诿,健身器材坏了没人管", category="0205", grid_code="g11")
    worker = await posted("grid_worker", home, grids=["g11"])
    for name in (f"community:{home}", f"grid_worker:{home}", worker):
        await look(number, name, status=404)
        assert await seen(name) == []
    assert (await look(number, "dispatcher"))["about_unit"] == home
    await do(number, "dispatch", "dispatcher", unit="物业办", about_unit="none")
    await look(number, worker)


async def test_several_streets_are_seen_each_by_its_own_posts(
    everywhere, posted, routing, tokens, street, new_street
):
    worker = await posted("grid_worker", street.committee("c1"), grids=["g11"])
    one = tokens.verify(worker["Authorization"].removeprefix("Bearer "))
    other = await new_street()
    both = type(one)(one.id, one.role, frozenset({street.id, other.id}), one.unit)
    headers = {"Authorization": f"Bearer {tokens.issue(both, 10**9)[0]}"}
    listed = (await routing.get("/v1/board/items", headers=headers)).json()["items"]
    # the other street knows nobody of that id: there they would see what the committee of that code sees
    assert [item["grid"] for item in listed] == ["g11", "g11"]
    for number, status in ((everywhere["g11"], 200), (everywhere["g12"], 404)):
        assert (await routing.get(f"/v1/tickets/{number}", headers=headers)).status_code == status
