"""When the calendar changes, open deadlines follow: recounted through the same door, each with its history.

Nobody has to tell the worker: it compares the calendar with the one it last went through, and goes through
all open tickets once when it starts. So an import is followed up whatever was down when it happened.
"""

from uuid import UUID

from services.routing.registry import Registries, Registry
from services.routing.timing import anew
from services.routing.transitions import SYSTEM, Door
from shared.calendar import WorkCalendar
from shared.lifecycle import OPEN
from shared.process import Process

AT_ONCE = 500
# Other processes go on with the calendar they remember for a few seconds: what they placed meanwhile is
# found by going through again.
PASSES = 3
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
_NEXT = f"""
SELECT ticket_id, state, received_at, clock_from, suspended_at, resolve_limit, due_at, due_provisional, clock_policy,
  handed_at, mode, sign_limit, sign_due_at, return_until, contact_limit, contact_due_at, contacted_at,
  handled_at, feedback_due_at
FROM ticket_states WHERE street_id = $1 AND ticket_id > $2 AND state IN ({_OPEN}) ORDER BY ticket_id LIMIT $3"""  # noqa: S608 - states come from the lifecycle
_FIRST = UUID(int=0)


class Recalculation:
    """Remembers which calendars it has gone through, the country's and each street's own."""

    def __init__(self, process: Process, registries: Registries) -> None:
        self._process = process
        self._registries = registries
        self._calendar: WorkCalendar | None = None
        self._known: dict[int, WorkCalendar] = {}
        self._passes: dict[int, int] = {}

    async def run(self) -> int:
        """Recount open deadlines if the calendar is not the one of the last run; return how many moved."""
        calendar = await self._registries.calendar()
        if calendar != self._calendar:
            self._registries.forget()
            self._calendar = calendar
        moved = 0
        async for registry in self._registries.each(await self._process.streets.all()):
            street = registry.street_id
            if registry.calendar != self._known.get(street):
                self._known[street], self._passes[street] = registry.calendar, 0
            if self._passes[street] < PASSES:
                moved += await self._street(registry)
                self._passes[street] += 1
        return moved

    async def _street(self, registry: Registry) -> int:
        street_id, after, moved = registry.street_id, _FIRST, 0
        while True:
            async with self._process.database.transaction([street_id]) as tx:
                rows = await tx.raw.fetch(_NEXT, street_id, after, AT_ONCE)
                wrong = [row["ticket_id"] for row in rows if anew(row, registry)]
                if wrong:
                    door = Door(tx, self._process.outbox, registry)
                    for standing in (await door.lock(wrong)).values():
                        if standing.state in OPEN and anew(standing.row, registry):
                            # The deadline was this all along; only now it is known.
                            door.move(standing, "recalculate", SYSTEM, standing.row["moved_at"])
                            moved += 1
                    await door.write()
            if len(rows) < AT_ONCE:
                return moved
            after = rows[-1]["ticket_id"]
