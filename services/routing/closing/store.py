"""The SQL of closing: a street's policies, whom nobody has told, whose time to answer has passed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select

from services.routing.turn import take_turn
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.lifecycle import State
from shared.scope import visible
from shared.tables import closing_policies as policies, ticket_states as s, tickets

# Whoever withdraws knows how it ended.
_OWED_AN_ANSWER = tuple(x.value for x in (State.CLOSED, State.REJECTED, State.REDIRECTED, State.MERGED))
# Entered later than its own limit, a review was never there to be answered; what the reporter has just said is on its way.
_SILENT = """
SELECT s.ticket_id FROM ticket_states s
WHERE s.street_id = $1 AND s.state = 'callback' AND s.callback_mode = 'reporter' AND s.confirm_until < $2
AND s.callback_result IS NULL AND s.closure_asked IS NULL
AND NOT EXISTS (
  SELECT FROM transitions m WHERE m.street_id = s.street_id AND m.ticket_id = s.ticket_id
  AND m.action = 'review_pass' AND m.recorded_at >= s.confirm_until)
AND NOT EXISTS (
  SELECT FROM petitions p WHERE p.street_id = s.street_id AND p.ticket_id = s.ticket_id
  AND p.action IN ('confirm', 'dispute') AND p.occurred_at >= s.moved_at)
ORDER BY s.confirm_until LIMIT $3"""


async def silent(tx: Transaction, street_id: int, now: datetime, most: int) -> list[UUID]:
    """Return tickets whose reporter was asked to confirm and has not answered in time."""
    return [row["ticket_id"] for row in await tx.raw.fetch(_SILENT, street_id, now, most)]


async def untold(
    tx: Transaction,
    street_id: int,
    actor: Actor,
    *,
    unit: str | None,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return matters that have ended and whose reporter nobody has told, oldest first; one more than `limit`."""
    query = (
        select(s)
        .join_from(s, tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .where(
            s.c.street_id == street_id, s.c.state.in_(_OWED_AN_ANSWER), s.c.answered_at.is_(None),
            await visible(tx, actor, [street_id]),
        )
        .order_by(s.c.ticket_id)
        .limit(limit + 1)
    )  # fmt: skip
    if unit is not None:
        query = query.where(s.c.lead_unit == unit)
    if after is not None:
        query = query.where(s.c.ticket_id > after[0])
    return await tx.rows(query)


async def versions(
    tx: Transaction, street_id: int, after: Sequence[Any] | None, limit: int
) -> Sequence[Row[Any]]:
    """Return a street's policies, the newest first; one more than `limit`."""
    query = (
        select(policies)
        .where(policies.c.street_id == street_id)
        .order_by(policies.c.version.desc())
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(policies.c.version < after[0])
    return await tx.rows(query)


async def write(
    tx: Transaction, street_id: int, document: Mapping[str, Any], since: date | None, by: UUID
) -> dict[str, Any]:
    """Write the next version of a street's policy, in force from `since` (today); return its row."""
    await take_turn(tx, street_id)
    newest = select(func.max(policies.c.version)).where(policies.c.street_id == street_id)
    now = clock.now()
    row = {
        "street_id": street_id, "version": ((await tx.rows(newest))[0][0] or 0) + 1,
        "valid_from": since or clock.local_day(now), "document": dict(document), "recorded_at": now,
        "recorded_by": by,
    }  # fmt: skip
    await tx.insert_many(policies, [row])
    return row
