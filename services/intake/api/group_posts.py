"""Doors to what was posted into groups of residents: write it down, look it up."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.intake import store
from services.intake.notices import posts
from services.intake.notices.schemas import GroupPost, GroupPostIn, GroupUse, Number
from services.intake.prepare import street_for
from shared.auth import Actor
from shared.errors import NotFound, invalid
from shared.terms import STAFF_ROLES, STREET_WIDE, Role
from shared.web.access import only, process_of
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/group-posts", tags=["通知"])

Poster = Annotated[Actor, Depends(only(*STAFF_ROLES - {Role.AUDITOR, Role.ADMIN}))]
Reader = Annotated[Actor, Depends(only(*STREET_WIDE, Role.COMMUNITY, Role.GRID_WORKER, Role.UNIT))]


@router.post(
    "",
    status_code=201,
    response_model=GroupPost,
    summary="登记群内发布",
    responses=documented(400, 401, 403, 405, 409, 413, 422, 503),
)
async def create_post(request: Request, body: GroupPostIn, actor: Poster, key: Key = None) -> dict[str, Any]:
    """居民微信群不能由机器人发言:在群里发布了什么、什么用途、与哪张工单有关,登记在这里。"""
    process = process_of(request)
    where = await street_for(process, actor, body.street)
    wanted = await fingerprint_of(request)
    async with process.database.transaction([where.id]) as tx:

        async def work() -> dict[str, Any]:
            ticket_id = None
            if body.number is not None:
                try:
                    ticket_id = (await store.found(tx, actor, where, body.number)).id
                except NotFound as missing:
                    raise invalid("number", "没有这张工单", code="unknown_ticket") from missing
            return await posts.write(tx, actor, where.id, body, ticket_id)

        return await once(tx, where.id, actor.id, key, wanted, 201, work)


@router.get(
    "", response_model=Page[GroupPost], summary="群内发布记录", responses=documented(401, 403, 405, 422, 503)
)
async def list_posts(
    request: Request,
    actor: Reader,
    number: Annotated[Number | None, Query(description="工单编号")] = None,
    purpose: Annotated[GroupUse | None, Query(description="用途")] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    """全街道岗位看到全部,其他人看到本单位登记的;新的在前。"""
    after = decode(cursor, UUID)
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        rows = await posts.listed(
            tx, actor, number=number, purpose=purpose, before=after[0] if after else None, limit=limit
        )
    return page(rows, limit, lambda row: [row.id], lambda row: posts.item(row._mapping, row.number))  # noqa: SLF001 - SQLAlchemy's public name
