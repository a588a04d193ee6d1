"""The action of booking: what a ticket is now, against what the books say; the difference goes in.

Never adds up events. On any event the tickets it names are read again, their spans are worked out anew,
and only the difference is booked: repeated, late or reordered events change nothing. Whoever books a
street holds its row in `books`, so bookings of one street follow one another and none can deadlock.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

from services.metrics.cells import Cells, Steps
from services.metrics.history import histories
from services.metrics.spans import COLUMNS, Span
from shared import clock
from shared.db import TOGETHER, Transaction, insert_sql
from shared.tables import MEASURES, ticket_facts, totals

HOLD = """
INSERT INTO books (street_id, booked_at) VALUES ($1, $2)
ON CONFLICT (street_id) DO UPDATE SET booked_at = excluded.booked_at"""
FACTS = (
    f"SELECT ticket_id, {', '.join(COLUMNS)} FROM ticket_facts "  # noqa: S608 - our own columns
    "WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) ORDER BY ticket_id, span"
)
_FORGET = "DELETE FROM ticket_facts WHERE street_id = $1 AND ticket_id = $2 AND span >= $3"
FACT_COLUMNS = ("street_id", "ticket_id", *COLUMNS)
_CELL = ("street_id", "dimension", "tier", "cohort", "step", "key")
# Rows of all measures in one statement: more would be too long to be kept prepared.
_WIDE = 4


async def book(tx: Transaction, street_id: int, ticket_ids: Collection[UUID]) -> int:
    """Bring the books of these tickets up to date; return how many had changed."""
    await tx.raw.execute(HOLD, street_id, clock.now())
    wanted = sorted(ticket_ids)
    history = await histories(tx, street_id, wanted)
    booked = await booked_spans(tx, street_id, wanted)
    steps, facts, stale = Steps(), [], []
    changed = 0
    for ticket_id, now in history.items():
        before = booked.get(ticket_id, [])
        kept = _common(before, now)
        if kept == len(before) == len(now):
            continue
        changed += 1
        # What they share at the beginning stays; what follows is booked as the change from there.
        last_shared = now[kept - 1] if kept else None
        steps.add(before[kept:], -1, last_shared)
        steps.add(now[kept:], +1, last_shared)
        if kept < len(before):
            stale.append((street_id, ticket_id, kept))
        facts += [(street_id, ticket_id, *span) for span in now[kept:]]
    if stale:
        await tx.raw.executemany(_FORGET, stale)
    await write_facts(tx, facts)
    await add_cells(tx, street_id, steps.cells())
    return changed


async def booked_spans(tx: Transaction, street_id: int, ticket_ids: Sequence[UUID]) -> dict[UUID, list[Span]]:
    """Return what the books say of tickets."""
    found: dict[UUID, list[Span]] = defaultdict(list)
    for row in await tx.raw.fetch(FACTS, street_id, ticket_ids):
        ticket_id, *columns = row
        found[ticket_id].append(Span(*columns))
    return found


def _common(before: Sequence[Span], now: Sequence[Span]) -> int:
    """Return how many spans at the beginning are the same."""
    kept = 0
    for a, b in zip(before, now, strict=False):
        if a != b:
            break
        kept += 1
    return kept


@lru_cache(maxsize=512)
def _add(measures: tuple[str, ...], rows: int) -> str:
    """Return the upsert that adds to the cells of `measures`; what comes to nothing is empty again."""
    return (
        insert_sql(totals, (*_CELL, *measures), rows)
        + f" ON CONFLICT ({', '.join(_CELL)}) DO UPDATE SET "
        + ", ".join(f"{m} = nullif(coalesce(totals.{m}, 0) + coalesce(excluded.{m}, 0), 0)" for m in measures)
    )


def _bundles(
    rows: Sequence[tuple[Any, ...]], size: int
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the rows in flat bundles of `size`, and those left over."""
    full = len(rows) - len(rows) % size
    return [tuple(chain.from_iterable(rows[n : n + size])) for n in range(0, full, size)], list(rows[full:])


async def write_facts(tx: Transaction, facts: Sequence[tuple[Any, ...]]) -> None:
    """Write rows of `ticket_facts` (in the order of FACT_COLUMNS)."""
    bundled, left = _bundles(facts, TOGETHER)
    if bundled:
        await tx.raw.executemany(insert_sql(ticket_facts, FACT_COLUMNS, TOGETHER), bundled)
    if left:
        await tx.raw.executemany(insert_sql(ticket_facts, FACT_COLUMNS), left)


async def add_cells(tx: Transaction, street_id: int, changes: Cells) -> None:
    """Add changes to the running totals."""
    for places, rows in _alike(street_id, changes):
        measures = tuple(MEASURES[place] for place in places)
        size = TOGETHER if len(places) < len(MEASURES) else _WIDE
        bundled, left = _bundles(rows, size)
        if bundled:
            await tx.raw.executemany(_add(measures, size), bundled)
        if left:
            await tx.raw.executemany(_add(measures, 1), left)


def _alike(street_id: int, changes: Cells) -> Iterator[tuple[tuple[int, ...], list[tuple[Any, ...]]]]:
    """Yield the changes in groups that touch the same measures; odd ones share one group of all measures."""
    groups: dict[tuple[int, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for cell, amounts in changes.items():
        groups[tuple(sorted(amounts))].append(cell)
    odd: list[Any] = []
    for places, cells in groups.items():
        if len(cells) < TOGETHER:
            odd += cells
        else:
            yield places, [(street_id, *c, *(changes[c][p] for p in places)) for c in cells]
    if odd:
        every = tuple(range(len(MEASURES)))
        yield every, [(street_id, *c, *_wide(changes[c], every)) for c in odd]


def _wide(amounts: dict[int, int], places: Iterable[int]) -> Iterator[int | None]:
    return (amounts.get(place) for place in places)
