"""The sweep of silence: a reporter who was asked whether it is settled and did not answer in time lets it be closed.

Through the same door as people, by the system, with `confirmed_by: timeout`: nobody was called, nobody is counted as
satisfied, contacted or validly called back. What must be called about is never closed so.
"""

from services.routing.closing import store
from services.routing.registry import Registries, Registry
from services.routing.transitions import SYSTEM, Door
from shared import clock
from shared.lifecycle import State
from shared.process import Process
from shared.terms import CallbackMode

AT_ONCE = 200
REASON = "诉求人在期限内没有提出异议,由系统结案;对结果有异议的,可以在期限内申请重开"


async def sweep(process: Process, registries: Registries) -> int:
    """Close what its reporter has let stand; return how many tickets."""
    closed = 0
    async for registry in registries.each(await process.streets.all()):
        while (count := await _some(process, registry)) > 0:
            closed += count
            if count < AT_ONCE:
                break
    return closed


async def _some(process: Process, registry: Registry) -> int:
    now, street_id = clock.now(), registry.street_id
    async with process.database.transaction([street_id]) as tx:
        asked = await store.silent(tx, street_id, now, AT_ONCE)
        if not asked:
            return 0
        door = Door(tx, process.outbox, registry)
        closed = 0
        for standing in (await door.lock(asked)).values():
            row = standing.row
            waits = standing.state is State.CALLBACK and row["callback_mode"] == CallbackMode.REPORTER
            if waits and row["callback_result"] is None and row["confirm_until"] < now:
                at = max(row["confirm_until"], row["moved_at"])
                door.move(standing, "close", SYSTEM, at, {"confirmed_by": "timeout", "reason": REASON})
                closed += 1
        await door.write()
    return closed
