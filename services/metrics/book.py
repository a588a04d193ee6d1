"""The action of booking: what a ticket is now, against what the books say; the difference goes in.

Never adds up events. On any event the tickets it names are read again, their spans are worked out anew,
and only the difference is booked: repeated, late or reordered events change nothing. Whoever books a
street holds its row in `books`, so bookings of one street follow one another and none can deadlock.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.metrics import cells as grid
from services.metrics.spans import Dimensions, Span, spans
from shared import clock
from shared.db import Transaction
from shared.tables import DIMENSIONS, MEASURES, ticket_facts

HOLD = """
INSERT INTO books (street_id, booked_at) VALUES ($1, $2)
ON CONFLICT (street_id) DO UPDATE SET booked_at = excluded.booked_at"""
TICKETS = """
SELECT id, occurred_at, channel, kind, category_code, community_code, grid_code FROM tickets
WHERE street_id = $1 AND id = ANY($2::uuid[])"""
MOVES = """
SELECT ticket_id, action, to_state, due_at, lead_unit, category_code, community_code, grid_code, kind, occurred_at
FROM transitions WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) ORDER BY ticket_id, seq"""
FACTS = (
    "SELECT * FROM ticket_facts WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) ORDER BY ticket_id, span"
)
_FORGET = "DELETE FROM ticket_facts WHERE street_id = $1 AND ticket_id = $2 AND span >= $3"
_ADD = (
    f"INSERT INTO totals (street_id, dimension, tier, cohort, step, key, {', '.join(MEASURES)}) "  # noqa: S608
    f"VALUES ({', '.join(f'${n}' for n in range(1, len(MEASURES) + 7))}) "
    "ON CONFLICT (street_id, dimension, tier, cohort, step, key) DO UPDATE SET "
    + ", ".join(f"{m} = totals.{m} + excluded.{m}" for m in MEASURES)
)


async def book(tx: Transaction, street_id: int, ticket_ids: Collection[UUID]) -> int:
    """Bring the books of these tickets up to date; return how many had changed."""
    await tx.raw.execute(HOLD, street_id, clock.now())
    wanted = sorted(ticket_ids)
    history = await histories(tx, street_id, wanted)
    booked = await booked_spans(tx, street_id, wanted)
    changes, facts, stale = grid.empty(), [], []
    changed = 0
    for ticket_id, now in history.items():
        before = booked.get(ticket_id, [])
        kept = _common(before, now)
        if kept == len(before) == len(now):
            continue
        changed += 1
        grid.add(changes, before, -1)
        grid.add(changes, now, +1)
        if kept < len(before):
            stale.append((street_id, ticket_id, kept))
        facts += [fact_row(street_id, ticket_id, span) for span in now[kept:]]
    if stale:
        await tx.raw.executemany(_FORGET, stale)
    await tx.insert_many(ticket_facts, facts)
    await add_cells(tx, street_id, changes)
    return changed


async def histories(tx: Transaction, street_id: int, ticket_ids: Sequence[UUID]) -> dict[UUID, list[Span]]:
    """Return the spans of tickets, from what was reported and how they moved."""
    moves: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for move in await tx.raw.fetch(MOVES, street_id, ticket_ids):
        moves[move["ticket_id"]].append(move)
    return {
        ticket["id"]: spans(ticket, moves[ticket["id"]])
        for ticket in await tx.raw.fetch(TICKETS, street_id, ticket_ids)
    }


async def booked_spans(tx: Transaction, street_id: int, ticket_ids: Sequence[UUID]) -> dict[UUID, list[Span]]:
    """Return what the books say of tickets."""
    found: dict[UUID, list[Span]] = defaultdict(list)
    for row in await tx.raw.fetch(FACTS, street_id, ticket_ids):
        found[row["ticket_id"]].append(
            Span(
                row["span"], row["received_day"], row["valid_from"], row["valid_to"], row["state"], row["due_at"],
                row["closed_at"], Dimensions(*(row[name] for name in DIMENSIONS)), tuple(row[name] for name in MEASURES),
            )
        )  # fmt: skip
    return found


def _common(before: Sequence[Span], now: Sequence[Span]) -> int:
    """Return how many spans at the beginning are the same."""
    kept = 0
    for a, b in zip(before, now, strict=False):
        if a != b:
            break
        kept += 1
    return kept


def fact_row(street_id: int, ticket_id: UUID, span: Span) -> dict[str, Any]:
    """Return the row of a span."""
    return {
        "street_id": street_id, "ticket_id": ticket_id, "span": span.number, "valid_from": span.valid_from,
        "valid_to": span.valid_to, "received_day": span.received_day, "state": span.state, "due_at": span.due_at,
        "closed_at": span.closed_at, **dict(zip(DIMENSIONS, span.dimensions, strict=True)),
        **dict(zip(MEASURES, span.measures, strict=True)),
    }  # fmt: skip


async def add_cells(tx: Transaction, street_id: int, changes: grid.Cells) -> None:
    """Add changes to the running totals; cells that come to nothing are left alone."""
    rows = [(street_id, *cell, *amounts) for cell, amounts in changes.items() if any(amounts)]
    if rows:
        await tx.raw.executemany(_ADD, sorted(rows, key=lambda row: row[1:6]))
