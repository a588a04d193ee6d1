"""Doors to what all lists add up to: one chain read as three lists, and what was solved after a long time."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.routing.api import promised
from services.routing.api.asked import Overseer, Reader, StreetCode, registry_asked
from services.routing.api.checklists import Level, Major, Year
from services.routing.commitments import undertaking_store
from services.routing.commitments.schemas import ChainPage, LongPage
from services.routing.commitments.tally import display, value
from services.routing.commitments.vocabulary import View
from shared import clock
from shared.web.access import process_of
from shared.web.paging import Cursor, Limit, decode
from shared.web.problems import documented

router = APIRouter(tags=["目标清单"])
_READ = documented(400, 401, 403, 422, 503)


@router.get("/checklists/views", summary="一条链的三张清单:需求、实事、账单", responses=_READ)
async def views(
    request: Request,
    actor: Reader,
    view: Annotated[View, Query(description="需求清单、实事清单或幸福账单")] = View.TASK,
    street: StreetCode = None,
    year: Year = None,
    level: Level = None,
    major: Major = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ChainPage:
    """三张清单是同一批事项:需求 = 事项 + 并入的诉求,事项 = 账单 + 未办结 + 终止。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    of = undertaking_store.of_lists({"level": level, "major": major}, year)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        counts = await undertaking_store.chain(tx, registry.street_id, actor, of)
        where = [of, undertaking_store.closed_only()] if view is View.RESULT else [of]
        rows = await undertaking_store.page_of(
            tx, registry.street_id, actor, *where, after=after, limit=limit
        )
        told: dict[str, Any] = await promised.paged(tx, registry, actor, rows, limit)
    return ChainPage.model_validate(
        told | {"view": view.value, "view_text": view.text, "counts": _reconciled(counts)}
    )


def _reconciled(counts: dict[str, int]) -> dict[str, Any]:
    """Return the counts of the three lists, and whether each follows from the one before."""
    tasks = counts["results"] + counts["open"] + counts["ended"]
    agree = counts["demands"] == counts["tasks"] + counts["merged"] and counts["tasks"] == tasks
    return counts | {"reconciled": agree}


@router.get("/checklists/longstanding", summary="多年未解决的事项,解决了多少", responses=_READ)
async def longstanding(
    request: Request,
    actor: Overseer,
    months: Annotated[int, Query(ge=1, le=600, description="反映了多少个月以上")] = 12,
    street: StreetCode = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> LongPage:
    """办结时(未办结的到今天)已经反映了这么多个月的清单事项,从最早反映之日算起。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    today = clock.local_day(clock.now())
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        found = await undertaking_store.longstanding(tx, registry.street_id, today, months)
        of = undertaking_store.among(found)
        rows = await undertaking_store.page_of(tx, registry.street_id, actor, of, after=after, limit=limit)
        told = await promised.paged(tx, registry, actor, rows, limit)
    solved, total = sum(found.values()), len(found)
    share = {
        "total": total,
        "solved": solved,
        "value": value(solved, total),
        "display": display(solved, total),
    }
    return LongPage.model_validate(told | share | {"months": months})
