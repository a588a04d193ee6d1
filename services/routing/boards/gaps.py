"""What nobody should ever find: tickets without an owner, without a person, without a word for too long."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, exists, false, func, literal, or_, select, true, tuple_

from services.routing.boards import store
from services.routing.boards.wanted import Condition, Wanted, with_a_unit
from shared.auth import Actor
from shared.db import Transaction
from shared.events import TicketSubmittedV1
from shared.scope import sees_all
from shared.tables import deliveries, events, ticket_states as s, tickets, transitions
from shared.terms import Role, Term

# A ticket is taken over within a second or two; one that is not by now has fallen between the chairs.
TAKEN_OVER_WITHIN = timedelta(minutes=1)
# Words of the house itself, of scripts and of whoever waits are no sign that somebody is at work on it.
_NOT_AT_WORK = (Role.SYSTEM.value, Role.SCRIPT.value, Role.RESIDENT.value)


class Gap(Term):
    """What can be missing of an open ticket; the first two must never be found (promises 1 and 6)."""

    OWNERLESS = "ownerless", "没有责任单位或时限"
    UNPLACED = "unplaced", "已受理而未进入流转"
    SILENT = "silent", "多日没有人办理"
    UNASSIGNED = "unassigned", "没有具体承办人"
    GRIDLESS = "gridless", "没有落到网格"


def _moved() -> Any:
    t = transitions
    return (
        select(func.max(t.c.occurred_at))
        .where(
            t.c.street_id == s.c.street_id,
            t.c.ticket_id == s.c.ticket_id,
            t.c.actor_role.not_in(_NOT_AT_WORK),
        )
        .correlate(s)
    )


def condition(gap: Gap, silent_since: datetime) -> Condition:
    """Return the condition over `ticket_states` for a gap; silent: received before, and nobody moved it since."""
    match gap:
        case Gap.OWNERLESS:
            return or_(s.c.owner_unit.is_(None), s.c.due_at.is_(None))
        case Gap.UNASSIGNED:
            return and_(with_a_unit(), s.c.assignee_id.is_(None))
        case Gap.GRIDLESS:
            return s.c.grid_code.is_(None)
        case _:
            t = transitions
            worked = select(literal(1)).where(
                t.c.street_id == s.c.street_id,
                t.c.ticket_id == s.c.ticket_id,
                t.c.occurred_at >= silent_since,
                t.c.actor_role.not_in(_NOT_AT_WORK),
            )
            return and_(s.c.received_at < silent_since, ~exists(worked.correlate(s)))


async def counts(
    tx: Transaction,
    actor: Actor,
    street_ids: Sequence[int],
    wanted: Wanted,
    silent_since: datetime,
    now: datetime,
) -> dict[Gap, int]:
    """Return how many there are of each gap."""
    waiting = await tx.one(
        select(func.count().label("n")).select_from(_unplaced(actor, street_ids, now).subquery())
    )
    found = {Gap.UNPLACED: int(waiting.n) if waiting is not None else 0}
    for gap in Gap:
        if gap is not Gap.UNPLACED:
            found[gap] = await store.how_many(tx, actor, street_ids, wanted, [condition(gap, silent_since)])
    return found


async def last_moves(tx: Transaction, rows: Sequence[Row[Any]]) -> dict[Any, datetime]:
    """Return when somebody last worked on each of these tickets."""
    if not rows:
        return {}
    ids = [row.ticket_id for row in rows]
    streets = sorted({row.street_id for row in rows})
    query = select(s.c.ticket_id, _moved().scalar_subquery().label("at"))
    found = await tx.rows(query.where(s.c.street_id.in_(streets), s.c.ticket_id.in_(ids)))
    return {row.ticket_id: row.at for row in found}


def _unplaced(actor: Actor, street_ids: Sequence[int], now: datetime) -> Select[Any]:
    """Return the query for submissions that routing should have taken over by now and has not.

    Asked of the deliveries under way: whatever was lost on the way still has its row there (promise 1).
    """
    return (
        select(tickets.c.street_id, tickets.c.id, tickets.c.number, tickets.c.content, tickets.c.recorded_at)
        .join_from(
            deliveries,
            events,
            and_(events.c.street_id == deliveries.c.street_id, events.c.id == deliveries.c.event_id),
        )
        .join(tickets, and_(tickets.c.street_id == events.c.street_id, tickets.c.id == events.c.ticket_id))
        .where(
            true() if sees_all(actor) else false(),
            deliveries.c.street_id.in_(street_ids),
            deliveries.c.consumer == "routing",
            events.c.type == TicketSubmittedV1.TYPE,
            tickets.c.recorded_at < now - TAKEN_OVER_WITHIN,
            ~exists().where(s.c.street_id == tickets.c.street_id, s.c.ticket_id == tickets.c.id),
        )
    )


async def unplaced(
    tx: Transaction,
    actor: Actor,
    street_ids: Sequence[int],
    now: datetime,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return what routing has not taken over in time, oldest first; one row more than `limit` if there is more."""
    order = (tickets.c.recorded_at, tickets.c.id)
    query = _unplaced(actor, street_ids, now).order_by(*order).limit(limit + 1)
    if after is not None:
        query = query.where(tuple_(*order) > tuple(after))
    return await tx.rows(query)
