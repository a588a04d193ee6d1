"""Routing's reading SQL: a ticket's story."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select

from shared.db import Transaction
from shared.tables import parts, ticket_states as s, tickets, transitions


async def history(tx: Transaction, street_id: int, ticket_id: UUID) -> Sequence[Row[Any]]:
    """Return a ticket's moves in order."""
    t = transitions
    return await tx.rows(
        select(t).where(t.c.street_id == street_id, t.c.ticket_id == ticket_id).order_by(t.c.seq)
    )


async def standing_rows(
    tx: Transaction, street_id: int, ticket_id: UUID
) -> tuple[Row[Any] | None, Sequence[Row[Any]]]:
    """Return the state row (with the ticket's own words) and the parts of a ticket."""
    query = (
        select(s, tickets.c.content, tickets.c.reporter_id)
        .join_from(s, tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .where(s.c.street_id == street_id, s.c.ticket_id == ticket_id)
    )
    own = select(parts).where(parts.c.street_id == street_id, parts.c.ticket_id == ticket_id)
    return await tx.one(query), await tx.rows(own)
