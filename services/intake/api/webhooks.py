"""Doors to the lines out of the house: robots and webhooks set up, watched, ended; dead letters sent again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy import Row

from services.intake.notices import setup, targets
from services.intake.notices.schemas import LineIn, LineItem, Replayed, SendItem, SendState
from services.intake.notices.told import kind_text
from services.intake.prepare import street_for
from shared.auth import Actor
from shared.terms import Role
from shared.web.access import only, process_of
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/webhooks", tags=["通知线路"])

Manager = Annotated[Actor, Depends(only(Role.ADMIN))]
Viewer = Annotated[Actor, Depends(only(Role.ADMIN, Role.AUDITOR, Role.SUPERVISOR, Role.LEADER))]
LineId = Annotated[UUID, Path(description="线路编号")]


@router.post(
    "",
    status_code=201,
    response_model=LineItem,
    summary="设置线路",
    responses=documented(400, 401, 403, 405, 409, 413, 422, 503),
)
async def create_line(request: Request, body: LineIn, actor: Manager, key: Key = None) -> dict[str, Any]:
    """设置企业微信或钉钉群机器人,或推送(webhook)。地址和密钥加密保存,之后不再显示。"""
    process = process_of(request)
    street = await street_for(process, actor, body.street)
    host = await targets.checked(
        body.url.get_secret_value(), body.channel, private=process.settings.private_targets
    )
    wanted = await fingerprint_of(request)
    async with process.database.transaction([street.id]) as tx:

        async def work() -> dict[str, Any]:
            return await setup.set_up(tx, process.keys, actor, street.id, body, host)

        return await once(tx, street.id, actor.id, key, wanted, 201, work)


@router.get(
    "", response_model=Page[LineItem], summary="线路列表", responses=documented(401, 403, 405, 422, 503)
)
async def list_lines(
    request: Request, actor: Viewer, cursor: Cursor = None, limit: Limit = 20
) -> dict[str, Any]:
    """各条线路和它们待发、发送失败的条数;新的在前。"""
    after = decode(cursor, UUID)
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        rows = await setup.listed(tx, sorted(actor.streets), after[0] if after else None, limit)
    return page(rows, limit, lambda row: [row.id], setup.item)


@router.get(
    "/{line_id}/sends",
    response_model=Page[SendItem],
    summary="发送记录",
    responses=documented(401, 403, 404, 405, 422, 503),
)
async def list_sends(
    request: Request,
    line_id: LineId,
    actor: Viewer,
    state: Annotated[SendState | None, Query(description="状态")] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    """一条线路上每条通知的发送情况;新的在前。"""
    after = decode(cursor, UUID)
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        street_id = await setup.street_with(tx, sorted(actor.streets), line_id)
        rows = await setup.sent(tx, street_id, line_id, state, after[0] if after else None, limit)
    return page(rows, limit, lambda row: [row.id], _send)


def _send(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "number": row.facts["number"],
        "kind": row.kind,
        "kind_text": kind_text(row.kind),
        "state": row.state,
        "state_text": SendState(row.state).text,
        "attempts": row.attempts,
        "code": row.code,
        "next_at": row.next_at,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


@router.post(
    "/{line_id}/end",
    response_model=LineItem,
    summary="停用线路",
    responses=documented(401, 403, 404, 405, 409, 422, 503),
)
async def end_line(request: Request, line_id: LineId, actor: Manager) -> dict[str, Any]:
    """停用后不再发送,还没有发出的改为站内通知(推送的记为失败)。"""
    process = process_of(request)
    async with process.database.transaction(actor.streets, read_only=True) as tx:
        street_id = await setup.street_with(tx, sorted(actor.streets), line_id)
    async with process.database.transaction([street_id]) as tx:
        return await setup.end(tx, actor, street_id, line_id)


@router.post(
    "/{line_id}/replay",
    response_model=Replayed,
    summary="重发失败的",
    responses=documented(401, 403, 404, 405, 409, 422, 503),
)
async def replay_line(request: Request, line_id: LineId, actor: Manager) -> dict[str, Any]:
    """把推送失败的重新排队;每条通知的编号不变,接收方可据此去重。"""
    process = process_of(request)
    async with process.database.transaction(actor.streets, read_only=True) as tx:
        street_id = await setup.street_with(tx, sorted(actor.streets), line_id)
    async with process.database.transaction([street_id]) as tx:
        return await setup.replay(tx, actor, street_id, line_id)
