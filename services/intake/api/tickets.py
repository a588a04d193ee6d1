"""Handing in requests and looking at them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from services.intake import look, store, view
from services.intake.attachments import show
from services.intake.etag import matches, of_version
from services.intake.limits import SUBMIT
from services.intake.prepare import prepare
from services.intake.schemas import TicketDetail, TicketIn, TicketItem, TicketReceipt
from shared import clock
from shared.auth import Actor
from shared.errors import invalid
from shared.lifecycle import State
from shared.scope import street_of
from shared.terms import STAFF_ROLES, Channel, Role, Scope
from shared.web.access import only, process_of
from shared.web.fields import Day, EntryCode
from shared.web.idempotency import Key, fingerprint_of
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/tickets", tags=["诉求"])

Submitter = Annotated[
    Actor,
    Depends(
        only(
            Role.RESIDENT, Role.CLERK, Role.DISPATCHER, Role.GRID_WORKER, Role.COMMUNITY, Role.SUPERVISOR,
            Role.LEADER, scope=Scope.TICKETS_WRITE,
        )
    ),
]  # fmt: skip
Reader = Annotated[Actor, Depends(only(Role.RESIDENT, *STAFF_ROLES, scope=Scope.LEDGER_READ))]
Number = Annotated[str, Path(description="工单编号", examples=["DG20261121-000123"])]
_ETAG = {"ETag": {"description": "版本,可用于 If-Match", "schema": {"type": "string"}}}


@router.post(
    "",
    status_code=201,
    response_model=TicketReceipt,
    summary="提交诉求",
    responses={201: {"headers": _ETAG}, **documented(400, 401, 403, 404, 405, 409, 413, 422, 429, 503)},
)
async def submit_ticket(request: Request, body: TicketIn, actor: Submitter, key: Key = None) -> Response:
    """登记一件诉求。返回 201 即已持久保存;同一个 Idempotency-Key 重复提交得到同一张工单。"""
    state = request.app.state
    draft = await prepare(
        body, actor, state.process, state.registry, key=key, body_hash=await fingerprint_of(request)
    )
    if actor.role is Role.RESIDENT:
        await state.blocks.refuse(draft.street.id, actor.id)
        await state.limits.refuse(SUBMIT, actor.id)
        await state.consents.admit(actor, draft.street.id)
    receipt: bytes = await state.submissions.submit(draft)
    # Straight to bytes: this is the busiest door of the house.
    return Response(receipt, 201, {"ETag": of_version(0)}, "application/json")


@router.get(
    "",
    response_model=Page[TicketItem],
    summary="诉求列表",
    responses=documented(401, 403, 405, 422, 503),
)
async def list_tickets(
    request: Request,
    actor: Reader,
    state: Annotated[State | None, Query(description="状态")] = None,
    channel: Annotated[Channel | None, Query(description="渠道")] = None,
    category: Annotated[EntryCode | None, Query(description="分类代码")] = None,
    community: Annotated[EntryCode | None, Query(description="社区代码")] = None,
    first: Annotated[Day | None, Query(alias="from", description="发生日期起(含)")] = None,
    last: Annotated[Day | None, Query(alias="to", description="发生日期止(含)")] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    """居民看到自己的诉求,工作人员看到职责范围内的;新的在前。"""
    if first is not None and last is not None and last < first:
        raise invalid("to", "结束日期不能早于开始日期")
    after = decode(cursor, UUID)
    wanted = store.Wanted(state, channel, category, community, first, last, after[0] if after else None)
    process = process_of(request)
    async with process.database.transaction(actor.streets, read_only=True) as tx:
        rows = await store.listed(tx, actor, wanted, limit)
        thumbs = await show.thumbnails(tx, process.keys, actor, rows[:limit])
    now = clock.now()
    return page(rows, limit, lambda row: [row.id], lambda row: view.item(row, now, thumbs.get(row.id)))


@router.get(
    "/{number}",
    response_model=TicketDetail,
    summary="诉求详情",
    responses={
        200: {"headers": _ETAG},
        304: {"description": "没有变化(If-None-Match 相符)"},
        **documented(401, 403, 404, 405, 409, 422, 503),
    },
)
async def show_ticket(
    request: Request,
    response: Response,
    number: Number,
    actor: Reader,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Any:
    """办理经过、时限和当前可做的操作;看不到的工单与不存在的工单一样是 404。"""
    process = process_of(request)
    street = await street_of(process.database, process.streets, actor, number)
    async with process.database.transaction([street.id], read_only=True) as tx:
        row = await store.found(tx, actor, street, number)
        answer = await look.detail(tx, process, actor, row)
    etag = of_version(row.version)
    # Supplements and ratings leave the version as it is, and addresses of photos expire: with them, the tag alone
    # proves nothing.
    unchanged = not (answer["supplements"] or answer["ratings"] or answer["attachments"])
    if unchanged and if_none_match is not None and matches(if_none_match, row.version):
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return answer
