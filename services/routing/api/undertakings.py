"""Doors to what goes on in an item or a project: works by stages, notes, results, agreements; which are silent."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from uuid_utils.compat import uuid7

from services.routing.api import promised
from services.routing.api.asked import Hand, Reader, StreetCode, registry_asked
from services.routing.commitments import undertaking_store, view
from services.routing.commitments.amounts import amount
from services.routing.commitments.days import days, exactly
from services.routing.commitments.planning import refuse_disorder
from services.routing.commitments.schemas import (
    MilestoneIn,
    RecordIn,
    RecordOut,
    UndertakingDetail,
    UndertakingOut,
)
from services.routing.commitments.vocabulary import RecordKind
from services.routing.commitments.works import Milestone
from shared import clock
from shared.db import Transaction
from shared.errors import invalid
from shared.web.access import process_of
from shared.web.idempotency import Key
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["目标清单"])
Id = Annotated[UUID, Path(description="事项或项目的编号(id)")]
_READ = documented(400, 401, 403, 404, 422, 503)
_WRITE = documented(400, 401, 403, 404, 409, 413, 422, 503)


@router.get(
    "/undertakings/silent",
    summary="多日没有进度记录的事项和项目",
    responses=documented(400, 401, 403, 422, 503),
)
async def silent(
    request: Request,
    actor: Reader,
    days_without: Annotated[int, Query(alias="days", ge=1, le=3660, description="多少天没有记录")] = 30,
    street: StreetCode = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[UndertakingOut]:
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    where = undertaking_store.silent(clock.local_day(clock.now()) - timedelta(days=days_without))
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await undertaking_store.page_of(tx, registry.street_id, actor, where, after=after, limit=limit)
        return Page[UndertakingOut].model_validate(await promised.paged(tx, registry, actor, rows, limit))


@router.get("/undertakings/{id}", summary="一个事项或项目", response_model=UndertakingDetail, responses=_READ)
async def one(request: Request, actor: Reader, id: Id, street: StreetCode = None) -> dict[str, Any]:  # noqa: A002 - the path's own word
    registry = await registry_asked(request, actor, street)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        row = await undertaking_store.undertaking(tx, registry.street_id, actor, id)
        return await promised.detail(tx, registry, actor, row)


@router.post(
    "/undertakings/{id}/milestones",
    summary="定下或完成一个阶段",
    response_model=UndertakingDetail,
    responses=_WRITE,
)
async def reach(
    request: Request,
    actor: Hand,
    id: Id,  # noqa: A002 - the path's own word
    body: MilestoneIn,
    street: StreetCode = None,
) -> dict[str, Any]:
    registry = await registry_asked(request, actor, street)
    async with process_of(request).database.transaction([registry.street_id]) as tx:
        row = await undertaking_store.undertaking(tx, registry.street_id, actor, id, held=True)
        works = await undertaking_store.works_of(tx, registry.street_id, id)
        before = works.get(body.stage, Milestone())
        one = Milestone(body.planned_on or before.planned_on, body.done_on or before.done_on)
        refuse_disorder(works | {body.stage: one})
        await undertaking_store.set_work(tx, registry.street_id, id, body.stage, one)
        return await promised.detail(tx, registry, actor, row)


@router.get("/undertakings/{id}/records", summary="进度、联系、成果和协议,新的在前", responses=_READ)
async def records(
    request: Request,
    actor: Reader,
    id: Id,  # noqa: A002 - the path's own word
    kind: Annotated[RecordKind | None, Query(description="只看这一种")] = None,
    street: StreetCode = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[RecordOut]:
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        await undertaking_store.undertaking(tx, registry.street_id, actor, id)
        rows = await undertaking_store.records(
            tx, registry.street_id, id, kind, after[0] if after else None, limit
        )
    return Page[RecordOut].model_validate(page(rows, limit, lambda r: (r.id,), view.record))


@router.post(
    "/undertakings/{id}/records", status_code=201, summary="登记进度、联系、成果或协议", response_model=RecordOut, responses=_WRITE
)  # fmt: skip
async def note(
    request: Request,
    actor: Hand,
    id: Id,  # noqa: A002 - the path's own word
    body: RecordIn,
    street: StreetCode = None,
    key: Key = None,
) -> dict[str, Any]:
    registry, now = await registry_asked(request, actor, street), clock.now()
    today, record_id = clock.local_day(now), uuid7()
    told = days(body.on, today.year) if body.on is not None else exactly(today)
    if told.first > today:
        raise invalid("on", "不能晚于今天")

    async def work(tx: Transaction) -> dict[str, Any]:
        await undertaking_store.undertaking(tx, registry.street_id, actor, id)
        await undertaking_store.record(
            tx,
            {
                "street_id": registry.street_id, "id": record_id, "undertaking_id": id, "kind": body.kind.value,
                "content": body.content, "said_on": told.said, "first_on": told.first, "last_on": told.last,
                "quantities": [amount(said).document() for said in body.quantities], "parties": body.parties,
                "recorded_at": now, "recorded_by": actor.id,
            },
        )  # fmt: skip
        [row] = await undertaking_store.records(tx, registry.street_id, id, None, None, 0)
        return view.record(row)

    return await promised.created(request, actor, registry.street_id, key, RecordOut, work)
