"""Doors to projects: tickets grouped, each keeping what it is; a project's end closes none of them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request

from services.routing.api import promised
from services.routing.api.asked import Planner, Reader, StreetCode, registry_asked, street_asked
from services.routing.commitments import undertaking_store
from services.routing.commitments.planning import group, join
from services.routing.commitments.schemas import (
    CompletionIn,
    ProjectIn,
    ProjectTicketsIn,
    UndertakingDetail,
    UndertakingOut,
    shown_day,
)
from services.routing.commitments.vocabulary import UndertakingKind
from shared import clock
from shared.db import Transaction
from shared.errors import Conflict, invalid
from shared.tables import undertakings as u
from shared.web.access import process_of
from shared.web.fields import Code
from shared.web.idempotency import Key
from shared.web.paging import Cursor, Limit, Page, decode
from shared.web.problems import documented

router = APIRouter(tags=["项目"])
ProjectCode = Annotated[Code, Path(description="项目代码", examples=["XM2021-01"])]
_READ = documented(400, 401, 403, 404, 422, 503)
_WRITE = documented(400, 401, 403, 404, 409, 413, 422, 503)


@router.get("/projects", summary="项目清单", responses=documented(400, 401, 403, 422, 503))
async def listed(
    request: Request, actor: Reader, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[UndertakingOut]:
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    projects = u.c.kind == UndertakingKind.PROJECT.value
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await undertaking_store.page_of(
            tx, registry.street_id, actor, projects, after=after, limit=limit
        )
        return Page[UndertakingOut].model_validate(await promised.paged(tx, registry, actor, rows, limit))


@router.post(
    "/projects", status_code=201, summary="把若干工单并入一个项目", response_model=UndertakingDetail,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def make(request: Request, actor: Planner, body: ProjectIn, key: Key = None) -> dict[str, Any]:
    where = await street_asked(request, actor, body.street)
    registry = await registry_asked(request, actor, body.street)

    async def work(tx: Transaction) -> dict[str, Any]:
        project = await group(tx, registry, where, actor, body)
        row = await undertaking_store.undertaking(tx, where.id, actor, project)
        return await promised.detail(tx, registry, actor, row)

    return await promised.created(request, actor, where.id, key, UndertakingDetail, work)


@router.get(
    "/projects/{code}", summary="一个项目,连同每张工单", response_model=UndertakingDetail, responses=_READ
)
async def one(
    request: Request, actor: Reader, code: ProjectCode, street: StreetCode = None
) -> dict[str, Any]:
    registry = await registry_asked(request, actor, street)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        row = await undertaking_store.undertaking(tx, registry.street_id, actor, code)
        return await promised.detail(tx, registry, actor, row)


@router.post(
    "/projects/{code}/tickets", status_code=201, summary="再并入工单", response_model=UndertakingDetail, responses=_WRITE
)  # fmt: skip
async def add(
    request: Request, actor: Planner, code: ProjectCode, body: ProjectTicketsIn, street: StreetCode = None, key: Key = None
) -> dict[str, Any]:  # fmt: skip
    where, registry = await street_asked(request, actor, street), await registry_asked(request, actor, street)

    async def work(tx: Transaction) -> dict[str, Any]:
        row = await undertaking_store.undertaking(tx, where.id, actor, code, held=True)
        if row.completed is not None:
            raise Conflict("项目已经完成,不能再并入工单", code="project_completed")
        await join(tx, where, actor, dict(row._mapping), body.tickets)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
        return await promised.detail(tx, registry, actor, row)

    return await promised.created(request, actor, where.id, key, UndertakingDetail, work)


@router.post(
    "/projects/{code}/completion",
    summary="项目完成;不改变工单",
    response_model=UndertakingDetail,
    responses=_WRITE,
)
async def complete(
    request: Request, actor: Planner, code: ProjectCode, body: CompletionIn, street: StreetCode = None
) -> dict[str, Any]:
    registry, today = await registry_asked(request, actor, street), clock.local_day(clock.now())
    completed = shown_day(body.completed, today) or {}
    async with process_of(request).database.transaction([registry.street_id]) as tx:
        row = await undertaking_store.undertaking(tx, registry.street_id, actor, code, held=True)
        if row.completed is not None:
            raise Conflict("项目已经完成", code="project_completed")
        if completed["first"] > today.isoformat():
            raise invalid("completed", "不能晚于今天")
        if completed["last"] < row.planned_start.isoformat():
            raise invalid("completed", "不能早于项目开始")
        await undertaking_store.complete(tx, registry.street_id, row.id, completed)
        done = await undertaking_store.undertaking(tx, registry.street_id, actor, code)
        return await promised.detail(tx, registry, actor, done)
