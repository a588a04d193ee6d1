"""Doors to the rankings, and to a street's assessment calendar."""

from datetime import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from services.metrics.answer import answered
from services.metrics.api.ask import How, OneStreet, Question, SplitBy, one_street, splits
from services.metrics.api.rates import RateName, VariantName
from services.metrics.periods import AssessmentCalendar
from services.metrics.rankings import Order, leading, ranked, trailing, unranked
from services.metrics.schemas.figures import CalendarIn, CalendarOut, RankingOut
from services.metrics.windows import of_street, set_calendar
from shared.auth import Actor
from shared.errors import invalid
from shared.terms import STAFF_ROLES, Role, Scope
from shared.web.access import only, process_of
from shared.web.problems import documented

router = APIRouter(tags=["指标"])
_ERRORS = documented(400, 401, 403, 404, 422, 503)
Listed = Annotated[int, Query(ge=0, le=100)]
Setter = Annotated[Actor, Depends(only(Role.ADMIN, Role.LEADER))]
Reader = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.METRICS_READ))]


@router.get("/rankings", summary="按单位、社区等排名,同分并列", response_model=RankingOut, responses=_ERRORS)
async def rankings(
    request: Request,
    question: Question,
    how: How,
    rate: RateName,
    variant: VariantName = None,
    by: SplitBy = "unit",
    order: Annotated[
        Literal["desc", "asc"], Query(description="从高到低 desc,从低到高 asc(如超期率)")
    ] = "desc",
    top: Listed = 5,
    bottom: Listed = 5,
) -> dict[str, Any]:
    """分母少于 least 的不排名,列在 unranked;红榜、黑榜同分不分先后。"""
    chosen = splits(by)
    if not chosen:
        raise invalid("by", "请填写按什么排名")
    async with process_of(request).database.transaction(question.scope.street_ids, read_only=True) as tx:
        answer = await answered(tx, question, rate.value, variant, chosen, how)
    direction: Order = order
    rows = ranked(answer.entrants, direction)
    return {
        **answer.body, "order": order, "least": how.least, "rows": rows, "unranked": unranked(answer.entrants),
        "red": leading(rows, top), "black": trailing(rows, bottom),
    }  # fmt: skip


@router.get("/assessment-calendar", summary="本街道的考核日历", response_model=CalendarOut, responses=_ERRORS)
async def calendar(request: Request, actor: Reader, street: OneStreet = None) -> dict[str, Any]:
    found = await one_street(request, actor, street)
    async with process_of(request).database.transaction([found.id], read_only=True) as tx:
        return _shown(found.code, await of_street(tx, found.id))


@router.post(
    "/assessment-calendar",
    summary="设定本街道的考核日历",
    response_model=CalendarOut,
    responses=documented(400, 401, 403, 404, 413, 422, 503),
)
async def set_one(request: Request, body: CalendarIn, actor: Setter) -> dict[str, Any]:
    """如考核月为上月19日至当月18日:month_starts_on=19;考核年为11月至次年10月:year_starts_in=11。"""
    street = await one_street(request, actor, body.street)
    calendar = AssessmentCalendar(
        body.month_starts_on, body.year_starts_in, time.fromisoformat(body.day_starts_at)
    )
    async with process_of(request).database.transaction([street.id]) as tx:
        await set_calendar(tx, street.id, calendar)
    return _shown(street.code, calendar)


def _shown(street: str, calendar: AssessmentCalendar) -> dict[str, Any]:
    return {
        "street": street, "month_starts_on": calendar.month_starts_on, "year_starts_in": calendar.year_starts_in,
        "day_starts_at": calendar.day_starts_at.isoformat("minutes"),
    }  # fmt: skip
