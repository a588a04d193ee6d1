"""A new calendar moves open deadlines, through the door, whoever was down when it came."""

from datetime import UTC, datetime

from sqlalchemy import delete, insert, select

from services.routing.recalculate import Recalculation
from services.routing.registry import Registries
from shared import clock
from shared.tables import calendar_days, ticket_states, transitions
from shared.terms import Role

# A Monday of a year whose notice is not out; the test declares one of its Wednesdays a holiday.
MONDAY = datetime(2031, 3, 3, 2, 0, tzinfo=UTC)
WEDNESDAY = datetime(2031, 3, 5, tzinfo=UTC).date()


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
