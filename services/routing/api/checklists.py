"""Doors to lists of commitments: made, published, filled, read in three views, closed when nothing on them is open."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import update
from uuid_utils.compat import uuid7

from services.routing.api import promised
from services.routing.api.asked import Overseer, Planner, Reader, StreetCode, registry_asked, street_asked
from services.routing.commitments import store, undertaking_store, view
from services.routing.commitments.planning import put_on_list
from services.routing.commitments.schemas import (
    ChecklistDetail,
    ChecklistIn,
    ChecklistOut,
    ClosingIn,
    IndicatorIn,
    ItemIn,
    PublicationIn,
    ReadingIn,
    SummaryOut,
    UndertakingDetail,
    UndertakingOut,
    shown_amount,
)
from services.routing.commitments.tally import Tally
from services.routing.registry import Registry
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, invalid
from shared.tables import checklists, indicator_readings, indicators
from shared.terms import ListLevel
from shared.web.access import process_of
from shared.web.fields import Code
from shared.web.idempotency import Key
from shared.web.paging import Cursor, Limit, Page, code as text_code, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["目标清单"])
ChecklistCode = Annotated[Code, Path(description="清单代码", examples=["QD2021-001"])]
Year = Annotated[int | None, Query(ge=1990, le=2100, description="年度")]
Level = Annotated[ListLevel | None, Query(description="三级清单的层级")]
Major = Annotated[bool | None, Query(description="是否重大事项;不填则不区分")]
_READ = documented(400, 401, 403, 404, 422, 503)
_WRITE = documented(400, 401, 403, 404, 409, 413, 422, 503)


@router.get("/checklists", summary="目标清单,按代码", responses=_READ)
async def listed(
    request: Request,
    actor: Reader,
    street: StreetCode = None,
    year: Year = None,
    level: Level = None,
    major: Major = None,
    closed: Annotated[bool | None, Query(description="是否已销号")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ChecklistOut]:
    registry = await registry_asked(request, actor, street)
    after, wanted = decode(cursor, text_code), {"level": level, "major": major}
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await store.listed(
            tx, registry.street_id, actor, wanted, year=year, closed=closed, after=after[0] if after else None, limit=limit
        )  # fmt: skip
        tallies = await store.tallies(tx, registry.street_id, [row.code for row in rows])
    shown = page(
        rows, limit, lambda r: (r.code,), lambda r: view.checklist(r, tallies.get(r.code, Tally()), registry)
    )
    return Page[ChecklistOut].model_validate(shown)


@router.get(
    "/checklists/summary", summary="清单总账:重大事项单列", responses=documented(400, 401, 403, 422, 503)
)
async def summary(
    request: Request, actor: Overseer, street: StreetCode = None, year: Year = None
) -> SummaryOut:
    street_id = (await street_asked(request, actor, street)).id
    async with process_of(request).database.transaction([street_id], read_only=True) as tx:
        lists = await store.list_counts(tx, street_id, year)
        found = await store.by_level(tx, street_id, year)
    told: dict[str, Any] = {"year": year}
    for name, major in (("regular", False), ("major", True)):
        levels = {level: tally for (is_major, level), tally in found.items() if is_major is major}
        told[name] = view.section(levels, lists.get(major, (0, 0)))
    return SummaryOut.model_validate(told)


@router.post(
    "/checklists", status_code=201, summary="新建目标清单", response_model=ChecklistOut, responses=documented(400, 401, 403, 409, 413, 422, 503)
)  # fmt: skip
async def make(request: Request, actor: Planner, body: ChecklistIn, key: Key = None) -> dict[str, Any]:
    registry = await registry_asked(request, actor, body.street)
    now, owner = clock.now(), body.owner_unit
    row = body.model_dump(exclude={"street"}) | {
        "street_id": registry.street_id, "last_year": body.last_year or body.year,
        "owner_unit": registry.unit(owner, "owner_unit").code if owner is not None else None,
        "households": shown_amount(body.households), "promised_on": body.promised_on or clock.local_day(now),
        "recorded_at": now, "recorded_by": actor.id,
    }  # fmt: skip

    async def work(tx: Transaction) -> dict[str, Any]:
        if not await store.add(tx, checklists, row):
            raise Conflict("已有这个代码的清单", code="code_taken")
        return view.checklist(
            await store.checklist(tx, registry.street_id, actor, body.code), Tally(), registry
        )

    return await promised.created(request, actor, registry.street_id, key, ChecklistOut, work)


@router.get("/checklists/{code}", summary="一份清单", response_model=ChecklistDetail, responses=_READ)
async def one(
    request: Request, actor: Reader, code: ChecklistCode, street: StreetCode = None
) -> dict[str, Any]:
    registry = await registry_asked(request, actor, street)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        return await _whole(tx, registry, actor, code)


async def _whole(tx: Transaction, registry: Registry, actor: Actor, code: str) -> dict[str, Any]:
    row = await store.checklist(tx, registry.street_id, actor, code)
    tally = (await store.tallies(tx, registry.street_id, [code])).get(code, Tally())
    readings = await store.latest_readings(tx, registry.street_id, code)
    return view.checklist(row, tally, registry) | {"indicators": readings}


@router.get("/checklists/{code}/items", summary="清单事项", responses=_READ)
async def items(
    request: Request, actor: Reader, code: ChecklistCode, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[UndertakingOut]:  # fmt: skip
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        await store.checklist(tx, registry.street_id, actor, code)
        where = undertaking_store.of_list(code)
        rows = await undertaking_store.page_of(tx, registry.street_id, actor, where, after=after, limit=limit)
        return Page[UndertakingOut].model_validate(await promised.paged(tx, registry, actor, rows, limit))


@router.post(
    "/checklists/{code}/items", status_code=201, summary="把工单列入清单,按计划办理", response_model=UndertakingDetail, responses=_WRITE
)  # fmt: skip
async def put(
    request: Request, actor: Planner, code: ChecklistCode, body: ItemIn, street: StreetCode = None, key: Key = None
) -> dict[str, Any]:  # fmt: skip
    where, registry = await street_asked(request, actor, street), await registry_asked(request, actor, street)

    async def work(tx: Transaction) -> dict[str, Any]:
        undertaking_id = await put_on_list(tx, process_of(request).outbox, registry, where, actor, code, body)
        row = await undertaking_store.undertaking(tx, where.id, actor, undertaking_id)
        return await promised.detail(tx, registry, actor, row)

    return await promised.created(request, actor, where.id, key, UndertakingDetail, work)


@router.post(
    "/checklists/{code}/publication",
    summary="亮诺:公示清单",
    response_model=ChecklistDetail,
    responses=_WRITE,
)
async def publish(
    request: Request, actor: Planner, code: ChecklistCode, body: PublicationIn, street: StreetCode = None
) -> dict[str, Any]:
    registry = await registry_asked(request, actor, street)
    async with process_of(request).database.transaction([registry.street_id]) as tx:
        row = await store.checklist(tx, registry.street_id, actor, code, held=True)
        if not row.promised_on <= body.published_on <= clock.local_day(clock.now()):
            raise invalid("published_on", "公示日期应在承诺之后,不晚于今天")
        await _change(tx, registry.street_id, code, published_on=body.published_on)
        return await _whole(tx, registry, actor, code)


@router.post(
    "/checklists/{code}/closing",
    summary="销号:事项全部办结后关闭清单",
    response_model=ChecklistDetail,
    responses=_WRITE,
)
async def close(
    request: Request, actor: Planner, code: ChecklistCode, body: ClosingIn, street: StreetCode = None
) -> dict[str, Any]:
    """逐一清零:还有事项没有办结时返回 409 和件数。"""
    registry = await registry_asked(request, actor, street)
    async with process_of(request).database.transaction([registry.street_id]) as tx:
        row = await store.checklist(tx, registry.street_id, actor, code, held=True)
        tally = (await store.tallies(tx, registry.street_id, [code])).get(code, Tally())
        if row.closed_at is not None:
            raise Conflict("清单已经销号", code="checklist_closed")
        if not tally.items:
            raise Conflict("清单上还没有事项", code="checklist_empty")
        if tally.open:
            raise Conflict(f"还有 {tally.open} 个事项没有办结,不能销号", code="items_open", open=tally.open)
        now = clock.now()
        await _change(tx, registry.street_id, code, closed_at=now, closed_by=actor.id, closing_note=body.note)
        return await _whole(tx, registry, actor, code)


async def _change(tx: Transaction, street_id: int, code: str, **values: Any) -> None:
    c = checklists.c
    await tx.execute(update(checklists).where(c.street_id == street_id, c.code == code).values(**values))


@router.post(
    "/checklists/{code}/indicators", status_code=201, summary="为多年目标设定指标", response_model=ChecklistDetail, responses=_WRITE
)  # fmt: skip
async def indicate(
    request: Request, actor: Planner, code: ChecklistCode, body: IndicatorIn, street: StreetCode = None, key: Key = None
) -> dict[str, Any]:  # fmt: skip
    registry = await registry_asked(request, actor, street)

    async def work(tx: Transaction) -> dict[str, Any]:
        row = await store.checklist(tx, registry.street_id, actor, code)
        if not row.year <= body.year <= row.last_year:
            raise invalid("year", f"清单的年度是 {row.year} 至 {row.last_year}")
        values = body.model_dump() | {"street_id": registry.street_id, "checklist_code": code}
        if not await store.add(tx, indicators, values):
            raise Conflict("这一年已有这个指标", code="indicator_taken")
        return await _whole(tx, registry, actor, code)

    return await promised.created(request, actor, registry.street_id, key, ChecklistDetail, work)


@router.post(
    "/checklists/{code}/readings", status_code=201, summary="登记指标的实际值", response_model=ChecklistDetail, responses=_WRITE
)  # fmt: skip
async def read(
    request: Request, actor: Planner, code: ChecklistCode, body: ReadingIn, street: StreetCode = None, key: Key = None
) -> dict[str, Any]:  # fmt: skip
    registry, now = await registry_asked(request, actor, street), clock.now()
    on = body.on or clock.local_day(now)

    async def work(tx: Transaction) -> dict[str, Any]:
        await store.checklist(tx, registry.street_id, actor, code)
        if on > clock.local_day(now):
            raise invalid("on", "不能晚于今天")
        if not await store.has_indicator(tx, registry.street_id, code, body.name, body.year):
            raise invalid("name", "这一年没有这个指标", code="unknown_indicator")
        values = {
            "street_id": registry.street_id, "id": uuid7(), "checklist_code": code, "name": body.name, "year": body.year,
            "value": body.value, "read_on": on, "recorded_at": now, "recorded_by": actor.id,
        }  # fmt: skip
        await store.add(tx, indicator_readings, values)
        return await _whole(tx, registry, actor, code)

    return await promised.created(request, actor, registry.street_id, key, ChecklistDetail, work)
