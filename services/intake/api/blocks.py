"""Reporters blocked for a while: put in force, lifted, and seen by all staff of the street."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy import select

from services.intake import blocks
from services.intake.prepare import street_for
from services.intake.privacy_schemas import BlockIn, BlockItem, LiftIn
from shared import clock
from shared.auth import Actor
from shared.scope import street_of
from shared.tables import reporter_blocks
from shared.terms import STAFF_ROLES, Role
from shared.web.access import only, process_of
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/blocks", tags=["个人信息"])

Head = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.LEADER))]
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES))]
_ERRORS = documented(400, 401, 403, 404, 405, 409, 413, 422, 503)


@router.post("", status_code=201, response_model=BlockItem, summary="限制提交", responses=_ERRORS)
async def block_reporter(request: Request, body: BlockIn, actor: Head, key: Key = None) -> dict[str, Any]:
    """按一张工单限制其提交人在期限内提交新的诉求,须写明理由和期限(最长一年);已提交的照常办理。"""
    process = process_of(request)
    street = await street_of(process.database, process.streets, actor, body.number)
    wanted = await fingerprint_of(request)
    async with process.database.transaction([street.id]) as tx:

        async def work() -> dict[str, Any]:
            return _item(await blocks.block(tx, actor, street.id, body.number, body.reason, body.until))

        answer = await once(tx, street.id, actor.id, key, wanted, 201, work)
    request.app.state.blocks.forget(street.id)
    return answer


@router.post("/{block_id}/lift", response_model=BlockItem, summary="解除限制", responses=_ERRORS)
async def lift_block(
    request: Request, block_id: Annotated[UUID, Path()], body: LiftIn, actor: Head
) -> dict[str, Any]:
    """期满之前解除,须写明理由。"""
    process = process_of(request)
    street = await street_for(process, actor, body.street)
    async with process.database.transaction([street.id]) as tx:
        row = await blocks.lift(tx, actor, block_id, body.reason)
    request.app.state.blocks.forget(street.id)
    return _item(row)


@router.get(
    "", response_model=Page[BlockItem], summary="受限名单", responses=documented(401, 403, 405, 422, 503)
)
async def list_blocks(
    request: Request,
    actor: Staff,
    state: Annotated[Literal["active", "all"], Query(description="active 为生效中的")] = "active",
    cursor: Cursor = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    """全体工作人员都能看到谁被限制、为什么、到什么时候;不含姓名和电话。"""
    after = decode(cursor, UUID)
    table = reporter_blocks
    query = select(table).order_by(table.c.id.desc()).limit(limit + 1)
    if state == "active":
        query = query.where(table.c.lifted_at.is_(None), table.c.until > clock.now())
    if after is not None:
        query = query.where(table.c.id < after[0])
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        rows = await tx.rows(query)
    return page(rows, limit, lambda row: [row.id], _item)


def _item(row: Any) -> dict[str, Any]:
    shown = ("reason", "recorded_at", "until", "lifted_at", "lift_reason")
    return {
        "id": str(row.id),
        "reporter_id": str(row.reporter_id),
        "blocked_by": str(row.blocked_by),
        **{name: getattr(row, name) for name in shown},
    }
