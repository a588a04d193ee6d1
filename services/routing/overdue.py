"""The overdue sweep: marks what has passed its deadline, through the same door as people."""

from services.routing.registry import Registries
from services.routing.transitions import SYSTEM, Door
from shared import clock
from shared.lifecycle import OPEN
from shared.process import Process

AT_ONCE = 200
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
# A suspended ticket's clock stands still; an extension clears the mark.
_DUE = f"""
SELECT ticket_id FROM ticket_states
WHERE street_id = $1 AND due_at < $2 AND overdue_at IS NULL AND state IN ({_OPEN}) AND state <> 'suspended'
ORDER BY due_at LIMIT $3"""  # noqa: S608 - states come from the lifecycle


async def sweep(process: Process, registries: Registries) -> int:
    """Mark every open ticket whose deadline has passed; return how many."""
    marked = 0
    for street in await process.streets.all():
        while (count := await _some(process, registries, street.id)) > 0:
            marked += count
            if count < AT_ONCE:
                break
    return marked


async def _some(process: Process, registries: Registries, street_id: int) -> int:
    now = clock.now()
    registry = await registries.of(street_id)
    async with process.database.transaction([street_id]) as tx:
        due = [row["ticket_id"] for row in await tx.raw.fetch(_DUE, street_id, now, AT_ONCE)]
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
