"""Supervision's reading SQL: what is under supervision, the orders with their replies, the key ledger."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, or_, select, text, tuple_

from shared.auth import Actor
from shared.db import Transaction
from shared.lifecycle import OPEN
from shared.scope import visible
from shared.tables import (
    supervision_orders as o,
    supervision_replies,
    ticket_states as s,
    tickets,
    transitions,
)

# Written out, as in the indexes of what is open: the planner must see that it is the same.
_OPEN = text(f"ticket_states.state in ({', '.join(repr(state.value) for state in sorted(OPEN))})")
_SAME = and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id)


async def supervised(
    tx: Transaction,
    street_id: int,
    actor: Actor,
    *,
    levels: Sequence[str | None] | None,
    unit: str | None,
    key: bool,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return open tickets, the most urgent first; one more than `limit` if there is more.

    `levels`: those that have reached one of these (None among them: not supervised); left out, any level.
    """
    query = (
        select(s, tickets.c.content)
        .join_from(s, tickets, _SAME)
        .where(s.c.street_id == street_id, _OPEN, await visible(tx, actor, [street_id]))
        .order_by(s.c.due_at, s.c.ticket_id)
        .limit(limit + 1)
    )
    if levels is not None:
        reached = s.c.supervision_level.in_([level for level in levels if level is not None])
        query = query.where(or_(reached, s.c.supervision_level.is_(None)) if None in levels else reached)
    elif not key:
        query = query.where(s.c.supervision_level.is_not(None))
    if unit is not None:
        query = query.where(s.c.owner_unit == unit)
    if key:
        query = query.where(s.c.key_since.is_not(None))
    if after is not None:
        query = query.where(tuple_(s.c.due_at, s.c.ticket_id) > tuple(after))
    return await tx.rows(query)


async def orders(
    tx: Transaction,
    street_id: int,
    actor: Actor,
    *,
    ticket: str | None,
    unit: str | None,
    unanswered: bool,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return orders with their tickets, the newest first; one more than `limit` if there is more."""
    query = (
        select(o, s.c.number, s.c.state, s.c.owner_unit, s.c.lead_unit)
        .join_from(o, s, and_(s.c.street_id == o.c.street_id, s.c.ticket_id == o.c.ticket_id))
        .join(tickets, _SAME)
        .where(o.c.street_id == street_id, await visible(tx, actor, [street_id]))
        .order_by(o.c.year.desc(), o.c.serial.desc())
        .limit(limit + 1)
    )
    if ticket is not None:
        query = query.where(s.c.number == ticket)
    if unit is not None:
        query = query.where(o.c.unit_code == unit)
    if unanswered:
        r = supervision_replies
        same = and_(r.c.street_id == o.c.street_id, r.c.year == o.c.year, r.c.serial == o.c.serial)
        query = query.where(~select(r.c.reply).where(same).exists(), _OPEN)
    if after is not None:
        query = query.where(tuple_(o.c.year, o.c.serial) < tuple(after))
    return await tx.rows(query)


async def replies(
    tx: Transaction, street_id: int, numbers: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[Row[Any]]]:
    """Return what was answered to each of these orders, in order."""
    r = supervision_replies
    found: dict[tuple[int, int], list[Row[Any]]] = {number: [] for number in numbers}
    query = (
        select(r)
        .where(r.c.street_id == street_id, tuple_(r.c.year, r.c.serial).in_(numbers))
        .order_by(r.c.year, r.c.serial, r.c.reply)
    )
    for row in await tx.rows(query) if numbers else []:
        found[row.year, row.serial].append(row)
    return found


async def key_ledger(
    tx: Transaction, street_id: int, actor: Actor, *, after: Sequence[Any] | None, limit: int
) -> Sequence[Row[Any]]:
    """Return what was put on the key ledger and taken off it, the newest first; one more than `limit` if there is more."""
    t = transitions
    query = (
        select(t.c.ticket_id, t.c.seq, t.c.action, t.c.reason, t.c.actor_id, t.c.actor_role, t.c.occurred_at,
               t.c.recorded_at, s.c.number, s.c.key_since)
        .join_from(t, s, and_(s.c.street_id == t.c.street_id, s.c.ticket_id == t.c.ticket_id))
        .join(tickets, _SAME)
        .where(t.c.street_id == street_id, t.c.action.in_(("list_key", "unlist_key")), await visible(tx, actor, [street_id]))
        .order_by(t.c.recorded_at.desc(), t.c.ticket_id.desc(), t.c.seq.desc())
        .limit(limit + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(tuple_(t.c.recorded_at, t.c.ticket_id, t.c.seq) < tuple(after))
    return await tx.rows(query)
