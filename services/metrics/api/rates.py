"""Doors to the rates: the catalogue, one rate, and the tickets behind it."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.metrics import figures
from services.metrics.answer import COMPOSITE, answered, compared
from services.metrics.api.ask import How, Question, Reader, Splits
from services.metrics.catalogue import entries
from services.metrics.counting import Count
from services.metrics.rates import CATALOGUE
from services.metrics.schemas.figures import EvidenceItem, RateDefinition, RateOut
from services.metrics.store import Wanted
from shared.errors import Forbidden, invalid
from shared.terms import STREET_WIDE, Role, Scope
from shared.web.access import process_of
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["指标"])
_ERRORS = documented(400, 401, 403, 404, 422, 503)
RateName = StrEnum("RateName", {name: name for name in (*CATALOGUE, COMPOSITE)})  # type: ignore[misc]
VariantName = Annotated[
    str | None, Query(alias="variant", max_length=40, pattern=r"^[a-z0-9_]*$", description="口径")
]
TotalBy = Annotated[
    Literal["pooled", "mean_of_units"], Query(description="合计:合并分子分母,或各行的率取平均")
]
Compared = Annotated[Literal["yoy", "mom"] | None, Query(description="同比 yoy(上年同期),环比 mom(上一期)")]


@router.get(
    "/rates",
    summary="指标目录:每个率的口径、分子、分母、出处",
    response_model=list[RateDefinition],
    responses=_ERRORS,
)
async def catalogue(_: Reader) -> list[dict[str, Any]]:
    """目录中的每个率都可用其 path 查询,佐证清单在 path 之后加 /evidence。"""
    return entries()


@router.get(
    "/rates/{rate}", summary="一个率:分子、分母、值,可按维度拆分", response_model=RateOut, responses=_ERRORS
)
async def one(
    request: Request,
    question: Question,
    rate: RateName,
    how: How,
    by: Splits,
    variant: VariantName = None,
    total: TotalBy = "pooled",
    compare: Compared = None,
) -> Response:
    if total == "mean_of_units" and not by:
        raise invalid("total", "各行平均需要先用 by 拆分")
    async with process_of(request).database.transaction(question.scope.street_ids, read_only=True) as tx:
        mean = total == "mean_of_units"
        answer = (await answered(tx, question, rate.value, variant, by, how, mean=mean)).body
        if compare is not None:
            moved, split = question.moved(compare), by if mean else ()
            other = (await answered(tx, moved, rate.value, variant, split, how, mean=mean)).body
            answer["comparison"] = compared(compare, answer["total"], other)
    # Rows are many where keys are: written at once, without a detour over plain values.
    return Response(
        RateOut.model_validate(answer).model_dump_json(by_alias=True), media_type="application/json"
    )


@router.get("/rates/{rate}/evidence", summary="分子、分母或差额是哪些工单", responses=_ERRORS)
async def evidence(
    request: Request,
    question: Question,
    rate: RateName,
    how: How,
    side: Annotated[
        Literal["numerator", "denominator", "gap"], Query(description="分子、分母,或在分母而不在分子的差额")
    ],
    variant: VariantName = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[EvidenceItem]:
    actor, scope = question.actor, question.scope
    actor.require(Scope.LEDGER_READ)
    if actor.role not in STREET_WIDE and actor.role is not Role.SCRIPT:
        raise Forbidden("只有全街道范围的角色可以查看佐证清单", code="role_not_allowed")
    if rate.value == COMPOSITE:
        raise invalid("rate", "综合成绩由几个率合成,请逐个查看各率的佐证清单", code="no_evidence")
    _, _, chosen = figures.rate_of(rate.value, variant)
    after = decode(cursor, date.fromisoformat, UUID)
    wanted = Wanted(
        chosen.numerator if side == "numerator" else chosen.denominator,
        chosen.numerator if side == "gap" else (),
        how.assessed,
        (after[0], after[1]) if after else None,
        limit,
    )
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        rows = await (await Count.of(tx, scope, chosen.measures)).tickets(wanted)
    codes = {s.id: s.code for s in question.streets}
    return Page[EvidenceItem].model_validate(
        page(rows, limit, lambda r: (r["received_day"], r["ticket_id"]), lambda r: _item(r, codes))
    )


def _item(row: Any, codes: dict[int, str]) -> dict[str, Any]:
    return {
        **row,
        "id": str(row["ticket_id"]),
        "street": codes[row["street_id"]],
        "state_text": figures.state_text(row["state"]),
    }
