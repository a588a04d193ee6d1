"""How many people have registered, for staff: a figure of its own, never to be mixed with that of requests."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from services.intake.identity import accounts
from services.intake.prepare import street_for
from services.intake.schemas import UsersOut
from shared import clock
from shared.auth import Actor
from shared.terms import STREET_WIDE, Scope
from shared.web.access import only, process_of
from shared.web.fields import Code, Day
from shared.web.problems import documented

router = APIRouter(prefix="/users", tags=["居民"])

Reader = Annotated[Actor, Depends(only(*STREET_WIDE, scope=Scope.METRICS_READ))]


@router.get(
    "/count",
    response_model=UsersOut,
    summary="注册用户数",
    responses=documented(401, 403, 405, 422, 503),
)
async def count_users(
    request: Request,
    actor: Reader,
    street: Annotated[Code | None, Query(description="街道代码;只属于一个街道时可不填")] = None,
    day: Annotated[Day | None, Query(alias="as_of", description="截至这一天(含);不填为现在")] = None,
) -> dict[str, Any]:
    """通过微信登录过的人数,一个人在几个小程序登录只算一个;与诉求件数无关。"""
    process = process_of(request)
    where = await street_for(process, actor, street)
    now = clock.now()
    until = min(clock.day_end(day), now) if day is not None else now
    async with process.database.transaction([where.id], read_only=True) as tx:
        users, with_phone = await accounts.counted(tx, where.id, until)
    return {"street": where.code, "users": users, "with_phone": with_phone, "as_of": until}
