"""Doors to the supervision groups (督导专班) and to the periodic evaluation of units and communities."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from services.routing import view
from services.routing.api.asked import StreetCode, registry_asked
from services.routing.registry import Registry
from services.routing.supervision import groups
from services.routing.supervision_schemas import (
    EvaluationIn,
    EvaluationOut,
    GroupIn,
    GroupOut,
    MembersIn,
    Period,
)
from shared.auth import Actor
from shared.db import Transaction
from shared.terms import STAFF_ROLES, Role, Scope, UnitKind
from shared.web.access import only, process_of
from shared.web.fields import Short
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["督导专班和综合评估"])
# The names of those in a group are for staff only.
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES))]
Reader = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Heads = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.LEADER, Role.ADMIN))]
GroupId = Annotated[UUID, Path(description="专班的编号")]
_LIST, _MAKE = documented(400, 401, 403, 422, 503), documented(400, 401, 403, 409, 413, 422, 503)


@router.get("/supervision/groups", summary="督导专班", responses=_LIST)
async def listed(
    request: Request, actor: Staff, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[GroupOut]:
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await groups.listed(tx, registry.street_id, after[0] if after else None, limit)
        people = await groups.members_of(tx, registry.street_id, [r.id for r in rows])
    return Page[GroupOut].model_validate(
        page(rows, limit, lambda r: (r.id,), lambda r: _group(registry, r, people[r.id]))
    )


def _group(registry: Registry, row: Any, people: Sequence[Any]) -> dict[str, Any]:
    names = {person.code: person.name for person in registry.people.values()}
    return {
        "id": str(row.id), "name": row.name, "task": row.task, "created_at": row.created_at,
        "members": [
            {
                "staff": m.staff_code, "name": names.get(m.staff_code), "joined_at": m.joined_at, "left_at": m.left_at,
            }
            for m in people
        ],
    }  # fmt: skip


@router.post("/supervision/groups", summary="成立督导专班", response_model=GroupOut, responses=_MAKE)
async def make(request: Request, actor: Heads, body: GroupIn, key: Key = None) -> dict[str, Any]:
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    async with process_of(request).database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            made = await groups.make(tx, registry, actor, body.name, body.task, body.members)
            return await _shown(tx, registry, made)

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)


@router.post(
    "/supervision/groups/{group}/members", summary="专班成员的加入和退出", response_model=GroupOut,
    responses=documented(400, 401, 403, 404, 409, 413, 422, 503),
)  # fmt: skip
async def change(
    request: Request, actor: Heads, group: GroupId, body: MembersIn, key: Key = None
) -> dict[str, Any]:
    """退出的仍在记录中。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    async with process_of(request).database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            await groups.change(tx, registry, group, body.join, body.leave)
            return await _shown(tx, registry, group)

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)


async def _shown(tx: Transaction, registry: Registry, group: UUID) -> dict[str, Any]:
    row = await groups.find(tx, registry.street_id, group)
    people = (await groups.members_of(tx, registry.street_id, [group]))[group]
    return GroupOut.model_validate(_group(registry, row, people)).model_dump(mode="json")


@router.get("/evaluations", summary="各站所、社区的综合评估", responses=_LIST)
async def evaluations(
    request: Request,
    actor: Reader,
    street: StreetCode = None,
    unit: Annotated[Short | None, Query(description="只看这个单位(代码或名称)")] = None,
    period: Annotated[
        Period | None, Query(description="只看这个周期:2026、2026-Q1、2026-03、2026-W10")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[EvaluationOut]:
    """新的在前;同一单位同一周期以最新一次(current)为准。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    code = registry.unit(unit).code if unit is not None else None
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await groups.evaluated(
            tx, registry.street_id, unit=code, period=period, before=after[0] if after else None, limit=limit
        )
    return Page[EvaluationOut].model_validate(
        page(rows, limit, lambda r: (r.id,), partial(_evaluation, registry))
    )


@router.post(
    "/evaluations", summary="记录一次综合评估:得分和指导意见", response_model=EvaluationOut, responses=_MAKE
)
async def evaluate(request: Request, actor: Heads, body: EvaluationIn, key: Key = None) -> dict[str, Any]:
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    street_id = registry.street_id
    async with process_of(request).database.transaction([street_id]) as tx:

        async def work() -> dict[str, Any]:
            made = await groups.evaluate(
                tx, registry, actor, body.unit, body.period, body.score, body.guidance
            )
            [row] = await groups.evaluated(tx, street_id, unit=None, period=None, one=made)
            return EvaluationOut.model_validate(_evaluation(registry, row)).model_dump(mode="json")

        return await once(tx, street_id, actor.id, key, body_hash, 200, work)


def _evaluation(registry: Registry, row: Any) -> dict[str, Any]:
    unit = registry.units.get(row.unit_code)
    return {
        "id": str(row.id), "unit": row.unit_code, "unit_name": view.unit_name(registry, row.unit_code),
        "unit_kind": unit.kind if unit else None, "unit_kind_text": UnitKind(unit.kind).text if unit else None,
        "period": row.period, "score": str(row.score), "guidance": row.guidance, "recorded_at": row.recorded_at,
        "current": row.id == row.newest,
    }  # fmt: skip
