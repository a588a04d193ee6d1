"""What happened to tickets, read from the tables of intake and routing and turned into spans."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.metrics.spans import DATES, Rating, Reckoning, Span, spans
from shared.db import Transaction

# Tickets by their ids and by what was recorded at an instant, or all of a stretch of ids.
_NAMED = "street_id = $1 AND {id} = ANY($2::uuid[]) AND recorded_at <= coalesce($3::timestamptz, 'infinity')"
_AFTER = "street_id = $1 AND {id} > $2 AND {id} <= $3"
_TICKETS = "SELECT id, occurred_at, channel, kind, category_code, community_code, grid_code, late FROM tickets WHERE "
# Only some moves bring along what figures need; the rest of `data` is not read.
_MOVES = """
SELECT ticket_id, action, to_state, due_at, sign_due_at, contact_due_at, lead_unit, category_code, community_code,
  grid_code, kind, mode, level, outcome, occurred_at, actor_unit,
  CASE WHEN action IN ('register', 'call_back', 'close', 'rework', 'exclude', 'sign', 'contact', 'decide_extension',
    'assist', 'whistle', 'relist') AND data <> '{}' THEN data END AS data
FROM transitions WHERE """
_RATINGS = "SELECT ticket_id, occurred_at, satisfaction FROM ratings WHERE "


async def histories(
    tx: Transaction, street_id: int, ticket_ids: Sequence[UUID], known_at: datetime | None = None
) -> dict[UUID, list[Span]]:
    """Return the spans of tickets, by all that is recorded or only by what was recorded at `known_at`."""
    return await _told(tx, _NAMED, (street_id, ticket_ids, known_at), DATES)


async def histories_after(
    tx: Transaction, street_id: int, after: UUID, last: UUID, reckoning: Reckoning = DATES
) -> dict[UUID, list[Span]]:
    """Return the spans of all tickets with ids after one and up to another, as `reckoning` tells instants."""
    return await _told(tx, _AFTER, (street_id, after, last), reckoning)


async def _told(
    tx: Transaction, which: str, parameters: tuple[Any, ...], reckoning: Reckoning
) -> dict[UUID, list[Span]]:
    of_ticket = which.format(id="ticket_id")
    moves: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for row in await tx.raw.fetch(f"{_MOVES}{of_ticket} ORDER BY ticket_id, seq", *parameters):
        moves[row["ticket_id"]].append(row)
    ratings: dict[UUID, list[Rating]] = defaultdict(list)
    for row in await tx.raw.fetch(_RATINGS + of_ticket, *parameters):
        ratings[row["ticket_id"]].append(Rating(row["occurred_at"], row["satisfaction"]))
    return {
        ticket["id"]: spans(ticket, moves.get(ticket["id"], ()), ratings.get(ticket["id"], ()), reckoning)
        for ticket in await tx.raw.fetch(_TICKETS + which.format(id="id"), *parameters)
    }
