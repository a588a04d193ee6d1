"""What has passed its deadline is marked once, by the same door as people."""

import pytest

from services.routing.overdue import sweep
from services.routing.recalculate import Recalculation
from services.routing.registry import Registries
from shared.tables import events, transitions
from tests.routing.conftest import LEAD

pytestmark = pytest.mark.usefixtures("only_here")
DUE = "2026-03-05T16:00:00+00:00"


@pytest.fixture
def marks(processes, street, history):
    """`await marks(number)` sweeps, then counts the marks of a ticket."""
    process = processes("routing")

    async def run(number):
        await sweep(process, Registries(process.database))
        return (await history(number)).count("mark_overdue")

    return run


async def test_a_ticket_is_marked_once_and_not_a_moment_early(time, placed, marks, look, rows):
    number = await placed()
    time.to(DUE)
    assert await marks(number) == 0  # 24:00 itself is in time
    time.forward(microseconds=1)
    ticket = await look(number)
    assert (ticket["overdue"], ticket["deadline_text"]) == (True, "已超期1分钟")
    assert [await marks(number) for _ in range(3)] == [1, 1, 1]
    mark = next(r for r in await rows(transitions) if r.action == "mark_overdue")
    assert (mark.actor_role, mark.from_state, mark.to_state) == ("system", "dispatched", "dispatched")
    assert mark.occurred_at.isoformat() == DUE
    assert [e.payload["actions"] for e in await rows(events) if e.type == "ticket_moved"][-1] == [
        "mark_overdue"
    ]


async def test_a_mark_goes_with_an_extension_and_may_come_again(time, bring, do, marks, standing):
    number = await bring("handling")
    await do(number, "extend", LEAD, reason="等设备", until="2026-03-10T18:00:00+08:00")
    time.to("2026-03-06T01:00:00+00:00")
    assert await marks(number) == 1
    ticket = await do(number, "decide_extension", "leader", approve=True)
    assert ticket["overdue"] is False
    assert (await standing(number)).overdue_at is None
    assert await marks(number) == 1
    time.to("2026-03-10T10:00:00.000001+00:00")
    assert await marks(number) == 2


async def test_a_clock_that_stands_still_is_not_overdue_and_what_is_over_neither(
    time, bring, do, marks, standing
):
    paused, closed = await bring("handling"), await bring("closed")
    await do(paused, "suspend", "leader", reason="等", reason_code="season")
    time.forward(days=60)
    assert await marks(paused) == 0
    assert await marks(closed) == 0
    await do(paused, "resume", LEAD)
    assert (await standing(paused)).overdue_at is None


async def test_whoever_waits_at_the_desk_has_a_deadline_too(time, placed, marks, standing):
    number = await placed(by="clerk", channel="group_topic")
    assert (
        await standing(number)
    ).due_at.isoformat() == "2026-03-03T16:00:00+00:00"  # to be accepted by tomorrow
    time.forward(days=2)
    assert await marks(number) == 1


async def test_many_are_marked_in_one_sweep(time, submit, deliver, processes, rows, monkeypatch):
    monkeypatch.setattr("services.routing.overdue.AT_ONCE", 2)
    for _ in range(5):
        await submit()
    await deliver("routing")
    time.forward(days=30)
    process = processes("routing")
    assert await sweep(process, Registries(process.database)) >= 5
    assert [r.action for r in await rows(transitions)].count("mark_overdue") == 5


@pytest.mark.parametrize(
    "change",
    ["UPDATE units SET is_desk = false", "UPDATE grid_boundaries SET polygons = '[[[]]]'"],
    ids=["no desk yet", "a grid of no shape"],
)
async def test_a_street_that_is_not_in_order_holds_up_no_other(
    time, placed, marks, owner, processes, new_street, change
):
    number, broken = await placed(), await new_street()  # whose turn comes first
    async with owner.transaction([broken.id]) as tx:
        await tx.raw.execute(change)
    time.forward(days=30)
    assert await marks(number) == 1
    process = processes("routing")
    await Recalculation(process, Registries(process.database)).run()
