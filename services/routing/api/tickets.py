"""Doors to tickets in hand: one ticket's whole story, and every move."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response

from services.routing import clocks, store, view
from services.routing.act import act, find
from services.routing.api.asked import Number, ticket_street
from services.routing.held import Standing
from services.routing.joint import view as joint
from services.routing.schemas import ActionIn, ClocksOut, TicketDetail, TicketOut
from shared import clock
from shared.errors import Conflict, invalid
from shared.terms import Role, Scope
from shared.web.access import Anyone, process_of
from shared.web.idempotency import Key, fingerprint_of
from shared.web.problems import documented

router = APIRouter(tags=["工作人员"])
Action = Annotated[str, Path(max_length=40, description="操作,见 actions 字段", examples=["sign"])]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=40, description="工单的 ETag")]


@router.get(
    "/tickets/{number}",
    summary="工单的全部经过",
    response_model=TicketDetail,
    responses=documented(401, 403, 404, 409, 422, 503),
)
async def detail(request: Request, response: Response, actor: Anyone, number: Number) -> dict[str, Any]:
    actor.require(Scope.LEDGER_READ)
    process = process_of(request)
    street, registry = await ticket_street(request, actor, number)
    async with process.database.transaction([street.id], read_only=True) as tx:
        ticket_id = await find(tx, street, number, actor)
        row, found = await store.standing_rows(tx, street.id, ticket_id)
        history = await store.history(tx, street.id, ticket_id)
    if row is None:
        raise Conflict("工单正在登记,请稍候", code="not_placed_yet", state="submitted", state_text="已登记")
    fields, parts = dict(row._mapping), [joint.held(p) for p in found]  # noqa: SLF001 - SQLAlchemy's public name
    content, reporter, above = fields.pop("content"), fields.pop("reporter_id"), fields.pop("handed_up")
    standing = Standing(fields, {p.part: p for p in parts}, reporter, handed_up=frozenset(above))
    response.headers["ETag"] = f'"v{row.version}"'
    inside = actor.role is not Role.RESIDENT
    return {
        **view.ticket(standing, registry, street, actor, process.settings.reopen_window_days),
        "content": content,
        "parts": [joint.part(p, registry, clock.now(), inside=inside) for p in parts],
        "timeline": [view.move(m, registry) for m in history] if inside else [],
    }


@router.get(
    "/tickets/{number}/deadlines",
    summary="每个时限怎么来的",
    response_model=ClocksOut,
    responses=documented(401, 403, 404, 409, 422, 503),
)
async def deadlines(request: Request, actor: Anyone, number: Number) -> dict[str, Any]:
    actor.require(Scope.LEDGER_READ)
    street, registry = await ticket_street(request, actor, number)
    async with process_of(request).database.transaction([street.id], read_only=True) as tx:
        ticket_id = await find(tx, street, number, actor)
        row, parts = await store.standing_rows(tx, street.id, ticket_id)
        history = await store.history(tx, street.id, ticket_id)
    if row is None:
        raise Conflict("工单正在登记,请稍候", code="not_placed_yet", state="submitted", state_text="已登记")
    return clocks.told(dict(row._mapping), [joint.held(p) for p in parts], history, registry)  # noqa: SLF001 - SQLAlchemy's public name


@router.post(
    "/tickets/{number}/actions/{action}",
    summary="对工单执行一个操作",
    response_model=TicketOut,
    responses=documented(400, 401, 403, 404, 409, 412, 413, 422, 503),
)
async def move(
    request: Request,
    response: Response,
    actor: Anyone,
    number: Number,
    action: Action,
    body: ActionIn,
    if_match: IfMatch = None,
    key: Key = None,
) -> dict[str, Any]:
    street, registry = await ticket_street(request, actor, number)
    ticket = await act(
        process_of(request), registry, street, actor, number, action, body,
        if_match=_version(if_match), key=key, body_hash=await fingerprint_of(request),
    )  # fmt: skip
    response.headers["ETag"] = f'"v{ticket["version"]}"'
    return ticket


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    plain = if_match.strip().removeprefix("W/").strip('"').removeprefix("v")
    if not (plain.isascii() and plain.isdigit()):
        raise invalid("If-Match", "If-Match 应为工单的 ETag", code="bad_if_match")
    return int(plain)
