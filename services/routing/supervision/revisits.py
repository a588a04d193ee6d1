"""Random re-visits at work: drawn from what was closed between two days, their results written on the tickets."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, insert, select
from uuid_utils.compat import uuid7

from services.routing.registry import Registry
from services.routing.supervision.draw import digest_of, draw
from services.routing.supervision.findings import refuse_handlers
from services.routing.transitions import Door
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, NotFound, invalid
from shared.process import Process
from shared.scope import visible
from shared.tables import (
    revisit_draws as draws,
    revisit_items as items,
    revisit_results as results,
    ticket_states as s,
    tickets,
)

_CLOSED = """
SELECT ticket_id FROM ticket_states
WHERE street_id = $1 AND state = 'closed' AND closed_at >= $2 AND closed_at < $3"""


async def make(
    tx: Transaction, registry: Registry, actor: Actor, first: date, last: date, size: int, seed: str | None
) -> UUID:
    """Draw `size` tickets of those closed from `first` to `last`, both included, and keep the draw; return its id."""
    if last < first:
        raise invalid("last_day", "结束日期早于开始日期")
    street_id, now, made = registry.street_id, clock.now(), uuid7()
    closed = await tx.raw.fetch(_CLOSED, street_id, clock.day_start(first), clock.day_end(last))
    population = [row["ticket_id"] for row in closed]
    # Nobody knows a version-7 id beforehand: whoever names no seed cannot have chosen who is drawn.
    seed = seed or str(made)
    drawn = draw(population, seed, size)
    await tx.execute(
        insert(draws).values(
            street_id=street_id, id=made, seed=seed, first_day=first, last_day=last, population=len(population),
            population_digest=digest_of(population), size=len(drawn), drawn_at=now, drawn_by=actor.id,
        )
    )  # fmt: skip
    await tx.insert_many(
        items,
        [
            {"street_id": street_id, "draw_id": made, "ticket_id": ticket, "place": place}
            for place, ticket in enumerate(drawn, start=1)
        ],
    )
    return made


async def find(tx: Transaction, street_id: int, wanted: UUID) -> Row[Any]:
    """Return a draw; raise NotFound."""
    row = await tx.one(select(draws).where(draws.c.street_id == street_id, draws.c.id == wanted))
    if row is None:
        raise NotFound("没有这次抽取", code="draw_not_found")
    return row


async def listed(tx: Transaction, street_id: int, before: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Return draws, the latest first; one more than `limit` if there is more."""
    query = select(draws).where(draws.c.street_id == street_id).order_by(draws.c.id.desc()).limit(limit + 1)
    return await tx.rows(query.where(draws.c.id < before) if before is not None else query)


async def drawn(
    tx: Transaction, street_id: int, wanted: UUID, actor: Actor, *, after: int, limit: int
) -> Sequence[Row[Any]]:
    """Return the tickets of a draw with their results, in its order; one more than `limit` if there is more."""
    r = results
    query = (
        select(items.c.place, s.c.number, s.c.state, r.c.valid, r.c.resolved, r.c.satisfaction, r.c.note, r.c.visited_at)
        .join_from(items, s, and_(s.c.street_id == items.c.street_id, s.c.ticket_id == items.c.ticket_id))
        .join(tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .outerjoin(
            r, and_(r.c.street_id == items.c.street_id, r.c.draw_id == items.c.draw_id, r.c.ticket_id == items.c.ticket_id)
        )
        .where(items.c.street_id == street_id, items.c.draw_id == wanted, items.c.place > after, await visible(tx, actor, [street_id]))
        .order_by(items.c.place)
        .limit(limit + 1)
    )  # fmt: skip
    return await tx.rows(query)


async def record(
    tx: Transaction, process: Process, registry: Registry, actor: Actor, wanted: UUID, number: str,
    told: dict[str, Any],
) -> None:  # fmt: skip
    """Write down a re-visit's result, once, as a callback on the ticket.

    `told`: valid, and what else the callback found. Raises NotFound, Invalid (not drawn), Forbidden (a handler),
    Conflict (already visited, or reopened since) and what the lifecycle refuses.
    """
    street_id, now = registry.street_id, clock.now()
    await find(tx, street_id, wanted)
    item = await tx.one(
        select(items.c.ticket_id)
        .join_from(items, s, and_(s.c.street_id == items.c.street_id, s.c.ticket_id == items.c.ticket_id))
        .where(items.c.street_id == street_id, items.c.draw_id == wanted, s.c.number == number)
    )
    if item is None:
        raise invalid("number", "这张工单没有被抽中", code="not_drawn")
    door = Door(tx, process.outbox, registry)
    [standing] = (await door.lock([item.ticket_id])).values()
    refuse_handlers(standing.relations(actor, registry))
    here = (
        results.c.street_id == street_id,
        results.c.draw_id == wanted,
        results.c.ticket_id == item.ticket_id,
    )
    if await tx.one(select(results.c.ticket_id).where(*here)) is not None:
        raise Conflict("这张工单已经回访过", code="already_visited")
    note = told.pop("note", None)
    data = {**told, "reason": note, "revisit": str(wanted)}
    door.move(standing, "call_back", actor, max(now, standing.row["moved_at"]), data)
    await door.write()
    await tx.execute(
        insert(results).values(
            street_id=street_id, draw_id=wanted, ticket_id=item.ticket_id, valid=told["valid"],
            resolved=told.get("resolved"), satisfaction=told.get("satisfaction"), note=note, visited_at=now,
            visited_by=actor.id,
        )
    )  # fmt: skip
