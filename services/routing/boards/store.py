"""The SQL of the boards: lists by urgency, counts by owner and state.

What an actor sees, they see in several ways (`shared.scope.ways`), and what lies on a desk may be there for several
reasons. Each combination in each street is a short list of its own, read from an index in its order; the lists are put
together and cut. With one condition of many ORs PostgreSQL would look at every open ticket of the street.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, tuple_, union_all

from services.routing.boards.wanted import Condition, Wanted, due_soon, late
from shared.auth import Actor
from shared.db import Transaction
from shared.lifecycle import State
from shared.scope import Bounds, bounds_of, sees_all, unbiased, ways
from shared.tables import ticket_states as s, tickets
from shared.terms import Role

_KEYS = (s.c.street_id, s.c.ticket_id, s.c.due_at)
_ORDER = (s.c.due_at, s.c.ticket_id)
# What lies on whose desk when they ask for nothing in particular: each a list of its own. What nobody would keep waits
# for a supervisor's word.
_DESKS: dict[Role, tuple[Condition, ...]] = {
    Role.CLERK: (s.c.state == State.SUBMITTED.value, s.c.state == State.ACCEPTED.value),
    Role.DISPATCHER: (s.c.state == State.SUBMITTED.value, s.c.state == State.ACCEPTED.value),
    Role.SUPERVISOR: (s.c.state == State.HANDLED.value, s.c.disputed),
    Role.CALLBACK_CLERK: (s.c.state == State.CALLBACK.value,),
    Role.UNIT: (
        s.c.state.in_([x.value for x in (State.DISPATCHED, State.SIGNED, State.HANDLING, State.SUSPENDED)]),
    ),
}


def desk_of(actor: Actor, wanted: Wanted) -> tuple[Condition, ...]:
    """Return what waits for an actor: nothing narrower where a state or what is late anywhere was asked for."""
    if wanted.state is not None or wanted.overdue_at is not None:
        return ()
    return _DESKS.get(actor.role, ())


def _lists(
    actor: Actor, where: Mapping[int, Bounds], wanted: Wanted, desk: tuple[Condition, ...]
) -> Iterator[Select[Any]]:
    """Yield a query for each way in which tickets come into this list."""
    for street_id, bounds in where.items():
        common = (*wanted.conditions(street_id), unbiased(actor))
        if sees_all(actor):
            reasons: Sequence[Condition] = desk or (and_(True),)
        else:
            reasons = ways(actor, street_id, bounds)
            common = (*common, or_(*desk)) if desk else common
        for reason in reasons:
            yield select(*_KEYS).where(*common, reason)


async def listed(
    tx: Transaction,
    actor: Actor,
    street_ids: Sequence[int],
    wanted: Wanted,
    *,
    desk: tuple[Condition, ...] = (),
    also: Sequence[Condition] = (),
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return open tickets in sight, most urgent first; one row more than `limit` if there is more.

    `desk`: only what is there for one of these reasons; `also`: further conditions on all.
    """
    pieces = []
    for query in _lists(actor, await bounds_of(tx, actor, street_ids), wanted, desk):
        narrowed = query.where(*also).order_by(*_ORDER).limit(limit + 1)
        if after is not None:
            narrowed = narrowed.where(tuple_(*_ORDER) > tuple(after))
        pieces.append(narrowed.subquery().select())
    # A ticket may come in several ways.
    keys = union_all(*pieces).subquery() if pieces else None
    if keys is None:
        return ()
    order = (keys.c.due_at, keys.c.ticket_id)
    first = select(keys).distinct().order_by(*order).limit(limit + 1).subquery()
    return await tx.rows(
        select(s, tickets.c.content)
        .join_from(first, s, and_(s.c.street_id == first.c.street_id, s.c.ticket_id == first.c.ticket_id))
        .join(tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .order_by(*_ORDER)
    )


async def _seen(tx: Transaction, actor: Actor, street_ids: Sequence[int], wanted: Wanted) -> list[Condition]:
    """Return the conditions over `ticket_states` for all that is in sight, each ticket once."""
    where = await bounds_of(tx, actor, street_ids)
    if sees_all(actor):
        return [or_(*(and_(*wanted.conditions(street_id)) for street_id in street_ids))]
    keys = [
        query.with_only_columns(s.c.street_id, s.c.ticket_id) for query in _lists(actor, where, wanted, ())
    ]
    found = union_all(*keys).subquery()
    return [tuple_(s.c.street_id, s.c.ticket_id).in_(select(found))]


def _counts(now: datetime) -> tuple[ColumnElement[Any], ...]:
    return (
        func.count().label("open"),
        func.count().filter(late(now)).label("overdue"),
        func.count().filter(due_soon(now)).label("due_soon"),
        func.count().filter(s.c.supervised).label("supervised"),
        func.min(s.c.due_at).label("earliest_due_at"),
    )


async def counted(
    tx: Transaction, actor: Actor, street_ids: Sequence[int], wanted: Wanted, by: Sequence[str], now: datetime
) -> Sequence[Row[Any]]:
    """Return how many are open, overdue, due soon and supervised for each combination of the columns `by`."""
    columns = [s.c[name] for name in by]
    query = (
        select(*columns, *_counts(now)).where(*await _seen(tx, actor, street_ids, wanted)).group_by(*columns)
    )
    return await tx.rows(query) if street_ids else ()


async def done_since(
    tx: Transaction, actor: Actor, street_ids: Sequence[int], since: datetime
) -> Sequence[Row[Any]]:
    """Return for each street, lead unit and person how many tickets they have handled since an instant."""
    columns = (s.c.street_id, s.c.lead_unit, s.c.assignee_id)
    conditions = []
    for street_id, bounds in (await bounds_of(tx, actor, street_ids)).items():
        sight = and_(unbiased(actor), or_(*ways(actor, street_id, bounds)))
        conditions.append(and_(s.c.street_id == street_id, s.c.handled_at >= since, sight))
    return await tx.rows(
        select(*columns, func.count().label("done"))
        .where(or_(*conditions), s.c.lead_unit.is_not(None))
        .group_by(*columns)
    )


async def how_many(
    tx: Transaction, actor: Actor, street_ids: Sequence[int], wanted: Wanted, also: Sequence[Condition]
) -> int:
    """Return how many open tickets in sight meet further conditions."""
    row = await tx.one(
        select(func.count().label("n")).where(*await _seen(tx, actor, street_ids, wanted), *also)
    )
    return int(row.n) if row is not None else 0
