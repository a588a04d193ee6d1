"""Doors to the rates: the catalogue, one rate, and the tickets behind it."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.metrics import figures, store
from services.metrics.api.ask import By, Question, Reader
from services.metrics.rates import CATALOGUE, MOST_DIGITS, Rounding
from services.metrics.schemas import EvidenceItem, RateDefinition, RateOut
from shared.errors import Forbidden
from shared.terms import STREET_WIDE, Role, Scope
from shared.web.access import process_of
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["指标"])
_ERRORS = documented(400, 401, 403, 404, 422, 503)
RateName = StrEnum("RateName", {name: name for name in CATALOGUE})  # type: ignore[misc]
VariantName = Annotated[
    str | None, Query(alias="variant", max_length=40, pattern=r"^[a-z0-9_]*$", description="口径")
]
Population = Annotated[Literal["all", "assessed"], Query(description="全口径 all,考核口径 assessed")]
Digits = Annotated[int, Query(ge=0, le=MOST_DIGITS, description="小数位数")]
HowToRound = Annotated[Rounding, Query(description="四舍五入 half_up,截断 truncate;都不会进位到100%")]


@router.get(
    "/rates",
    summary="指标目录:每个率的口径、分子、分母、出处",
    response_model=list[RateDefinition],
    responses=_ERRORS,
)
async def catalogue(_: Reader) -> list[dict[str, Any]]:
    return [
        {
            "rate": rate.id,
            "label": rate.label,
            "default_variant": rate.default,
            "variants": [
                {
                    "variant": name, **figures.definition(v), "numerator_measures": v.numerator,
                    "denominator_measures": v.denominator, "warning": v.warning,
                }
                for name, v in rate.variants.items()
            ],
        }
        for rate in CATALOGUE.values()
    ]  # fmt: skip


@router.get(
    "/rates/{rate}", summary="一个率:分子、分母、值,可按维度拆分", response_model=RateOut, responses=_ERRORS
)
async def one(
    request: Request,
    question: Question,
    rate: RateName,
    variant: VariantName = None,
    by: By | None = None,
    population: Population = "all",
    rounding: HowToRound = "half_up",
    digits: Digits = 2,
) -> dict[str, Any]:
    scope = question.scope
    known, name, chosen = figures.rate_of(rate.value, variant)
    measures = tuple(dict.fromkeys((*chosen.numerator, *chosen.denominator, "received", *figures.PARTITION)))
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        sums = await store.sums(tx, scope, by, measures)
        parts = await figures.parts(tx, scope, by, question.streets, sums)
        waiting = await store.not_booked(tx, scope.street_ids)
    pooled = figures.total(sums, measures)
    return {
        "rate": known.id,
        "variant": name,
        "label": known.label,
        "definition": figures.definition(chosen),
        "window": question.window(),
        "as_of": scope.as_of,
        "population": population,
        "rounding": rounding,
        "digits": digits,
        "rows": [
            figures.row(key, label, part, chosen, digits=digits, rounding=rounding)
            for key, label, part in parts
        ],
        "total": figures.row("total", "合计", pooled, chosen, digits=digits, rounding=rounding),
        "warnings": figures.warnings(chosen, scope, population, waiting, pooled),
    }


@router.get("/rates/{rate}/evidence", summary="分子或分母是哪些工单", responses=_ERRORS)
async def evidence(
    request: Request,
    question: Question,
    rate: RateName,
    side: Annotated[Literal["numerator", "denominator"], Query(description="分子或分母")],
    variant: VariantName = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[EvidenceItem]:
    actor, scope = question.actor, question.scope
    actor.require(Scope.LEDGER_READ)
    if actor.role not in STREET_WIDE and actor.role is not Role.SCRIPT:
        raise Forbidden("只有全街道范围的角色可以查看佐证清单", code="role_not_allowed")
    _, _, chosen = figures.rate_of(rate.value, variant)
    measures = chosen.numerator if side == "numerator" else chosen.denominator
    after = decode(cursor, date.fromisoformat, UUID)
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        rows = await store.tickets_behind(
            tx, scope, measures, after=(after[0], after[1]) if after else None, limit=limit
        )
    codes = {s.id: s.code for s in question.streets}
    return Page[EvidenceItem].model_validate(
        page(rows, limit, lambda r: (r["received_day"], r["ticket_id"]), lambda r: _item(r, codes))
    )


def _item(row: Any, codes: dict[int, str]) -> dict[str, Any]:
    return {
        **dict(row),
        "id": str(row["ticket_id"]),
        "street": codes[row["street_id"]],
        "state_text": figures.state_text(row["state"]),
    }
