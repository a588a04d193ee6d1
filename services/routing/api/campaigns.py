"""Doors to campaigns: a named roster of places, how many of them are done, and which are missing."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from services.routing.api import promised
from services.routing.api.asked import Hand, Planner, Reader, StreetCode, street_asked
from services.routing.commitments import store
from services.routing.commitments.schemas import CampaignIn, CampaignOut, ReachedIn
from services.routing.commitments.tally import display, value
from shared import clock
from shared.db import Transaction
from shared.errors import Conflict, invalid
from shared.tables import campaigns
from shared.web.access import process_of
from shared.web.fields import Code
from shared.web.idempotency import Key
from shared.web.paging import Cursor, Limit, Page, code as text_code, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["整治行动"])
CampaignCode = Annotated[Code, Path(description="行动代码", examples=["SANWU-2021"])]


async def _shown(tx: Transaction, row: Any) -> dict[str, Any]:
    counts = await store.covered(tx, row.street_id, row.code)
    done, places = counts["done"], counts["places"]
    return counts | {
        "code": row.code, "title": row.title, "value": value(done, places), "display": display(done, places)
    }  # fmt: skip


@router.get("/campaigns", summary="整治行动", responses=documented(400, 401, 403, 422, 503))
async def listed(
    request: Request, actor: Reader, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[CampaignOut]:
    street_id, after = (await street_asked(request, actor, street)).id, decode(cursor, text_code)
    async with process_of(request).database.transaction([street_id], read_only=True) as tx:
        rows = await store.campaign_rows(tx, street_id, after[0] if after else None, limit)
        told = page(rows, limit, lambda r: (r.code,), lambda r: r)
        told["items"] = [await _shown(tx, row) for row in told["items"]]
    return Page[CampaignOut].model_validate(told)


@router.post(
    "/campaigns", status_code=201, summary="新建整治行动和点位底册", response_model=CampaignOut,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def make(request: Request, actor: Planner, body: CampaignIn, key: Key = None) -> dict[str, Any]:
    street_id = (await street_asked(request, actor, body.street)).id
    row = {
        "street_id": street_id, "code": body.code, "title": body.title, "recorded_at": clock.now(),
        "recorded_by": actor.id,
    }  # fmt: skip

    async def work(tx: Transaction) -> dict[str, Any]:
        if not await store.add(tx, campaigns, row):
            raise Conflict("已有这个代码的行动", code="code_taken")
        await store.add_places(tx, street_id, body.code, body.places)
        return await _shown(tx, await store.campaign(tx, street_id, body.code))

    return await promised.created(request, actor, street_id, key, CampaignOut, work)


@router.get(
    "/campaigns/{code}", summary="一项行动的覆盖率", response_model=CampaignOut, responses=documented(400, 401, 403, 404, 422, 503)
)  # fmt: skip
async def one(
    request: Request, actor: Reader, code: CampaignCode, street: StreetCode = None
) -> dict[str, Any]:
    street_id = (await street_asked(request, actor, street)).id
    async with process_of(request).database.transaction([street_id], read_only=True) as tx:
        return await _shown(tx, await store.campaign(tx, street_id, code))


@router.post(
    "/campaigns/{code}/reached", summary="登记已完成的点位", response_model=CampaignOut,
    responses=documented(400, 401, 403, 404, 409, 413, 422, 503),
)  # fmt: skip
async def reach(
    request: Request, actor: Hand, code: CampaignCode, body: ReachedIn, street: StreetCode = None
) -> dict[str, Any]:
    """完成日期只记第一次。"""
    street_id, today = (await street_asked(request, actor, street)).id, clock.local_day(clock.now())
    on = body.on or today
    if on > today:
        raise invalid("on", "不能晚于今天")
    async with process_of(request).database.transaction([street_id]) as tx:
        row = await store.campaign(tx, street_id, code)
        unknown = set(body.places) - await store.reach(tx, street_id, code, body.places, on)
        if unknown:
            raise invalid("places", f"底册中没有“{min(unknown)}”", code="not_on_roster")
        return await _shown(tx, row)
