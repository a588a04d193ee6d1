"""The boards: what is open by owner and state, filtered alike everywhere, and what nobody should ever find."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from shared.tables import clock_policies, deliveries
from tests.routing.conftest import LEAD


@pytest.fixture
def board(routing, who):
    """`await board("leader", "/items", status=200, unit=…)` → the body of a board."""

    async def get(name, path="", status=200, at="/v1/board", **query):
        answer = await routing.get(f"{at}{path}", params=query, headers=who(name))
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


async def test_everything_open_stands_on_the_board_with_owner_and_state(time, placed, bring, board):
    """S2-12, S3-20: 挂图作战 — every open item, its owner and its state; S2-13: by category."""
    await placed(grid_code="g11"), await placed(grid_code="g11")
    await placed(category="0201", grid_code="g21", by="clerk", channel="patrol")
    await bring("handling"), await bring("handled"), await bring("closed")
    shown = await board("leader")
    assert {(r["owner_unit_name"], r["state_text"]): r["open"] for r in shown["items"]} == {
        ("物业办", "已派单"): 2, ("城建办", "已派单"): 1, ("物业办", "办理中"): 1, ("街道诉求办", "承办办结"): 1,
    }  # fmt: skip
    assert (shown["total"]["open"], shown["total"]["overdue"]) == (5, 0)
    split = await board("leader", by="community,category")
    assert sum(r["open"] for r in split["items"]) == 5
    assert {(r["community_name"], r["category"]): r["open"] for r in split["items"] if r["state"] == "dispatched"} == {
        ("晨晖社区", "0101"): 2, (split_name(split, "0201"), "0201"): 1,
    }  # fmt: skip
    for row in split["items"]:
        same = {"state": row["state"], "unit": row["owner_unit"], "category": row["category"]}
        same |= {"community": row["community"]} if row["community"] else {}
        assert len((await board("leader", "/items", **same))["items"]) >= row["open"]
    assert [r["open"] for r in (await board(LEAD))["items"]] == [
        1,
        2,
        1,
    ]  # its own, also while it is reviewed


def split_name(shown, category):
    return next(r["community_name"] for r in shown["items"] if r["category"] == category)


async def test_a_board_comes_in_pages_that_add_up(time, placed, board):
    for category in ("0101", "0201", "0105", "0203"):
        await placed(category=category)
    found, cursor = [], {}
    while True:
        page = await board("leader", by="category", limit=3, **cursor)
        found += page["items"]
        assert page["total"]["open"] == 4
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(r["category"] for r in found) == ["0101", "0105", "0201", "0203"]


FILTERS = [
    {"unit": "物业办"}, {"state": "handling"}, {"grid": "g21"}, {"community": "c1"}, {"category": "0201"},
    {"mode": "urgent"}, {"level": "street"}, {"list_level": "community"}, {"overdue": True}, {"supervised": True},
    {"due_before": "2026-03-03T10:00:00+08:00"}, {"number": "000002"}, {"unit": "物业办", "grid": "g11"},
]  # fmt: skip


async def test_all_boards_are_narrowed_alike(time, placed, bring, do, board):
    await placed(grid_code="g11")
    second = await placed(category="0203", grid_code="g21")
    await bring("handling", grid_code="g11")
    await placed(category="0201")
    await do(second, "supervise", "leader", reason="当天办结")
    await do(second, "relist", "leader", list_level="community", reason="列入社区清单")
    time.forward(days=1, hours=2)
    everything = (await board("leader", "/items"))["items"]
    assert len(everything) == 4
    for query in FILTERS:
        listed = (await board("leader", "/items", **query))["items"]
        assert (await board("leader", **query))["total"]["open"] == len(listed), query
        assert {i["number"] for i in (await board("leader", at="/v1/worklist", **query))["items"]} == {
            i["number"] for i in listed
        }, query
        load = await board("leader", at="/v1/workload", **query)
        assert sum(u["open"] for u in load["items"]) == len(listed), query
        assert 0 < len(listed) < 4 or "level" in query, query


async def test_an_item_says_whose_it_is_and_how_long_there_is(time, placed, board, posted, street):
    """S4-19: each request carries a grid and a grid worker."""
    await posted("grid_worker", street.committee("c1"), grids=["g11"], name="张某", answers=True)
    await placed(grid_code="g11")
    (item,) = (await board("dispatcher", "/items"))["items"]
    assert (item["grid"], item["grid_worker"], item["owner_unit_name"]) == ("g11", "张某", "物业办")
    assert item["seconds_left"] > 0
    assert item["deadline_text"].startswith("剩余")
    (mine,) = (await board("resident", at="/v1/worklist"))["items"]
    assert (mine["number"], mine["grid_worker"]) == (
        item["number"],
        None,
    )  # names of the staff are the staff's
    await board("resident", status=403)


async def test_a_unit_is_found_by_name_and_a_wrong_one_is_told(time, board):
    assert (await board("leader", unit="没有的单位", status=422))["code"] == "unknown_unit"
    assert (await board("leader", state="closed", status=422))["code"] == "state_not_open"
    assert (await board("leader", street="120116999", status=422))["errors"][0]["field"] == "street"
    assert (await board("leader", number="%", status=422))["errors"][0]["field"] == "number"


async def test_the_load_of_a_team_by_person(time, bring, do, board, posted, street, tokens):
    unit = street.unit("物业办")
    people = [await posted("unit", unit, area=("street", street.code), name=n) for n in ("甲某", "乙某")]
    ids = [str(tokens.verify(h["Authorization"].removeprefix("Bearer ")).id) for h in people]
    for who in ids[:1] * 2:
        await do(await bring("signed"), "assign", LEAD, assignee=who)
    number = await bring("handling")
    await do(number, "assign", LEAD, assignee=ids[1])
    await do(number, "handle", LEAD, reason="已清运")
    await bring("dispatched")
    load = await board(LEAD, at="/v1/workload")
    team = next(u for u in load["items"] if u["unit"] == unit)
    assert {p["name"]: (p["open"], p["done_this_week"]) for p in team["people"]} == {
        "甲某": (2, 0), "乙某": (0, 1), None: (1, 0),
    }  # fmt: skip
    assert (team["open"], team["done_this_week"]) == (3, 1)
    assert load["week_from"] == "2026-03-02T00:00:00.000+08:00"
    assert [u["unit"] for u in (await board("unit:城管办", at="/v1/workload"))["items"]] == []
    time.forward(days=7)
    later = (await board(LEAD, at="/v1/workload"))["items"]
    assert sum(u["done_this_week"] for u in later) == 0


async def test_nobody_is_without_owner_and_who_is_silent_is_found(
    time, placed, bring, do, board, submit, owner, street
):
    """S3-32: no request without owner, at any time."""
    quiet, busy = await placed(), await bring("handling")
    time.forward(days=8)
    await do(busy, "comment", LEAD, reason="配件已到货,明天更换")
    fresh = await submit()
    found = await board("supervisor", "/gaps")
    assert [item["number"] for item in found["items"]] == [quiet]
    assert found["items"][0]["since_text"] == "8天未有人办理"
    assert found["silent_days"] == 7
    assert found["counts"] == {"ownerless": 0, "unplaced": 0, "silent": 1, "unassigned": 2, "gridless": 2}
    assert (await board("supervisor", "/gaps", days=30))["counts"]["silent"] == 0
    # what routing has not taken over in time shows, and until then somebody is told
    time.forward(minutes=2)
    lost = await board("supervisor", "/gaps", gap="unplaced")
    assert [item["number"] for item in lost["items"]] == [fresh["number"]]
    assert lost["counts"]["unplaced"] == 1
    assert (await board(LEAD, "/gaps"))["counts"]["unplaced"] == 0
    async with owner.transaction([street.id], read_only=True) as tx:
        assert await tx.rows(select(deliveries).where(deliveries.c.consumer == "routing"))


async def test_ones_own_street_decides_when_silence_begins(time, placed, board, owner, street, routing):
    await placed()
    time.forward(days=3)
    policy = {"version": 1, "valid_from": time.now.date() - timedelta(days=9), "document": {"silent_days": 2}}
    async with owner.transaction([street.id]) as tx:
        await tx.insert_many(clock_policies, [{"street_id": street.id, **policy, "recorded_at": time.now}])
    found = await board("leader", "/gaps")
    assert (found["silent_days"], found["counts"]["silent"]) == (2, 1)
