"""Doors to plain counts and to the funnel topic → issue → project."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request

from services.metrics import figures, registry
from services.metrics.api.ask import How, Question, Splits
from services.metrics.counting import Count
from services.metrics.figures import Manner, Names
from services.metrics.rates import display, value
from services.metrics.schemas.figures import CountsOut, FunnelOut
from services.metrics.store import Scope, Wanted
from shared.db import Transaction
from shared.web.access import process_of
from shared.web.problems import documented

router = APIRouter(tags=["指标"])
_ERRORS = documented(400, 401, 403, 422, 503)
MOST_LISTED = 500
_BEGINNING = date(1990, 1, 1)
_TICK = timedelta(microseconds=1)


@router.get("/counts", summary="各项计数,可按维度拆分", response_model=CountsOut, responses=_ERRORS)
async def counts(request: Request, question: Question, by: Splits, how: How) -> dict[str, Any]:
    """登记、受理、办结等每一项的数;rows 中附占比,carried 为期初结转和期末结转。"""
    scope = question.scope
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        count = await Count.of(tx, scope, ())
        counted = await count.split(by)
        names = await Names.of(tx, scope, by, question.streets)
        carried = await _carried(tx, scope, how)
        waiting = await registry.not_booked(tx, scope.street_ids)
    pooled = counted.total(assessed=how.assessed)
    rows = []
    for key in counted.parts() if by else ():
        (code, label), keys = names.of_key(key)
        part = counted.part(key, assessed=how.assessed)
        rows.append(
            {
                "key": code,
                "label": label,
                "keys": list(keys),
                "counts": part,
                "share": _share(part, pooled, how),
            }
        )
    return {
        "window": question.shown(),
        "as_of": scope.as_of,
        "known_at": scope.known_at,
        "population": "assessed" if how.assessed else "all",
        "counts": pooled,
        "measures": figures.counts(pooled),
        "carried": carried,
        "rows": sorted(rows, key=lambda row: row["keys"]),
        "warnings": figures.warnings(None, scope, waiting, counted, by),
    }  # fmt: skip


def _share(part: Any, pooled: Any, how: Manner) -> dict[str, Any]:
    """Return what part of all received tickets a row is."""
    above, below = part["received"], pooled["received"]
    return {
        "numerator": above, "denominator": below, "value": value(above, below),
        "display": display(above, below, digits=how.digits, rounding=how.rounding),
    }  # fmt: skip


async def _carried(tx: Transaction, scope: Scope, how: Manner) -> dict[str, int]:
    """Return what was open when the window began, and what is open of all received until its end.

    Where the window is over: received + carried in = ended in it, less what was taken up again, + carried out.
    """
    at_end = min(scope.as_of, scope.end - _TICK)
    before = replace(
        scope, basis="cohort", exact=None, first=_BEGINNING, last=scope.first - timedelta(days=1),
        as_of=min(scope.as_of, scope.start - _TICK),
    )  # fmt: skip
    if scope.exact:
        before = replace(before, last=scope.first, exact=(scope.start - timedelta(days=36_500), scope.start))
    until = replace(scope, basis="cohort", first=_BEGINNING, as_of=at_end)
    if scope.exact:
        until = replace(until, exact=(scope.start - timedelta(days=36_500), scope.end))
    found = {}
    for name, each in (("carried_in", before), ("carried_out", until)):
        counted = await (await Count.of(tx, each, ("open",))).split((), ("open",))
        found[name] = counted.total(assessed=how.assessed)["open"]
    return found


@router.get(
    "/funnel", summary="话题→议题→项目→办结的转化,及留下来的", response_model=FunnelOut, responses=_ERRORS
)
async def funnel(request: Request, question: Question, how: How) -> dict[str, Any]:
    scope = question.scope
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        count = await Count.of(tx, scope, ())
        counted = await count.split(())
        sums = counted.total(assessed=how.assessed)
        behind = await count.tickets(
            Wanted(("accepted",), ("dispatched", "direct"), assessed=how.assessed, limit=MOST_LISTED)
        )
        words = await registry.last_words(
            tx, scope.street_ids, [row["ticket_id"] for row in behind], scope.as_of
        )
        waiting = await registry.not_booked(tx, scope.street_ids)
    return {
        "window": question.shown(),
        "as_of": scope.as_of,
        **figures.funnel(sums, how),
        "stayed_behind": [_behind(row, words) for row in behind[:MOST_LISTED]],
        "stayed_behind_count": sums["accepted"] - sums["dispatched"] - sums["direct"],
        "warnings": figures.warnings(None, scope, waiting, counted),
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
