"""The recount: every figure derived anew from history, and compared with the books, cell by cell (promise 3).

`recount` walks all tickets of a street in one repeatable-read transaction. `rebuild` writes what it finds.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from uuid import UUID

from services.metrics import cells as grid
from services.metrics.book import HOLD, add_cells, booked_spans, fact_row, histories
from services.metrics.spans import Span
from services.metrics.store import not_booked
from shared import clock
from shared.db import Database, Transaction
from shared.tables import MEASURES, ticket_facts

PAGE = 2000
_IDS = "SELECT id FROM tickets WHERE street_id = $1 AND id > $2 ORDER BY id LIMIT $3"
_CELLS = f"SELECT dimension, tier, cohort, step, key, {', '.join(MEASURES)} FROM totals WHERE street_id = $1"  # noqa: S608
_STRAY = """
SELECT count(DISTINCT f.ticket_id) FROM ticket_facts f
LEFT JOIN tickets t ON t.street_id = f.street_id AND t.id = f.ticket_id
WHERE f.street_id = $1 AND t.id IS NULL"""
_NO_LIMIT = "SET LOCAL statement_timeout = 0"
FIRST = UUID(int=0)


@dataclass(slots=True)
class Findings:
    """What a recount of one street found; `differences` holds the first few, for people."""

    street_id: int
    tickets: int = 0
    cells: int = 0
    waiting: int = 0
    wrong_tickets: int = 0
    wrong_cells: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.waiting or self.wrong_tickets or self.wrong_cells)

    def note(self, text: str) -> None:
        if len(self.differences) < 20:  # noqa: PLR2004 - enough to see the pattern
            self.differences.append(text)


Progress = Callable[[int], None]


async def recount(database: Database, street_id: int, progress: Progress = lambda _: None) -> Findings:
    """Compare the books of a street with its history; deliveries not yet booked are reported as `waiting`."""
    found = Findings(street_id)
    async with database.transaction([street_id]) as tx:
        await tx.raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await tx.raw.execute(_NO_LIMIT)
        found.waiting = await not_booked(tx, [street_id])
        expected = grid.empty()
        async for ticket_ids, history in _pages(tx, street_id):
            booked = await booked_spans(tx, street_id, ticket_ids)
            for ticket_id, spans in history.items():
                grid.add(expected, spans, +1)
                if booked.get(ticket_id, []) != spans:
                    found.wrong_tickets += 1
                    found.note(
                        f"工单 {ticket_id}:账上 {len(booked.get(ticket_id, []))} 段,重算 {len(spans)} 段"
                    )
            found.tickets += len(ticket_ids)
            progress(len(ticket_ids))
        found.wrong_tickets += int(await tx.raw.fetchval(_STRAY, street_id))
        await _compare_cells(tx, street_id, expected, found)
    return found


async def _pages(tx: Transaction, street_id: int) -> AsyncIterator[tuple[list[UUID], dict[UUID, list[Span]]]]:
    after = FIRST
    while ticket_ids := [row["id"] for row in await tx.raw.fetch(_IDS, street_id, after, PAGE)]:
        yield ticket_ids, await histories(tx, street_id, ticket_ids)
        after = ticket_ids[-1]


async def _compare_cells(tx: Transaction, street_id: int, expected: grid.Cells, found: Findings) -> None:
    async for record in tx.raw.cursor(_CELLS, street_id, prefetch=5000):
        cell, amounts = tuple(record.values())[:5], list(record.values())[5:]
        wanted = expected.pop(cell, [0] * len(MEASURES))
        found.cells += 1
        if amounts != wanted:
            found.wrong_cells += 1
            found.note(f"累计 {cell[:3]} {cell[4] or '合计'}:账上 {amounts},重算 {wanted}")
    missing = [cell for cell, amounts in expected.items() if any(amounts)]
    found.wrong_cells += len(missing)
    for cell in missing[:5]:
        found.note(f"累计 {cell[:3]} {cell[4] or '合计'}:账上没有")


async def rebuild(database: Database, street_id: int, progress: Progress = lambda _: None) -> int:
    """Throw a street's books away and write them anew from history; return how many tickets."""
    count = 0
    async with database.transaction([street_id]) as tx:
        await tx.raw.execute(_NO_LIMIT)
        await tx.raw.execute(HOLD, street_id, clock.now())
        await tx.raw.execute("DELETE FROM ticket_facts WHERE street_id = $1", street_id)
        await tx.raw.execute("DELETE FROM totals WHERE street_id = $1", street_id)
        totals = grid.empty()
        async for ticket_ids, history in _pages(tx, street_id):
            facts = []
            for ticket_id, spans in history.items():
                grid.add(totals, spans, +1)
                facts += [fact_row(street_id, ticket_id, span) for span in spans]
            await tx.insert_many(ticket_facts, facts)
            count += len(ticket_ids)
            progress(len(ticket_ids))
        await add_cells(tx, street_id, totals)
    return count
