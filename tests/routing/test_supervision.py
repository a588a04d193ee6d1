"""Supervision over a ticket: the ladder climbed by the sweep, orders and their answers, colours, the key ledger."""

import pytest

from services.routing.registry import Registries
from services.routing.supervision.sweep import Review, climb
from shared.tables import supervision_orders, transitions
from tests.routing.conftest import LEAD

pytestmark = pytest.mark.usefixtures("only_here")


@pytest.fixture
def sweep(processes):
    """`await sweep()` takes what is due; → how many steps."""
    process = processes("routing")
    registries = Registries(process.database)

    async def run():
        return await climb(process, registries)

    return run


@pytest.fixture
def ask(routing, who):
    """`await ask("/v1/supervision", "supervisor", level=…)` → the answer's body."""

    async def get(path, name="supervisor", status=200, **query):
        answer = await routing.get(path, params=query, headers=who(name))
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


async def test_the_ladder_is_climbed_once_and_its_orders_are_numbered(
    time, bring, sweep, history, rows, look, ask
):
    number = await bring("handling")  # 0101: due at the end of Thursday the 5th
    assert await sweep() == 0
    time.to("2026-03-05T03:00:00+00:00")
    assert [await sweep(), await sweep()] == [1, 0]
    assert (await history(number))[-1] == "urge"
    time.to("2026-03-05T16:00:00+00:00")
    assert await sweep() == 0  # 24:00 itself is in time
    time.forward(seconds=1)
    assert [await sweep(), await sweep()] == [1, 0]
    time.to("2026-03-20T00:00:00+00:00")
    assert [await sweep(), await sweep()] == [2, 0]
    orders = sorted(await rows(supervision_orders), key=lambda r: r.serial)
    assert [(r.year, r.serial, r.level, r.step) for r in orders] == [
        (2026, 1, "notice", 1), (2026, 2, "escalate", 2), (2026, 3, "bulletin", 3),
    ]  # fmt: skip
    assert {r.unit_code for r in orders} == {(await look(number))["lead_unit"]}
    assert [r.head_unit is not None for r in orders] == [False, True, True]
    ticket = await look(number)
    assert (ticket["state"], ticket["supervised"], ticket["supervision_colour"]) == ("handling", True, "red")
    told = [m for m in ticket["timeline"] if m["actor_role"] == "system" and m["action"] == "supervise"]
    assert [m["data"]["supervision"] for m in told] == ["notice", "escalate", "bulletin"]
    assert [i["number"] for i in (await ask("/v1/supervision", colour="red"))["items"]] == [number]
    assert (await ask("/v1/supervision", level="notice"))["items"] == []
    assert (await ask("/v1/supervision", "unit:安全办"))["items"] == []
    [last, *_] = (await ask("/v1/supervision/orders", "unit:物业办"))["items"]
    assert (last["order"], last["level_text"], last["state_text"]) == ("DB2026-0003", "通报", "待答复")


async def test_a_new_clock_is_a_new_run_and_a_pause_stops_the_ladder(
    time, bring, do, sweep, history, standing
):
    number = await bring("callback")
    time.to("2026-03-06T00:00:00+00:00")
    assert await sweep() == 2
    await do(number, "rework", "callback_clerk", reason="未解决", resolved="no")
    again = await standing(number)
    assert (again.supervision_level, again.ladder_step, again.supervised) == (None, 0, True)
    await do(number, "suspend", "leader", reason="等", reason_code="season")
    time.forward(days=30)
    assert await sweep() == 0
    await do(number, "resume", LEAD)
    time.forward(days=30)
    assert await sweep() == 4
    await do(number, "handle", LEAD, reason="已清运")
    assert (await history(number)).count("supervise") == 4
    assert (await history(number)).count("urge") == 2


async def test_residents_who_urge_three_times_bring_an_order(time, bring, do, sweep, rows):
    number = await bring("handling")
    for _ in range(3):
        await do(number, "urge", "resident")
    assert await sweep() == 1
    [order] = await rows(supervision_orders)
    assert (order.level, order.reason) == ("notice", "已催办 3 次,督办单")


