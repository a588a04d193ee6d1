"""The action of making a move asked for over HTTP."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select

from services.routing import photos, view
from services.routing.closing_schemas import ProofIn
from services.routing.held import Standing
from services.routing.joint import store
from services.routing.ladder.store import answerable
from services.routing.place import look_around, place
from services.routing.registry import Registry
from services.routing.rules.vocabulary import LEAST_LOADED
from services.routing.schemas import ActionIn
from services.routing.transitions import Door
from services.routing.workload import crew_of
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, FieldError, Invalid, NotFound, Stale, invalid
from shared.lifecycle import State, actions
from shared.process import Process
from shared.scope import visible
from shared.streets import Street
from shared.tables import ticket_states, tickets
from shared.terms import Role
from shared.web.idempotency import once

_NOWHERE = frozenset({State.REJECTED, State.WITHDRAWN, State.REDIRECTED})
_NEW = """
SELECT t.*, EXISTS (
  SELECT FROM import_rows r WHERE r.street_id = t.street_id AND r.ticket_id = t.id) AS from_ledger
FROM tickets t WHERE t.street_id = $1 AND t.id = $2"""


async def find(tx: Transaction, street: Street, number: str, actor: Actor) -> UUID:
    """Return the id of a ticket the actor may see; raise NotFound for all others alike."""
    at = (ticket_states.c.street_id == tickets.c.street_id) & (ticket_states.c.ticket_id == tickets.c.id)
    query = (
        select(tickets.c.id)
        .select_from(tickets.outerjoin(ticket_states, at))
        .where(
            tickets.c.street_id == street.id,
            tickets.c.number == number,
            await visible(tx, actor, [street.id]),
        )
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
    into = await _into(tx, street, actor, body.into, ticket_id)
    window = process.settings.reopen_window_days
    door = Door(tx, process.outbox, registry, reopen_window_days=window)
    # Both ends of a merger are held, or two tickets could vanish into each other.
    standings = await door.lock({ticket_id, into or ticket_id})
    standing = standings.get(ticket_id) or await _placed(tx, door, registry, ticket_id)
    if if_match is not None and if_match != standing.row["version"]:
        raise Stale(
            f"工单已变为“{standing.state.text}”,请刷新后再操作",
            state=standing.state.value, state_text=standing.state.text, version=standing.row["version"],
        )  # fmt: skip
    occurred_at = body.occurred_at or max(clock.now(), standing.row["moved_at"])
    data = body.model_dump(exclude_none=True, exclude={"occurred_at"})
    if into is not None:
        data["into_id"] = _leads_somewhere(into, standings)
    held = standing.relations(actor, registry)
    if action == "assign" and action in actions(door.situation(standing), actor.role, held, occurred_at):
        data |= await _assignee(tx, registry, standing, body.assignee)
    elif action == "reply_supervision" and body.order is not None:
        data |= await answerable(tx, street.id, ticket_id, body.order, actor.unit or registry.desk.code)
    if body.proof is not None:
        await _prove(tx, street.id, ticket_id, body.proof)
    standing.known = await store.earlier(tx, street.id, ticket_id, action)
    door.move(standing, action, actor, occurred_at, data)
    await door.write()
    return view.ticket(standing, registry, street, actor, window)


async def held(tx: Transaction, door: Door, registry: Registry, ticket_id: UUID) -> Standing:
    """Return one ticket locked, placed here and now if the worker has not reached it yet."""
    return (await door.lock([ticket_id])).get(ticket_id) or await _placed(tx, door, registry, ticket_id)


async def _placed(tx: Transaction, door: Door, registry: Registry, ticket_id: UUID) -> Standing:
    """Return the standing of a ticket the worker has not reached yet: it is placed here and now.

    Conflict for one that came with a ledger: its history is on its way, and must not be made up.
    """
    ticket: Mapping[str, Any] = await tx.raw.fetchrow(_NEW, registry.street_id, ticket_id)
    if ticket["from_ledger"]:
        raise Conflict("工单正在登记,请稍候", code="not_placed_yet", state="submitted", state_text="已登记")
    return place(door, registry, ticket, await look_around(tx, registry, [ticket]))


async def _prove(tx: Transaction, street_id: int, ticket_id: UUID, proof: ProofIn) -> None:
    """Raise Invalid unless every photo of the proof is there: taken by staff, or come with the ticket."""
    named = {"proof.before_ids": proof.before_ids, "proof.after_ids": proof.after_ids}
    there = await photos.usable(tx, street_id, ticket_id, [one for ids in named.values() for one in ids])
    missing = [
        FieldError(field, f"没有这张照片:{one}")
        for field, ids in named.items()
        for one in ids
        if one not in there
    ]
    if missing:
        raise Invalid(missing[0].message, errors=missing, code="unknown_photo")


async def _assignee(
    tx: Transaction, registry: Registry, standing: Standing, wanted: UUID | None
) -> dict[str, Any]:
    """Return the person named, or of the lead unit whoever has the least in hand; raise Invalid if there is none."""
    row, crew = standing.row, await crew_of(tx, registry.street_id)
    if wanted is not None:
        if not crew.has(row["lead_unit"], wanted):
            raise invalid("assignee", "主办单位没有这位在职人员", code="unknown_person")
        return {"assignee": wanted}
    chosen = crew.choose(row["lead_unit"], row["grid_code"], LEAST_LOADED, row["mode"])
    if chosen is None:
        raise invalid("assignee", "主办单位在这里没有在职人员,请先登记", code="nobody_there")
    return {"assignee": chosen.id, "reason": chosen.why}


async def _into(
    tx: Transaction, street: Street, actor: Actor, number: str | None, ticket_id: UUID
) -> UUID | None:
    """Return the ticket to merge into, if one is named; raise Invalid unless it is another one in sight."""
    if number is None:
        return None
    try:
        target = await find(tx, street, number, actor)
    except NotFound as missing:
        raise invalid("into", "没有这张工单", code="unknown_ticket") from missing
    if target == ticket_id:
        raise invalid("into", "不能并入自己", code="merge_into_itself")
    return target


def _leads_somewhere(into: UUID, standings: Mapping[UUID, Standing]) -> UUID:
    """Return the ticket to merge into; raise Conflict if nobody will handle or has handled it."""
    standing = standings.get(into)
    if standing is not None and standing.state is State.MERGED:
        raise Conflict("目标工单已经并入其他工单", code="target_merged")
    if standing is not None and standing.state in _NOWHERE:
        raise Conflict(f"目标工单{standing.state.text},不能并入", code="target_ended")
    return into
