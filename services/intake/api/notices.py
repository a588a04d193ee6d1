"""Doors to what one is told: my notices, how many are unread, read them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy import Row

from services.intake.notices import store
from services.intake.notices.schemas import AllRead, NoticeItem, ReadOut, Unread
from services.intake.notices.told import kind_text
from shared.auth import Actor
from shared.terms import STAFF_ROLES, Role
from shared.web.access import only, process_of
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/notices", tags=["通知"])

Reader = Annotated[Actor, Depends(only(Role.RESIDENT, *STAFF_ROLES))]


@router.get(
    "", response_model=Page[NoticeItem], summary="我的通知", responses=documented(401, 403, 405, 422, 503)
)
async def list_notices(
    request: Request,
    actor: Reader,
    *,
    unread: Annotated[bool, Query(description="只看未读")] = False,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    """居民看到给自己的,工作人员看到给自己、给本单位和给本岗位的;新的在前。"""
    after = decode(cursor, UUID)
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        rows = await store.listed(tx, actor, unread=unread, before=after[0] if after else None, limit=limit)
    return page(rows, limit, lambda row: [row.id], _item)


def _item(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "kind_text": kind_text(row.kind),
        "title": row.title,
        "detail": row.detail,
        "number": row.facts["number"],
        "state": row.facts["state"],
        "state_text": row.facts["state_text"],
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "read": row.read,
    }


@router.get(
    "/unread", response_model=Unread, summary="未读通知数", responses=documented(401, 403, 405, 422, 503)
)
async def count_unread(request: Request, actor: Reader) -> dict[str, Any]:
    """数到 99 为止;再多只写“99+”。"""
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        unread = await store.unread(tx, actor)
    shown = min(unread, store.MOST_UNREAD)
    return {"unread": shown, "unread_text": str(shown) if unread == shown else f"{shown}+"}


@router.post(
    "/read", response_model=AllRead, summary="全部标为已读", responses=documented(401, 403, 405, 422, 503)
)
async def read_all(request: Request, actor: Reader) -> dict[str, Any]:
    """把未读的都标为已读;特别多时一次标不完,unread 还大于 0 就再来一次。"""
    async with process_of(request).database.transaction(actor.streets) as tx:
        marked = await store.mark_all(tx, actor)
        return {"marked": marked, "unread": min(await store.unread(tx, actor), store.MOST_UNREAD)}


@router.post(
    "/{notice_id}/read",
    response_model=ReadOut,
    summary="标为已读",
    responses=documented(401, 403, 404, 405, 422, 503),
)
async def read_notice(
    request: Request, notice_id: Annotated[UUID, Path(description="通知编号")], actor: Reader
) -> dict[str, Any]:
    """标为已读;再标一次也不要紧。"""
    async with process_of(request).database.transaction(actor.streets) as tx:
        await store.mark(tx, actor, notice_id)
    return {"id": str(notice_id), "read": True}
