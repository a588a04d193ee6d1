"""Doors to how long things take, what is still open, and the named signs of hollow closure."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request

from services.metrics import figures, pauses, process, registry
from services.metrics.answer import Asked
from services.metrics.api.ask import How, Question, Splits
from services.metrics.counting import Count
from services.metrics.figures import Manner, Names
from services.metrics.process import Part, Row
from services.metrics.rates import CATALOGUE
from services.metrics.schemas.process import ProcessOut, QualityOut
from services.metrics.splits import PART_UNIT
from services.metrics.store import By
from shared import workdays
from shared.calendar import WorkCalendar
from shared.db import Transaction
from shared.terms import PauseReason
from shared.web.access import process_of
from shared.web.problems import documented

router = APIRouter(tags=["指标"])
_ERRORS = documented(400, 401, 403, 422, 503)
# What a closure that only looks like one leaves behind, each with what is counted as usual.
SIGNS = (
    ("dispute_rate", "ever_closed"), ("reopen_rate", "ever_closed"), ("rework_rate", "handled"), ("rework_rate", "again"),
    ("recurrence_rate", "closed"), ("last_hour_rate", "closed"), ("bulk_closure_rate", "closed"),
    ("return_rate", "dispatched"), ("return_rate", "thrice"), ("extension_rate", "accepted"),
    ("suspension_rate", "accepted"), ("late_entry_rate", "received"), ("resolution_rate", "self_declared"),
    ("resolution_rate", "surveyed"),
)  # fmt: skip


@router.get(
    "/process", summary="各环节时长、限期办结曲线、在办存量", response_model=ProcessOut, responses=_ERRORS
)
async def of_process(request: Request, question: Question, by: Splits) -> dict[str, Any]:
    """时长为中位数和90分位,自然时与工作时并列;办结曲线中在办的按截尾处理,不予受理、并案、撤回、引导的不在其中。"""
    scope = question.scope
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        calendar = await workdays.read(tx)
        count = await Count.of(tx, scope, ())
        parts = await process.gather(_rows(count, by), scope.as_of, calendar)
        whole = await _whole(count, by, parts, calendar, question)
        names = await Names.of(tx, scope, by, question.streets)
        counted = await count.split(by, ("received", *figures.PARTITION))
        waiting = await registry.not_booked(tx, scope.street_ids)
    rows = []
    for key, part in parts.items() if by else ():
        (code, label), keys = names.of_key(key)
        rows.append({"key": code, "label": label, "keys": list(keys), **_shown(part)})
    return {
        "window": question.shown(), "as_of": scope.as_of, "known_at": scope.known_at,
        "rows": sorted(rows, key=lambda row: row["keys"]), "total": _shown(whole),
        "warnings": figures.warnings(None, scope, waiting, counted, by),
    }  # fmt: skip


async def _rows(count: Count, by: By) -> AsyncIterator[Row]:
    async for key, values in count.rows(by, Row._fields[1:]):
        yield Row(key, *values)


async def _whole(count: Count, by: By, parts: Any, calendar: WorkCalendar, asked: Asked) -> Part:
    """Return the whole: the parts together, unless a ticket may be in several of them."""
    if PART_UNIT in by:
        parts = await process.gather(_rows(count, ()), asked.scope.as_of, calendar)
    return process.together(parts.values())


def _shown(part: Part) -> dict[str, Any]:
    return {
        "durations": process.durations(part),
        "closing": process.closing(part),
        "backlog": process.backlog(part),
    }


@router.get(
    "/quality", summary="空转指标:看上去办结、其实没有的迹象", response_model=QualityOut, responses=_ERRORS
)
async def quality(request: Request, question: Question, how: How) -> dict[str, Any]:
    """每项都是目录中的率,佐证清单照常查询;另列挂账和延期的天数。"""
    scope = question.scope
    variants = [(name, variant, CATALOGUE[name].variants[variant]) for name, variant in SIGNS]
    measures = tuple(
        dict.fromkeys(
            (*(m for _, _, v in variants for m in v.measures), "received", "ever_suspended", "extended",
             *figures.PARTITION)
        )
    )  # fmt: skip
    async with process_of(request).database.transaction(scope.street_ids, read_only=True) as tx:
        count = await Count.of(tx, scope, measures)
        counted = await count.split((), measures)
        stood, extended = await _clocks(tx, count, how)
        waiting = await registry.not_booked(tx, scope.street_ids)
    sums = counted.total(assessed=how.assessed)
    return {
        "window": question.shown(), "as_of": scope.as_of, "known_at": scope.known_at,
        "population": "assessed" if how.assessed else "all",
        "signs": [_sign(name, variant, v, sums, how) for name, variant, v in variants],
        "suspensions": stood, "extensions": extended,
        "warnings": figures.warnings(None, scope, waiting, counted),
    }  # fmt: skip


def _sign(name: str, variant: str, v: Any, sums: Any, how: Manner) -> dict[str, Any]:
    return {
        "rate": name, "variant": variant, "label": CATALOGUE[name].label, "definition": figures.definition(v),
        **figures.figure(sums, v, how),
    }  # fmt: skip


async def _clocks(tx: Transaction, count: Count, how: Manner) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return for how long clocks stood still, by reason, and by how much deadlines were put off."""
    rows = count.rows((), ("ticket_id", "excluded"))
    ids = [ticket async for _, (ticket, excluded) in rows if not (how.assessed and excluded)]
    stood, extended = await pauses.stood_still(tx, count.scope, ids)
    texts = {reason.value: reason.text for reason in PauseReason}
    return [
        {
            "reason": row["reason_code"], "reason_text": texts.get(row["reason_code"], "未写理由"), "tickets": row["tickets"],
            "pauses": row["pauses"], "days": round(row["seconds"] / 86_400, 2),
        }
        for row in stood
    ], {
        "tickets": extended["tickets"], "extensions": extended["extensions"],
        "days": round(extended["seconds"] / 86_400, 2),
    }  # fmt: skip
