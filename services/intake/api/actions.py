"""What a reporter does with a ticket of theirs: add, withdraw, urge, reopen, confirm, dispute, rate. Routing decides the moves."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Row

from services.intake import petition, rate as rating, store, supplement
from services.intake.api.tickets import Number
from services.intake.checks import decision
from services.intake.etag import IfMatch, require
from services.intake.limits import ADD
from services.intake.schemas import (
    ConfirmationIn,
    ContentCheckOut,
    ContentDecisionIn,
    DisputeIn,
    PetitionIn,
    PetitionReceipt,
    RatingIn,
    RatingReceipt,
    ReopeningIn,
    SupplementIn,
    SupplementOut,
)
from shared.auth import Actor
from shared.db import Transaction
from shared.scope import street_of
from shared.terms import STAFF_ROLES, Role
from shared.web.access import only, process_of
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.problems import documented

router = APIRouter(prefix="/tickets/{number}", tags=["诉求"])

Reporter = Annotated[Actor, Depends(only(Role.RESIDENT))]
Contributor = Annotated[Actor, Depends(only(Role.RESIDENT, *STAFF_ROLES))]
Judge = Annotated[Actor, Depends(only(Role.CLERK, Role.DISPATCHER, Role.SUPERVISOR, Role.LEADER, Role.ADMIN))]
Work = Callable[[Transaction, Row[Any]], Awaitable[dict[str, Any]]]
_ERRORS = documented(400, 401, 403, 404, 405, 409, 412, 413, 422, 429, 503)


@router.post(
    "/supplements", status_code=201, response_model=SupplementOut, summary="补充说明", responses=_ERRORS
)
async def add_supplement(
    request: Request,
    number: Number,
    body: SupplementIn,
    actor: Contributor,
    key: Key = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """诉求人或看得到这张工单的工作人员补充情况;办结之后不能再补充。"""
    outbox = process_of(request).outbox

    async def work(tx: Transaction, ticket: Row[Any]) -> dict[str, Any]:
        return await supplement.add(tx, outbox, actor, ticket, body.content, body.attachment_ids)

    return await _act(request, number, actor, key, if_match, 201, work)


@router.post(
    "/withdrawal", status_code=202, response_model=PetitionReceipt, summary="撤回诉求", responses=_ERRORS
)
async def withdraw(
    request: Request,
    number: Number,
    actor: Reporter,
    body: PetitionIn | None = None,
    key: Key = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """签收之前,诉求人可以撤回。"""
    reason = body.reason if body else None
    return await _petition(request, number, actor, key, if_match, "withdraw", reason)


@router.post("/urges", status_code=202, response_model=PetitionReceipt, summary="催办", responses=_ERRORS)
async def urge(
    request: Request,
    number: Number,
    actor: Reporter,
    body: PetitionIn | None = None,
    key: Key = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """诉求人催办,每小时一次。"""
    return await _petition(request, number, actor, key, if_match, "urge", body.reason if body else None)


@router.post(
    "/reopening", status_code=202, response_model=PetitionReceipt, summary="申请重开", responses=_ERRORS
)
async def reopen(
    request: Request,
    number: Number,
    body: ReopeningIn,
    actor: Reporter,
    key: Key = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """办结后的期限内,诉求人有异议可以申请重开。"""
    return await _petition(request, number, actor, key, if_match, "reopen", body.reason)


@router.post(
    "/confirmation", status_code=202, response_model=PetitionReceipt, summary="确认办结", responses=_ERRORS
)
async def confirm(
    request: Request,
    number: Number,
    actor: Reporter,
    body: ConfirmationIn | None = None,
    key: Key = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """审核通过后,诉求人确认已经办好;抽中人工回访的除外。"""
    said = body or ConfirmationIn()
    answers = said.model_dump(mode="json", exclude_none=True, exclude={"comment"})
    return await _petition(
        request, number, actor, key, if_match, "confirm", said.comment, answers=answers or None
    )


@router.post(
    "/dispute",
    status_code=202,
    response_model=PetitionReceipt,
    summary="对办理结果提出异议",
    responses=_ERRORS,
)
async def dispute(
    request: Request,
    number: Number,
    body: DisputeIn,
    actor: Reporter,
    key: Key = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """审核通过后,诉求人认为没有解决或不满意,发回重办。"""
    return await _petition(request, number, actor, key, if_match, "dispute", body.reason)


@router.post("/rating", status_code=202, response_model=RatingReceipt, summary="评价", responses=_ERRORS)
async def rate(
    request: Request,
    number: Number,
    body: RatingIn,
    actor: Reporter,
    key: Key = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """办结后诉求人评价一次;重开后再次办结可以再评价。"""
    outbox = process_of(request).outbox

    async def work(tx: Transaction, ticket: Row[Any]) -> dict[str, Any]:
        return await rating.rate(tx, outbox, actor, ticket, body)

    return await _act(request, number, actor, key, if_match, 202, work)


@router.post(
    "/content-check",
    status_code=201,
    response_model=ContentCheckOut,
    summary="认定能否公开",
    responses=_ERRORS,
)
async def decide_content(
    request: Request,
    number: Number,
    body: ContentDecisionIn,
    actor: Judge,
    key: Key = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """检测有疑问或未能检测时,由工作人员认定诉求内容能否公开;记入审计日志,不影响办理。"""

    async def work(tx: Transaction, ticket: Row[Any]) -> dict[str, Any]:
        return await decision.decide(tx, actor, ticket, body)

    return await _act(request, number, actor, key, if_match, 201, work)


async def _petition(
    request: Request,
    number: str,
    actor: Actor,
    key: str | None,
    if_match: str | None,
    action: str,
    reason: str | None,
    *,
    answers: dict[str, Any] | None = None,
) -> dict[str, Any]:
    process = process_of(request)
    window = process.settings.reopen_window_days

    async def work(tx: Transaction, ticket: Row[Any]) -> dict[str, Any]:
        return await petition.file(
            tx, process.outbox, actor, ticket, action, reason, window=window, answers=answers
        )

    return await _act(request, number, actor, key, if_match, 202, work)


async def _act(
    request: Request,
    number: str,
    actor: Actor,
    key: str | None,
    if_match: str | None,
    status: int,
    work: Work,
) -> dict[str, Any]:
    """Do `work` on a ticket in the actor's scope, once for each key, in one transaction."""
    process = process_of(request)
    if actor.role is Role.RESIDENT:
        await request.app.state.limits.refuse(ADD, actor.id)
    street = await street_of(process.database, process.streets, actor, number)
    wanted = await fingerprint_of(request)
    async with process.database.transaction([street.id]) as tx:

        async def guarded() -> dict[str, Any]:
            ticket = await store.found(tx, actor, street, number)
            require(if_match, ticket.version)
            return await work(tx, ticket)

        return await once(tx, street.id, actor.id, key, wanted, status, guarded)
