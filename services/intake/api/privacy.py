"""Personal data: contact in the clear with a reason, who has looked, and what of a text would be hidden."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select

from services.intake import disclose, masking, store
from services.intake.api.tickets import Number
from services.intake.privacy_schemas import (
    DisclosedContact,
    DisclosureItem,
    DisclosureReason,
    MaskingIn,
    MaskingOut,
)
from shared.auth import Actor
from shared.scope import street_of
from shared.tables import disclosures
from shared.terms import Role
from shared.web.access import Anyone, only, process_of
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["个人信息"])

# Whoever has to reach the reporter; nobody who only watches or keeps the house in order.
Caller = Annotated[
    Actor,
    Depends(
        only(
            Role.CLERK, Role.DISPATCHER, Role.GRID_WORKER, Role.COMMUNITY, Role.UNIT, Role.CALLBACK_CLERK,
            Role.SUPERVISOR,
        )
    ),
]  # fmt: skip
Watcher = Annotated[Actor, Depends(only(Role.AUDITOR, Role.SUPERVISOR, Role.ADMIN))]


@router.post(
    "/tickets/{number}/contact",
    response_model=DisclosedContact,
    summary="查看联系方式",
    responses=documented(400, 401, 403, 404, 405, 409, 413, 422, 429, 503),
)
async def show_contact(
    request: Request, number: Number, body: DisclosureReason, actor: Caller
) -> dict[str, Any]:
    """写明理由才能查看诉求人的姓名和电话,每次查看都留痕;保密诉求对政府以外的单位和被反映的单位隐藏。"""
    process = process_of(request)
    street = await street_of(process.database, process.streets, actor, number)
    async with process.database.transaction([street.id]) as tx:
        ticket = await store.found(tx, actor, street, number)
        return await disclose.disclose(tx, process.keys, actor, ticket, body.reason)


@router.get(
    "/disclosures",
    response_model=Page[DisclosureItem],
    summary="查看留痕",
    responses=documented(401, 403, 405, 422, 503),
)
async def list_disclosures(
    request: Request, actor: Watcher, cursor: Cursor = None, limit: Limit = 20
) -> dict[str, Any]:
    """谁在什么时候、因为什么理由看过谁的联系方式;新的在前,不含联系方式本身。"""
    after = decode(cursor, UUID)
    query = select(disclosures).order_by(disclosures.c.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(disclosures.c.id < after[0])
    async with process_of(request).database.transaction(actor.streets, read_only=True) as tx:
        rows = await tx.rows(query)
    return page(rows, limit, lambda row: [row.id], _item)


def _item(row: Any) -> dict[str, Any]:
    role = Role(row.reader_role)
    return {
        "id": str(row.id), "number": row.number, "reader_id": str(row.reader_id), "role": role.value,
        "role_text": role.text, "unit": row.reader_unit, "reason": row.reason, "fields": row.fields,
        "recorded_at": row.recorded_at,
    }  # fmt: skip


@router.post(
    "/masking/preview",
    response_model=MaskingOut,
    summary="隐去个人信息的预览",
    responses=documented(400, 401, 403, 405, 413, 422, 503),
)
async def preview(body: MaskingIn, actor: Anyone) -> dict[str, Any]:
    """公开之前看一看:文字里的电话、证件号、车牌、银行卡号、微信和QQ号会怎样隐去。什么都不保存。"""
    del actor
    found = [
        {"kind": f.kind.value, "kind_text": f.kind.text, "start": f.start, "end": f.end}
        for f in masking.find(body.text)
    ]
    return {"masked": masking.mask(body.text), "found": found}
