"""The supervision sweep: takes every step of the ladder that has come due, through the same door as people.

When a step is due stands on the ticket itself (`supervise_at`, indexed): a sweep reads what is due and nothing else,
however many tickets are open. A step lies behind the ticket once it is taken, so a second sweep finds nothing.
"""

from uuid import UUID

from services.routing.held import Standing
from services.routing.ladder.steps import Coming
from services.routing.oversight import next_step
from services.routing.registry import Registries, Registry
from services.routing.transitions import SYSTEM, Door
from shared import clock
from shared.calendar import WorkCalendar
from shared.db import Transaction
from shared.lifecycle import OPEN
from shared.process import Process
from shared.terms import SupervisionLevel

AT_ONCE = 200
REVIEWED_AT_ONCE = 500
PASSES = 3  # as in recalculation: other processes go by the policy they remember for a few seconds
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
# What is being entered move by move, an old letter or ledger, is left alone while it is typed.
_DUE = """
SELECT s.ticket_id FROM ticket_states s WHERE s.street_id = $1 AND s.supervise_at <= $2
AND NOT EXISTS (
  SELECT FROM transitions m WHERE m.street_id = s.street_id AND m.ticket_id = s.ticket_id AND m.seq = s.version
  AND m.late AND m.recorded_at > $2 - interval '10 minutes' AND m.actor_role <> 'system')
ORDER BY s.supervise_at LIMIT $3"""
_NEXT = f"""
SELECT ticket_id, version, state, received_at, clock_from, suspended_at, due_at, run_started_at, run_urges, ladder_step, supervise_at
FROM ticket_states WHERE street_id = $1 AND ticket_id > $2 AND state IN ({_OPEN}) ORDER BY ticket_id LIMIT $3"""  # noqa: S608 - states come from the lifecycle
# Whoever has moved the ticket meanwhile has noted the next step as well.
_NOTE = """
UPDATE ticket_states SET supervise_at = $4 WHERE street_id = $1 AND ticket_id = $2 AND version = $3"""
_FIRST = UUID(int=0)


async def climb(process: Process, registries: Registries) -> int:
    """Take every step that is due; return how many."""
    taken = 0
    async for registry in registries.each(await process.streets.all()):
        while True:
            found, steps = await _some(process, registry)
            taken += steps
            if found < AT_ONCE:
                break
    return taken


async def _some(process: Process, registry: Registry) -> tuple[int, int]:
    now, street_id = clock.now(), registry.street_id
    async with process.database.transaction([street_id]) as tx:
        due = [row["ticket_id"] for row in await tx.raw.fetch(_DUE, street_id, now, AT_ONCE)]
        if not due:
            return 0, 0
        door = Door(tx, process.outbox, registry)
        steps, idle = 0, []
        for standing in (await door.lock(due)).values():
            taken = _climb(door, standing, registry)
            steps += taken
            if not taken:
                idle.append(standing.row)
        await door.write()
        await _note(tx, registry, idle)
    return len(due), steps


def _climb(door: Door, standing: Standing, registry: Registry) -> int:
    """Take the steps of one ticket that are due, each in its turn; return how many."""
    taken = 0
    while True:
        now = max(clock.now(), standing.row["moved_at"])
        following = next_step(standing.row, registry, now)
        if following is None or following.at > now:
            return taken
        action = "urge" if following.step.level is SupervisionLevel.URGE else "supervise"
        door.move(standing, action, SYSTEM, now, _data(following, standing))
        taken += 1


def _data(following: Coming, standing: Standing) -> dict[str, object]:
    level = following.step.level
    return {
        "supervision": level.value, "step": following.place, "run": standing.row["clock_run"],
        "reason": f"{following.why},{level.text}",
    }  # fmt: skip


async def _note(tx: Transaction, registry: Registry, rows: list[dict[str, object]]) -> None:
    """Write down anew when the next step of these is due; of those only that have another one than they had."""
    now, changed = clock.now(), []
    for row in rows:
        following = next_step(row, registry, now)
        at = following.at if following is not None else None
        if at != row["supervise_at"]:
            changed.append((registry.street_id, row["ticket_id"], row["version"], at))
    if changed:
        await tx.raw.executemany(_NOTE, changed)


class Review:
    """Goes through all open tickets when a street's ladder or calendar is another than the last time."""

    def __init__(self, process: Process, registries: Registries) -> None:
        self._process = process
        self._registries = registries
        self._known: dict[int, tuple[int, WorkCalendar]] = {}
        self._passes: dict[int, int] = {}

    async def run(self) -> None:
        """Note anew when each open ticket's next step is due, where that may have changed."""
        today = clock.local_day(clock.now())
        async for registry in self._registries.each(await self._process.streets.all()):
            street, basis = registry.street_id, (registry.supervision.on(today).version, registry.calendar)
            if basis != self._known.get(street):
                self._known[street], self._passes[street] = basis, 0
            if self._passes[street] < PASSES:
                await self._street(registry)
                self._passes[street] += 1

    async def _street(self, registry: Registry) -> None:
        street_id, after = registry.street_id, _FIRST
        while True:
            async with self._process.database.transaction([street_id]) as tx:
                rows = [dict(r) for r in await tx.raw.fetch(_NEXT, street_id, after, REVIEWED_AT_ONCE)]
                await _note(tx, registry, rows)
            if len(rows) < REVIEWED_AT_ONCE:
                return
            after = rows[-1]["ticket_id"]