async def test_an_order_is_answered_by_the_unit_it_was_given_to(time, bring, do, ask, look):
    number = await bring("handling")
    await do(number, "supervise", LEAD, status=403, reason="快")
    await do(number, "supervise", "leader", status=422, reason="快", until="2026-03-01T00:00:00+08:00")
    await do(number, "supervise", "leader", status=422, reason="快", supervision="loud")
    ticket = await do(
        number,
        "supervise",
        "leader",
        reason="领导批示,限期答复",
        supervision="notice",
        until="2026-03-03T18:00:00+08:00",
    )
    assert (ticket["supervision_level_text"], ticket["supervision_colour"]) == ("督办单", "orange")
    answer = {"reason": "已安排清运,今日完成"}
    await do(number, "reply_supervision", LEAD, status=422, **answer)
    refused = await do(number, "reply_supervision", LEAD, status=422, order="DB2026-0009", **answer)
    assert refused["code"] == "unknown_order"
    refused = await do(number, "reply_supervision", "dispatcher", status=409, order="DB2026-0001", **answer)
    assert refused["code"] == "not_your_order"
    time.to("2026-03-04T01:00:00+00:00")
    [open_one] = (await ask("/v1/supervision/orders", unanswered=True))["items"]
    assert (open_one["state"], open_one["by_ladder"]) == ("late", False)
    await do(number, "reply_supervision", LEAD, order="DB2026-0001", **answer)
    await do(number, "reply_supervision", LEAD, order="DB2026-0001", reason="补充:已复查")
    assert (await ask("/v1/supervision/orders", unanswered=True))["items"] == []
    [order] = (await ask("/v1/supervision/orders", number=number))["items"]
    assert (order["state_text"], [r["content"] for r in order["replies"]]) == (
        "已答复", ["已安排清运,今日完成", "补充:已复查"],
    )  # fmt: skip
    assert order["replies"][0]["late"]
    assert (await look(number))["state"] == "handling"


async def test_a_streets_own_ladder_holds_for_what_is_open_too(
    time, bring, routing, who, sweep, processes, ask
):
    number = await bring("handling")
    document = {
        "ladder": [{"level": "notice", "when": {"elapsed": 1}, "reply_within": "2h"}],
        "colours": {"notice": {"code": "yellow", "name": "黄牌"}}, "meeting_weekday": None,
    }  # fmt: skip
    door = "/v1/supervision/policy"
    for headers, body, status in (
        ("unit:物业办", {"document": document}, 403),
        ("leader", {"document": {"ladder": 3}}, 422),
        ("leader", {"document": document}, 200),
    ):
        answer = await routing.post(door, json=body, headers=who(headers))
        assert answer.status_code == status, answer.text
    assert ((await ask(door))["version"], (await ask(door))["meeting_weekday"]) == (1, None)
    time.forward(hours=2)
    process = processes("routing")
    await Review(process, Registries(process.database)).run()
    assert await climb(process, Registries(process.database)) == 1
    [item] = (await ask("/v1/supervision", colour="yellow"))["items"]
    assert (item["number"], item["supervision_colour_text"], item["next_step"]) == (number, "黄牌", None)


async def test_the_key_ledger_says_who_when_and_why(time, bring, do, ask, rows):
    number, other = await bring("handling"), await bring("handling")
    await do(number, "list_key", LEAD, status=403, reason="重点")
    await do(number, "list_key", "leader", status=422)
    await do(number, "list_key", "leader", reason="居民反映多年")
    assert (await do(number, "list_key", "leader", status=409, reason="再"))[
        "code"
    ] == "already_on_key_ledger"
    assert [i["number"] for i in (await ask("/v1/supervision", key=True))["items"]] == [number]
    time.forward(days=1)
    assert (await do(other, "unlist_key", "leader", status=409, reason="无"))["code"] == "not_on_key_ledger"
    ticket = await do(number, "unlist_key", "supervisor", reason="已按计划推进")
    assert (ticket["key_since"], ticket["state"]) == (None, "handling")
    entries = (await ask("/v1/supervision/key-ledger"))["items"]
    assert [(e["action_text"], e["role_text"], e["reason"], e["on_ledger"]) for e in entries] == [
        ("移出重点督办", "督办员", "已按计划推进", False), ("列入重点督办", "街道领导", "居民反映多年", False),
    ]  # fmt: skip
    assert transitions.info["append_only"]
    first = await ask("/v1/supervision/key-ledger", limit=1)
    second = await ask("/v1/supervision/key-ledger", limit=1, cursor=first["next_cursor"])
    assert (second["items"], second["has_more"]) == (entries[1:], False)
