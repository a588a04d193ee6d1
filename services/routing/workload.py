"""Who inside a unit: the grid's own worker where a rule says so, else whoever has the least in hand.

Load: open tickets in a person's hands, an urgent one counting three times, a joint one twice. Of equals the lowest id:
the same question gets the same answer. The choice is plain Python; one query fetches the staff and their loads.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from services.routing.rules.vocabulary import RESPONSIBLE
from shared import clock
from shared.db import Transaction
from shared.lifecycle import WITH_UNIT
from shared.terms import Mode

WEIGHTS = {Mode.URGENT.value: 3, Mode.JOINT.value: 2}
_IN_HAND = ", ".join(f"'{state.value}'" for state in sorted(WITH_UNIT))
_WEIGHT = " ".join(f"WHEN '{mode}' THEN {weight}" for mode, weight in WEIGHTS.items())
_STAFF = f"""
SELECT p.id, q.unit_code, coalesce(l.load, 0) AS load,
  array_agg(q.area_code) FILTER (WHERE q.area_kind = 'grid') AS grids, bool_or(q.area_kind <> 'grid') AS everywhere
FROM staff p
JOIN staff_posts q ON q.street_id = p.street_id AND q.staff_code = p.code
LEFT JOIN (
  SELECT s.assignee_id, sum(CASE s.mode {_WEIGHT} ELSE 1 END) AS load FROM ticket_states s
  WHERE s.street_id = $1 AND s.assignee_id IS NOT NULL AND s.state IN ({_IN_HAND}) GROUP BY s.assignee_id
) l ON l.assignee_id = p.id
WHERE p.street_id = $1 AND q.unit_code IS NOT NULL AND p.valid_from <= $2 AND coalesce(p.valid_until >= $2, true)
AND q.valid_from <= $2 AND coalesce(q.valid_until >= $2, true)
GROUP BY p.id, q.unit_code, l.load"""  # noqa: S608 - words of our own vocabularies


@dataclass(slots=True)
class Colleague:
    """One of those who hold a post in a unit today. Without grids of their own they work wherever the unit does."""

    id: UUID
    unit_code: str
    grids: frozenset[str] = frozenset()
    load: int = 0

    def works_in(self, grid: str | None) -> bool:
        return not self.grids or grid in self.grids


@dataclass(frozen=True, slots=True)
class Choice:
    """Who, and in words why."""

    id: UUID
    why: str


@dataclass(slots=True)
class Crew:
    """A street's active staff with their loads, kept up while one after another is chosen."""

    staff: list[Colleague] = field(default_factory=list)

    def choose(self, unit_code: str, grid: str | None, wish: str, mode: str) -> Choice | None:
        """Return who is to take a ticket of a unit; `wish` as a rule writes it. None: the unit has nobody there."""
        there = [c for c in self.staff if c.unit_code == unit_code and c.works_in(grid)]
        if not there:
            return None
        chosen, why = _wished(there, grid, wish)
        chosen.load += WEIGHTS.get(mode, 1)
        return Choice(chosen.id, why)

    def has(self, unit_code: str, person: UUID) -> bool:
        """Return whether someone works for a unit now."""
        return any(c.id == person and c.unit_code == unit_code for c in self.staff)


def _wished(there: Iterable[Colleague], grid: str | None, wish: str) -> tuple[Colleague, str]:
    in_order = sorted(there, key=lambda c: (c.load, str(c.id)))
    if wish == RESPONSIBLE:
        own = next((c for c in in_order if grid in c.grids), None)
        if own is not None:
            return own, "指派给所在网格的责任人"
    named = next((c for c in in_order if str(c.id) == wish), None)
    if named is not None:
        return named, "按规则指派给指定的承办人"
    return in_order[0], f"指派给在办工作量最少的承办人(加权 {in_order[0].load} 件)"


async def crew_of(tx: Transaction, street_id: int) -> Crew:
    """Return a street's active staff and what each has in hand."""
    rows = await tx.raw.fetch(_STAFF, street_id, clock.local_day(clock.now()))
    return Crew(
        [
            Colleague(
                UUID(str(r["id"])), r["unit_code"], frozenset(() if r["everywhere"] else r["grids"]), int(r["load"])
            )
            for r in rows
        ]
    )  # fmt: skip
