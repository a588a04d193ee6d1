"""Doors to the weekly coordination meeting: called, its agenda, its resolutions and what became of them."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from services.routing import view
from services.routing.api.asked import StreetCode, registry_asked
from services.routing.registry import Registry
from services.routing.supervision import meetings
from services.routing.supervision.agenda import week_of
from services.routing.supervision_schemas import (
    AgendaItemOut,
    MeetingDetail,
    MeetingOut,
    ReportIn,
    ResolutionIn,
    ResolutionOut,
    StreetIn,
)
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.lifecycle import State
from shared.terms import STAFF_ROLES, MeetingPart, Role, Scope
from shared.web.access import only, process_of
from shared.web.fields import Short
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, code, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/meetings", tags=["督办协调会"])
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Heads = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.LEADER))]
Workers = Annotated[
    Actor, Depends(only(Role.SUPERVISOR, Role.LEADER, Role.UNIT, Role.COMMUNITY, Role.GRID_WORKER))
]
Week = Annotated[str, Path(pattern=r"^[0-9]{4}-W[0-9]{2}$", description="ISO 周", examples=["2026-W10"])]
_READ, _WRITE = documented(400, 401, 403, 404, 422, 503), documented(400, 401, 403, 404, 409, 413, 422, 503)


@router.get("", summary="督办协调会", responses=documented(400, 401, 403, 422, 503))
async def meetings_held(
    request: Request, actor: Staff, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[MeetingOut]:
    """新的在前。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, code)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await meetings.listed(tx, registry.street_id, after[0] if after else None, limit)
    return Page[MeetingOut].model_validate(page(rows, limit, lambda r: (r.week,), lambda r: r))


@router.post(
    "", summary="召集本周的督办协调会", response_model=MeetingDetail,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def call(request: Request, actor: Heads, body: StreetIn, key: Key = None) -> dict[str, Any]:
    """每周一次,议程自动生成;已经召集的照原样返回。逢非工作日顺延到下一个工作日。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    week = week_of(clock.local_day(clock.now()))
    async with process_of(request).database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            await meetings.call(tx, registry)
            shown = await _detail(tx, registry, actor, week)
            return MeetingDetail.model_validate(shown).model_dump(mode="json")

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)


@router.get(
    "/{week}", summary="一次会议:各部分、各单位的事项数", response_model=MeetingDetail, responses=_READ
)
async def meeting(request: Request, actor: Staff, week: Week, street: StreetCode = None) -> dict[str, Any]:
    registry = await registry_asked(request, actor, street)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        return await _detail(tx, registry, actor, week)


async def _detail(tx: Transaction, registry: Registry, actor: Actor, week: str) -> dict[str, Any]:
    head = await meetings.find(tx, registry.street_id, week)
    known = await meetings.shares(tx, registry.street_id, week, actor)
    parts, of, closed = Counter[str](), Counter[str | None](), Counter[str | None]()
    for row in known:
        parts[row.part] += row.items
        of[row.unit_code] += row.items
        closed[row.unit_code] += row.closed
    return {
        **head._mapping,  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
        **{part.value: parts[part.value] for part in MeetingPart},
        "units": [
            {
                "unit": unit, "unit_name": view.unit_name(registry, unit), "items": of[unit],
                "closed": closed[unit],
            }
            for unit in sorted(of, key=lambda unit: unit or "")
        ],
    }  # fmt: skip


@router.get("/{week}/items", summary="会议议程", responses=_READ)
async def agenda(
    request: Request,
    actor: Staff,
    week: Week,
    street: StreetCode = None,
    part: Annotated[MeetingPart | None, Query(description="只看这一部分")] = None,
    unit: Annotated[Short | None, Query(description="只看这个单位的")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[AgendaItemOut]:
    """督进度、看成效、解难题三部分。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, _place)
    wanted = registry.unit(unit).code if unit is not None else None
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        await meetings.find(tx, registry.street_id, week)
        rows = await meetings.on_agenda(
            tx, registry.street_id, week, actor, part=part, unit=wanted, after=after[0] if after else 0, limit=limit
        )  # fmt: skip
    return Page[AgendaItemOut].model_validate(
        page(rows, limit, lambda r: (r.place,), lambda r: _item(registry, r))
    )


def _place(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError(text)
    return value


def _item(registry: Registry, row: Any) -> dict[str, Any]:
    return {
        "place": row.place, "part": row.part, "part_text": MeetingPart(row.part).text, "number": row.number,
        "title": row.content[: view.TITLE], "unit": row.unit_code,
        "unit_name": view.unit_name(registry, row.unit_code), "state": row.state,
        "state_text": State(row.state).text, "state_now": row.state_now,
        "state_now_text": State(row.state_now).text, "why": row.why,
    }  # fmt: skip


@router.get("/{week}/resolutions", summary="会议决议和落实情况", responses=_READ)
async def resolutions(
    request: Request,
    actor: Staff,
    week: Week,
    street: StreetCode = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ResolutionOut]:
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        await meetings.find(tx, registry.street_id, week)
        rows = await meetings.resolved(
            tx, registry.street_id, week, actor, after=after[0] if after else None, limit=limit
        )
        told = await meetings.reports_on(tx, registry.street_id, [r.id for r in rows])
    return Page[ResolutionOut].model_validate(
        page(rows, limit, lambda r: (r.id,), lambda r: _resolution(registry, r, told[r.id]))
    )


def _resolution(registry: Registry, row: Any, told: Sequence[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id), "week": row.week, "number": row.number, "state": row.state,
        "state_text": State(row.state).text, "unit": row.unit_code,
        "unit_name": view.unit_name(registry, row.unit_code), "measure": row.measure, "due_on": row.due_on,
        "decided_at": row.decided_at, "done": any(r.done for r in told), "reports": list(told),
    }  # fmt: skip


@router.post(
    "/{week}/resolutions", summary="记录一项会议决议", response_model=ResolutionOut, responses=_WRITE
)
async def resolve(
    request: Request, actor: Heads, week: Week, body: ResolutionIn, key: Key = None
) -> dict[str, Any]:
    """责任单位、措施、完成时限;同时记入工单的经过,完成前每次会议都列入议程。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    process = process_of(request)
    async with process.database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            made = await meetings.resolve(
                tx, process, registry, actor, week, body.number, body.unit, body.measure, body.due_on
            )
            return await _shown(tx, registry, week, made)

        return await once(tx, registry.street_id, actor.id, key, body_hash, 200, work)


@router.post(
    "/{week}/resolutions/{resolution}/reports", summary="报告决议的落实情况", response_model=ResolutionOut,
    responses=_WRITE,
)  # fmt: skip
async def report(
    request: Request, actor: Workers, week: Week, resolution: UUID, body: ReportIn, key: Key = None
) -> dict[str, Any]:
    """责任单位或督办员;完成之后不再列入下次议程(工单未办结的仍作为未了事项)。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    street_id = registry.street_id
    async with process_of(request).database.transaction([street_id]) as tx:

        async def work() -> dict[str, Any]:
            await meetings.report(tx, street_id, actor, week, resolution, done=body.done, note=body.note)
            return await _shown(tx, registry, week, resolution)

        return await once(tx, street_id, actor.id, key, body_hash, 200, work)


async def _shown(tx: Transaction, registry: Registry, week: str, resolution: UUID) -> dict[str, Any]:
    row = await meetings.resolution(tx, registry.street_id, week, resolution)
    told = (await meetings.reports_on(tx, registry.street_id, [resolution]))[resolution]
    return ResolutionOut.model_validate(_resolution(registry, row, told)).model_dump(mode="json")
