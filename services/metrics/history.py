"""What happened to tickets, read from the tables of intake and routing and turned into spans."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.metrics.spans import Rating, Span, spans
from shared.db import Transaction

_TICKETS = """
SELECT id, occurred_at, channel, kind, category_code, community_code, grid_code, late FROM tickets
WHERE street_id = $1 AND id = ANY($2::uuid[]) AND recorded_at <= coalesce($3::timestamptz, 'infinity')"""
# Only some moves bring along what figures need; the rest of `data` is not read.
_MOVES = """
SELECT ticket_id, action, to_state, due_at, sign_due_at, contact_due_at, lead_unit, category_code, community_code,
  grid_code, kind, mode, level, outcome, occurred_at, actor_unit,
  CASE WHEN action IN ('register', 'call_back', 'close', 'rework', 'exclude', 'sign', 'contact', 'decide_extension',
    'assist', 'whistle', 'relist') THEN data END AS data
FROM transitions WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) AND recorded_at <= coalesce($3::timestamptz, 'infinity')
ORDER BY ticket_id, seq"""
_RATINGS = """
SELECT ticket_id, occurred_at, satisfaction FROM ratings
WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) AND recorded_at <= coalesce($3::timestamptz, 'infinity')"""


async def histories(
    tx: Transaction, street_id: int, ticket_ids: Sequence[UUID], known_at: datetime | None = None
) -> dict[UUID, list[Span]]:
    """Return the spans of tickets, by all that is recorded or only by what was recorded at `known_at`."""
    moves: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for row in await tx.raw.fetch(_MOVES, street_id, ticket_ids, known_at):
        moves[row["ticket_id"]].append(row)
    ratings: dict[UUID, list[Rating]] = defaultdict(list)
    for row in await tx.raw.fetch(_RATINGS, street_id, ticket_ids, known_at):
        ratings[row["ticket_id"]].append(Rating(row["occurred_at"], row["satisfaction"]))
    return {
        ticket["id"]: spans(ticket, moves.get(ticket["id"], ()), ratings.get(ticket["id"], ()))
        for ticket in await tx.raw.fetch(_TICKETS, street_id, ticket_ids, known_at)
    }
