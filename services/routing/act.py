"""The action of making a move asked for over HTTP."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select

from services.routing import view
from services.routing.place import place
from services.routing.registry import Registry
from services.routing.schemas import ActionIn
from services.routing.standing import Standing
from services.routing.transitions import Door
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, Invalid, NotFound, Stale, invalid
from shared.process import Process
from shared.scope import visible
from shared.streets import Street
from shared.tables import ticket_states, tickets
from shared.terms import Role
from shared.web.idempotency import once

_NEW = "SELECT * FROM tickets WHERE street_id = $1 AND id = $2"


async def find(tx: Transaction, street: Street, number: str, actor: Actor) -> UUID:
    """Return the id of a ticket the actor may see; raise NotFound for all others alike."""
    at = (ticket_states.c.street_id == tickets.c.street_id) & (ticket_states.c.ticket_id == tickets.c.id)
    query = (
        select(tickets.c.id)
        .select_from(tickets.outerjoin(ticket_states, at))
        .where(tickets.c.street_id == street.id, tickets.c.number == number, visible(actor))
    )
    row = await tx.one(query)
    if row is None:
        raise NotFound("没有这张工单", code="ticket_not_found")
    ticket_id: UUID = row.id
    return ticket_id


async def act(
    process: Process,
    registry: Registry,
    street: Street,
    actor: Actor,
    number: str,
    action: str,
    body: ActionIn,
    *,
    if_match: int | None,
    key: str | None,
    body_hash: bytes,
) -> dict[str, Any]:
    """Move a ticket and return how it stands now; raises what the lifecycle and If-Match refuse."""
    if actor.role is Role.RESIDENT and body.occurred_at is not None:
        raise invalid("occurred_at", "居民不能补填发生时间")

    async def attempt() -> dict[str, Any]:
        async with process.database.transaction([street.id]) as tx:

            async def work() -> dict[str, Any]:
                return await _move(tx, process, registry, street, actor, number, action, body, if_match)

            return await once(tx, street.id, actor.id, key, body_hash, 200, work)

    try:
        return await attempt()
    except asyncpg.UniqueViolationError:
        # The worker placed the ticket at the same moment as we did: now it is there.
        return await attempt()


async def _move(
    tx: Transaction,
    process: Process,
    registry: Registry,
    street: Street,
    actor: Actor,
    number: str,
    action: str,
    body: ActionIn,
    if_match: int | None,
) -> dict[str, Any]:
    ticket_id = await find(tx, street, number, actor)
    window = process.settings.reopen_window_days
    door = Door(tx, process.outbox, registry, reopen_window_days=window)
    standing = await _standing(tx, door, registry, ticket_id)
    if if_match is not None and if_match != standing.row["version"]:
        raise Stale(
            f"工单已变为“{standing.state.text}”,请刷新后再操作",
            state=standing.state.value, state_text=standing.state.text, version=standing.row["version"],
        )  # fmt: skip
    occurred_at = body.occurred_at or max(clock.now(), standing.row["moved_at"])
    data = await _data(tx, street, actor, body, ticket_id)
    door.move(standing, action, actor, occurred_at, data)
    await door.write()
    return view.ticket(standing, registry, street, actor, window)


async def _standing(tx: Transaction, door: Door, registry: Registry, ticket_id: UUID) -> Standing:
    """Return the locked standing; a ticket the worker has not reached yet is placed here and now."""
    standing = (await door.lock([ticket_id])).get(ticket_id)
    if standing is None:
        ticket: Mapping[str, Any] = await tx.raw.fetchrow(_NEW, registry.street_id, ticket_id)
        standing = place(door, registry, ticket)
    return standing


async def _data(
    tx: Transaction, street: Street, actor: Actor, body: ActionIn, ticket_id: UUID
) -> dict[str, Any]:
    """Return what the move brings along, with the merged-into ticket found."""
    data = body.model_dump(exclude_none=True, exclude={"occurred_at"})
    if body.into is not None:
        try:
            target = await find(tx, street, body.into, actor)
        except NotFound as missing:
            raise invalid("into", "没有这张工单", code="unknown_ticket") from missing
        if target == ticket_id:
            raise Invalid("不能并入自己", code="merge_into_itself")
        merged = await tx.one(
            select(ticket_states.c.merged_into).where(
                ticket_states.c.street_id == street.id, ticket_states.c.ticket_id == target
            )
        )
        if merged is not None and merged.merged_into is not None:
            raise Conflict("目标工单已经并入其他工单", code="target_merged")
        data["into_id"] = target
    return data
