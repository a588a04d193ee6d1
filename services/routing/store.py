"""Routing's reading SQL: lists and a ticket's story."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, or_, select, tuple_

from shared.auth import Actor
from shared.db import Transaction
from shared.lifecycle import OPEN, State
from shared.scope import visible
from shared.tables import parts, ticket_states as s, tickets, transitions
from shared.terms import Role

# What lies on whose desk when they ask for nothing in particular.
_DESK_STATES = {
    Role.CLERK: (State.SUBMITTED, State.ACCEPTED),
    Role.DISPATCHER: (State.SUBMITTED, State.ACCEPTED),
    Role.SUPERVISOR: (State.HANDLED,),
    Role.CALLBACK_CLERK: (State.CALLBACK,),
    Role.UNIT: (State.DISPATCHED, State.SIGNED, State.HANDLING, State.SUSPENDED),
}


async def worklist(
    tx: Transaction,
    street_ids: Sequence[int],
    actor: Actor,
    *,
    state: State | None,
    overdue_at: datetime | None,
    mine: bool,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return what waits for this actor, most urgent first; one row more than `limit` if there is more."""
    query = (
        select(s, tickets.c.content)
        .join_from(s, tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .where(s.c.street_id.in_(street_ids), s.c.state.in_([x.value for x in OPEN]), visible(actor))
        .order_by(s.c.due_at, s.c.ticket_id)
        .limit(limit + 1)
    )
    if state is not None:
        query = query.where(s.c.state == state.value)
    elif overdue_at is None and actor.role in _DESK_STATES:
        waiting = s.c.state.in_([x.value for x in _DESK_STATES[actor.role]])
        # What nobody would keep waits for a supervisor's word.
        query = query.where(or_(waiting, s.c.disputed) if actor.role is Role.SUPERVISOR else waiting)
    if mine:
        query = query.where(s.c.assignee_id == actor.id)
    if overdue_at is not None:
        query = query.where(s.c.due_at < overdue_at, s.c.suspended_at.is_(None))
    if after is not None:
        query = query.where(tuple_(s.c.due_at, s.c.ticket_id) > tuple(after))
    return await tx.rows(query)


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
