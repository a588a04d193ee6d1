"""Measures that compare a ticket with others: repeated, recurred, closed in bulk. Worked out when asked for.

Each is a set of tickets, of which the sums and the evidence then make use as of any other measure.
Sources: the domain notes 1.8 (重复诉求率: 同一诉求人 + 同一事项在窗内再次提出) and the peers' wish list (recurrence).
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.metrics.known import Known
from services.metrics.store import Scope
from shared.db import Transaction

WITHIN = timedelta(days=30)
BULK = 10
_STANDS = """
SELECT f.street_id, f.ticket_id, f.received_at, f.closed_at, f.category, f.grid, f.unit FROM ticket_facts f
WHERE f.street_id = ANY($1::bigint[]) AND f.valid_from <= $2 AND (f.valid_to IS NULL OR f.valid_to > $2)"""
_REPORTERS = """
SELECT id, coalesce(reporter_id::text, encode(phone_index, 'hex')) AS reporter FROM tickets
WHERE street_id = ANY($1::bigint[]) AND (reporter_id IS NOT NULL OR phone_index IS NOT NULL)"""


class Stand(NamedTuple):
    """What is compared of a ticket."""

    street_id: int
    id: UUID
    received_at: datetime
    closed_at: datetime | None
    category: str
    grid: str
    unit: str


async def resolve(
    tx: Transaction, scope: Scope, measures: Iterable[str], known: Known
) -> dict[str, frozenset[UUID]]:
    """Return the tickets that have each of these computed measures at the scope's instant."""
    wanted = [m for m in measures if m in _SETS]
    if not wanted:
        return {}
    stands = await _stands(tx, scope, known)
    reporters: dict[UUID, str] = {}
    if {"repeated", "traceable"} & set(wanted):
        rows = await tx.raw.fetch(_REPORTERS, list(scope.street_ids))
        reporters = {row["id"]: row["reporter"] for row in rows}
    return {m: frozenset(_SETS[m](stands, reporters)) for m in wanted}


async def _stands(tx: Transaction, scope: Scope, known: Known) -> list[Stand]:
    """Return every ticket of the streets as it stood, by what was known."""
    touched = set(known.touched)
    found = [
        Stand(*row)
        for row in await tx.raw.fetch(_STANDS, list(scope.street_ids), scope.as_of)
        if row["ticket_id"] not in touched
    ]
    for ticket in known.tickets:
        span = ticket.at(scope.as_of)
        if span is not None:
            found.append(
                Stand(ticket.street_id, ticket.id, span.received_at, span.closed_at, span.category, span.grid, span.unit)
            )  # fmt: skip
    return found


def _repeated(stands: Sequence[Stand], reporters: dict[UUID, str]) -> Iterable[UUID]:
    """Yield tickets before which the same reporter raised the same kind of matter within 30 days."""
    received: dict[tuple[int, str, str], list[datetime]] = defaultdict(list)
    mine = [(s, (s.street_id, reporters[s.id], s.category)) for s in stands if s.id in reporters]
    for stand, matter in mine:
        received[matter].append(stand.received_at)
    for times in received.values():
        times.sort()
    for stand, matter in mine:
        times = received[matter]
        if bisect_left(times, stand.received_at - WITHIN) < bisect_left(times, stand.received_at):
            yield stand.id


def _traceable(stands: Sequence[Stand], reporters: dict[UUID, str]) -> Iterable[UUID]:
    return (s.id for s in stands if s.id in reporters)


def _recurred(stands: Sequence[Stand], _: dict[UUID, str]) -> Iterable[UUID]:
    """Yield closed tickets after which the same kind of matter was raised in the same grid within 30 days."""
    received: dict[tuple[int, str, str], list[datetime]] = defaultdict(list)
    for s in stands:
        received[s.street_id, s.grid, s.category].append(s.received_at)
    for times in received.values():
        times.sort()
    for s in stands:
        if s.closed_at is not None and s.grid:
            times = received[s.street_id, s.grid, s.category]
            if bisect_right(times, s.closed_at) < bisect_right(times, s.closed_at + WITHIN):
                yield s.id


def _closed_in_grid(stands: Sequence[Stand], _: dict[UUID, str]) -> Iterable[UUID]:
    return (s.id for s in stands if s.closed_at is not None and s.grid)


def _closed_in_bulk(stands: Sequence[Stand], _: dict[UUID, str]) -> Iterable[UUID]:
    """Yield tickets that a unit closed within a minute together with at least nine others."""
    closed = [
        (s.id, (s.street_id, s.unit, s.closed_at.replace(second=0, microsecond=0)))
        for s in stands
        if s.closed_at is not None and s.unit
    ]
    together = Counter(minute for _, minute in closed)
    return (ticket_id for ticket_id, minute in closed if together[minute] >= BULK)


def _nobody(*_: object) -> Iterable[UUID]:
    """Rosters and visits are not recorded yet: there is nothing to count, and that is what the figure says."""
    return ()


_SETS: dict[str, Callable[[Sequence[Stand], dict[UUID, str]], Iterable[UUID]]] = {
    "repeated": _repeated, "traceable": _traceable, "recurred": _recurred, "closed_in_grid": _closed_in_grid,
    "closed_in_bulk": _closed_in_bulk, "visited": _nobody, "to_visit": _nobody,
}  # fmt: skip
