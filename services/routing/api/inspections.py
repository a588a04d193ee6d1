"""Doors to the monthly inspection: its rounds, findings and published results."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from services.routing import view
from services.routing.api.asked import StreetCode, registry_asked
from services.routing.registry import Registry
from services.routing.supervision import inspections
from services.routing.supervision.findings import NOTED
from services.routing.supervision.inspections import Inspected
from services.routing.supervision_schemas import (
    FindingIn,
    FindingOut,
    InspectionItemOut,
    Month,
    RoundDetail,
    RoundIn,
    RoundOut,
    StreetIn,
)
from shared.auth import Actor
from shared.db import Transaction
from shared.lifecycle import State, action_text
from shared.terms import STAFF_ROLES, InspectionMethod, Role, Scope
from shared.web.access import only, process_of
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, code, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/inspections", tags=["督查"])
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Heads = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.LEADER))]
Inspector = Annotated[Actor, Depends(only(Role.SUPERVISOR))]
OfMonth = Annotated[Month, Path(description="月份", examples=["2026-03"])]
_READ, _WRITE = documented(400, 401, 403, 404, 422, 503), documented(400, 401, 403, 404, 409, 413, 422, 503)


@router.get("", summary="每月督查", responses=documented(400, 401, 403, 422, 503))
async def rounds(
    request: Request, actor: Staff, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[RoundOut]:
    """新的在前。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, code)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await inspections.listed(tx, registry.street_id, after[0] if after else None, limit)
        known = await inspections.inspected_count(tx, registry.street_id, [r.month for r in rows])
    return Page[RoundOut].model_validate(
        page(rows, limit, lambda r: (r.month,), lambda r: {**r._mapping, "inspected": known[r.month]})  # noqa: SLF001 - a public name
    )


@router.post(
    "", summary="开始一个月的督查", response_model=RoundDetail,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def open_round(request: Request, actor: Heads, body: RoundIn, key: Key = None) -> dict[str, Any]:
    """清单就此固定:当月在办的和当月办结的,一件不漏;已经开始的照原样返回。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    async with process_of(request).database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            await inspections.open_round(tx, registry, actor, body.month)
            return await _detail(tx, registry, body.month)

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)


@router.get("/{month}", summary="一个月的督查结果", response_model=RoundDetail, responses=_READ)
async def result(request: Request, actor: Staff, month: OfMonth, street: StreetCode = None) -> dict[str, Any]:
    """通报之前是进度,通报之后是冻结的结果。"""
    registry = await registry_asked(request, actor, street)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        return await _detail(tx, registry, month)


async def _detail(tx: Transaction, registry: Registry, month: str) -> dict[str, Any]:
    head = await inspections.find(tx, registry.street_id, month)
    figures = await inspections.counted(tx, head)
    shown = {
        **figures,
        "month": head.month, "opened_at": head.opened_at, "published_at": head.published_at, "digest": head.digest,
        "methods": [
            {"method": m, "method_text": InspectionMethod(m).text, "inspected": n} for m, n in figures["methods"].items()
        ],
        "units": [
            {"unit": unit or None, "unit_name": view.unit_name(registry, unit), **known}
            for unit, known in figures["units"].items()
        ],
    }  # fmt: skip
    return RoundDetail.model_validate(shown).model_dump(mode="json")


@router.get("/{month}/items", summary="督查清单", responses=_READ)
async def on_list(
    request: Request,
    actor: Staff,
    month: OfMonth,
    street: StreetCode = None,
    *,
    pending: Annotated[bool, Query(description="只看还没有督查的")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[InspectionItemOut]:
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        await inspections.find(tx, registry.street_id, month)
        rows = await inspections.on_list(
            tx, registry.street_id, month, actor, pending=pending, after=after[0] if after else None, limit=limit
        )  # fmt: skip
    return Page[InspectionItemOut].model_validate(
        page(rows, limit, lambda r: (r.ticket_id,), partial(_item, registry))
    )


def _item(registry: Registry, row: Any) -> dict[str, Any]:
    return {
        "number": row.number, "title": row.content[: view.TITLE], "unit": row.unit_code,
        "unit_name": view.unit_name(registry, row.unit_code), "state": row.state,
        "state_text": State(row.state).text, "method": row.method,
        "method_text": InspectionMethod(row.method).text if row.method else None, "passed": row.passed,
        "finding": row.finding, "remedy": row.remedy, "remedy_text": _remedy_text(row.remedy),
        "inspected_at": row.inspected_at,
    }  # fmt: skip


def _remedy_text(remedy: str | None) -> str | None:
    if remedy is None:
        return None
    return "已记录" if remedy == NOTED else action_text(remedy)


@router.post("/{month}/findings", summary="记录一件的督查结论", response_model=FindingOut, responses=_WRITE)
async def inspect(
    request: Request, actor: Inspector, month: OfMonth, body: FindingIn, key: Key = None
) -> dict[str, Any]:
    """每件一次。不合格的退回办理:待回访的重办,已办结的重开,在办的督办。督查人员不得来自承办单位。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    process = process_of(request)
    told = Inspected(body.number, body.method, body.passed, body.finding)
    async with process.database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            known = await inspections.inspect(tx, process, registry, actor, month, told)
            return {**known, "remedy_text": _remedy_text(known["remedy"])}

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)


@router.post("/{month}/publication", summary="通报督查结果", response_model=RoundDetail, responses=_WRITE)
async def publish(
    request: Request, actor: Heads, month: OfMonth, body: StreetIn, key: Key = None
) -> dict[str, Any]:
    """全部督查后才能通报;结果就此冻结。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    async with process_of(request).database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            await inspections.publish(tx, registry.street_id, actor, month)
            return await _detail(tx, registry, month)

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)
