"""Routing's reading SQL: a ticket's story."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, select

from shared.db import Transaction
from shared.tables import handover_slips, parts, slip_answers, ticket_states as s, tickets, transitions


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
        select(s, tickets.c.content, tickets.c.reporter_id, _handed_up().label("handed_up"))
        .join_from(s, tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .where(s.c.street_id == street_id, s.c.ticket_id == ticket_id)
    )
    own = select(parts).where(parts.c.street_id == street_id, parts.c.ticket_id == ticket_id)
    own = own.order_by(parts.c.part)
    return await tx.one(query), await tx.rows(own)


def _handed_up() -> ColumnElement[Any]:
    """Return the units that a slip of the ticket went to and that have not answered it yet."""
    slips, told = handover_slips, slip_answers
    at = (told.c.street_id == slips.c.street_id) & (told.c.slip == slips.c.slip)
    return func.array(
        select(slips.c.to_unit)
        .outerjoin(told, at)
        .where(slips.c.street_id == s.c.street_id, slips.c.ticket_id == s.c.ticket_id, told.c.slip.is_(None))
        .scalar_subquery()
    )
