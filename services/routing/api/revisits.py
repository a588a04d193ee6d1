"""Doors to random re-visits: a draw that can be repeated, and what was found."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request

from services.routing.api.asked import StreetCode, registry_asked
from services.routing.supervision import revisits
from services.routing.supervision_schemas import DrawIn, DrawnOut, DrawOut, VisitIn, VisitOut
from shared.auth import Actor
from shared.lifecycle import State
from shared.terms import STAFF_ROLES, Resolved, Role, Satisfaction, Scope
from shared.web.access import only, process_of
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/revisits", tags=["随机回访"])
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Heads = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.LEADER))]
Visitors = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.CALLBACK_CLERK))]
DrawId = Annotated[UUID, Path(description="抽取的编号")]
_READ, _WRITE = documented(400, 401, 403, 404, 422, 503), documented(400, 401, 403, 404, 409, 413, 422, 503)


@router.get("", summary="随机回访的抽取", responses=documented(400, 401, 403, 422, 503))
async def draws(
    request: Request, actor: Staff, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[DrawOut]:
    """新的在前。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await revisits.listed(tx, registry.street_id, after[0] if after else None, limit)
    return Page[DrawOut].model_validate(page(rows, limit, lambda r: (r.id,), _draw))


def _draw(row: Any) -> dict[str, Any]:
    return {**row._mapping, "id": str(row.id)}  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping


@router.post(
    "", summary="从一段时间办结的工单中随机抽取", response_model=DrawOut,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def make(request: Request, actor: Heads, body: DrawIn, key: Key = None) -> dict[str, Any]:
    """按 SHA-256(种子:工单标识) 从小到大取前若干件;不填种子由系统生成。任何人都可以照此重抽核对。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    async with process_of(request).database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            made = await revisits.make(
                tx, registry, actor, body.first_day, body.last_day, body.size, body.seed
            )
            row = await revisits.find(tx, registry.street_id, made)
            return DrawOut.model_validate(_draw(row)).model_dump(mode="json")

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)


@router.get("/{draw}/items", summary="抽中的工单和回访结果", responses=_READ)
async def drawn(
    request: Request,
    actor: Staff,
    draw: DrawId,
    street: StreetCode = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[DrawnOut]:
    registry, after = await registry_asked(request, actor, street), decode(cursor, _place)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        await revisits.find(tx, registry.street_id, draw)
        rows = await revisits.drawn(
            tx, registry.street_id, draw, actor, after=after[0] if after else 0, limit=limit
        )
    return Page[DrawnOut].model_validate(page(rows, limit, lambda r: (r.place,), _drawn))


def _place(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError(text)
    return value


def _drawn(row: Any) -> dict[str, Any]:
    return {
        **row._mapping,  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
        "state_text": State(row.state).text,
        "resolved_text": Resolved(row.resolved).text if row.resolved else None,
        "satisfaction_text": Satisfaction(row.satisfaction).text if row.satisfaction else None,
    }


@router.post("/{draw}/results", summary="记录一次回访", response_model=VisitOut, responses=_WRITE)
async def record(
    request: Request, actor: Visitors, draw: DrawId, body: VisitIn, key: Key = None
) -> dict[str, Any]:
    """每件一次,同时作为回访登记写入工单的经过;回访人员不得来自承办单位。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    process = process_of(request)
    told = body.model_dump(exclude_none=True, exclude={"street", "number"})
    async with process.database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            await revisits.record(tx, process, registry, actor, draw, body.number, dict(told))
            return {"number": body.number, "recorded": True}

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)
