"""A new calendar moves open deadlines, through the door, whoever was down when it came."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select

from services.routing.overdue import sweep
from services.routing.recalculate import Recalculation
from services.routing.registry import Registries
from shared import clock
from shared.tables import calendar_days, ticket_states, transitions
from shared.terms import Role

pytestmark = pytest.mark.usefixtures("only_here")
# A Monday of a year whose notice is not out; the test declares one of its Wednesdays a holiday.
MONDAY = datetime(2031, 3, 3, 2, 0, tzinfo=UTC)
WEDNESDAY = datetime(2031, 3, 5, tzinfo=UTC).date()


@pytest.fixture
def marks(rows):
    """`await marks()` → how often a ticket of the test's street was marked overdue."""

    async def count():
        return [r.action for r in await rows(transitions)].count("mark_overdue")

    return count


async def _due(processes, street):
    async with processes("routing").database.transaction([street.id]) as tx:
        row = await tx.one(select(ticket_states).where(ticket_states.c.street_id == street.id))
        moves = await tx.rows(select(transitions.c.action).where(transitions.c.street_id == street.id))
    return row.due_at, row.due_provisional, [m.action for m in moves].count("recalculate")


async def test_an_imported_day_moves_the_deadlines_it_touches(
    street, intake, actor_headers, deliver, processes, owner
):
    with clock.at(MONDAY):
        body = {"content": "下水道堵了", "category": "0301"}
        headers = actor_headers(Role.RESIDENT, openid="calendar")
        assert (await intake.post("/v1/tickets", json=body, headers=headers)).status_code == 201
        await deliver("routing")
        before, provisional, _ = await _due(processes, street)
        assert provisional, "nobody has published 2031"
        process = processes("routing")
        work = Recalculation(process, Registries(process.database))
        await work.run()
        assert (await _due(processes, street))[2] == 0
        day = {"day": WEDNESDAY, "working": False, "source": "local", "note": "测试"}
        try:
            async with owner.transaction(()) as tx:
                await tx.execute(insert(calendar_days), [day])
            fresh = Recalculation(process, Registries(process.database))
            await fresh.run()
            await fresh.run()
            after, _, recounted = await _due(processes, street)
        finally:
            async with owner.transaction(()) as tx:
                await tx.execute(delete(calendar_days).where(calendar_days.c.day == WEDNESDAY))
    assert (after - before).days == 1
    assert recounted == 1, "once, however often it is run"


async def test_marks_and_words_do_not_stand_in_the_way_of_a_late_entry(
    street, intake, routing, actor_headers, settle, processes, metrics, marks
):
    """An old matter is marked overdue while its ledger is being entered; its real dates still go in."""
    registries = Registries(processes("routing").database)
    clerk = actor_headers(Role.CLERK)
    received = "2021-03-01T09:00:00+08:00"
    with clock.at(MONDAY):
        body = {"content": "下水道堵了", "category": "0301", "occurred_at": received, "channel": "letter"}
        number = (await intake.post("/v1/tickets", json=body, headers=clerk)).json()["number"]
        await settle()
    with clock.at(MONDAY + timedelta(hours=1)):
        await sweep(processes("routing"), registries)
        assert await marks() == 1
        unit = actor_headers(Role.UNIT, unit="物业办")
        path = f"/v1/tickets/{number}/actions"
        said = {"reason": "底册在档案室", "occurred_at": "2021-06-01T09:00:00+08:00"}
        assert (await routing.post(f"{path}/comment", json=said, headers=clerk)).status_code == 200
        for action, day, who in (
            ("sign", "02", unit), ("contact", "02", unit), ("handle", "03", unit),
            ("review_pass", "03", actor_headers(Role.SUPERVISOR)), ("close", "04", actor_headers(Role.CALLBACK_CLERK)),
        ):  # fmt: skip
            body = {"reason": "已疏通", "occurred_at": f"2021-03-{day}T10:00:00+08:00"}
            answer = await routing.post(f"{path}/{action}", json=body, headers=who)
            assert answer.status_code == 200, answer.text
        await settle()
        query = f"street={street.code}&from=2021-01-01&to=2021-12-31&as_of=2021-03-05T00:00:00%2B08:00"
        reader = actor_headers(Role.LEADER)
        rate = (await metrics.get(f"/v1/rates/on_time_closure_rate?{query}", headers=reader)).json()
    assert (rate["total"]["numerator"], rate["total"]["denominator"]) == (1, 1)


async def test_a_ledger_being_entered_is_not_marked_overdue(
    street, intake, actor_headers, deliver, processes, marks
):
    with clock.at(MONDAY):
        body = {"content": "下水道堵了", "category": "0301", "occurred_at": "2021-03-01T09:00:00+08:00"}
        await intake.post("/v1/tickets", json=body, headers=actor_headers(Role.CLERK))
        await deliver("routing")
        await sweep(processes("routing"), Registries(processes("routing").database))
        assert await marks() == 0
