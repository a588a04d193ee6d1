"""A commitment goes by its plan, however long that is; nothing else does."""

from datetime import timedelta

import pytest

from services.routing.overdue import sweep
from services.routing.registry import Registries
from tests.routing.conftest import LEAD, MONDAY

ROAD = "修缮福海小区东侧道路"
IN_THREE_YEARS = "2029-03-31T00:00:00+08:00"


@pytest.fixture
def promised(placed, do):
    """`await promised(until=…)` → the number of a commitment that is being handled by its plan."""

    async def make(until=IN_THREE_YEARS):
        number = await placed(ROAD, "clerk", channel="commitment", category="0101")
        await do(number, "accept", "dispatcher")
        await do(number, "replan", "leader", reason="三年整治计划", until=until)
        await do(number, "dispatch", "dispatcher")
        await do(number, "sign", LEAD)
        await do(number, "contact", LEAD)
        return number

    return make


async def test_a_commitment_waits_for_its_plan_and_is_due_when_that_ends(time, promised, look):
    ticket = await look(await promised())
    assert (ticket["due_at"][:10], ticket["first_due_at"][:10]) == ("2029-03-31", "2029-03-31")
    assert any("列入计划" in line for line in ticket["due_why"])


async def test_after_three_years_it_is_still_there_and_not_overdue(
    time, promised, look, do, processes, only_here, routing, who
):
    number = await promised()
    time.forward(days=3 * 365)
    process = processes("routing")
    assert await sweep(process, Registries(process.database)) == 0
    assert not (await look(number))["overdue"]
    listed = (await routing.get("/v1/worklist", headers=who(LEAD))).json()["items"]
    assert [item["number"] for item in listed] == [number]
    time.to("2029-04-01T09:00:00+08:00")
    assert await sweep(process, Registries(process.database)) == 1
    later = await do(number, "replan", "leader", reason="雨季停工", until="2029-06-30T00:00:00+08:00")
    assert (later["overdue"], later["first_due_at"][:10]) == (False, "2029-03-31")


async def test_rework_within_the_plan_keeps_the_plan(time, promised, do):
    number = await promised()
    await do(number, "handle", LEAD, reason="已修缮")
    await do(number, "review_pass", "supervisor")
    ticket = await do(number, "rework", "supervisor", reason="还有一段没修")
    assert ticket["due_at"][:10] == "2029-03-31"


async def test_only_a_commitment_is_replanned_and_only_forwards(time, bring, promised, do):
    ordinary = await bring("handling")
    until = (MONDAY + timedelta(days=300)).isoformat()
    told = await do(ordinary, "replan", "leader", status=409, reason="再等等", until=until)
    assert told["code"] == "not_a_commitment"
    number = await promised()
    told = await do(number, "replan", "leader", status=422, reason="提前", until="2026-01-01T00:00:00+08:00")
    assert [e["field"] for e in told["errors"]] == ["until"]
    await do(number, "replan", LEAD, status=403, reason="自己改", until=until)
