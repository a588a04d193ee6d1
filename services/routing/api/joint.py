"""Doors to joint work: whistles and their stages, hand-over slips, matters passed on, the contact log."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.routing.act import find
from services.routing.api.asked import Number, registries_of, ticket_street
from services.routing.joint import store, view
from services.routing.joint_schemas import ContactOut, ForwardOut, SlipOut, WhistleOut
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.terms import STAFF_ROLES, Scope, WhistleKind
from shared.web.access import only, process_of
from shared.web.fields import Short
from shared.web.paging import Cursor, Limit, Page, decode, instant, number as number_of, page
from shared.web.problems import documented

router = APIRouter(tags=["联合办理"])
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
OfUnit = Annotated[Short | None, Query(description="只看与这个单位有关的(单位代码)")]
OfTicket = Annotated[Short | None, Query(description="只看这张工单(编号)")]
Unanswered = Annotated[bool, Query(description="只看还没有答复的")]
Overdue = Annotated[bool, Query(description="只看已经超过时限的")]
_LIST = documented(400, 401, 403, 422, 503)
_OF_A_TICKET = documented(400, 401, 403, 404, 409, 422, 503)


@router.get("/whistles", summary="吹哨,新的在前", responses=_LIST)
async def whistles(
    request: Request,
    actor: Staff,
    kind: Annotated[WhistleKind | None, Query(description="只看这一类")] = None,
    unit: OfUnit = None,
    waiting: Annotated[bool, Query(description="只看还在等待响应或报到的", alias="open")] = False,  # noqa: FBT002 - a query flag
    overdue: Overdue = False,  # noqa: FBT002 - a query flag
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[WhistleOut]:
    now, after = clock.now(), decode(cursor, instant, UUID, number_of)
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        rows = await store.whistles(
            tx, actor.streets, actor, kind=kind and kind.value, unit=unit, open_=waiting,
            overdue_at=now if overdue else None, after=after, limit=limit,
        )  # fmt: skip
        shown = await _whistles(tx, request, rows[:limit])
    return Page[WhistleOut].model_validate(page(rows, limit, _blown, lambda row: shown[_key(row)]))


@router.get("/tickets/{number}/whistles", summary="一张工单的吹哨:三个限时环节", responses=_OF_A_TICKET)
async def whistles_of(
    request: Request, actor: Staff, number: Number, limit: Limit = 20, cursor: Cursor = None
) -> Page[WhistleOut]:
    street, _ = await ticket_street(request, actor, number)
    after = decode(cursor, instant, UUID, number_of)
    async with process_of(request).database.transaction([street.id], read_only=True) as tx:
        ticket_id = await find(tx, street, number, actor)
        rows = await store.whistles(tx, [street.id], actor, ticket_id=ticket_id, after=after, limit=limit)
        shown = await _whistles(tx, request, rows[:limit])
    return Page[WhistleOut].model_validate(page(rows, limit, _blown, lambda row: shown[_key(row)]))


def _blown(row: Any) -> tuple[Any, ...]:
    return row.blown_at.isoformat(), row.ticket_id, row.seq


def _key(row: Any) -> tuple[UUID, int]:
    return row.ticket_id, row.seq


async def _whistles(tx: Transaction, request: Request, rows: Any) -> dict[tuple[UUID, int], dict[str, Any]]:
    if not rows:
        return {}
    known, now = await registries_of(request, rows), clock.now()
    called, steps = await store.whistled(tx, rows)
    return {
        _key(r): view.whistle(r, called.get(_key(r), ()), steps.get(_key(r), ()), known[r.street_id], now)
        for r in rows
    }


@router.get("/slips", summary="问题交接单:上报和向下答复,新的在前", responses=_LIST)
async def slips(
    request: Request,
    actor: Staff,
    number: OfTicket = None,
    unit: OfUnit = None,
    unanswered: Unanswered = False,  # noqa: FBT002 - a query flag
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[SlipOut]:
    after = decode(cursor, instant, number_of, number_of)
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        rows = await store.slips(
            tx,
            actor.streets,
            actor,
            number=number,
            unit=unit,
            unanswered=unanswered,
            after=after,
            limit=limit,
        )
    known = await registries_of(request, rows)
    shown = page(rows, limit, _handed, lambda r: view.slip(r, known[r.street_id]))
    return Page[SlipOut].model_validate(shown)


def _handed(row: Any) -> tuple[Any, ...]:
    return row.occurred_at.isoformat(), row.street_id, row.slip


@router.get("/forwards", summary="转送外部机构的事项和答复,新的在前", responses=_LIST)
async def forwards(
    request: Request,
    actor: Staff,
    number: OfTicket = None,
    unanswered: Unanswered = False,  # noqa: FBT002 - a query flag
    overdue: Overdue = False,  # noqa: FBT002 - a query flag
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ForwardOut]:
    now, after = clock.now(), decode(cursor, instant, UUID, number_of)
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        rows = await store.forwards(
            tx, actor.streets, actor, number=number, unanswered=unanswered,
            overdue_at=now if overdue else None, after=after, limit=limit,
        )  # fmt: skip
    shown = page(rows, limit, _forwarded, partial(view.forward, now=now))
    return Page[ForwardOut].model_validate(shown)


def _forwarded(row: Any) -> tuple[Any, ...]:
    return row.forwarded_at.isoformat(), row.ticket_id, row.seq


@router.get("/tickets/{number}/contacts", summary="沟通和现场勘察的记录,按先后", responses=_OF_A_TICKET)
async def contacts(
    request: Request, actor: Staff, number: Number, limit: Limit = 20, cursor: Cursor = None
) -> Page[ContactOut]:
    street, known = await ticket_street(request, actor, number)
    after = decode(cursor, number_of)
    async with process_of(request).database.transaction([street.id], read_only=True) as tx:
        ticket_id = await find(tx, street, number, actor)
        rows = await store.contacts(tx, street.id, ticket_id, after=after, limit=limit)
    shown = page(rows, limit, lambda r: (r.seq,), partial(view.contact, registry=known))
    return Page[ContactOut].model_validate(shown)
