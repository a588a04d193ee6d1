"""Doors to plain counts and to the funnel topic → issue → project."""

from typing import Any

from fastapi import APIRouter, Request

from services.metrics import figures, store
from services.metrics.api.ask import By, Question
from services.metrics.api.rates import Digits, HowToRound
from services.metrics.schemas import CountsOut, FunnelOut
from shared.web.access import process_of
from shared.web.problems import documented

router = APIRouter(tags=["指标"])
_ERRORS = documented(400, 401, 403, 422, 503)
MOST_LISTED = 500


@router.get("/counts", summary="各项计数,可按维度拆分", response_model=CountsOut, responses=_ERRORS)
async def counts(request: Request, question: Question, by: By | None = None) -> dict[str, Any]:
    scope = question.scope
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        sums = await store.sums(tx, scope, by)
        parts = await figures.parts(tx, scope, by, question.streets, sums)
        waiting = await store.not_booked(tx, scope.street_ids)
    pooled = figures.total(sums)
    return {
        "window": question.window(),
        "as_of": scope.as_of,
        "counts": pooled,
        "measures": figures.counts(pooled),
        "rows": [{"key": key, "label": label, "counts": part} for key, label, part in parts],
        "warnings": figures.warnings(None, scope, "all", waiting, pooled),
    }


@router.get(
    "/funnel", summary="话题→议题→项目→办结的转化,及留下来的", response_model=FunnelOut, responses=_ERRORS
)
async def funnel(
    request: Request, question: Question, rounding: HowToRound = "half_up", digits: Digits = 2
) -> dict[str, Any]:
    scope = question.scope
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        sums = figures.total(await store.sums(tx, scope, None))
        behind = await store.tickets_behind(
            tx, scope, ("accepted",), without=("dispatched", "direct"), limit=MOST_LISTED
        )
        words = await store.last_words(
            tx, scope.street_ids, [row["ticket_id"] for row in behind], scope.as_of
        )
        waiting = await store.not_booked(tx, scope.street_ids)
    return {
        "window": question.window(),
        "as_of": scope.as_of,
        **figures.funnel(sums, digits=digits, rounding=rounding),
        "stayed_behind": [_behind(row, words) for row in behind[:MOST_LISTED]],
        "stayed_behind_count": sums["accepted"] - sums["dispatched"] - sums["direct"],
        "warnings": figures.warnings(None, scope, "all", waiting, sums),
    }


def _behind(row: Any, words: dict[Any, Any]) -> dict[str, Any]:
    last = words.get(row["ticket_id"])
    return {
        "number": row["number"],
        "stage": "issue",
        "state": row["state"],
        "state_text": figures.state_text(row["state"]),
        "reason": last["reason"] if last is not None else None,
    }
