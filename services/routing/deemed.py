"""The signing sweep: a unit that neither signed nor returned within the limit is deemed to have accepted.

Source: 天津 12345 (domain 2.1): what is not returned in time counts as accepted. The system signs through the same door as
people, once, and says so in the history; metrics do not take it for a signature in time.
"""

from services.routing.registry import Registries, Registry
from services.routing.transitions import SYSTEM, Door
from shared import clock
from shared.lifecycle import State
from shared.process import Process

AT_ONCE = 200
REASON = "退单时限已过,主办单位没有签收也没有退单,视为接受,由系统代签"
# Entered later than its own limit, an order was never there to be answered: such are left to whoever enters them.
_UNANSWERED = """
SELECT s.ticket_id FROM ticket_states s
WHERE s.street_id = $1 AND s.state = 'dispatched' AND s.return_until < $2
AND NOT EXISTS (
  SELECT FROM transitions m WHERE m.street_id = s.street_id AND m.ticket_id = s.ticket_id
  AND m.action IN ('dispatch', 'designate', 'escalate') AND m.recorded_at >= s.return_until)
ORDER BY s.return_until LIMIT $3"""


async def sweep(process: Process, registries: Registries) -> int:
    """Sign for every unit whose time to answer has passed; return how many tickets."""
    signed = 0
    async for registry in registries.each(await process.streets.all()):
        while (count := await _some(process, registry)) > 0:
            signed += count
            if count < AT_ONCE:
                break
    return signed


async def _some(process: Process, registry: Registry) -> int:
    now, street_id = clock.now(), registry.street_id
    async with process.database.transaction([street_id]) as tx:
        unanswered = [row["ticket_id"] for row in await tx.raw.fetch(_UNANSWERED, street_id, now, AT_ONCE)]
        if not unanswered:
            return 0
        door = Door(tx, process.outbox, registry)
        signed = 0
        for standing in (await door.lock(unanswered)).values():
            row = standing.row
            if standing.state is State.DISPATCHED and row["return_until"] < now:
                at = max(row["return_until"], row["moved_at"])
                door.move(standing, "sign", SYSTEM, at, {"deemed": True, "reason": REASON})
                signed += 1
        await door.write()
    return signed
