"""What the doors to promises share: a creating POST in one transaction, undertakings shown with their tickets."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from fastapi import Request

from services.routing.commitments import undertaking_store, view
from services.routing.commitments.schemas import UndertakingDetail
from services.routing.registry import Registry
from shared.auth import Actor
from shared.db import Transaction
from shared.web.access import process_of
from shared.web.fields import Answer
from shared.web.idempotency import fingerprint_of, once
from shared.web.paging import page

CREATED = 201


async def created(
    request: Request,
    actor: Actor,
    street_id: int,
    key: str | None,
    shape: type[Answer],
    work: Callable[[Transaction], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """Do `work` in one transaction, once under its key, and return its answer in its shape."""
    body_hash = await fingerprint_of(request)

    async def attempt() -> dict[str, Any]:
        async with process_of(request).database.transaction([street_id]) as tx:

            async def shaped() -> dict[str, Any]:
                return shape.model_validate(await work(tx)).model_dump(mode="json")

            return await once(tx, street_id, actor.id, key, body_hash, CREATED, shaped)

    try:
        return await attempt()
    except asyncpg.UniqueViolationError:
        # The worker placed the ticket at the same moment as we did: now it is there.
        return await attempt()


async def shown(
    tx: Transaction, registry: Registry, actor: Actor, rows: Sequence[Any]
) -> list[dict[str, Any]]:
    """Return undertakings with their tickets, as UndertakingOut."""
    linked = await undertaking_store.tickets_of(tx, registry.street_id, actor, [row.id for row in rows])
    return [view.undertaking(row, linked.get(row.id, []), registry) for row in rows]


async def detail(tx: Transaction, registry: Registry, actor: Actor, row: Any) -> dict[str, Any]:
    """Return one undertaking with its works and its latest note, as UndertakingDetail."""
    [whole] = await shown(tx, registry, actor, [row])
    note = await undertaking_store.latest_note(tx, registry.street_id, row.id)
    works = await undertaking_store.works_of(tx, registry.street_id, row.id)
    told = whole | {"milestones": view.milestones(works), "latest_note": view.days_of(note) if note else None}
    return UndertakingDetail.model_validate(told).model_dump(mode="json")


async def paged(
    tx: Transaction, registry: Registry, actor: Actor, rows: Sequence[Any], limit: int
) -> dict[str, Any]:
    """Return a page of undertakings read with LIMIT limit + 1."""
    told = page(rows, limit, lambda r: (r.id,), lambda r: r)
    return told | {"items": await shown(tx, registry, actor, told["items"])}
