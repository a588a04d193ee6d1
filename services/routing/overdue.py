"""The overdue sweep: marks what has passed its deadline, through the same door as people."""

from datetime import timedelta

from services.routing.registry import Registries, Registry
from services.routing.transitions import SYSTEM, Door
from shared import clock
from shared.lifecycle import OPEN
from shared.process import Process

AT_ONCE = 200
# An old ledger is entered move by move: what was in time must not be marked while its closing is being typed.
# Reminders of the ladder are nobody typing.
BEING_ENTERED = timedelta(minutes=10)
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
# A suspended ticket's clock stands still; an extension clears the mark.
_DUE = f"""
SELECT s.ticket_id FROM ticket_states s
WHERE s.street_id = $1 AND s.due_at < $2 AND s.overdue_at IS NULL AND s.state IN ({_OPEN}) AND s.state <> 'suspended'
AND NOT EXISTS (
  SELECT FROM transitions m WHERE m.street_id = s.street_id AND m.ticket_id = s.ticket_id AND m.seq = s.version
  AND m.late AND m.recorded_at > $4 AND NOT (m.actor_role = 'system' AND m.action IN ('urge', 'supervise')))
ORDER BY s.due_at LIMIT $3"""  # noqa: S608 - states come from the lifecycle


async def sweep(process: Process, registries: Registries) -> int:
    """Mark every open ticket whose deadline has passed; return how many."""
    marked = 0
    async for registry in registries.each(await process.streets.all()):
        while (count := await _some(process, registry)) > 0:
            marked += count
            if count < AT_ONCE:
                break
    return marked


async def _some(process: Process, registry: Registry) -> int:
    now, street_id = clock.now(), registry.street_id
    async with process.database.transaction([street_id]) as tx:
        due = [
            row["ticket_id"] for row in await tx.raw.fetch(_DUE, street_id, now, AT_ONCE, now - BEING_ENTERED)
        ]
        if not due:
            return 0
        door = Door(tx, process.outbox, registry)
        marked = 0
        for standing in (await door.lock(due)).values():
            row = standing.row
            if row["overdue_at"] is None and row["due_at"] < now and standing.state in OPEN:
                door.move(standing, "mark_overdue", SYSTEM, max(row["due_at"], row["moved_at"]))
                marked += 1
        await door.write()
    return marked
