"""How long clocks stood still, and by how much deadlines were put off: from the moves themselves."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.metrics.store import Scope
from shared.db import Transaction

_PAUSES = """
SELECT reason_code, count(DISTINCT ticket_id) AS tickets, count(*) AS pauses,
  coalesce(sum(extract(epoch FROM least(coalesce(until, $3), $3) - occurred_at)), 0)::bigint AS seconds
FROM (
  SELECT ticket_id, action, occurred_at, data->>'reason_code' AS reason_code,
    lead(occurred_at) OVER (PARTITION BY ticket_id ORDER BY seq) AS until
  FROM transitions WHERE street_id = ANY($1::bigint[]) AND ticket_id = ANY($2::uuid[])
    AND action IN ('suspend', 'resume') AND occurred_at <= $3 AND recorded_at <= $4) AS moves
WHERE action = 'suspend' GROUP BY 1 ORDER BY 1"""
_EXTENSIONS = """
SELECT count(DISTINCT ticket_id) AS tickets, count(*) AS extensions,
  coalesce(sum(greatest(extract(epoch FROM due_at - was), 0)), 0)::bigint AS seconds
FROM (
  SELECT ticket_id, action, due_at, data, lag(due_at) OVER (PARTITION BY ticket_id ORDER BY seq) AS was
  FROM transitions WHERE street_id = ANY($1::bigint[]) AND ticket_id = ANY($2::uuid[])
    AND occurred_at <= $3 AND recorded_at <= $4) AS moves
WHERE action = 'decide_extension' AND (data->>'approve')::boolean"""


async def stood_still(
    tx: Transaction, scope: Scope, ticket_ids: Sequence[UUID]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return how long the clocks of these tickets stood still, by reason, and by how much deadlines were extended."""
    known = scope.known_at or scope.as_of + timedelta(days=36_500)
    given = list(scope.street_ids), list(ticket_ids), scope.as_of, known
    stood = [dict(row) for row in await tx.raw.fetch(_PAUSES, *given)]
    return stood, dict(await tx.raw.fetchrow(_EXTENSIONS, *given))
